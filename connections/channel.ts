// A channel: what one client does in one vhost. Method frames are dispatched here, the few that a message
// passes through (publish, ack, nack, reject) before the table of the others. A soft error closes the
// channel; what still comes until close-ok is ignored by closing-frames.ts (AMQP 0-9-1 §1.4.2.6).
import { ChannelTraffic } from '../base/traffic.ts'
import type { Access } from '../broker/access.ts'
import type { Broker } from '../broker/broker.ts'
import type { Caller } from '../broker/caller.ts'
import type { ChannelView } from '../broker/connection-view.ts'
import type { DurableListener } from '../broker/durable-records.ts'
import { removeQueue } from '../broker/queue-declarations.ts'
import type { User } from '../broker/users.ts'
import { REJECTED, STORED } from '../broker/vhost.ts'
import type { VHost } from '../broker/vhost.ts'
import { AmqpError, channelError, commandInvalid, preconditionFailed } from '../protocol/errors.ts'
import type { DeliverTemplate } from '../protocol/frame-writer.ts'
import {
  BASIC_ACK, BASIC_NACK, BASIC_PUBLISH, BASIC_REJECT, CHANNEL_CLOSE_OK, CHANNEL_OPEN, DECODERS, METHOD_NAMES,
  decodeBasicAck, decodeBasicNack, decodeBasicReject, writeChannelClose, writeChannelCloseOk,
} from '../protocol/methods.gen.ts'
import type { ReceivedMethods } from '../protocol/methods.gen.ts'
import { FRAME_BODY, FRAME_HEADER } from '../protocol/spec.ts'
import type { Entry, ReturnCause } from '../queues/entry.ts'
import type { Message } from '../queues/message.ts'
import type { Queue } from '../queues/queue.ts'
import type { QueueOwner } from '../queues/queue-flags.ts'
import { AckTimeouts } from './ack-timeouts.ts'
import type { AckTime } from './ack-timeouts.ts'
import type { ChannelHost } from './channel-host.ts'
import { Confirms } from './confirms.ts'
import type { ConfirmingChannel } from './confirms.ts'
import { ClosingFrames } from './closing-frames.ts'
import { checkKnown } from './connection-methods.ts'
import type { Consumer, ConsumingChannel } from './consumer.ts'
import { writeCountedContent } from './counted-content.ts'
import type { DirectReplyTo, RequestingChannel } from './direct-reply-to.ts'
import { Publisher } from './publisher.ts'
import type { PublishingChannel } from './publisher.ts'
import { Transaction } from './transactions.ts'
import type { Settlement, StagedPublish, TransactionalChannel } from './transactions.ts'
import { Unacked } from './unacked.ts'

type AnyDecoder = (typeof DECODERS)[keyof ReceivedMethods]

/** Cold methods by id; connections/methods/ has them. */
export type MethodHandlers = ReadonlyMap<number, (channel: Channel, method: object) => void>

export class Channel
implements Caller, ChannelView, ConfirmingChannel, ConsumingChannel, PublishingChannel, RequestingChannel,
  TransactionalChannel {
  readonly number: number
  readonly connection: ChannelHost
  readonly broker: Broker
  readonly vhost: VHost
  readonly user: User
  /** What the user may do in the vhost, now. */
  readonly access: Access
  readonly consumers = new Map<string, Consumer>()
  readonly traffic = new ChannelTraffic()
  /** Prefetch of consumers that start from now on; 0 is no limit. */
  consumerPrefetch = 0
  /** Prefetch of all consumers of the channel together; 0 is no limit. */
  channelPrefetch = 0
  /** What an empty queue name means on this channel; null until a queue was declared. */
  lastQueue: string | null = null
  isOpen = true
  replyTo: DirectReplyTo | null = null
  transaction: Transaction | null = null
  private readonly methods: MethodHandlers
  private readonly publisher = new Publisher(this)
  readonly unacked: Unacked
  readonly timeouts: AckTimeouts
  confirms: Confirms | null = null
  private areConfirmsReady = false
  /** Set by our close. */
  private closing: ClosingFrames | null = null
  private deliveryTag = 0
  /** Bits of the commit that is under way, as the vhost says them of a publish. */
  private commitOutcome = 0

  constructor(
    connection: ChannelHost, number: number, vhost: VHost, user: User, methods: MethodHandlers,
  ) {
    this.methods = methods
    this.connection = connection
    this.broker = connection.broker
    this.unacked = new Unacked(this.broker.clock)
    this.timeouts = new AckTimeouts(this, this.unacked)
    this.number = number
    this.vhost = vhost
    this.user = user
    this.access = connection.broker.access.accessOf(user.name, vhost.name)
  }

  /** Of exclusive queues. */
  get owner(): QueueOwner {
    return this.connection
  }

  /** Errors: AmqpError for what closes the connection; soft errors end here. */
  onFrame(type: number, buf: Buffer, start: number, end: number): void {
    if (this.closing !== null) return this.closing.onFrame(type, buf, start, end)
    if (this.publisher.isExpectingContent) this.connection.methodId = BASIC_PUBLISH
    try {
      if (type === FRAME_BODY) this.publisher.onBody(buf, start, end)
      else if (type === FRAME_HEADER) this.onHeader(buf, start, end)
      else this.onMethod(buf, start, end)
    } catch (error) {
      this.failed(error)
    }
  }

  placeForBody(size: number): Buffer | null {
    return this.closing === null ? this.publisher.placeForBody(size) : null
  }

  /** Goes on with a method that had to wait. Errors: as onFrame. */
  resume(methodId: number, then: () => void): void {
    if (!this.isOpen) return
    this.connection.methodId = methodId
    try {
      then()
    } catch (error) {
      this.failed(error)
    }
  }

  private failed(error: unknown): void {
    if (!(error instanceof AmqpError) || error.isHard) throw error
    this.closeWith(error)
  }

  /** RabbitMQ blocks a connection at a content header: the body, and whatever follows, waits. */
  private onHeader(buf: Buffer, start: number, end: number): void {
    this.publisher.onHeader(buf, start, end)
    if (this.broker.alarms.isOn) this.connection.waitForAlarms()
  }

  private onMethod(buf: Buffer, start: number, end: number): void {
    this.publisher.checkIdle()
    const id = buf.readUInt32BE(start)
    this.connection.methodId = id
    const reader = this.connection.arguments
    switch (id) {
      case BASIC_PUBLISH:
        this.publisher.onPublish(buf, start + 4, end, reader)
        return
      case BASIC_ACK: {
        const { deliveryTag, multiple } = decodeBasicAck(reader.over(buf, start + 4, end))
        if (!this.settle(deliveryTag, multiple, 'ack')) throw unknownTag(buf, start + 4)
        return
      }
      case BASIC_NACK: {
        const { deliveryTag, multiple, requeue } = decodeBasicNack(reader.over(buf, start + 4, end))
        const how = requeue ? 'nacked' : 'nacked-for-good'
        if (!this.settle(deliveryTag, multiple, how)) throw unknownTag(buf, start + 4)
        return
      }
      case BASIC_REJECT: {
        const { deliveryTag, requeue } = decodeBasicReject(reader.over(buf, start + 4, end))
        if (!this.settle(deliveryTag, false, requeue ? 'rejected' : 'rejected-for-good')) {
          throw unknownTag(buf, start + 4)
        }
        return
      }
      default:
        return this.dispatch(id, buf, start, end)
    }
  }

  private dispatch(id: number, buf: Buffer, start: number, end: number): void {
    if (id === CHANNEL_OPEN) throw channelError("second 'channel.open' seen")
    if (id === CHANNEL_CLOSE_OK) throw commandInvalid('unimplemented method')
    checkKnown(id)
    const decode = DECODERS[id as keyof ReceivedMethods] as AnyDecoder | undefined
    const handle = this.methods.get(id)
    if (decode === undefined || handle === undefined) throw commandInvalid('unimplemented method')
    const method = decode(this.connection.arguments.over(buf, start + 4, end))
    handle(this, method)
  }

  /**
   * basic.ack, nack and reject. Tag 0 with multiple is everything outstanding. False when the tag is unknown.
   */
  private settle(tag: number, multiple: boolean, how: Settlement): boolean {
    if (!multiple) {
      const entry = this.unacked.take(tag)
      if (entry === null) return this.timeouts.isSettledLate(tag, multiple)
      this.settleTaken(tag, entry, how)
      return true
    }
    const { unacked } = this
    const isKnown = tag === 0 || unacked.isOutstanding(tag) || this.timeouts.isSettledLate(tag, multiple)
    if (!isKnown) return false
    const last = tag === 0 ? this.deliveryTag : tag
    if (how === 'nacked' && this.transaction === null) {
      this.requeueAll(unacked.takeTo(last), how)
      return true
    }
    for (let first = unacked.firstTag; first !== 0 && first <= last; first = unacked.firstTag) {
      this.settleTaken(first, unacked.take(first)!, how)
    }
    return true
  }

  private settleTaken(tag: number, entry: Entry, how: Settlement): void {
    if (this.transaction === null) this.settleEntry(entry, how)
    else this.transaction.stageSettlement({ tag, entry, how })
  }

  private settleEntry(entry: Entry, how: Settlement): void {
    if (how === 'ack') {
      this.vhost.traffic.acked++
      this.traffic.acked++
      entry.queue.settle(entry)
    } else if (how === 'rejected-for-good' || how === 'nacked-for-good') {
      entry.queue.reject(entry, how)
    } else {
      entry.queue.requeue(entry, how)
    }
  }

  /** basic.recover: everything unacked goes back to its queue, oldest first. */
  recover(): void {
    this.requeueAll(this.unacked.takeAll(), 'recovered')
  }

  private requeueAll(entries: readonly Entry[], cause: ReturnCause): void {
    for (const entry of entries) entry.queue.requeue(entry, cause, false)
    for (const { queue } of entries) queue.allReturned()
  }

  get unackedCount(): number {
    return this.unacked.count
  }

  /** Room under the channel-wide prefetch. */
  get hasCredit(): boolean {
    if (this.channelPrefetch === 0) return true
    const staged = this.transaction === null ? 0 : this.transaction.settlementCount
    return this.unacked.count + staged < this.channelPrefetch
  }

  nextDeliveryTag(): number {
    return ++this.deliveryTag
  }

  deliver(template: DeliverTemplate, entry: Entry, isNoAck: boolean): number {
    const tag = ++this.deliveryTag
    if (!isNoAck) this.unacked.add(tag, entry)
    const { traffic } = this.vhost
    if (isNoAck) {
      traffic.deliveredAutoAck++
      this.traffic.deliveredAutoAck++
    } else {
      traffic.deliveredManualAck++
      this.traffic.deliveredManualAck++
    }
    if (entry.isRedelivered) {
      traffic.redelivered++
      this.traffic.redelivered++
    }
    this.connection.writer.deliver(template, tag, entry.isRedelivered)
    this.writeEntry(entry)
    this.connection.mark()
    return tag
  }

  /** Remembers what basic.get handed out. */
  addUnacked(tag: number, entry: Entry, queue: Queue, time: AckTime): void {
    this.unacked.add(tag, entry)
    if (time.ms !== Infinity) this.timeouts.got(queue, time, tag)
  }

  /** The content of a deliver or get-ok; that of a redelivery may say how often it was tried. */
  writeEntry(entry: Entry): void {
    this.broker.counters.queueTimes.add(this.broker.arrivals.ageMs(entry.id))
    if (!entry.isRedelivered || !entry.queue.showsCounts) return this.writeContent(entry.message)
    writeCountedContent(this.connection.writer, this.number, entry, this.connection.frameSizeMax)
  }

  writeContent(message: Message): void {
    this.connection.writer.content(
      this.number, message.buf, message.propertiesStart, message.propertiesEnd, message.bodyStart,
      message.bodyEnd, this.connection.frameSizeMax)
  }

  /** Credit of one consumer came back; under a channel-wide prefetch every other may have waited for it. */
  creditReturned(consumer: Consumer): void {
    if (this.channelPrefetch === 0) return consumer.queue.creditReturned(consumer)
    this.offerCredit()
  }

  /** Every consumer with credit joins its queue's rotation again. */
  offerCredit(): void {
    for (const consumer of this.consumers.values()) consumer.queue.creditReturned(consumer)
  }

  /** Ends a consumer; an auto-delete queue goes with its last one. */
  removeConsumer(consumer: Consumer): void {
    this.consumers.delete(consumer.tag)
    if (consumer.queue.removeConsumer(consumer)) removeQueue(this.vhost, consumer.queue)
  }

  /** From now on the channel's requests may be answered directly, or, with null, no longer. */
  setReplyTo(replyTo: DirectReplyTo | null): void {
    if (this.replyTo !== null) this.vhost.replyPorts.delete(this.replyTo.name)
    this.replyTo = replyTo
    if (replyTo !== null) this.vhost.replyPorts.set(replyTo.name, replyTo)
  }

  forgetConsumer(consumer: Consumer): void {
    this.consumers.delete(consumer.tag)
  }

  /** Errors: precondition-failed on a transactional channel. */
  selectConfirms(): void {
    if (this.transaction !== null) throw preconditionFailed('cannot switch from tx to confirm mode')
    this.confirms ??= new Confirms(this)
  }

  /** Errors: precondition-failed on a channel with confirms. */
  selectTransactions(): void {
    if (this.confirms !== null) throw preconditionFailed('cannot switch from confirm to tx mode')
    this.transaction ??= new Transaction(this.broker.limits.transactionSizeMax)
  }

  /**
   * Does what was staged. Returns the batch that the commit waits for, 0 when nothing of it is stored.
   * Errors: precondition-failed without transactions, and when a queue refused its message: the others have
   * theirs then, as in RabbitMQ.
   */
  commit(): number {
    const transaction = this.getTransaction()
    this.commitOutcome = 0
    transaction.commit(this)
    const { store } = this.vhost
    if ((this.commitOutcome & REJECTED) !== 0) throw preconditionFailed('partial tx completion')
    if (store.isCongested) this.connection.waitForStore(this.vhost)
    return (this.commitOutcome & STORED) === 0 ? 0 : store.openBatch
  }

  /**
   * To the queues that it was routed to when it was published; one that is gone since refuses it. Its time to
   * live begins now (RabbitMQ).
   */
  commitPublish({ route, message, isMandatory, dueMs, stagedAtMs }: StagedPublish): void {
    const queues = route.queues.filter((queue) => !queue.isDeleted)
    if (queues.length < route.queues.length) this.commitOutcome |= REJECTED
    if (queues.length === 0 && route.queues.length > 0) return
    const waitedMs = this.broker.clock.nowMs - stagedAtMs
    const fresh = message.expiresAtMs === Infinity ? message : message.postponed(waitedMs)
    this.commitOutcome |= this.publisher.handOver({ ...route, queues }, fresh, isMandatory, dueMs)
  }

  commitSettlement(entry: Entry, how: Settlement): void {
    if (entry.isStored) this.commitOutcome |= STORED
    this.settleEntry(entry, how)
  }

  /** Forgets what was staged; what was settled can be settled again (RabbitMQ). */
  rollback(): void {
    this.unacked.putBack(this.getTransaction().rollback())
  }

  private getTransaction(): Transaction {
    if (this.transaction === null) throw preconditionFailed('channel is not transactional')
    return this.transaction
  }

  /**
   * A publish was taken, with the outcome that the vhost said: stored, it is confirmed with the open batch.
   */
  published(outcome: number): void {
    const { store } = this.vhost
    if (this.confirms !== null) {
      this.broker.counters.publishedForConfirm++
      this.confirms.published((outcome & STORED) === 0 ? 0 : store.openBatch, (outcome & REJECTED) !== 0)
    }
    if (store.isCongested) this.connection.waitForStore(this.vhost)
  }

  ingested(bodyBytes: number): void {
    this.connection.ingested(bodyBytes)
  }

  awaitDurable(listener: DurableListener): void {
    this.vhost.awaitDurable(listener)
  }

  get monotonicMs(): number {
    return this.broker.clock.monotonicMs
  }

  confirmsReady(): void {
    if (this.areConfirmsReady) return
    this.areConfirmsReady = true
    this.connection.confirmAtEndOfTurn(this)
  }

  writeConfirms(): void {
    this.areConfirmsReady = false
    if (this.isOpen && this.confirms !== null) {
      const count = this.confirms.write(this.connection.writer, this.broker.counters.confirmTimes)
      this.vhost.traffic.confirmed += count
      this.traffic.confirmed += count
    }
  }

  /**
   * The channel is over, whoever said so: consumers go, unacked entries return to their queues (RabbitMQ).
   */
  end(): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.broker.counters.channelsClosed++
    this.setReplyTo(null)
    if (this.transaction !== null) this.rollback()
    this.timeouts.end()
    const entries = this.unacked.takeAll()
    const consumers = [...this.consumers.values()]
    this.consumers.clear()
    const abandoned = consumers.filter((consumer) => consumer.queue.removeConsumer(consumer))
    this.requeueAll(entries, 'lost')
    for (const { queue } of abandoned) if (!queue.isDeleted) removeQueue(this.vhost, queue)
  }

  closeWith(error: AmqpError): void {
    const methodId = error.namesMethod ? this.connection.methodId : 0
    this.connection.log.warn(
      { channel: this.number, method: METHOD_NAMES.get(methodId) ?? 'none', reason: error.replyText },
      'channel closed with an error')
    this.connection.flushConfirms()
    this.end()
    this.closing = new ClosingFrames(this.connection, this, this.publisher)
    writeChannelClose(
      this.connection.writer, this.number, error.code, error.replyText, methodId >>> 16, methodId & 0xffff)
    this.connection.mark()
  }

  closedByClient(): void {
    this.connection.flushConfirms()
    this.end()
    writeChannelCloseOk(this.connection.writer, this.number)
    this.connection.removeChannel(this)
  }
}

/** The tag as the client wrote it, which may be beyond what a number holds. */
const unknownTag = (buf: Buffer, at: number): Error =>
  preconditionFailed(`unknown delivery tag ${buf.readBigUInt64BE(at)}`)
