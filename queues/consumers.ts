// Who gets the next message: of those with credit the ones of the highest priority, in strict rotation
// (RabbitMQ). One without credit leaves the rotation when its turn comes and joins it again, at the end, when
// credit returns; so a thousand consumers at their prefetch limit cost nothing per message.
//
//   levels:  priority 10: a b    priority 0: c d e    the lower ones are asked when nobody above has credit
import { Ring } from '../base/ring.ts'
import type { ConsumerPort } from './entry.ts'

export class ConsumerSet {
  private readonly members = new Set<ConsumerPort>()
  /**
   * Highest priority first; a level stays while the queue does, there are as many as priorities were used.
   */
  private readonly levels: { readonly priority: number; readonly rotation: Ring<ConsumerPort> }[] = []
  private exclusive: ConsumerPort | null = null
  /** Only when single active: who gets everything. */
  private active: ConsumerPort | null = null
  private readonly isSingleActive: boolean

  /**
   * Single active: the first to come gets everything. When it goes, the first of those of the highest
   * priority is next; a newcomer never takes over (RabbitMQ, classic queues).
   */
  constructor(isSingleActive: boolean) {
    this.isSingleActive = isSingleActive
  }

  get count(): number {
    return this.members.size
  }

  get hasExclusive(): boolean {
    return this.exclusive !== null
  }

  add(consumer: ConsumerPort, isExclusive: boolean): void {
    this.members.add(consumer)
    if (isExclusive) this.exclusive = consumer
    if (this.isSingleActive) this.active ??= consumer
    this.creditReturned(consumer)
  }

  /** Returns false when it was not among them. Its place in the rotation is given up when its turn comes. */
  remove(consumer: ConsumerPort): boolean {
    if (this.exclusive === consumer) this.exclusive = null
    const wasMember = this.members.delete(consumer)
    if (this.active === consumer) this.active = this.findSuccessor()
    if (consumer.isInRotation) this.tidy(this.levelOf(consumer.priority))
    return wasMember
  }

  creditReturned(consumer: ConsumerPort): void {
    if (this.isSingleActive || consumer.isInRotation || !this.members.has(consumer)) return
    consumer.isInRotation = true
    this.levelOf(consumer.priority).push(consumer)
  }

  /** The consumer whose turn it is, null when nobody has credit. */
  next(): ConsumerPort | null {
    if (this.isSingleActive) return this.active?.hasCredit === true ? this.active : null
    for (const { rotation } of this.levels) {
      for (let n = rotation.length; n > 0; n--) {
        const consumer = rotation.shift()!
        if (this.members.has(consumer) && consumer.hasCredit) {
          rotation.push(consumer)
          return consumer
        }
        consumer.isInRotation = false
      }
    }
    return null
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

  private findSuccessor(): ConsumerPort | null {
    let best: ConsumerPort | null = null
    for (const member of this.members) if (best === null || member.priority > best.priority) best = member
    return best
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
