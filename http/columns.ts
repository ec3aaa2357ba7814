// `columns=name,message_stats.publish_details.rate`: of an object only these fields, in their places. A field
// that is not there is left out without a word (RabbitMQ).

export type Columns = readonly (readonly string[])[]

/** Null: everything. */
export function parseColumns(given: string | undefined): Columns | null {
  return given === undefined ? null : given.split(',').map((path) => path.split('.'))
}

export function pickColumns(row: object, columns: Columns): object {
  const picked: Record<string, unknown> = {}
  for (const path of columns) copyAt(row, path, picked)
  return picked
}

/** What lies at a dotted path; undefined when nothing does. */
export function valueAt(row: unknown, path: readonly string[]): unknown {
  let value = row
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}

function copyAt(from: object, path: readonly string[], to: Record<string, unknown>): void {
  const [key = '', ...rest] = path
  if (!Object.hasOwn(from, key)) return
  const value = (from as Record<string, unknown>)[key]
  if (rest.length === 0) {
    define(to, key, value)
    return
  }
  if (typeof value !== 'object' || value === null) return
  const known = Object.hasOwn(to, key) ? to[key] as Record<string, unknown> : {}
  copyAt(value, rest, known)
  if (Object.keys(known).length > 0) define(to, key, known)
}

/** Not by assignment: a field may be called __proto__. */
function define(to: object, key: string, value: unknown): void {
  Object.defineProperty(to, key, { value, enumerable: true, configurable: true, writable: true })
}
