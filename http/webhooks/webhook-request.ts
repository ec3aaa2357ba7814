// A message as the request of a webhook: its body and properties, or a CloudEvent, what Leveret says of the
// delivery, and the signature. Called by webhook.ts for each attempt.
//
//   x-leveret-signature: t=1795356000,v1=9f86d0…       HMAC-SHA256 of "1795356000." and the body, in hex
import { createHmac } from 'node:crypto'
import type { WebhookRecord } from '../../broker/webhook-record.ts'
import { decodeProperties } from '../../protocol/properties.ts'
import { acquiredCount } from '../../queues/delivery-counts.ts'
import type { Entry } from '../../queues/entry.ts'
import type { Message } from '../../queues/message.ts'
import { eventOfAnyMessage } from '../cloud-events.ts'
import { headersFromProperties } from '../property-headers.ts'
import { tableToObject } from '../table-as-json.ts'
import { traceOf } from '../trace-context.ts'

/** Of `amqp-headers`, which is left out when it is longer: servers refuse requests with 16 KB of headers. */
const TABLE_LENGTH_MAX = 8 * 1024

export interface WebhookRequest {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** What is known of a delivery beside the message. */
export interface DeliveryFacts {
  /** Of this attempt alone. */
  readonly id: string
  readonly vhost: string
  readonly webhook: string
  readonly userAgent: string
  /** Since the epoch. */
  readonly nowMs: number
}

export function webhookRequest(entry: Entry, record: WebhookRecord, facts: DeliveryFacts): WebhookRequest {
  const { message } = entry
  const content = record.format === 'raw' ? rawContent(message) : eventContent(message, record, facts)
  const { body } = content
  return {
    headers: {
      'user-agent': facts.userAgent, ...content.headers, ...record.headers,
      'content-length': String(body.length),
      'x-leveret-webhook': encodeURIComponent(facts.webhook),
      'x-leveret-vhost': encodeURIComponent(facts.vhost),
      'x-leveret-queue': encodeURIComponent(record.queue),
      'x-leveret-exchange': encodeURIComponent(message.exchange),
      'x-leveret-routing-key': encodeURIComponent(message.routingKey),
      'x-leveret-delivery': facts.id,
      'x-leveret-attempt': String(acquiredCount(entry.deliveryCount) + 1),
      ...record.secret !== null && { 'x-leveret-signature': sign(body, record.secret, facts.nowMs) },
    },
    body,
  }
}

function rawContent(message: Message): WebhookRequest {
  const { 'amqp-headers': table, ...headers } = headersFromProperties(message)
  const { buf, bodyStart, bodyEnd } = message
  return {
    headers: {
      'content-type': 'application/octet-stream', ...headers,
      ...table !== undefined && table.length <= TABLE_LENGTH_MAX && { 'amqp-headers': table },
    },
    body: buf.subarray(bodyStart, bodyEnd),
  }
}

function eventContent(
  message: Message, { queue }: WebhookRecord, { id, vhost }: DeliveryFacts,
): WebhookRequest {
  const source = `/queues/${encodeURIComponent(vhost)}/${encodeURIComponent(queue)}`
  const { headers } = decodeProperties(message.buf, message.propertiesStart)
  return {
    headers: {
      'content-type': 'application/cloudevents+json; charset=utf-8',
      ...headers !== undefined && traceOf(tableToObject(headers)),
    },
    body: Buffer.from(JSON.stringify(eventOfAnyMessage(message, { id, source }))),
  }
}

function sign(body: Buffer, secret: string, nowMs: number): string {
  const seconds = Math.floor(nowMs / 1000)
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.`).update(body).digest('hex')}`
}
