// /api/v1/queues/VHOST/QUEUE/export and import: the ready messages of a queue as lines of JSON, and such
// lines put into a queue. A message comes back as it was, history included: its properties go along as AMQP
// bytes, because JSON loses their types.
import { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { z } from 'zod'
import type { VHost } from '../../broker/vhost.ts'
import { compileFilter } from '../../dlq/message-filter.ts'
import { ContentHeader, PERSISTENT } from '../../protocol/content-header.ts'
import { encodeEnvelope } from '../../protocol/envelope.ts'
import { readExpiration } from '../../protocol/expiration.ts'
import { FIRST } from '../../queues/browser.ts'
import type { MessageFilter, Place } from '../../queues/browser.ts'
import { Envelope, Message } from '../../queues/message.ts'
import type { Queue } from '../../queues/queue.ts'
import { checkEntry } from '../access.ts'
import { json } from '../answer.ts'
import { lookOnce } from '../browsing.ts'
import { describeMessage } from '../describe-message.ts'
import { whenBatchStored } from '../durability.ts'
import { endpoint } from '../endpoint.ts'
import { badRequest } from '../errors.ts'
import { FILTER_DOC, readFilter } from '../filter-query.ts'
import { encodeJsonProperties } from '../message-properties.ts'
import { anyBytes, shortText } from '../schemas.ts'
import { queueNamed } from './queues.ts'

const PAGE_MESSAGES = 200
/** Put into the queue in one turn. */
const TURN_MESSAGES = 500

const lineSchema = z.object({
  exchange: shortText.default(''), routing_key: shortText,
  properties: z.record(z.string(), z.unknown()).default({}),
  properties_encoded: z.base64().optional(),
  is_dead_letter: z.boolean().default(false),
  payload: z.string(), payload_encoding: z.enum(['string', 'base64']).default('string'),
})

async function* exportLines(vhost: VHost, queue: Queue, filter: MessageFilter): AsyncGenerator<string> {
  let from: Place | null = FIRST
  while (from !== null && !queue.isDeleted) {
    const page = await lookOnce(vhost, queue, { from, filter, limit: PAGE_MESSAGES })
    for (const { entry } of page.items) {
      const { buf, propertiesStart, propertiesEnd, isDeadLetter } = entry.message
      const encoded = buf.toString('base64', propertiesStart, propertiesEnd)
      const line = { ...describeMessage(entry, Infinity), is_dead_letter: isDeadLetter,
        properties_encoded: encoded }
      yield `${JSON.stringify(line)}\n`
    }
    from = page.next
    await nextTurn()
  }
}

/** Errors: HttpError that names the line; then nothing of it is anywhere. */
function parseLines(bytes: Buffer, nowMs: number): Message[] {
  const header = new ContentHeader()
  const messages: Message[] = []
  for (const [at, line] of bytes.toString('utf8').split('\n').entries()) {
    if (line.trim() === '') continue
    try {
      messages.push(messageOf(lineSchema.parse(JSON.parse(line)), header, nowMs))
    } catch (error) {
      throw badRequest(`line ${at + 1}: ${reasonOf(error)}`)
    }
  }
  return messages
}

function reasonOf(error: unknown): string {
  if (error instanceof z.ZodError) {
    const [issue] = error.issues
    return `${issue!.path.join('.')}: ${issue!.message}`
  }
  return error instanceof Error ? error.message : String(error)
}

/** Errors: HttpError, AmqpError for properties that are none. */
function messageOf(line: z.infer<typeof lineSchema>, header: ContentHeader, nowMs: number): Message {
  const { exchange, routing_key: routingKey, properties_encoded: encoded } = line
  const head = encoded === undefined
    ? encodeJsonProperties(line.properties) : Buffer.from(encoded, 'base64')
  if (head.length < 2) throw badRequest('properties_encoded: too short')
  header.readProperties(head, 0, head.length)
  const body = Buffer.from(line.payload, line.payload_encoding === 'base64' ? 'base64' : 'utf8')
  const buf = Buffer.concat([head, body])
  const envelope = new Envelope(exchange, routingKey, encodeEnvelope(exchange, routingKey))
  return new Message(envelope, buf, 0, head.length, head.length, buf.length, {
    isPersistent: header.deliveryMode === PERSISTENT, priority: header.priority,
    isDeadLetter: line.is_dead_letter,
    expiresAtMs: header.expirationAt < 0
      ? Infinity : nowMs + readExpiration(header.text(header.expirationAt)),
  })
}

export const transferEndpoints = [
  endpoint({
    method: 'GET', path: '/api/v1/queues/:vhost/:queue/export', access: 'management',
    query: z.looseObject({}),
    doc: 'The ready messages as lines of JSON (NDJSON), streamed, in the order of delivery; they stay where '
      + `they are. ${FILTER_DOC}`,
    handle({ door: { broker }, user, vhost, params, query }) {
      const { access, owner } = checkEntry(broker, user, vhost)
      access.check('read', 'queue', params.queue)
      const queue = queueNamed(vhost, params.queue)
      vhost.checkOwner(queue, owner)
      const lines = exportLines(vhost, queue, compileFilter(readFilter(query, [])))
      return {
        status: 200, body: Readable.from(lines), contentType: 'application/x-ndjson', headers: {},
      }
    },
  }),
  endpoint({
    method: 'POST', path: '/api/v1/queues/:vhost/:queue/import', access: 'management', body: anyBytes,
    doc: 'Puts lines as an export has them into the queue, at its end, with their history; every line is '
      + 'read before one is put. Answers, when what is stored is on disk, how many were `imported`, and how '
      + 'many the queue `rejected` because it was full.',
    async handle({ door: { broker }, user, vhost, params, body }) {
      const { access, owner } = checkEntry(broker, user, vhost)
      access.check('write', 'exchange', '')
      const queue = queueNamed(vhost, params.queue)
      vhost.checkOwner(queue, owner)
      const messages = parseLines(body, broker.clock.nowMs)
      let [imported, batch] = [0, 0]
      for (const [at, message] of messages.entries()) {
        if (at > 0 && at % TURN_MESSAGES === 0) await nextTurn()
        if (queue.isDeleted) break
        broker.turn.begin()
        if (!queue.publish(message, 0, true)) continue
        imported++
        if (queue.stores(message)) batch = vhost.store.openBatch
      }
      await whenBatchStored(vhost, batch)
      return json({ imported, rejected: messages.length - imported })
    },
  }),
]
