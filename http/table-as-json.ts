// Field tables as the plain JSON of RabbitMQ's management API, both ways. Unlike protocol/table-json.ts types
// are lost on the way out; on the way in an integer is a long, as RabbitMQ takes it.
import type { Field, FieldTable } from '../protocol/table.ts'
import { badRequest } from './errors.ts'

const DEPTH_MAX = 64
const NAME_BYTES_MAX = 255

export function tableToObject(table: FieldTable): Record<string, unknown> {
  return Object.fromEntries([...table].map(([name, field]) => [name, valueOf(field)]))
}

/** Errors: HttpError for null, for names that are too long, for what is nested too deep. */
export function tableFromObject(object: object, depth = 0): FieldTable {
  if (depth > DEPTH_MAX) throw badRequest(`nested deeper than ${DEPTH_MAX}`)
  return new Map(Object.entries(object).map(([name, value]: [string, unknown]) => {
    if (Buffer.byteLength(name) > NAME_BYTES_MAX) {
      throw badRequest(`a name of ${Buffer.byteLength(name)} bytes is longer than ${NAME_BYTES_MAX}`)
    }
    return [name, fieldFrom(value, depth)]
  }))
}

function valueOf(field: Field): unknown {
  switch (field.tag) {
    case 'F': return tableToObject(field.value)
    case 'A': return field.value.map(valueOf)
    case 'x': return field.value.toString('utf8')
    case 'D': return field.value.digits / 10 ** field.value.scale
    default: return typeof field.value === 'bigint' ? Number(field.value) : field.value
  }
}

function fieldFrom(value: unknown, depth: number): Field {
  if (typeof value === 'string') return { tag: 'S', value }
  if (typeof value === 'boolean') return { tag: 't', value }
  if (typeof value === 'number') return Number.isSafeInteger(value) ? { tag: 'l', value } : { tag: 'd',
    value }
  if (Array.isArray(value)) {
    if (depth >= DEPTH_MAX) throw badRequest(`nested deeper than ${DEPTH_MAX}`)
    return { tag: 'A', value: value.map((item) => fieldFrom(item, depth + 1)) }
  }
  if (typeof value === 'object' && value !== null) {
    return { tag: 'F', value: tableFromObject(value, depth + 1) }
  }
  throw badRequest('null_not_allowed')
}
