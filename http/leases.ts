// Leases: messages that are a client's for some time, by tokens that nobody can guess. One that runs out goes
// back to its queue and counts as returned. Leases that are due in the same tenth of a second share a timer,
// so that there is none per message. Invariant: a token is known exactly as long as its delivery is
// unsettled.
import type { Timer, TimerWheel } from '../base/timer-wheel.ts'
import type { Broker } from '../broker/broker.ts'
import type { User } from '../broker/users.ts'
import type { Queue } from '../queues/queue.ts'
import type { Entry } from '../queues/entry.ts'
import type { Delivery, DeliveryHolder } from './delivery.ts'
import type { Session } from './session.ts'

const TICK_MS = 100

/** Leases that end together. */
class Due implements Timer {
  dueMs = 0
  readonly leases = new Set<Lease>()
  private readonly over: (due: Due) => void

  constructor(over: (due: Due) => void) {
    this.over = over
  }

  fire(): void {
    this.over(this)
  }
}

export class Lease {
  readonly token: string
  readonly session: Session
  readonly delivery: Delivery
  due: Due | null = null

  constructor(token: string, session: Session, delivery: Delivery) {
    this.token = token
    this.session = session
    this.delivery = delivery
  }
}

export class Leases implements DeliveryHolder {
  private readonly broker: Broker
  private readonly timers: TimerWheel
  private readonly byToken = new Map<string, Lease>()
  private readonly byDelivery = new Map<Delivery, Lease>()
  private readonly dues = new Map<number, Due>()

  constructor(broker: Broker) {
    this.broker = broker
    this.timers = broker.timers
  }

  grant(session: Session, queue: Queue, entry: Entry, ms: number): Lease {
    const delivery = session.hold(queue, entry, this)
    const lease = new Lease(this.broker.generateName(''), session, delivery)
    this.byToken.set(lease.token, lease)
    this.byDelivery.set(delivery, lease)
    this.renew(lease, ms)
    return lease
  }

  /** Null: it was never granted to this user, was settled, or ran out. */
  find(user: User, token: string): Lease | null {
    const lease = this.byToken.get(token)
    return lease?.session.user.name === user.name ? lease : null
  }

  extend(delivery: Delivery, ms: number): boolean {
    const lease = this.byDelivery.get(delivery)
    if (lease === undefined) return false
    this.renew(lease, ms)
    return true
  }

  /** From now on so long. */
  renew(lease: Lease, ms: number): void {
    this.leave(lease)
    const tick = Math.ceil((this.broker.clock.monotonicMs + ms) / TICK_MS)
    let due = this.dues.get(tick)
    if (due === undefined) {
      due = new Due((over) => this.ranOut(over, tick))
      this.dues.set(tick, due)
      this.timers.set(due, tick * TICK_MS)
    }
    due.leases.add(lease)
    lease.due = due
  }

  /** Its delivery was settled, whoever did it. */
  settled(delivery: Delivery): void {
    const lease = this.byDelivery.get(delivery)
    if (lease === undefined) return
    this.byDelivery.delete(delivery)
    this.byToken.delete(lease.token)
    this.leave(lease)
  }

  /** A timer that nothing waits for any more fires, and finds nobody. */
  private leave(lease: Lease): void {
    lease.due?.leases.delete(lease)
    lease.due = null
  }

  private ranOut(due: Due, tick: number): void {
    this.dues.delete(tick)
    for (const { delivery } of due.leases) delivery.settle('timed-out')
  }
}
