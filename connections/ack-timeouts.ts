// Deliveries of a channel that were not settled in time: they go back to their queue. With a lease
// (x-ack-timeout) that is all; to settle one then is accepted and changes nothing. With RabbitMQ's consumer
// timeout (4.3: quorum queues only) a consumer whose client can be told is told by basic.cancel; it stays,
// and gets nothing until it has settled what is late, which is accepted and changes nothing. Otherwise, and
// after basic.get, the channel is closed.
import type { Clock } from '../base/clock.ts'
import type { Timer, TimerWheel } from '../base/timer-wheel.ts'
import { AmqpError } from '../protocol/errors.ts'
import type { FrameWriter } from '../protocol/frame-writer.ts'
import { writeBasicCancel } from '../protocol/methods.gen.ts'
import { Entry } from '../queues/entry.ts'
import type { ConsumerPort, EntryHolder } from '../queues/entry.ts'
import type { Queue } from '../queues/queue.ts'
import { AckDeadline } from './ack-deadline.ts'
import type { Unacked } from './unacked.ts'

/** So many tags whose lease ended are known; who settles an older one is told that it is unknown. */
const ENDED_MAX = 65_536

/** The time that deliveries have to be settled in. */
export interface AckTime {
  /** Infinity: for ever. */
  readonly ms: number
  /** They return when it is over, and nothing else happens. */
  readonly isLease: boolean
}

/** Of a consumer, what its late deliveries do to it. */
export interface LateConsumer extends ConsumerPort, EntryHolder {
  readonly tag: string
  /** So many of its deliveries are late: it gets nothing until they are settled, to it. */
  isTimedOut(count: number): void
}

/** A delivery that was given a time of its own. It is rare, so each has a timer. */
class ExtendedLease implements Timer {
  dueMs = 0
  private readonly over: () => void

  constructor(over: () => void) {
    this.over = over
  }

  fire(): void {
    this.over()
  }
}

export interface TimedChannel {
  readonly number: number
  readonly broker: { readonly clock: Clock; readonly timers: TimerWheel }
  readonly connection: {
    readonly writer: FrameWriter
    readonly client: { readonly consumerCancelNotify: boolean }
    mark(): void
  }
  readonly consumers: ReadonlyMap<string, LateConsumer>
  closeWith(error: AmqpError): void
}

export class AckTimeouts {
  private readonly channel: TimedChannel
  private readonly unacked: Unacked
  private readonly running = new Set<AckDeadline>()
  private readonly byQueue = new Map<Queue, { readonly deadline: AckDeadline; readonly isLease: boolean }>()
  /** Tags whose lease is over, the oldest first. */
  private readonly ended = new Set<number>()
  /** By tag; one that is settled goes when its time is over. */
  private readonly extended = new Map<number, ExtendedLease>()
  /** Consumers whose deliveries are leased. */
  private readonly leasing = new WeakSet<ConsumerPort>()

  constructor(channel: TimedChannel, unacked: Unacked) {
    this.channel = channel
    this.unacked = unacked
  }

  ofConsumer(consumer: LateConsumer, { ms: timeoutMs, isLease }: AckTime): AckDeadline {
    const isItsOwn = (entry: Entry): boolean => entry.consumer === consumer
    if (isLease) this.leasing.add(consumer)
    return new AckDeadline(this.channel.broker, timeoutMs, this.running, (from, to) => {
      if (isLease) return this.giveBack(from, to, isItsOwn)
      const late = this.take(from, to, isItsOwn, consumer)
      if (late === 0) return
      if (!this.canBeTold(consumer)) return this.channel.closeWith(timedOut(this.channel.number, timeoutMs))
      consumer.isTimedOut(late)
      writeBasicCancel(this.channel.connection.writer, this.channel.number, consumer.tag, true)
      this.channel.connection.mark()
    })
  }

  /** basic.get took an entry out of a queue. */
  got(queue: Queue, { ms: timeoutMs, isLease }: AckTime, tag: number): void {
    let timed = this.byQueue.get(queue)
    if (timed === undefined) {
      const deadline = new AckDeadline(this.channel.broker, timeoutMs, this.running, (from, to) => {
        const isGot = (entry: Entry): boolean => entry.consumer === null && entry.queue === queue
        if (isLease) return this.giveBack(from, to, isGot)
        if (this.take(from, to, isGot, nobody) === 0) return
        this.channel.closeWith(timedOut(this.channel.number, timeoutMs))
      })
      timed = { deadline, isLease }
      this.byQueue.set(queue, timed)
    }
    timed.deadline.handedOut(tag)
  }

  /**
   * Gives a delivery so long from now on, whatever was left of its lease. False: it has none, or is no more.
   */
  extend(tag: number, ms: number): boolean {
    const entry = this.unacked.find(tag)
    if (entry === null || !this.isLeased(entry)) return false
    let lease = this.extended.get(tag)
    if (lease === undefined) {
      lease = new ExtendedLease(() => this.extensionEnded(tag))
      this.extended.set(tag, lease)
    }
    const { clock, timers } = this.channel.broker
    timers.set(lease, clock.monotonicMs + ms)
    return true
  }

  /** True when the tag's lease was over before it was settled; with `multiple` those before it are, too. */
  isSettledLate(tag: number, multiple: boolean): boolean {
    if (!this.ended.delete(tag)) return false
    if (multiple) for (const other of this.ended) if (other < tag) this.ended.delete(other)
    return true
  }

  /** The channel is over. */
  end(): void {
    for (const deadline of this.running) deadline.stop()
    for (const lease of this.extended.values()) this.channel.broker.timers.clear(lease)
    this.extended.clear()
  }

  /** One that was cancelled meanwhile cannot be cancelled again. */
  private canBeTold(consumer: LateConsumer): boolean {
    const { connection, consumers } = this.channel
    return connection.client.consumerCancelNotify && consumers.get(consumer.tag) === consumer
  }

  private giveBack(from: number, to: number, isMine: (entry: Entry) => boolean): void {
    for (const [tag, entry] of this.unacked.between(from, to)) {
      if (isMine(entry) && !this.extended.has(tag)) this.leaseEnded(tag)
    }
  }

  private leaseEnded(tag: number): void {
    const entry = this.unacked.take(tag)
    if (entry === null) return
    this.ended.add(tag)
    if (this.ended.size > ENDED_MAX) this.ended.delete(this.ended.values().next().value!)
    entry.queue.requeue(entry, 'timed-out')
  }

  private extensionEnded(tag: number): void {
    this.extended.delete(tag)
    this.leaseEnded(tag)
  }

  /** By its consumer's time or, after basic.get, by that of its queue. */
  private isLeased({ consumer, queue }: Entry): boolean {
    return consumer === null ? this.byQueue.get(queue as Queue)?.isLease === true : this.leasing.has(consumer)
  }

  /** Back to their queues; their tags stay known, and belong to `late` from now on. Returns how many. */
  private take(from: number, to: number, isMine: (entry: Entry) => boolean, late: EntryHolder): number {
    let count = 0
    for (const [tag, entry] of this.unacked.between(from, to)) {
      if (!isMine(entry)) continue
      this.unacked.replace(tag, new Entry(entry.id, entry.message, late, Infinity))
      entry.queue.requeue(entry, 'timed-out')
      count++
    }
    return count
  }
}

const nobody: EntryHolder = { showsCounts: false, settle() {}, reject() {}, requeue() {}, allReturned() {} }

/** RabbitMQ 4.3 says -1 for the time; 3.x says the one that was used, and so do we. */
function timedOut(channel: number, timeoutMs: number): AmqpError {
  return new AmqpError('preconditionFailed', `delivery acknowledgement on channel ${channel} timed out. `
    + `Timeout value used: ${timeoutMs} ms. This timeout value can be configured, see consumers doc guide to `
    + 'learn more', false)
}
