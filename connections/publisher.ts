// A channel's basic.publish: method, header and body frames put together, checked in RabbitMQ's order,
// routed, handed to the vhost. The route of the last publish is remembered until the topology changes (rule
// 27).
//
//   idle ── publish ──▶ header ── content header ──▶ body ── last body frame ──▶ finish, idle
//                          └────── empty body ─────────────────────────────────▶
import type { ChannelTraffic } from '../base/traffic.ts'
import type { Access } from '../broker/access.ts'
import type { Broker } from '../broker/broker.ts'
import { outcomeOf } from '../broker/publish-outcome.ts'
import { REPLY_TO, deliverReply } from '../broker/reply-names.ts'
import { IMPERSONATOR } from '../broker/users.ts'
import type { User } from '../broker/users.ts'
import { ROUTED } from '../broker/vhost.ts'
import type { VHost } from '../broker/vhost.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import type { Route } from '../exchanges/route.ts'
import type { ArgumentReader } from '../protocol/argument-reader.ts'
import { ContentHeader, PERSISTENT } from '../protocol/content-header.ts'
import { writeReturn } from '../protocol/envelope.ts'
import {
  accessRefused, frameError, notImplemented, preconditionFailed, unexpectedFrame,
} from '../protocol/errors.ts'
import type { FrameWriter } from '../protocol/frame-writer.ts'
import { decodeBasicPublish } from '../protocol/methods.gen.ts'
import { PublishMemo } from '../protocol/publish-memo.ts'
import { REPLY_CODES } from '../protocol/reply-codes.gen.ts'
import { readDueMs, withSpentDelay } from '../queues/delay.ts'
import { readDeduplicationKey } from '../queues/deduplication-key.ts'
import { Envelope, Message } from '../queues/message.ts'
import type { MessageTraits } from '../queues/message.ts'
import type { Queue } from '../queues/queue.ts'
import { readExpiration } from '../protocol/expiration.ts'
import type { DirectReplyTo } from './direct-reply-to.ts'
import { senderSelectedKeys } from '../protocol/sender-selected.ts'
import type { Transaction } from './transactions.ts'

const CLASS_BASIC = 60
/** RabbitMQ's own ceiling, whatever the configured limit. */
const BODY_BYTES_MAX = 536_870_912

/** What publishing asks of its channel. */
export interface PublishingChannel {
  readonly number: number
  readonly broker: Broker
  readonly vhost: VHost
  readonly user: User
  readonly access: Access
  readonly connection: { readonly writer: FrameWriter; mark(): void }
  readonly traffic: ChannelTraffic
  /** Where publishes wait for tx.commit; null on a channel without transactions. */
  readonly transaction: Transaction | null
  /** Where this channel's requests are answered to; null while it consumes no direct replies. */
  readonly replyTo: DirectReplyTo | null
  writeContent(message: Message): void
  /** A publish was taken, with the outcome that the vhost said. */
  published(outcome: number): void
  /** A message came in. */
  ingested(bodyBytes: number): void
}

export class Publisher {
  private readonly channel: PublishingChannel
  private readonly memo = new PublishMemo()
  private readonly header = new ContentHeader()
  private state: 'idle' | 'header' | 'body' = 'idle'
  private envelope = new Envelope('', '', Buffer.alloc(2))
  private isDiscarding = false
  private isMandatory = false
  private isImmediate = false
  private route: Route<Queue> | null = null
  /** Where the message goes first; set by `check`. */
  private exchange: Exchange | null = null
  /** The user has a topic permission on this exchange: each key is checked. */
  private areTopicsLimited = false
  /** The topology in which the target was last found to be there and permitted, and the route found. */
  private checkedVersion = -1
  /** The body while its frames arrive, after the properties; null for one that is too large to be kept. */
  private gathered: Buffer | null = null
  private bodyReceived = 0
  /** The part of `gathered` that the next body frame has been read into. */
  private placed: Buffer | null = null
  /** Filled anew for each message, which copies it: no object per message. */
  private readonly messageTraits = {
    isPersistent: false, expiresAtMs: Infinity, priority: 0, isDeadLetter: false,
  }

  constructor(channel: PublishingChannel) {
    this.channel = channel
  }

  get isExpectingContent(): boolean {
    return this.state !== 'idle'
  }

  /** Errors: unexpected-frame for a method in the middle of a content. */
  checkIdle(): void {
    if (this.state === 'header') throw expectedHeader('non content header frame')
    if (this.state === 'body') throw expectedBody()
  }

  onPublish(buf: Buffer, start: number, end: number, reader: ArgumentReader): void {
    if (!this.memo.matches(buf, start, end)) {
      const method = decodeBasicPublish(reader.over(buf, start, end))
      this.envelope = new Envelope(method.exchange, method.routingKey, envelopeBytes(buf, start, end))
      this.isMandatory = method.mandatory
      this.isImmediate = method.immediate
      this.checkedVersion = -1
      this.memo.remember(buf, start, end)
    }
    this.state = 'header'
  }

  onHeader(buf: Buffer, start: number, end: number): void {
    if (this.state === 'idle') throw unexpectedFrame('expected method frame, got non method frame instead')
    if (this.state === 'body') throw expectedBody()
    if (end - start >= 4 && buf.readUInt32BE(start) !== CLASS_BASIC << 16) {
      const classId = buf.readUInt16BE(start)
      throw expectedHeader(classId === CLASS_BASIC ? 'non content header frame' : `one for class ${classId}`)
    }
    const { header } = this
    if (this.isDiscarding) header.readSize(buf, start)
    else header.read(buf, start, end)
    if (header.bodySize > BODY_BYTES_MAX) {
      throw frameError(`content body size ${header.bodySize} exceeds maximum allowed size ${BODY_BYTES_MAX}`)
    }
    this.bodyReceived = 0
    if (header.bodySize === 0) this.finish(buf, header.propertiesStart, header.propertiesEnd, end, end)
    else this.state = 'body'
  }

  onBody(buf: Buffer, start: number, end: number): void {
    if (this.state === 'idle') throw unexpectedFrame('expected method frame, got non method frame instead')
    if (this.state === 'header') throw expectedHeader('non content header frame')
    const { header } = this
    const received = this.bodyReceived + end - start
    if (received > header.bodySize) throw frameError('content body frame exceeds remaining content size')
    if (received === end - start && received === header.bodySize && buf === header.buf) {
      return this.finish(buf, header.propertiesStart, header.propertiesEnd, start, end)
    }
    this.gather(buf, start, end)
    if (received < header.bodySize) return
    const joined = this.gathered ?? Buffer.alloc(0)
    this.gathered = null
    const propertiesBytes = header.propertiesEnd - header.propertiesStart
    this.finish(joined, 0, propertiesBytes, propertiesBytes, joined.length)
  }

  /** The channel is closing: contents still have to be whole, and nothing becomes of them (RabbitMQ). */
  discard(): void {
    this.isDiscarding = true
    this.gathered = null
  }

  /** Where the next body frame goes; null when none of that size is expected, or it is not to be kept. */
  placeForBody(size: number): Buffer | null {
    const { header } = this
    if (this.state !== 'body' || this.bodyReceived + size > header.bodySize) return null
    const gathered = this.gathering()
    if (gathered === null) return null
    const at = header.propertiesEnd - header.propertiesStart + this.bodyReceived
    return this.placed = gathered.subarray(at, at + size)
  }

  /** Joins properties and body frames, once each; of a body over the limit only the size is watched. */
  private gather(buf: Buffer, start: number, end: number): void {
    const { header } = this
    const gathered = this.gathering()
    const at = header.propertiesEnd - header.propertiesStart + this.bodyReceived
    if (gathered !== null && buf !== this.placed) buf.copy(gathered, at, start, end)
    this.placed = null
    this.bodyReceived += end - start
  }

  /** What the body is gathered in, after the properties. */
  private gathering(): Buffer | null {
    const { header, channel } = this
    if (this.bodyReceived > 0 || this.gathered !== null) return this.gathered
    if (this.isDiscarding || header.bodySize > channel.broker.limits.messageSizeMax) return null
    const propertiesBytes = header.propertiesEnd - header.propertiesStart
    this.gathered = Buffer.allocUnsafeSlow(propertiesBytes + header.bodySize)
    header.buf.copy(this.gathered, 0, header.propertiesStart, header.propertiesEnd)
    return this.gathered
  }

  private finish(
    buf: Buffer, propertiesStart: number, propertiesEnd: number, bodyStart: number, bodyEnd: number,
  ): void {
    this.state = 'idle'
    if (this.isDiscarding) return
    const { header, envelope, channel } = this
    channel.vhost.traffic.published++
    channel.broker.counters.sizes.add(bodyEnd - bodyStart)
    channel.traffic.published++
    this.check()
    const replyTo = this.replyName()
    const traits = this.traits()
    const hasCopies = header.ccAt >= 0 || header.bccAt >= 0
    const keys = hasCopies ? senderSelectedKeys(header, envelope.routingKey) : null
    if (this.areTopicsLimited) this.checkTopics(keys)
    this.checkUserId()
    const dueMs = header.hasDelay ? readDueMs(header, channel.broker.clock.nowMs) : 0
    const key = header.hasDeduplicationKey ? readDeduplicationKey(header) : null
    const route = this.findRoute(keys, key?.key ?? null)
    const { traffic } = this.exchange!
    traffic.publishedIn++
    traffic.publishedOut += route.queues.length
    const message = header.isToBeRewritten || replyTo !== null
      ? withProperties(header.rewrite(replyTo), envelope, buf.subarray(bodyStart, bodyEnd), traits)
      : new Message(envelope, buf, propertiesStart, propertiesEnd, bodyStart, bodyEnd, traits)
    this.send(route, dueMs === 0 ? message : withSpentDelay(message), dueMs)
    channel.ingested(message.bodyBytes)
  }

  private send(route: Route<Queue>, message: Message, dueMs: number): void {
    const { isMandatory, channel } = this
    if (channel.transaction === null) channel.published(this.handOver(route, message, isMandatory, dueMs))
    else {
      const stagedAtMs = channel.broker.clock.nowMs
      channel.transaction.stagePublish({ route, message, isMandatory, dueMs, stagedAtMs })
    }
  }

  /** To its queues, to a requester, or back to the publisher. Returns the vhost's outcome. */
  handOver(route: Route<Queue>, message: Message, isMandatory: boolean, dueMs: number): number {
    const { channel } = this
    const outcome = channel.vhost.publish(route, message, dueMs)
    const isRouted = (outcome & ROUTED) !== 0 || deliverReply(channel.vhost, message)
    if (isRouted) channel.broker.counters.routed++
    else this.unroutable(message, isMandatory)
    const { tracer } = channel.vhost
    if (tracer !== null) {
      const became = outcomeOf(outcome, isRouted, isMandatory ? 'returned' : 'dropped')
      tracer.published(message, route.queues.length, became)
    }
    return outcome
  }

  /** Errors: as RabbitMQ, in its order (behaviours §5.1). */
  private check(): void {
    const { header, channel } = this
    if (this.isImmediate) throw notImplemented('immediate=true')
    const sizeMax = channel.broker.limits.messageSizeMax
    if (header.bodySize > sizeMax) {
      throw preconditionFailed(
        `message size ${header.bodySize} is larger than configured max size ${sizeMax}`)
    }
    if (this.checkedVersion !== channel.vhost.topologyVersion) this.checkTarget()
  }

  /** Permission goes before existence (RabbitMQ). Errors: access-refused, not-found. */
  private checkTarget(): void {
    const { vhost, access } = this.channel
    this.route = null
    access.check('write', 'exchange', this.envelope.exchange)
    this.exchange = this.getExchange()
    this.areTopicsLimited = access.limitsTopics(this.exchange)
    this.checkedVersion = vhost.topologyVersion
  }

  /** Errors: access-refused. */
  private checkTopics(keys: readonly string[] | null): void {
    for (const key of keys ?? [this.envelope.routingKey]) {
      this.channel.access.checkTopic('write', this.exchange!, key)
    }
  }

  /** The expiration is checked here, because its result is: before CC and user-id (RabbitMQ). */
  private traits(): MessageTraits {
    const { header, channel } = this
    const ttlMs = header.expirationAt < 0 ? Infinity : readExpiration(header.text(header.expirationAt))
    const traits = this.messageTraits
    traits.isPersistent = header.deliveryMode === PERSISTENT
    traits.expiresAtMs = channel.broker.clock.nowMs + ttlMs
    traits.priority = header.priority
    return traits
  }

  private checkUserId(): void {
    const { header, channel } = this
    if (header.userIdAt < 0 || header.text(header.userIdAt) === channel.user.name) return
    if (channel.user.tags.includes(IMPERSONATOR)) return
    throw preconditionFailed(`user_id property set to '${header.text(header.userIdAt)}' but `
      + `authenticated user was '${channel.user.name}'`)
  }

  /** The name that stands in for the pseudo-queue; null when the message asks for no direct reply. */
  private replyName(): string | null {
    const { header, channel } = this
    if (header.replyToAt < 0 || header.text(header.replyToAt) !== REPLY_TO) return null
    if (channel.replyTo === null) throw preconditionFailed('fast reply consumer does not exist')
    return channel.replyTo.name
  }

  private getExchange(): Exchange {
    const { vhost } = this.channel
    const exchange = vhost.getExchange(this.envelope.exchange)
    if (!exchange.flags.isInternal) return exchange
    throw accessRefused(`cannot publish to internal ${vhost.describeExchange(exchange.name)}`)
  }

  /** One that may be remembered does not depend on `key`. */
  private findRoute(keys: readonly string[] | null, key: string | null): Route<Queue> {
    if (keys === null && this.route !== null) return this.route
    const { vhost } = this.channel
    const route = vhost.findRoute(this.exchange!, keys ?? [this.envelope.routingKey], this.header, key)
    this.route = route.isCacheable && keys === null ? route : null
    return route
  }

  /** RabbitMQ sends the return before the confirm; confirms are written at the end of the turn. */
  private unroutable(message: Message, isMandatory: boolean): void {
    const { channel } = this
    if (!isMandatory) {
      channel.vhost.traffic.droppedUnroutable++
      channel.traffic.droppedUnroutable++
      return
    }
    channel.vhost.traffic.returned++
    channel.traffic.returned++
    const { writer } = channel.connection
    const { code, text } = REPLY_CODES.noRoute
    writeReturn(writer, channel.number, code, text, message.envelope.wire)
    channel.writeContent(message)
    channel.connection.mark()
  }
}

/** Exchange and routing key as they lie in basic.publish: ticket | exchange | routing key | bits. */
function envelopeBytes(buf: Buffer, start: number, end: number): Buffer {
  return Buffer.from(buf.subarray(start + 2, end - 1))
}

function withProperties(
  properties: Buffer, envelope: Envelope, body: Buffer, traits: MessageTraits,
): Message {
  const buf = Buffer.concat([properties, body])
  return new Message(envelope, buf, 0, properties.length, properties.length, buf.length, traits)
}

const expectedBody = (): Error =>
  unexpectedFrame('expected content body, got non content body frame instead')

const expectedHeader = (got: string): Error =>
  unexpectedFrame(`expected content header for class ${CLASS_BASIC}, got ${got} instead`)
