// Messages over RabbitMQ's API: publishing one, getting some, purging. Meant for trying things out: each
// answers when the broker has done it for good.
import { z } from 'zod'
import type { Broker } from '../../broker/broker.ts'
import { purgeQueue } from '../../broker/queue-declarations.ts'
import { REJECTED, ROUTED, STORED } from '../../broker/vhost.ts'
import type { VHost } from '../../broker/vhost.ts'
import { AmqpError } from '../../protocol/errors.ts'
import type { Entry } from '../../queues/entry.ts'
import type { Queue } from '../../queues/queue.ts'
import { checkEntry } from '../access.ts'
import { json, noContent } from '../answer.ts'
import { whenDefined, whenStored } from '../durability.ts'
import { endpoint } from '../endpoint.ts'
import { badRequest, notFound } from '../errors.ts'
import { utf8 } from '../message-json.ts'
import { encodeJsonProperties, propertiesToJson } from '../message-properties.ts'
import { prepare, publish } from '../publishing.ts'
import type { Publisher } from '../publishing.ts'
import { looseInteger, shortText, text } from '../schemas.ts'
import { queueNamed } from './queues.ts'

const ACK_MODES = ['ack_requeue_true', 'ack_requeue_false', 'reject_requeue_true',
  'reject_requeue_false'] as const
type AckMode = (typeof ACK_MODES)[number]
/** Of the bodies in one answer; what lies beyond is for another call. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024

const publishBody = z.object({
  properties: z.record(z.string(), z.unknown(), { error: 'not_an_object' }),
  routing_key: shortText,
  payload: z.string({ error: 'payload_not_string' }),
  payload_encoding: text,
})

const getBody = z.object({
  ackmode: z.enum(ACK_MODES, {
    error: ({ input }) => `Invalid ackmode value: ${String(input).slice(0, 100)}. `
      + `Valid values are: ${ACK_MODES.join(', ')}`,
  }),
  count: looseInteger,
  encoding: z.enum(['auto', 'base64'], { error: 'Unsupported encoding. Please use auto or base64.' }),
  truncate: looseInteger.optional(),
})

type Publish = z.infer<typeof publishBody>

function payloadOf({ payload, payload_encoding: encoding }: Publish): Buffer {
  if (encoding === 'string') return Buffer.from(payload)
  if (encoding !== 'base64') throw badRequest(`unsupported_encoding: ${encoding.slice(0, 100)}`)
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(payload) || payload.length % 4 === 1) {
    throw badRequest(`not_base64: ${payload.slice(0, 100)}`)
  }
  return Buffer.from(payload, 'base64')
}

/** Errors: HttpError, AmqpError. Nothing is published then. */
function publishOne(publisher: Publisher, exchange: string, body: Publish): number {
  const payload = payloadOf(body)
  const properties = encodeJsonProperties(body.properties)
  publisher.caller.access.check('write', 'exchange', exchange)
  if (publisher.vhost.findExchange(exchange) === null) throw notFound('exchange_not_found')
  return publish(publisher,
    prepare(publisher, { exchange, routingKey: body.routing_key, properties, body: payload }))
}

/** The next messages, taken out; those that expired or are still on disk are waited for. */
async function take(
  broker: Broker, vhost: VHost, queue: Queue, countMax: number,
): Promise<[Entry, number][]> {
  const taken: [Entry, number][] = []
  let bytes = 0
  while (taken.length < countMax && bytes < ANSWER_BYTES_MAX && !queue.isDeleted) {
    const isHolder = vhost.holdLetters() // as for basic.get
    const entry = queue.isPaging ? null : queue.get(false)
    const left = queue.readyCount
    if (isHolder) vhost.sendLetters()
    if (entry !== null) {
      taken.push([entry, left])
      bytes += entry.message.bodyBytes
      continue
    }
    if (!queue.isPaging) break
    await new Promise<void>((resolve) => queue.awaitPage({ paged: resolve }))
    broker.turn.begin()
  }
  return taken
}

function putBack({ traffic }: VHost, queue: Queue, taken: readonly Entry[], mode: AckMode): void {
  for (const entry of taken) {
    if (mode.endsWith('_true')) queue.requeue(entry)
    else if (mode === 'reject_requeue_false') queue.reject(entry)
    else {
      traffic.acked++
      queue.settle(entry)
    }
  }
}

function describe({ message, isRedelivered }: Entry, left: number, encoding: 'auto' | 'base64',
  truncate: number,
): object {
  const { buf, bodyStart, bodyEnd, propertiesStart } = message
  const body = buf.subarray(bodyStart, Math.min(bodyEnd, bodyStart + truncate))
  const asText = encoding === 'base64' ? null : utf8(body)
  return {
    payload_bytes: message.bodyBytes, redelivered: isRedelivered, exchange: message.exchange,
    routing_key: message.routingKey, message_count: left,
    properties: propertiesToJson(buf, propertiesStart),
    payload: asText ?? body.toString('base64'), payload_encoding: asText === null ? 'base64' : 'string',
  }
}

export const messageEndpoints = [
  endpoint({
    method: 'POST', path: '/api/exchanges/:vhost/:exchange/publish', access: 'management', body: publishBody,
    doc: 'Publishes one message and answers, when it is stored, whether it was `routed`. `payload_encoding` '
      + 'is `string` or `base64`.',
    async handle({ door: { broker }, user, vhost, params, body }) {
      const caller = checkEntry(broker, user, vhost)
      let outcome = 0
      try {
        outcome = publishOne({ broker, vhost, user, caller }, params.exchange, body)
      } catch (error) {
        // RabbitMQ publishes over a channel here and shows how that was closed.
        if (error instanceof AmqpError) throw badRequest(`${error.code} ${error.message}`)
        throw error
      }
      if ((outcome & STORED) !== 0) await whenStored(vhost)
      return json({ routed: (outcome & ROUTED) !== 0 && (outcome & REJECTED) === 0 })
    },
  }),
  endpoint({
    method: 'POST', path: '/api/queues/:vhost/:queue/get', access: 'management', body: getBody,
    doc: `Takes up to \`count\` messages and does with them as \`ackmode\` says: ${ACK_MODES.join(', ')}. `
      + 'Those that go back count as delivered before. `encoding` is `auto` or `base64`; `truncate` cuts '
      + 'bodies.',
    async handle({ door: { broker }, user, vhost, params, body }) {
      const { owner, access } = checkEntry(broker, user, vhost)
      access.check('read', 'queue', params.queue)
      const queue = queueNamed(vhost, params.queue)
      vhost.checkOwner(queue, owner)
      const taken = await take(broker, vhost, queue, body.count)
      const truncate = Math.max(0, body.truncate ?? Infinity)
      let mode: AckMode = 'ack_requeue_true'
      try {
        const messages = taken.map(([entry, left]) => describe(entry, left, body.encoding, truncate))
        vhost.traffic.gotManualAck += taken.length
        vhost.traffic.redelivered += taken.filter(([entry]) => entry.isRedelivered).length
        mode = body.ackmode
        return json(messages)
      } finally {
        // Whatever went wrong, nothing that was taken is kept.
        putBack(vhost, queue, taken.map(([entry]) => entry), mode)
      }
    },
  }),
  endpoint({
    method: 'DELETE', path: '/api/queues/:vhost/:queue/contents', access: 'management',
    doc: 'Drops what is ready; unacknowledged messages stay with their consumers.',
    async handle({ door: { broker }, user, vhost, params }) {
      const caller = checkEntry(broker, user, vhost)
      queueNamed(vhost, params.queue)
      purgeQueue(vhost, params.queue, caller)
      await whenDefined(vhost)
      return noContent()
    },
  }),
]

