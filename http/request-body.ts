// A request's body: read only when somebody who may have it asks for it, up to RabbitMQ's limit, and decoded
// with RabbitMQ's own texts for what is no object. Invariant: nothing of a body is looked at before its
// sender is known.
import type { Readable } from 'node:stream'
import { badRequest } from './errors.ts'
import { parseJson } from './json-text.ts'

/** RabbitMQ: management.http.max_body_size. */
const BODY_BYTES_MAX = 10_000_000

/** Of a form that nobody had to log in for (RabbitMQ). */
const FORM_BYTES_MAX = 64_000
const TOO_LONG = 'Exceeded HTTP request body size limit'

/** Of a field that comes twice the first counts. Errors: HttpError. */
export async function readForm(payload: Readable): Promise<Record<string, string>> {
  const body = await readBody(payload, FORM_BYTES_MAX, TOO_LONG)
  return Object.fromEntries([...new URLSearchParams(body.toString('utf8'))].toReversed())
}

/** Errors: HttpError. */
export function readObject(payload: Readable): Promise<object> {
  return readBody(payload, BODY_BYTES_MAX, TOO_LONG).then(parseObject)
}

/**
 * A body with messages: room for one of any size that is taken, and for many small ones. Errors: HttpError.
 */
export function readMessages(payload: Readable, messageSizeMax: number): Promise<Buffer> {
  const max = Math.max(BODY_BYTES_MAX, messageSizeMax)
  return readBody(payload, max, `too_long: the body has more than ${max} bytes`)
}

/** Errors: HttpError beyond the limit; the rest of the body is not read. */
async function readBody(payload: Readable, bytesMax: number, reason: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of payload) {
    size += (chunk as Buffer).length
    if (size > bytesMax) throw badRequest(reason)
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks, size)
}

/** RabbitMQ takes an empty body, `null` and `undefined` for `{}`. Errors: HttpError for what is no object. */
function parseObject(bytes: Buffer): object {
  const text = bytes.toString('utf8').trim()
  if (text === '' || text === 'null' || text === 'undefined') return {}
  const value = parseJson(text)
  if (typeof value === 'string') {
    throw badRequest('invalid payload: the request body JSON-decoded to a string. '
      + 'Is the input doubly-JSON-encoded?')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badRequest('not_json')
  return value
}
