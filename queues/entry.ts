// One queue's hold on a message, and who takes it out: what the channel that got it does with it, and what
// the queue sees of the consumer that got it. Interfaces both, because connections/ is above queues/.
import type { Message } from './message.ts'

/**
 * How an unacked entry came back to its queue: basic.nack or basic.reject with requeue, basic.recover, the
 * loss of its channel, or the end of the time it had to be settled in.
 */
export type ReturnCause = 'nacked' | 'rejected' | 'recovered' | 'lost' | 'timed-out'

/** How a consumer gave an entry up: basic.reject or basic.nack without requeue. */
export type GivenUpCause = 'rejected-for-good' | 'nacked-for-good'

/** The queue, as a channel that settles an entry sees it. */
export interface EntryHolder {
  /** Acked. */
  settle(entry: Entry): void
  /** Given up: tried again later or dead-lettered, where the queue says so. */
  reject(entry: Entry, cause: GivenUpCause): void
  /** With `isLast` false more come back with it, and `allReturned` after them. */
  requeue(entry: Entry, cause: ReturnCause, isLast?: boolean): void
  /** All of a batch are back at their places: only now something is too much for the queue (RabbitMQ). */
  allReturned(): void
  /** A redelivery says how often it was tried (delivery-counts.ts). */
  readonly showsCounts: boolean
}

/** What a queue sees of a consumer; connections/consumer.ts is one. */
export interface ConsumerPort {
  /** What its client, or the door, calls it. */
  readonly tag: string
  readonly isNoAck: boolean
  /** `x-priority`, 0 when not given: higher ones are served first while they have credit. */
  readonly priority: number
  /** Unacked deliveries it may hold; 0 is no limit. */
  readonly prefetch: number
  /** Room for one more: prefetch of the consumer and the channel, and room in the connection's outbox. */
  readonly hasCredit: boolean
  /** It holds no unacked delivery. */
  readonly isIdle: boolean
  /** It let a delivery time out and has not settled it since: it gets nothing until then. */
  readonly isLate: boolean
  /** Owned by ConsumerSet. */
  isInRotation: boolean
  deliver(entry: Entry): void
  /** An entry it was given is settled or back in the queue: its credit returns. */
  release(): void
  /** The queue is gone: the client is told by basic.cancel. */
  queueDeleted(): void
}

export class Entry {
  /** From one broker-wide sequence: order in the queue, place of a requeue, key on disk. */
  readonly id: number
  readonly message: Message
  readonly queue: EntryHolder
  /** Batch and position of its put; 0 and 0 for one that was recovered. */
  batch = 0
  position = 0
  isStored = false
  /** When it expires in this queue; Infinity when never. */
  readonly expiresAtMs: number
  /** How often it was handed out and came back; see delivery-counts.ts. */
  deliveryCount = 0
  /** While unacked: whose credit it holds. Null for ready entries and for those taken by basic.get. */
  consumer: ConsumerPort | null = null

  constructor(id: number, message: Message, queue: EntryHolder, expiresAtMs: number) {
    this.expiresAtMs = expiresAtMs
    this.id = id
    this.message = message
    this.queue = queue
  }

  get isRedelivered(): boolean {
    return this.deliveryCount > 0
  }
}
