// A consumer that stays: its messages go into a stream, of events or over a WebSocket, while that has room,
// and with acks while fewer than its prefetch are unsettled. Made by event-stream.ts, websocket-stream.ts
// and webhooks/webhook.ts. Invariant: it has a session of its own, and both end together.
import { EMPTY_TABLE } from '../protocol/table.ts'
import type { Entry } from '../queues/entry.ts'
import type { Queue } from '../queues/queue.ts'
import type { Delivery, DeliveryHolder, Settlement } from './delivery.ts'
import type { Session, SessionConsumer } from './session.ts'

/** Where the messages go. */
export interface StreamSink {
  readonly hasRoom: boolean
  /** `tag` is 0 without acks. */
  message(entry: Entry, tag: number): void
  /** The last word. */
  ended(reason: string): void
}

export interface StreamWish {
  readonly isNoAck: boolean
  readonly prefetch: number
}

export class StreamConsumer implements SessionConsumer, DeliveryHolder {
  readonly tag: string
  readonly queue: Queue
  readonly isNoAck: boolean
  readonly prefetch: number
  readonly isExclusive = false
  readonly priority = 0
  readonly isLate = false
  readonly args = EMPTY_TABLE
  isInRotation = false
  private readonly session: Session
  private readonly sink: StreamSink
  private readonly unsettled = new Map<number, Delivery>()
  private lastTag = 0
  private isOver = false

  constructor(session: Session, queue: Queue, { isNoAck, prefetch }: StreamWish, sink: StreamSink) {
    this.session = session
    this.queue = queue
    this.isNoAck = isNoAck
    this.prefetch = isNoAck ? 0 : prefetch
    this.sink = sink
    this.tag = session.broker.generateName('http.ctag-')
  }

  get isActive(): boolean {
    return this.queue.consumers.isActive(this)
  }

  get hasCredit(): boolean {
    return !this.isOver && this.sink.hasRoom && (this.isNoAck || this.unsettled.size < this.prefetch)
  }

  get isIdle(): boolean {
    return this.unsettled.size === 0
  }

  deliver(entry: Entry): void {
    const tag = this.isNoAck ? 0 : ++this.lastTag
    if (tag > 0) this.unsettled.set(tag, this.session.hold(this.queue, entry, this))
    this.session.handedOut(entry, this.isNoAck)
    this.sink.message(entry, tag)
  }

  /** Returns false for a tag of which nothing is unsettled. */
  settle(tag: number, how: Settlement): boolean {
    const delivery = this.unsettled.get(tag)
    if (delivery === undefined) return false
    this.unsettled.delete(tag)
    return delivery.settle(how)
  }

  /** By `settle`, which has forgotten it, or with the session, which ends all of this. */
  settled(): void {}

  /** What a stream hands out is its client's for as long as that stays. */
  extend(): boolean {
    return false
  }

  release(): void {
    this.roomReturned()
  }

  /** The sink has room again. */
  roomReturned(): void {
    if (!this.isOver) this.queue.creditReturned(this)
  }

  queueDeleted(): void {
    this.session.end(`${this.session.vhost.describeQueue(this.queue.name)} was deleted`)
  }

  sessionClosed(reason: string): void {
    if (this.isOver) return
    this.isOver = true
    this.session.removeConsumer(this)
    this.sink.ended(reason)
  }
}
