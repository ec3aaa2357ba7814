// CloudEvents 1.0 as messages, and messages as CloudEvents. An event's attributes are headers of the message,
// named as the AMQP binding has them (`cloudEvents_source`), so that a headers exchange can route by them;
// the ones that AMQP has properties for are those as well. Over HTTP an event comes and goes in structured
// mode, one JSON object, or in binary mode, `ce-` headers beside the data.
import { decodeProperties } from '../protocol/properties.ts'
import type { Message } from '../queues/message.ts'
import { badRequest } from './errors.ts'
import { findJson, parseJson } from './json-text.ts'
import { tableToObject } from './table-as-json.ts'
import type { HttpHeaders } from './trace-context.ts'

const STRUCTURED = /^application\/cloudevents\+json\b/i
const PREFIX = 'cloudEvents_'
/** The AMQP binding's older prefix, and the one that AMQP 0-9-1 clients write. */
const PREFIXES = [PREFIX, 'cloudEvents:', 'ce-']
const REQUIRED = ['specversion', 'id', 'source', 'type']
const NAME = /^[a-z0-9]{1,100}$/
/** Of a message that does not say its type. */
const ANY_TYPE = 'leveret.message'
/** RFC 3339 has years of four digits. */
const LAST_YEAR_MS = Date.UTC(9999, 11, 31)

type Attributes = ReadonlyMap<string, string>

/** What an event is as a message. */
interface EventMessage {
  readonly properties: Record<string, unknown>
  readonly body: Buffer
}

export function isStructuredEvent(headers: HttpHeaders): boolean {
  return STRUCTURED.test(String(headers['content-type'] ?? ''))
}

/** Structured mode. Errors: HttpError, naming the attribute. */
export function messageOfEvent(bytes: Buffer): EventMessage {
  const { data, data_base64: encoded, ...given } = parseEvent(bytes)
  if (data !== undefined && encoded !== undefined) {
    throw badRequest('data and data_base64: an event has one of them')
  }
  const attributes = new Map(Object.entries(given).filter(([, value]) => value !== null)
    .map(([name, value]) => [name, textOf(name, value)]))
  const isJson = data !== undefined && typeof data !== 'string'
  const contentType = attributes.get('datacontenttype') ?? (isJson ? 'application/json' : undefined)
  const properties = propertiesOf(attributes)
  return {
    properties: { ...properties, ...contentType !== undefined && { content_type: contentType } },
    body: bodyOf(data, encoded, contentType),
  }
}

/** Binary mode: what the request's `ce-` headers make of the properties. Errors: HttpError. */
export function withEventHeaders(
  given: Record<string, unknown>, request: HttpHeaders,
): Record<string, unknown> {
  const attributes = new Map(Object.entries(request).filter(([name]) => name.startsWith('ce-'))
    .map(([name, value]) => [name.slice(3), decode(name, String(value))]))
  if (attributes.size === 0) return given
  const { headers, ...properties } = propertiesOf(attributes)
  const own = given['headers'] as object | undefined
  return { ...properties, ...given, headers: { ...headers as object, ...own } }
}

/** Structured mode, of a message that is an event; null of any other. */
export function eventOfMessage(message: Message): object | null {
  const attributes = attributesOf(message)
  return attributes === null ? null : eventWith(message, attributes)
}

/** Structured mode, of any message: one that is no event is made one, by its properties and these. */
export function eventOfAnyMessage(
  message: Message, own: { readonly id: string; readonly source: string },
): object {
  const event = eventOfMessage(message)
  if (event !== null) return event
  const properties = decodeProperties(message.buf, message.propertiesStart)
  const { message_id: id, type, timestamp, content_type: contentType } = properties
  const attributes = new Map([
    ['specversion', '1.0'], ['id', id || own.id], ['source', own.source], ['type', type || ANY_TYPE],
  ])
  if (message.routingKey !== '') attributes.set('subject', message.routingKey)
  const atMs = Number(timestamp) * 1000
  if (atMs <= LAST_YEAR_MS) attributes.set('time', new Date(atMs).toISOString())
  if (contentType) attributes.set('datacontenttype', contentType)
  return eventWith(message, attributes)
}

function eventWith({ buf, bodyStart, bodyEnd }: Message, attributes: Attributes): object {
  return { ...Object.fromEntries(attributes), ...dataOf(buf.subarray(bodyStart, bodyEnd), attributes) }
}

/** Binary mode: `ce-` headers; none of a message that is no event. */
export function headersOfEvent(message: Message): Record<string, string> {
  const attributes = [...attributesOf(message) ?? []].filter(([name]) => name !== 'datacontenttype')
  return Object.fromEntries(attributes.map(([name, value]) => [`ce-${name}`, encode(value)]))
}

function parseEvent(bytes: Buffer): Record<string, unknown> {
  const event = parseJson(bytes.toString('utf8'))
  if (isObject(event)) return event
  throw badRequest('not_json: a structured CloudEvent is a JSON object')
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Errors: HttpError for what is missing, for names that are none, for a version that is not ours. */
function propertiesOf(attributes: Attributes): Record<string, unknown> {
  for (const name of REQUIRED) {
    if ((attributes.get(name) ?? '') === '') throw badRequest(`a CloudEvent needs the attribute '${name}'`)
  }
  const version = attributes.get('specversion')!
  if (version !== '1.0') throw badRequest(`specversion: '${version.slice(0, 100)}' is not '1.0'`)
  const headers: Record<string, string> = {}
  for (const [name, value] of attributes) {
    if (!NAME.test(name)) {
      throw badRequest(`'${name.slice(0, 100)}' is no name of an attribute: a-z and 0-9, 100 at most`)
    }
    if (name !== 'datacontenttype') headers[PREFIX + name] = value
  }
  const seconds = Math.floor(Date.parse(attributes.get('time') ?? '') / 1000)
  return {
    headers, ...fitting('message_id', attributes.get('id')!), ...fitting('type', attributes.get('type')!),
    ...seconds >= 0 && { timestamp: seconds },
  }
}

/** A property has 255 bytes at most; the header has all of it. */
function fitting(name: string, value: string): Record<string, string> {
  return Buffer.byteLength(value) > 255 ? {} : { [name]: value }
}

function textOf(name: string, value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean' || Number.isInteger(value)) return String(value)
  throw badRequest(`${name.slice(0, 100)}: an attribute is a text, a boolean or an integer`)
}

function bodyOf(data: unknown, encoded: unknown, contentType: string | undefined): Buffer {
  if (encoded !== undefined) {
    if (typeof encoded === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(encoded) && encoded.length % 4 !== 1) {
      return Buffer.from(encoded, 'base64')
    }
    throw badRequest('data_base64: not_base64')
  }
  if (data === undefined) return Buffer.alloc(0)
  // A text in an event whose data is JSON is a JSON text (CloudEvents JSON format §3.1).
  return Buffer.from(typeof data === 'string' && !isJson(contentType) ? data : JSON.stringify(data))
}

function isJson(contentType: string | undefined): boolean {
  return /^[\w.+-]+\/(?:[\w.-]+\+)?json\b/i.test(contentType ?? '')
}

function attributesOf({ buf, propertiesStart }: Message): Attributes | null {
  const { headers, content_type: contentType } = decodeProperties(buf, propertiesStart)
  if (headers === undefined) return null
  const attributes = new Map<string, string>()
  for (const [name, value] of Object.entries(tableToObject(headers))) {
    const prefix = PREFIXES.find((each) => name.startsWith(each))
    if (prefix === undefined || typeof value === 'object') continue
    const attribute = name.slice(prefix.length)
    if (NAME.test(attribute)) attributes.set(attribute, String(value))
  }
  if (REQUIRED.some((name) => !attributes.has(name))) return null
  return contentType === undefined ? attributes : attributes.set('datacontenttype', contentType)
}

function dataOf(body: Buffer, attributes: Attributes): object {
  if (body.length === 0) return {}
  const text = body.toString('utf8')
  if (!Buffer.from(text).equals(body)) return { data_base64: body.toString('base64') }
  if (!isJson(attributes.get('datacontenttype'))) return { data: text }
  const value = findJson(text)
  return value === undefined ? { data_base64: body.toString('base64') } : { data: value }
}

/** HTTP binding §3.1.3.2: everything but printable ASCII, and a few more, is percent-encoded UTF-8. */
function encode(value: string): string {
  return value.replace(/[^\x21\x23\x24\x26-\x7e]+/gu, (odd) =>
    [...Buffer.from(odd)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''))
}

/** Errors: HttpError. */
function decode(name: string, value: string): string {
  const text = value.replace(/^"(.*)"$/s, '$1')
    .replace(/%([0-9a-f]{2})/gi, (_whole, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  const decoded = Buffer.from(text, 'latin1').toString('utf8')
  if (decoded.includes('\ufffd')) throw badRequest(`${name}: not_unicode`)
  return decoded
}
