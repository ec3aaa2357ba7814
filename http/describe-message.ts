// A message as /api/v1 shows it: where it was published to, its properties, its body as text or base64, how
// often it was handed out, and of what it died.
import { deathsOf } from '../dlq/death-view.ts'
import { decodeProperties } from '../protocol/properties.ts'
import { acquiredCount, failedCount } from '../queues/delivery-counts.ts'
import type { Entry } from '../queues/entry.ts'
import { tableToObject } from './table-as-json.ts'

/** `bytesMax`: of the body; what lies beyond is cut. */
export function describeMessage(entry: Entry, bytesMax: number): object {
  const { id, message, deliveryCount, expiresAtMs } = entry
  const { headers, ...properties } = decodeProperties(message.buf, message.propertiesStart)
  const [death] = deathsOf(headers ?? null, message.isDeadLetter)
  return {
    id, exchange: message.exchange, routing_key: message.routingKey,
    properties: { ...properties, ...headers !== undefined && { headers: tableToObject(headers) } },
    redelivered: entry.isRedelivered, deliveries: acquiredCount(deliveryCount),
    failed_deliveries: failedCount(deliveryCount),
    expires_at: expiresAtMs === Infinity ? null : new Date(expiresAtMs).toISOString(),
    death: death === undefined ? null : {
      queue: death.queue, reason: death.reason, exchange: death.exchange, routing_keys: death.routingKeys,
      time: new Date(death.timeS * 1000).toISOString(), count: death.count,
    },
    ...describeBody(entry, bytesMax),
  }
}

function describeBody({ message }: Entry, bytesMax: number): object {
  const { buf, bodyStart, bodyEnd, bodyBytes } = message
  const body = buf.subarray(bodyStart, Math.min(bodyEnd, bodyStart + bytesMax))
  const text = utf8(body, bodyBytes > body.length)
  return {
    payload_bytes: bodyBytes, payload_truncated: body.length < bodyBytes,
    payload_encoding: text === null ? 'base64' : 'string', payload: text ?? body.toString('base64'),
  }
}

/** Null for what is no UTF-8. A cut may have hit the middle of a character, which is left out then. */
function utf8(bytes: Buffer, isCut: boolean): string | null {
  const decoded = bytes.toString('utf8')
  if (Buffer.from(decoded).equals(bytes)) return decoded
  if (!isCut) return null
  for (let left = 1; left <= 3 && left <= bytes.length; left++) {
    const whole = utf8(bytes.subarray(0, bytes.length - left), false)
    if (whole !== null) return whole
  }
  return null
}
