// The last messages that came by an exchange, for the bindings that are yet to come. It does not know what a
// message is: the vhost puts them in when they are published, and takes them out when something is bound.
// Invariant: never more than its length, oldest first.
import { Ring } from '../base/ring.ts'

export interface KeptMessage {
  readonly message: object
  readonly keptAtMs: number
}

export class History {
  private readonly lengthMax: number
  private readonly kept = new Ring<KeptMessage>()

  /** `lengthMax` is at least 1. */
  constructor(lengthMax: number) {
    this.lengthMax = lengthMax
  }

  keep(message: object, keptAtMs: number): void {
    if (this.kept.length === this.lengthMax) this.kept.shift()
    this.kept.push({ message, keptAtMs })
  }

  [Symbol.iterator](): IterableIterator<KeptMessage> {
    return this.kept[Symbol.iterator]()
  }
}
