// The way of a message from an HTTP request into the broker, for every endpoint that publishes. In two steps,
// so that a batch is checked whole before any of it is published: `prepare` throws for what is wrong, in the
// order in which the AMQP door would, `publish` cannot fail.
import type { Broker } from '../broker/broker.ts'
import type { Caller } from '../broker/caller.ts'
import { outcomeOf } from '../broker/publish-outcome.ts'
import { REPLY_TO, deliverReply } from '../broker/reply-names.ts'
import { IMPERSONATOR } from '../broker/users.ts'
import type { User } from '../broker/users.ts'
import { ROUTED } from '../broker/vhost.ts'
import type { VHost } from '../broker/vhost.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import type { Route } from '../exchanges/route.ts'
import { ContentHeader, PERSISTENT } from '../protocol/content-header.ts'
import { encodeEnvelope } from '../protocol/envelope.ts'
import { accessRefused, preconditionFailed } from '../protocol/errors.ts'
import { readExpiration } from '../protocol/expiration.ts'
import { senderSelectedKeys } from '../protocol/sender-selected.ts'
import { readDueMs, withSpentDelay } from '../queues/delay.ts'
import { readDeduplicationKey } from '../queues/deduplication-key.ts'
import { Envelope, Message } from '../queues/message.ts'
import type { Queue } from '../queues/queue.ts'
import { checkEntry } from './access.ts'
import { whenRelieved } from './durability.ts'
import { HttpError, noSuchObject } from './errors.ts'

/** Who publishes, and where. */
export interface Publisher {
  readonly broker: Broker
  readonly vhost: VHost
  readonly user: User
  readonly caller: Caller
}

export interface Draft {
  readonly exchange: string
  readonly routingKey: string
  /** Flags and list, as a content header has them. */
  readonly properties: Buffer
  readonly body: Buffer
}

/** Checked and routed: nothing that can still go wrong. */
export interface Publish {
  readonly exchange: Exchange
  readonly route: Route<Queue>
  readonly message: Message
  /** When it is to be there; 0: now. */
  readonly dueMs: number
}

/** Waits as AMQP's publishers do, for the store. Errors: HttpError 401, and 503 while an alarm is on. */
export async function admitPublisher(broker: Broker, user: User, vhost: VHost): Promise<Publisher> {
  if (broker.alarms.isOn) {
    throw new HttpError(503, 'unavailable', `publishing is blocked: ${broker.alarms.reason}`)
  }
  await whenRelieved(vhost)
  if (broker.vhosts.get(vhost.name) !== vhost) throw noSuchObject() // deleted while we waited
  broker.turn.begin()
  return { broker, vhost, user, caller: checkEntry(broker, user, vhost) }
}

/** Errors: AmqpError. Nothing has changed then. */
export function prepare({ broker, vhost, user, caller: { access } }: Publisher, draft: Draft): Publish {
  const { properties, body, routingKey } = draft
  access.check('write', 'exchange', draft.exchange)
  const exchange = vhost.getExchange(draft.exchange)
  if (exchange.flags.isInternal) {
    throw accessRefused(`cannot publish to internal ${vhost.describeExchange(draft.exchange)}`)
  }
  const { messageSizeMax } = broker.limits
  if (body.length > messageSizeMax) {
    throw preconditionFailed(
      `message size ${body.length} is larger than configured max size ${messageSizeMax}`)
  }
  const header = new ContentHeader()
  header.readProperties(properties, 0, properties.length)
  if (header.replyToAt >= 0 && header.text(header.replyToAt) === REPLY_TO) {
    throw preconditionFailed('fast reply consumer does not exist')
  }
  const ttlMs = header.expirationAt < 0 ? Infinity : readExpiration(header.text(header.expirationAt))
  const keys = senderSelectedKeys(header, routingKey)
  for (const key of keys) access.checkTopic('write', exchange, key)
  checkUserId(header, user)
  const dueMs = header.hasDelay ? readDueMs(header, broker.clock.nowMs) : 0
  const key = header.hasDeduplicationKey ? readDeduplicationKey(header) : null
  const route = vhost.findRoute(exchange, keys, header, key?.key ?? null)
  const sent = header.isToBeRewritten ? header.rewrite(null) : properties
  const buf = Buffer.concat([sent, body])
  const envelope = new Envelope(exchange.name, routingKey, encodeEnvelope(exchange.name, routingKey))
  const message = new Message(envelope, buf, 0, sent.length, sent.length, buf.length, {
    isPersistent: header.deliveryMode === PERSISTENT, expiresAtMs: broker.clock.nowMs + ttlMs,
    priority: header.priority, isDeadLetter: false,
  })
  return { exchange, route, message: dueMs === 0 ? message : withSpentDelay(message), dueMs }
}

/** Returns the bits ROUTED, STORED, REJECTED, as the vhost says them. */
export function publish({ broker, vhost }: Publisher, { exchange, route, message, dueMs }: Publish): number {
  const { counters } = broker
  const outcome = vhost.publish(route, message, dueMs)
  const isRouted = (outcome & ROUTED) !== 0 || deliverReply(vhost, message)
  vhost.tracer?.published(message, route.queues.length, outcomeOf(outcome, isRouted, 'returned'))
  vhost.traffic.published++
  counters.sizes.add(message.bodyBytes)
  exchange.traffic.publishedIn++
  exchange.traffic.publishedOut += route.queues.length
  if (isRouted) counters.routed++
  else vhost.traffic.returned++
  return isRouted ? outcome | ROUTED : outcome
}

/** Errors: precondition-failed. */
function checkUserId(header: ContentHeader, user: User): void {
  if (header.userIdAt < 0 || header.text(header.userIdAt) === user.name) return
  if (user.tags.includes(IMPERSONATOR)) return
  throw preconditionFailed(`user_id property set to '${header.text(header.userIdAt)}' but `
    + `authenticated user was '${user.name}'`)
}
