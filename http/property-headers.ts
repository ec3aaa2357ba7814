// A message's properties as headers of an HTTP request or answer, so that the body can be the message's own,
// byte for byte. Called by the endpoints that publish and hand out single messages.
//
//   content-type, content-encoding            the properties of these names
//   amqp-priority, amqp-message-id, …         the others: underscores are hyphens
//   amqp-headers: {"retries":3}               the headers table as JSON, names as they are
//   amqp-header-tenant: acme                  one header, a text; HTTP makes its name lower-case
//   traceparent, tracestate                   headers of these names (W3C Trace Context)
//   ce-id, ce-source, …                       the attributes of a CloudEvent (cloud-events.ts)
import { decodeProperties, PROPERTY_KINDS } from '../protocol/properties.ts'
import type { Message } from '../queues/message.ts'
import { headersOfEvent, withEventHeaders } from './cloud-events.ts'
import { badRequest } from './errors.ts'
import { parseJson } from './json-text.ts'
import { tableToObject } from './table-as-json.ts'
import { traceOf, withTrace } from './trace-context.ts'
import type { HttpHeaders } from './trace-context.ts'

const TABLE = 'amqp-headers'
const ONE = 'amqp-header-'
/** Those that HTTP has itself, under the same names. */
const OWN = ['content_type', 'content_encoding'] as const

/** As message-properties.ts takes them. Errors: HttpError, naming the header. */
export function propertiesFromHeaders(given: HttpHeaders): Record<string, unknown> {
  const properties: Record<string, unknown> = {}
  const table = new Map<string, unknown>()
  for (const name of OWN) {
    const value = given[name.replace('_', '-')]
    if (typeof value === 'string') properties[name] = decode(name, value)
  }
  for (const [header, value] of Object.entries(given)) {
    if (!header.startsWith('amqp-') || value === undefined) continue
    const text = decode(header, String(value))
    if (header === TABLE) for (const [name, item] of parseTable(text)) table.set(name, item)
    else if (header.startsWith(ONE)) table.set(header.slice(ONE.length), text)
    else properties[propertyOf(header)] = valueOf(header, text)
  }
  if (table.size > 0) properties['headers'] = Object.fromEntries(table)
  return withTrace(withEventHeaders(properties, given), given)
}

/**
 * The headers of an answer whose body is the message's. A property that HTTP cannot carry in a line is left
 * out; of the headers table nothing is, because JSON escapes it.
 */
export function headersFromProperties(message: Message): Record<string, string> {
  const { headers, ...properties } = decodeProperties(message.buf, message.propertiesStart)
  const answer = headersOfEvent(message)
  for (const [name, value] of Object.entries(properties)) {
    const text = encode(String(value))
    const isOwn = OWN.includes(name as 'content_type')
    if (!/\p{Cc}/u.test(String(value))) answer[`${isOwn ? '' : 'amqp-'}${name.replaceAll('_', '-')}`] = text
  }
  if (headers === undefined) return answer
  const table = tableToObject(headers)
  // JSON leaves DEL as it is; HTTP does not carry it.
  answer[TABLE] = encode(JSON.stringify(table).replaceAll('\x7f', '\\u007f'))
  return { ...answer, ...traceOf(table) }
}

function propertyOf(header: string): keyof typeof PROPERTY_KINDS {
  const name = header.slice('amqp-'.length).replaceAll('-', '_')
  if (Object.hasOwn(PROPERTY_KINDS, name) && name !== 'cluster_id' && !OWN.includes(name as 'content_type')) {
    return name as keyof typeof PROPERTY_KINDS
  }
  throw badRequest(`${header}: there is no such property of a message`)
}

function valueOf(header: string, text: string): string | number {
  if (PROPERTY_KINDS[propertyOf(header)] === 'text') return text
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw badRequest(`${header}: not_integer: ${JSON.stringify(text.slice(0, 100))}`)
}

function parseTable(text: string): [string, unknown][] {
  const table = parseJson(text)
  if (typeof table === 'object' && table !== null && !Array.isArray(table)) return Object.entries(table)
  throw badRequest(`${TABLE}: not_an_object: ${JSON.stringify(text.slice(0, 100))}`)
}

/** Node writes Latin-1; what we send is UTF-8. */
function encode(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

/** Node gives the bytes of a header as Latin-1; what clients send is UTF-8. */
function decode(header: string, value: string): string {
  const text = Buffer.from(value, 'latin1').toString('utf8')
  if (text.includes('\ufffd')) throw badRequest(`${header}: not_unicode`)
  return text
}
