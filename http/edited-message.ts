// A message with other properties or another body, as somebody asked over HTTP. What is not named stays byte
// for byte: headers keep their AMQP types, which JSON would lose.
import { encodeProperties, decodeProperties } from '../protocol/properties.ts'
import type { Properties } from '../protocol/properties.ts'
import type { FieldTable } from '../protocol/table.ts'
import { Message } from '../queues/message.ts'
import { badRequest } from './errors.ts'
import { encodeJsonProperties } from './message-properties.ts'

const PERSISTENT = 2

export interface Edit {
  readonly properties: Readonly<Record<string, unknown>>
  readonly payload?: string | undefined
  readonly payload_encoding: 'string' | 'base64'
}

/** Errors: HttpError for a property that AMQP cannot carry, or a body that is too large. */
export function editedMessage(message: Message, edit: Edit, sizeMax: number): Message {
  const { buf, bodyStart, bodyEnd, isDeadLetter } = message
  const properties = editedProperties(decodeProperties(buf, message.propertiesStart), edit.properties)
  const body = edit.payload === undefined ? buf.subarray(bodyStart, bodyEnd)
    : Buffer.from(edit.payload, edit.payload_encoding === 'base64' ? 'base64' : 'utf8')
  if (body.length > sizeMax) {
    throw badRequest(`message size ${body.length} is larger than configured max size ${sizeMax}`)
  }
  const head = encodeProperties(properties)
  const joined = Buffer.concat([head, body])
  return new Message(message.envelope, joined, 0, head.length, head.length, joined.length, {
    isPersistent: properties.delivery_mode === PERSISTENT, expiresAtMs: message.expiresAtMs,
    priority: properties.priority ?? 0, isDeadLetter,
  })
}

/** Null removes a property, or, among the headers, a header. */
function editedProperties(current: Properties, changes: Readonly<Record<string, unknown>>): Properties {
  const { headers, ...others } = changes
  const [set, removed] = partition(others)
  const given = encodeJsonProperties(set)
  const edited: Record<string, unknown> = { ...current, ...decodeProperties(given, 0) }
  for (const name of removed) delete edited[name]
  if (headers === null) delete edited['headers']
  else if (headers !== undefined) edited['headers'] = editedHeaders(current.headers, headers)
  return edited
}

function editedHeaders(current: FieldTable | undefined, changes: unknown): FieldTable {
  if (typeof changes !== 'object' || changes === null) throw badRequest('not_an_object: headers')
  const [set, removed] = partition(changes)
  const given = decodeProperties(encodeJsonProperties({ headers: set }), 0)
  const edited = new Map([...current ?? [], ...given.headers ?? []])
  for (const name of removed) edited.delete(name)
  return edited
}

function partition(changes: object): [set: Record<string, unknown>, removed: string[]] {
  const pairs = Object.entries(changes) as [string, unknown][]
  return [
    Object.fromEntries(pairs.filter(([, value]) => value !== null)),
    pairs.filter(([, value]) => value === null).map(([name]) => name),
  ]
}
