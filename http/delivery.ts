// A message that a client has over HTTP and has not settled: by the token of a lease, or by its tag on a
// stream. Invariant: it is settled once, and belongs to its session until then.
import type { Entry } from '../queues/entry.ts'
import type { Queue } from '../queues/queue.ts'

/**
 * Acked; put back; given up by basic.reject or basic.nack; put back because the client is gone, or let its
 * lease run out.
 */
export type Settlement = 'ack' | 'requeue' | 'reject' | 'nack' | 'lost' | 'timed-out'

/** What a delivery asks of the session that it was made to. */
export interface SettlingSession {
  acked(): void
  settled(delivery: Delivery): void
}

/** Who gave the client a name for it, and forgets that with it: leases, or a stream. */
export interface DeliveryHolder {
  settled(delivery: Delivery): void
  /** Gives it so long from now on. False: it is not leased. */
  extend(delivery: Delivery, ms: number): boolean
}

export class Delivery {
  readonly entry: Entry
  private readonly session: SettlingSession
  private readonly queue: Queue
  private readonly holder: DeliveryHolder
  readonly sinceMs: number
  private isSettled = false

  /** `sinceMs`: in milliseconds since the epoch. */
  constructor(
    session: SettlingSession, queue: Queue, entry: Entry, holder: DeliveryHolder, sinceMs: number,
  ) {
    this.session = session
    this.queue = queue
    this.entry = entry
    this.holder = holder
    this.sinceMs = sinceMs
  }

  /** Returns false when it was settled before. */
  settle(how: Settlement): boolean {
    if (this.isSettled) return false
    this.isSettled = true
    const { entry, queue } = this
    if (how === 'ack') {
      this.session.acked()
      queue.settle(entry)
    } else if (how === 'reject') queue.reject(entry)
    else if (how === 'nack') queue.reject(entry, 'nacked-for-good')
    else queue.requeue(entry, how === 'requeue' ? 'nacked' : how)
    this.holder.settled(this)
    this.session.settled(this)
    return true
  }

  /** From now on so long. False: it is not leased. */
  extend(ms: number): boolean {
    return !this.isSettled && this.holder.extend(this, ms)
  }

  /** Its ack is something to wait for: the store has the message. */
  get isStored(): boolean {
    return this.entry.isStored && !this.queue.isDeleted
  }
}
