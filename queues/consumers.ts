// Who gets the next message: of those with credit the ones of the highest priority, in strict rotation
// (RabbitMQ). One without credit leaves the rotation when its turn comes and joins it again, at the end, when
// credit returns; so a thousand consumers at their prefetch limit cost nothing per message.
//
//   levels:  priority 10: a b    priority 0: c d e    the lower ones are asked when nobody above has credit
import { Ring } from '../base/ring.ts'
import type { ConsumerPort } from './entry.ts'

export class ConsumerSet {
  /** Nobody gets anything until it is false again (broker/queue-pauses.ts). */
  isPaused = false
  private readonly members = new Set<ConsumerPort>()
  /**
   * Highest priority first; a level stays while the queue does, there are as many as priorities were used.
   */
  private readonly levels: { readonly priority: number; readonly rotation: Ring<ConsumerPort> }[] = []
  private exclusive: ConsumerPort | null = null
  /** Only when single active: who gets everything. */
  private active: ConsumerPort | null = null
  /** Only when it yields: the active one gets nothing more, and is active no more once it holds nothing. */
  private isGivingWay = false
  /** Who was given how much of its prefetch in this turn, without acks; only with `fullLeave`. */
  private readonly autoAcked = new Map<ConsumerPort, number>()
  private readonly isSingleActive: boolean
  private readonly yields: boolean
  private readonly fullLeave: boolean

  /**
   * Single active: the first to come gets everything. When it goes, the first of those of the highest
   * priority is next. A newcomer takes over only if it yields, to a higher priority, and when it holds
   * nothing any more, be the newcomer gone by then; and of equals the one of the larger prefetch is next
   * (RabbitMQ: quorum queues; classic ones never). With `fullLeave` one without credit leaves the rotation
   * at once, and so comes back behind those that still have some; and a prefetch holds without acks, too:
   * for what is handed out in one turn (RabbitMQ: as above; its channels settle such deliveries).
   */
  constructor(isSingleActive: boolean, yields: boolean, fullLeave = false) {
    this.isSingleActive = isSingleActive
    this.yields = yields
    this.fullLeave = fullLeave
  }

  get count(): number {
    return this.members.size
  }

  get hasExclusive(): boolean {
    return this.exclusive !== null
  }

  /** Gets messages when it has credit: all do, unless the queue serves a single one. */
  isActive(consumer: ConsumerPort): boolean {
    return !this.isSingleActive || this.active === consumer
  }

  add(consumer: ConsumerPort, isExclusive: boolean): void {
    this.members.add(consumer)
    if (isExclusive) this.exclusive = consumer
    if (this.isSingleActive) this.addSingle(consumer)
    this.creditReturned(consumer)
  }

  /** Returns false when it was not among them. Its place in the rotation is given up when its turn comes. */
  remove(consumer: ConsumerPort): boolean {
    if (this.exclusive === consumer) this.exclusive = null
    this.autoAcked.delete(consumer)
    const wasMember = this.members.delete(consumer)
    if (this.active === consumer) this.activate(this.findSuccessor())
    if (consumer.isInRotation) this.tidy(this.levelOf(consumer.priority))
    return wasMember
  }

  creditReturned(consumer: ConsumerPort): void {
    if (this.isSingleActive) this.active ??= this.findSuccessor()
    if (this.isSingleActive || consumer.isInRotation || !this.members.has(consumer)) return
    consumer.isInRotation = true
    this.levelOf(consumer.priority).push(consumer)
  }

  /** It was given what its turn was for. */
  served(consumer: ConsumerPort): void {
    if (!this.fullLeave) return
    if (consumer.isNoAck && consumer.prefetch > 0) {
      this.autoAcked.set(consumer, (this.autoAcked.get(consumer) ?? 0) + 1)
    }
    if (this.canTake(consumer)) this.creditReturned(consumer)
  }

  /** Somebody without acks has credit again when the next turn begins. */
  get hasAutoAcked(): boolean {
    return this.autoAcked.size > 0
  }

  /** The turn is over in which they were handed out. */
  settleAutoAcked(): void {
    for (const consumer of this.autoAcked.keys()) {
      this.autoAcked.delete(consumer)
      this.creditReturned(consumer)
    }
  }

  /** The consumer whose turn it is, null when nobody has credit; `served` follows. */
  next(): ConsumerPort | null {
    if (this.isPaused) return null
    if (this.isSingleActive) return this.nextSingle()
    for (const { rotation } of this.levels) {
      for (let n = rotation.length; n > 0; n--) {
        const consumer = rotation.shift()!
        if (this.members.has(consumer) && this.canTake(consumer)) {
          if (this.fullLeave) consumer.isInRotation = false
          else rotation.push(consumer)
          return consumer
        }
        consumer.isInRotation = false
      }
    }
    return null
  }

  private canTake(consumer: ConsumerPort): boolean {
    return consumer.hasCredit
      && (this.autoAcked.size === 0 || (this.autoAcked.get(consumer) ?? 0) < roomOf(consumer))
  }

  /**
   * Those who left give up their places when there are more of them than of the others: one pass for many
   * leavings.
   */
  private tidy(rotation: Ring<ConsumerPort>): void {
    if (rotation.length <= 2 * this.members.size + 16) return
    for (let n = rotation.length; n > 0; n--) {
      const consumer = rotation.shift()!
      consumer.isInRotation = this.members.has(consumer)
      if (consumer.isInRotation) rotation.push(consumer)
    }
  }

  private addSingle(consumer: ConsumerPort): void {
    if (this.active === null) this.active = consumer
    else if (this.yields && consumer.priority > this.active.priority) {
      if (this.active.isIdle && !this.isGivingWay) this.activate(consumer)
      else this.isGivingWay = true
    }
  }

  /** One that is late gives way as well, once it holds nothing else (RabbitMQ: consumer timeout). */
  private nextSingle(): ConsumerPort | null {
    const { active } = this
    if (active === null) return null
    if (this.isGivingWay || active.isLate) {
      if (active.isIdle) this.activate(this.findSuccessor())
      else if (this.isGivingWay) return null
    }
    return this.active !== null && this.canTake(this.active) ? this.active : null
  }

  private activate(consumer: ConsumerPort | null): void {
    this.active = consumer
    this.isGivingWay = false
  }

  /** Of those that are not late. */
  private findSuccessor(): ConsumerPort | null {
    let best: ConsumerPort | null = null
    for (const member of this.members) {
      if (!member.isLate && (best === null || this.isBefore(member, best))) best = member
    }
    return best
  }

  private isBefore(member: ConsumerPort, other: ConsumerPort): boolean {
    if (member.priority !== other.priority) return member.priority > other.priority
    return this.yields && roomOf(member) > roomOf(other)
  }

  private levelOf(priority: number): Ring<ConsumerPort> {
    const at = this.levels.findIndex((level) => level.priority <= priority)
    const found = this.levels[at]
    if (found?.priority === priority) return found.rotation
    const rotation = new Ring<ConsumerPort>()
    this.levels.splice(at < 0 ? this.levels.length : at, 0, { priority, rotation })
    return rotation
  }

  *[Symbol.iterator](): IterableIterator<ConsumerPort> {
    yield* this.members
  }
}

/** What it may hold at once; a prefetch of 0 is no limit. */
const roomOf = ({ prefetch }: ConsumerPort): number => (prefetch === 0 ? Infinity : prefetch)
