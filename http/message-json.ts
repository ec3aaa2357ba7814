// A message as JSON, in and out: what Leveret's own API publishes in batches, and what it hands out. A body
// that is no text is base64 under a name of its own, as in CloudEvents.
//
//   {"routing_key":"k","properties":{"priority":3,"headers":{"tenant":"acme"}},"body":"text, or any JSON"}
//   {"routing_key":"k","body_base64":"AAEC"}
import { z } from 'zod'
import { PERSISTENT } from '../protocol/content-header.ts'
import { PROPERTY_KINDS } from '../protocol/properties.ts'
import { EMPTY_TABLE } from '../protocol/table.ts'
import { countHeaders } from '../queues/delivery-counts.ts'
import type { Entry } from '../queues/entry.ts'
import { eventOfMessage } from './cloud-events.ts'
import { badRequest } from './errors.ts'
import { encodeJsonProperties, propertiesToJson } from './message-properties.ts'
import type { Draft } from './publishing.ts'
import { shortText, validate } from './schemas.ts'
import { withTrace } from './trace-context.ts'
import type { HttpHeaders } from './trace-context.ts'

export const messageBody = z.strictObject({
  routing_key: shortText.optional(),
  properties: z.record(z.string(), z.unknown(), { error: 'properties: not_an_object' }).optional(),
  body: z.unknown().optional(),
  body_base64: z.string({ error: 'body_base64: not_string' }).optional(),
})

/** Errors: HttpError. The request's trace goes into a message that has none. */
export function draftFromJson(exchange: string, given: unknown, request: HttpHeaders): Draft {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw badRequest('not_an_object')
  const message = validate(messageBody, given)
  if (message.body !== undefined && message.body_base64 !== undefined) {
    throw badRequest('body and body_base64: a message has one body')
  }
  const isJson = message.body !== undefined && typeof message.body !== 'string'
  const properties = withTrace(message.properties ?? {}, request)
  return {
    exchange, routingKey: message.routing_key ?? '',
    properties: encodeDraftProperties({ ...isJson && { content_type: 'application/json' }, ...properties }),
    body: bodyOf(message),
  }
}

/** Messages are persistent unless they say otherwise. Errors: HttpError for what is no property, too. */
export function encodeDraftProperties(given: Record<string, unknown>): Buffer {
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(PROPERTY_KINDS, name) && name !== 'cluster_id') continue
    throw badRequest(`properties: there is no '${name.slice(0, 100)}'`)
  }
  return encodeJsonProperties({ delivery_mode: PERSISTENT, ...given })
}

function bodyOf({ body, body_base64: encoded }: z.infer<typeof messageBody>): Buffer {
  if (encoded === undefined) {
    return Buffer.from(typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body))
  }
  const isBase64 = /^[A-Za-z0-9+/]*={0,2}$/.test(encoded) && encoded.length % 4 !== 1
  if (isBase64) return Buffer.from(encoded, 'base64')
  throw badRequest(`body_base64: not_base64: ${JSON.stringify(encoded.slice(0, 100))}`)
}

/**
 * As it is handed out; one that is a CloudEvent also as that, `event`. A redelivery may say in its headers
 * how often it was tried, as over AMQP.
 */
export function messageToJson({ message, isRedelivered, deliveryCount, queue }: Entry): object {
  const { buf, bodyStart, bodyEnd, propertiesStart } = message
  const counts = isRedelivered && queue.showsCounts ? countHeaders(deliveryCount) : EMPTY_TABLE
  const body = buf.subarray(bodyStart, bodyEnd)
  const event = eventOfMessage(message)
  const text = utf8(body)
  return {
    exchange: message.exchange, routing_key: message.routingKey, redelivered: isRedelivered,
    properties: propertiesToJson(buf, propertiesStart, counts),
    ...text === null ? { body_base64: body.toString('base64') } : { body: text },
    ...event !== null && { event },
  }
}

/** Null: the bytes are no UTF-8. */
export function utf8(bytes: Buffer): string | null {
  const decoded = bytes.toString('utf8')
  return Buffer.from(decoded).equals(bytes) ? decoded : null
}
