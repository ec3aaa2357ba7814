// Publishing without AMQP: one message whose body is the request's, or many in JSON. Each answers when what
// was stored is on disk, with what became of every message.
import { REJECTED, ROUTED, STORED } from '../../broker/vhost.ts'
import type { VHost } from '../../broker/vhost.ts'
import type { User } from '../../broker/users.ts'
import { json } from '../answer.ts'
import { isStructuredEvent, messageOfEvent } from '../cloud-events.ts'
import { whenStored } from '../durability.ts'
import { endpoint } from '../endpoint.ts'
import { badRequest, HttpError, httpErrorOf } from '../errors.ts'
import { parseJson } from '../json-text.ts'
import { draftFromJson, encodeDraftProperties } from '../message-json.ts'
import type { Door } from '../node-view.ts'
import { propertiesFromHeaders } from '../property-headers.ts'
import { admitPublisher, prepare, publish } from '../publishing.ts'
import type { Draft, Publish } from '../publishing.ts'
import { anyBytes, shortName } from '../schemas.ts'
import { withTrace } from '../trace-context.ts'
import type { HttpHeaders } from '../trace-context.ts'

/** Checked and published within one turn: more would keep everybody else waiting. */
const BATCH_MAX = 1_000
const NDJSON = /^application\/(?:x-)?(?:ndjson|jsonl)\b/i

/** What became of a message: not stored, it went to queues that keep it in memory, or to a requester. */
export type Outcome = 'routed' | 'stored' | 'rejected' | 'unroutable'

function outcomeOf(bits: number): Outcome {
  if ((bits & ROUTED) === 0) return 'unroutable'
  if ((bits & REJECTED) !== 0) return 'rejected'
  return (bits & STORED) === 0 ? 'routed' : 'stored'
}

/** Errors: HttpError, AmqpError: whatever is wrong with any of them, none is published. */
async function publishAll(
  { broker }: Door, user: User, vhost: VHost, drafts: readonly Draft[], name: (at: number) => string,
): Promise<Outcome[]> {
  const publisher = await admitPublisher(broker, user, vhost)
  const prepared = drafts.map((draft, at): Publish => named(name(at), () => prepare(publisher, draft)))
  const outcomes = prepared.map((each) => publish(publisher, each))
  if (outcomes.some((bits) => (bits & STORED) !== 0)) await whenStored(vhost)
  return outcomes.map(outcomeOf)
}

/** Whatever is wrong with one message of several says which. */
function named<T>(name: string, make: () => T): T {
  try {
    return make()
  } catch (error) {
    const refusal = httpErrorOf(error)
    if (refusal === null || name === '') throw error
    throw new HttpError(refusal.status, refusal.error, `${name}: ${refusal.reason}`)
  }
}

const messageName = (at: number): string => `message ${at}`

/** Messages of a body: an array, or lines. Errors: HttpError. */
function itemsOf(bytes: Buffer, contentType: string): unknown[] {
  const text = bytes.toString('utf8')
  const items = NDJSON.test(contentType)
    ? text.split('\n').filter((line) => line.trim() !== '')
      .map((line, at) => named(messageName(at), () => parse(line)))
    : [parse(text)].flat()
  if (items.length <= BATCH_MAX) return items
  throw badRequest(`too_long: ${items.length} messages, more than ${BATCH_MAX}`)
}

function parse(text: string): unknown {
  const value = parseJson(text)
  if (value === undefined) throw badRequest('not_json')
  return value
}

/** A structured CloudEvent becomes a message with its data; any other body is one. Errors: HttpError. */
function draftOf(headers: HttpHeaders, bytes: Buffer): Pick<Draft, 'properties' | 'body'> {
  if (!isStructuredEvent(headers)) {
    return { properties: encodeDraftProperties(propertiesFromHeaders(headers)), body: bytes }
  }
  const { properties, body } = messageOfEvent(bytes)
  return { properties: encodeDraftProperties(withTrace(properties, headers)), body }
}

const contentTypeOf = (headers: HttpHeaders): string => String(headers['content-type'] ?? '')

export const publishingEndpoints = [
  endpoint({
    method: 'POST', path: '/api/v1/publish/:vhost/:exchange/*key', access: 'user', body: anyBytes,
    doc: 'Publishes the body, whatever it is, as one message. Its properties are in headers: `content-type`, '
      + '`content-encoding`, `amqp-message-id`, `amqp-priority` and so on, `amqp-headers` (JSON) and '
      + '`amqp-header-NAME`. Persistent unless `amqp-delivery-mode` is 1. Answers when what is stored is on '
      + 'disk: '
      + 'A CloudEvent may be structured (`application/cloudevents+json`) or binary (`ce-` headers). '
      + '`result` is `stored`, `routed` (kept in memory), `rejected` or `unroutable`.',
    async handle({ door, user, vhost, params, headers, body }) {
      const draft = draftOf(headers, body)
      const target = { exchange: params.exchange, routingKey: shortName(params.key) }
      const [result] = await publishAll(door, user, vhost, [{ ...target, ...draft }], () => '')
      return json({ result })
    },
  }),
  endpoint({
    method: 'POST', path: '/api/v1/publish/:vhost/:exchange', access: 'user', body: anyBytes,
    doc: `Publishes up to ${BATCH_MAX} messages, an array or, as \`application/x-ndjson\`, a line each: `
      + '`{"routing_key","properties","body"}`, where `body` is a text or any JSON value, or `body_base64`. '
      + 'All of them are checked before one is published. Answers when what is stored is on disk, with '
      + '`results` in '
      + 'the same order.',
    async handle({ door, user, vhost, params, headers, body }) {
      const items = itemsOf(body, contentTypeOf(headers))
      const drafts = items.map((item, at) =>
        named(messageName(at), () => draftFromJson(params.exchange, item, headers)))
      return json({ results: await publishAll(door, user, vhost, drafts, messageName) })
    },
  }),
]
