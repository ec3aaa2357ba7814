// Who gets the next message: strict rotation over the consumers that have credit (RabbitMQ: round robin). One without
// credit leaves the rotation when its turn comes and joins it again, at the end, when credit returns; so a thousand
// consumers at their prefetch limit cost nothing per message.
import { Ring } from '../base/ring.ts'
import type { ConsumerPort } from './entry.ts'

export class ConsumerSet {
  private readonly members = new Set<ConsumerPort>()
  private readonly rotation = new Ring<ConsumerPort>()
  private exclusive: ConsumerPort | null = null

  get count(): number {
    return this.members.size
  }

  get hasExclusive(): boolean {
    return this.exclusive !== null
  }

  add(consumer: ConsumerPort, isExclusive: boolean): void {
    this.members.add(consumer)
    if (isExclusive) this.exclusive = consumer
    this.creditReturned(consumer)
  }

  /** Returns false when it was not among them. Its place in the rotation is given up when its turn comes. */
  remove(consumer: ConsumerPort): boolean {
    if (this.exclusive === consumer) this.exclusive = null
    return this.members.delete(consumer)
  }

  creditReturned(consumer: ConsumerPort): void {
    if (consumer.isInRotation || !this.members.has(consumer)) return
    consumer.isInRotation = true
    this.rotation.push(consumer)
  }

  /** The consumer whose turn it is, null when nobody has credit. */
  next(): ConsumerPort | null {
    for (let n = this.rotation.length; n > 0; n--) {
      const consumer = this.rotation.shift()!
      if (this.members.has(consumer) && consumer.hasCredit) {
        this.rotation.push(consumer)
        return consumer
      }
      consumer.isInRotation = false
    }
    return null
  }

  *[Symbol.iterator](): IterableIterator<ConsumerPort> {
    yield* this.members
  }
}
