// The deliveries of one queue: from the head of the ready list to a consumer, or to basic.get, and what of it
// is unacked until it is taken back. Called by Queue. Invariant: an entry is counted here from its delivery
// until somebody settles or returns it; one that was delivered without acks is gone at once.
import type { Arrivals } from '../base/arrivals.ts'
import type { Clock } from '../base/clock.ts'
import type { QueueTraffic } from '../base/traffic.ts'
import type { Pumpable, Turn } from '../base/turn.ts'
import type { ConsumerSet } from './consumers.ts'
import type { Deaths } from './deaths.ts'
import type { ConsumerPort, Entry } from './entry.ts'
import type { GroupedReady } from './grouped-ready.ts'
import type { HeadExpiry } from './head-expiry.ts'
import type { MessageTracer } from './message-tracer.ts'
import type { Overflow } from './overflow.ts'
import type { ReadyList } from './ready-list.ts'

/** Deliveries of one queue in one turn; what is left goes on in the next, after the sockets had theirs. */
const PUMP_MAX = 4_000
/** Ready after a pump: from here on publishers get no more than consumers. */
const GROWING_MIN = 1_000

/** What one step of a pump did. */
const NOTHING = 0
const DELIVERED = 1
const EXPIRED = 2

export interface DeliveryParts {
  readonly clock: Clock
  readonly turn: Turn
  readonly arrivals: Arrivals
  readonly tracer: MessageTracer | null
}

/** The queue, as far as it hands out. */
export interface DeliveringQueue extends Pumpable {
  readonly name: string
  readonly ready: ReadyList
  readonly consumers: ConsumerSet
  readonly traffic: QueueTraffic
  /** Null: the queue has no groups. */
  readonly groups: Pick<GroupedReady, 'occupy' | 'free'> | null
  /** Its next entry has still to come from the store. */
  readonly isPaging: boolean
  /** It is in the queue no more. */
  forget(entry: Entry): void
  /** Nobody takes more of what is ready: what is too much goes. */
  readonly overflow: Pick<Overflow, 'drop'>
}

export class Deliveries {
  unackedCount = 0
  unackedBytes = 0
  private readonly queue: DeliveringQueue
  private readonly parts: DeliveryParts
  private readonly deaths: Pick<Deaths, 'die'>
  private readonly headExpiry: HeadExpiry

  constructor(
    queue: DeliveringQueue, parts: DeliveryParts, deaths: Pick<Deaths, 'die'>, headExpiry: HeadExpiry,
  ) {
    this.queue = queue
    this.parts = parts
    this.deaths = deaths
    this.headExpiry = headExpiry
  }

  /** Hands out while some consumer has credit. Returns true when its bound was reached. */
  pump(): boolean {
    let delivered = 0
    let step = DELIVERED
    for (let n = 0; n < PUMP_MAX && step !== NOTHING; n++) {
      step = this.pumpHead()
      if (step === DELIVERED) delivered++
    }
    if (step === NOTHING) {
      this.queue.overflow.drop()
      this.headExpiry.watch()
    }
    this.parts.turn.budget.pumped(delivered, this.queue.ready.length > GROWING_MIN)
    return step !== NOTHING
  }

  /** As Queue.get. */
  get(isNoAck: boolean): Entry | null {
    const { queue, headExpiry } = this
    const { ready, traffic } = queue
    headExpiry.drop()
    const entry = ready.shift()
    if (entry === null) {
      if (!queue.isPaging) traffic.gotEmpty++
      return null
    }
    // Before anything may pump: the next of its group is not to go out beside it.
    if (!isNoAck) this.keep(entry)
    headExpiry.drop() // what it uncovered: the message count of the answer leaves it out (RabbitMQ)
    if (headExpiry.isMortal) this.parts.turn.pump(queue)
    if (entry.isRedelivered) traffic.redelivered++
    if (this.parts.tracer !== null) this.trace(this.parts.tracer, entry, null)
    if (isNoAck) {
      traffic.gotAutoAck++
      queue.forget(entry)
    } else {
      traffic.gotManualAck++
    }
    return entry
  }

  /** Settled or returned: its consumer has its credit back. */
  takeBack(entry: Entry): void {
    this.unackedCount--
    this.unackedBytes -= entry.message.bodyBytes
    this.queue.groups?.free(entry)
    const consumer = entry.consumer
    if (consumer === null) return
    entry.consumer = null
    consumer.release()
  }

  /**
   * What became of the head. A time to live of 0 means now or never: a consumer that waits still gets it
   * (RabbitMQ).
   */
  private pumpHead(): number {
    const { ready, consumers } = this.queue
    const entry = ready.first()
    if (entry === null) return NOTHING
    const { nowMs } = this.parts.clock
    const consumer = entry.expiresAtMs < nowMs ? null : consumers.next()
    if (consumer !== null) {
      this.handOut(ready.shift()!, consumer)
      consumers.served(consumer)
      return DELIVERED
    }
    if (entry.expiresAtMs > nowMs) return NOTHING
    this.deaths.die(ready.shift()!, 'expired')
    return EXPIRED
  }

  private handOut(entry: Entry, consumer: ConsumerPort): void {
    const { traffic } = this.queue
    if (entry.isRedelivered) traffic.redelivered++
    if (this.parts.tracer !== null) this.trace(this.parts.tracer, entry, consumer.tag)
    if (consumer.isNoAck) {
      traffic.deliveredAutoAck++
      consumer.deliver(entry)
      this.queue.forget(entry)
      return
    }
    entry.consumer = consumer
    traffic.deliveredManualAck++
    this.keep(entry)
    consumer.deliver(entry)
  }

  private trace(tracer: MessageTracer, entry: Entry, consumerTag: string | null): void {
    const { arrivals, clock } = this.parts
    const cameMs = arrivals.isFromBefore(entry.id) ? null : clock.nowMs - arrivals.ageMs(entry.id)
    tracer.delivered(entry, this.queue.name, consumerTag, cameMs)
  }

  private keep(entry: Entry): void {
    this.unackedCount++
    this.unackedBytes += entry.message.bodyBytes
    this.queue.groups?.occupy(entry)
  }
}
