// Deliveries of a channel that were not settled in time (RabbitMQ 4.3: quorum queues only). They go back to
// their queue. A consumer whose client can be told is told by basic.cancel; it stays, and gets nothing until
// it has settled what is late, which is accepted and changes nothing. Otherwise, and after basic.get, the
// channel is closed.
import type { Clock } from '../base/clock.ts'
import type { TimerWheel } from '../base/timer-wheel.ts'
import { AmqpError } from '../protocol/errors.ts'
import type { FrameWriter } from '../protocol/frame-writer.ts'
import { writeBasicCancel } from '../protocol/methods.gen.ts'
import { Entry } from '../queues/entry.ts'
import type { ConsumerPort, EntryHolder } from '../queues/entry.ts'
import type { Queue } from '../queues/queue.ts'
import { AckDeadline } from './ack-deadline.ts'
import type { Unacked } from './unacked.ts'

/** Of a consumer, what its late deliveries do to it. */
export interface LateConsumer extends ConsumerPort, EntryHolder {
  readonly tag: string
  /** So many of its deliveries are late: it gets nothing until they are settled, to it. */
  isTimedOut(count: number): void
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
  private readonly byQueue = new Map<Queue, AckDeadline>()

  constructor(channel: TimedChannel, unacked: Unacked) {
    this.channel = channel
    this.unacked = unacked
  }

  ofConsumer(consumer: LateConsumer, timeoutMs: number): AckDeadline {
    return new AckDeadline(this.channel.broker, timeoutMs, this.running, (from, to) => {
      const late = this.take(from, to, (entry) => entry.consumer === consumer, consumer)
      if (late === 0) return
      if (!this.canBeTold(consumer)) return this.channel.closeWith(timedOut(this.channel.number, timeoutMs))
      consumer.isTimedOut(late)
      writeBasicCancel(this.channel.connection.writer, this.channel.number, consumer.tag, true)
      this.channel.connection.mark()
    })
  }

  /** basic.get took an entry out of a queue. */
  got(queue: Queue, timeoutMs: number, tag: number): void {
    let deadline = this.byQueue.get(queue)
    if (deadline === undefined) {
      deadline = new AckDeadline(this.channel.broker, timeoutMs, this.running, (from, to) => {
        const isGot = (entry: Entry): boolean => entry.consumer === null && entry.queue === queue
        if (this.take(from, to, isGot, nobody) === 0) return
        this.channel.closeWith(timedOut(this.channel.number, timeoutMs))
      })
      this.byQueue.set(queue, deadline)
    }
    deadline.handedOut(tag)
  }

  /** The channel is over. */
  end(): void {
    for (const deadline of this.running) deadline.stop()
  }

  /** One that was cancelled meanwhile cannot be cancelled again. */
  private canBeTold(consumer: LateConsumer): boolean {
    const { connection, consumers } = this.channel
    return connection.client.consumerCancelNotify && consumers.get(consumer.tag) === consumer
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

const nobody: EntryHolder = { showsCounts: false, settle() {}, reject() {}, requeue() {}, dropOverflow() {} }

/** RabbitMQ 4.3 says -1 for the time; 3.x says the one that was used, and so do we. */
function timedOut(channel: number, timeoutMs: number): AmqpError {
  return new AmqpError('preconditionFailed', `delivery acknowledgement on channel ${channel} timed out. `
    + `Timeout value used: ${timeoutMs} ms. This timeout value can be configured, see consumers doc guide to `
    + 'learn more', false)
}
