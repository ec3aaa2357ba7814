// A consumer: a tag on a channel, its credit, and the way of an entry into the connection's outbox.
import type { ConsumerView } from '../broker/connection-view.ts'
import { buildDeliverTemplate } from '../protocol/deliver-template.ts'
import { writeBasicCancel } from '../protocol/methods.gen.ts'
import type { ConsumerPort, Entry } from '../queues/entry.ts'
import type { Envelope } from '../queues/message.ts'
import type { Queue } from '../queues/queue.ts'
import type { DeliverTemplate, FrameWriter } from '../protocol/frame-writer.ts'
import type { AckDeadline } from './ack-deadline.ts'
import type { AckTime, AckTimeouts, LateConsumer } from './ack-timeouts.ts'
import type { FieldTable } from '../protocol/table.ts'

/** What a consumer asks of its channel. */
export interface ConsumingChannel {
  readonly number: number
  /** Room under the channel-wide prefetch. */
  readonly hasCredit: boolean
  readonly connection: {
    readonly writer: FrameWriter
    readonly client: { readonly consumerCancelNotify: boolean }
    hasRoom(): boolean
    mark(): void
  }
  readonly timeouts: AckTimeouts
  /** Returns the delivery tag. */
  deliver(template: DeliverTemplate, entry: Entry, isNoAck: boolean): number
  creditReturned(consumer: Consumer): void
  forgetConsumer(consumer: Consumer): void
}

export interface ConsumerOptions {
  readonly tag: string
  readonly isNoAck: boolean
  readonly isExclusive: boolean
  readonly priority: number
  readonly prefetch: number
  readonly ackTime: AckTime
  readonly args: FieldTable
}

export class Consumer implements ConsumerPort, ConsumerView, LateConsumer {
  readonly tag: string
  readonly queue: Queue
  readonly isNoAck: boolean
  readonly isExclusive: boolean
  readonly priority: number
  readonly args: FieldTable
  /** Unacked deliveries it may hold; 0 is no limit. Fixed when it starts (RabbitMQ). */
  readonly prefetch: number
  isInRotation = false
  readonly showsCounts = false
  private readonly channel: ConsumingChannel
  private readonly deadline: AckDeadline | null
  private lateCount = 0
  private unackedCount = 0
  private templateFor: Envelope | null = null
  private template: DeliverTemplate = { frame: Buffer.alloc(0), tagAt: 0 }

  constructor(channel: ConsumingChannel, queue: Queue, options: ConsumerOptions) {
    this.channel = channel
    this.queue = queue
    this.tag = options.tag
    this.isNoAck = options.isNoAck
    this.isExclusive = options.isExclusive
    this.args = options.args
    this.priority = options.priority
    this.prefetch = options.prefetch
    this.deadline = options.isNoAck || options.ackTime.ms === Infinity
      ? null : channel.timeouts.ofConsumer(this, options.ackTime)
  }

  /** False for one that waits behind a single active consumer. */
  get isActive(): boolean {
    return this.queue.consumers.isActive(this)
  }

  get hasCredit(): boolean {
    if (this.isLate || !this.channel.connection.hasRoom()) return false
    return this.isNoAck
      || ((this.prefetch === 0 || this.unackedCount < this.prefetch) && this.channel.hasCredit)
  }

  get isLate(): boolean {
    return this.lateCount > 0
  }

  get isIdle(): boolean {
    return this.unackedCount === 0
  }

  deliver(entry: Entry): void {
    const { envelope } = entry.message
    if (envelope !== this.templateFor) {
      this.template = buildDeliverTemplate(this.channel.number, this.tag, envelope.wire)
      this.templateFor = envelope
    }
    if (!this.isNoAck) this.unackedCount++
    const tag = this.channel.deliver(this.template, entry, this.isNoAck)
    if (this.deadline !== null) this.deadline.handedOut(tag)
  }

  release(): void {
    this.unackedCount--
    this.channel.creditReturned(this)
  }

  isTimedOut(count: number): void {
    this.lateCount += count
  }

  settle(): void {
    this.lateSettled()
  }

  reject(): void {
    this.lateSettled()
  }

  requeue(): void {
    this.lateSettled()
  }

  allReturned(): void {}

  /** Its queue has taken it back long ago; the last one gives the consumer its credit back. */
  private lateSettled(): void {
    this.lateCount--
    if (!this.isLate) this.queue.creditReturned(this)
  }

  /** A client that can't be told by basic.cancel is told nothing (RabbitMQ: consumer_cancel_notify). */
  queueDeleted(): void {
    this.channel.forgetConsumer(this)
    if (!this.channel.connection.client.consumerCancelNotify) return
    writeBasicCancel(this.channel.connection.writer, this.channel.number, this.tag, true)
    this.channel.connection.mark()
  }
}
