// The properties of a message as RabbitMQ's management API writes them: the names of AMQP with underscores,
// headers as an object. Texts are checked here, because what AMQP cannot carry must not come in by this door.
import { decodeProperties, encodeProperties, PROPERTY_KINDS } from '../protocol/properties.ts'
import type { Properties } from '../protocol/properties.ts'
import { EMPTY_TABLE } from '../protocol/table.ts'
import type { FieldTable } from '../protocol/table.ts'
import { badRequest } from './errors.ts'
import { shortText } from './schemas.ts'
import { tableFromObject, tableToObject } from './table-as-json.ts'

/** Flags and property list. Unknown names are ignored (RabbitMQ). Errors: HttpError. */
export function encodeJsonProperties(given: object): Buffer {
  const properties: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(given) as [string, unknown][]) {
    if (!Object.hasOwn(PROPERTY_KINDS, name) || name === 'cluster_id') continue
    properties[name] = check(name, PROPERTY_KINDS[name as keyof Properties], value)
  }
  return encodeProperties(properties)
}

/** `added`: headers that go before the message's own. */
export function propertiesToJson(buf: Buffer, start: number, added: FieldTable = EMPTY_TABLE): object {
  const { headers, ...rest } = decodeProperties(buf, start)
  if (headers === undefined && added.size === 0) return rest
  return { ...rest, headers: tableToObject(new Map([...headers ?? [], ...added])) }
}

function check(name: string, kind: (typeof PROPERTY_KINDS)[keyof Properties], value: unknown): unknown {
  switch (kind) {
    case 'table':
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return tableFromObject(value)
      throw badRequest(`not_an_object: ${name}`)
    case 'text': {
      const parsed = shortText.safeParse(value)
      if (parsed.success) return parsed.data
      if (typeof value !== 'string') throw badRequest(`not_string: ${name}`)
      throw badRequest(`${name}: ${parsed.error.issues[0]!.message}`)
    }
    case 'octet': return integer(name, value, 255)
    case 'timestamp': return integer(name, value, Number.MAX_SAFE_INTEGER)
  }
}

function integer(name: string, value: unknown, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value)) throw badRequest(`not_int: ${name}`)
  if (value >= 0 && value <= max) return value
  throw badRequest(`${name}: ${value} is not between 0 and ${max}`)
}
