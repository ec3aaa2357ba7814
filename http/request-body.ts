// A request's body: read only when somebody who may have it asks for it, up to RabbitMQ's limit, and decoded
// with RabbitMQ's own texts for what is no object. Invariant: nothing of a body is looked at before its
// sender is known.
import type { Readable } from 'node:stream'
import { badRequest } from './errors.ts'

/** RabbitMQ: management.http.max_body_size. */
export const BODY_BYTES_MAX = 10_000_000

/** Errors: HttpError beyond the limit; the rest of the body is not read. */
export async function readBody(payload: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of payload) {
    size += (chunk as Buffer).length
    if (size > BODY_BYTES_MAX) throw badRequest('Exceeded HTTP request body size limit')
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks, size)
}

/** RabbitMQ takes an empty body, `null` and `undefined` for `{}`. Errors: HttpError for what is no object. */
export function parseObject(bytes: Buffer): object {
  const text = bytes.toString('utf8').trim()
  if (text === '' || text === 'null' || text === 'undefined') return {}
  const value = parse(text)
  if (typeof value === 'string') {
    throw badRequest('invalid payload: the request body JSON-decoded to a string. '
      + 'Is the input doubly-JSON-encoded?')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badRequest('not_json')
  return value
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw badRequest('not_json')
  }
}
