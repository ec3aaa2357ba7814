// The ready entries of a queue as somebody sees them who takes nothing: runs in the order of delivery, some
// in memory, some in the store alone. Made by the ready lists for queues/browser.ts, true until the next
// event.
import type { Ring } from '../base/ring.ts'
import { placeAfter } from './entry-order.ts'
import type { Entry } from './entry.ts'

/** Entries in memory in the order in which they go out. */
export interface EntrySequence {
  readonly length: number
  at(index: number): Entry | null
  /** The index of what comes behind this id, whether it is there or not. */
  placeAfter(id: number): number
  /** The index of the entry with this id; -1 when it is not there. */
  placeOf(id: number): number
}

/** A ring in id order. */
export class RingSequence implements EntrySequence {
  private readonly ring: Ring<Entry>

  constructor(ring: Ring<Entry>) {
    this.ring = ring
  }

  get length(): number {
    return this.ring.length
  }

  at(index: number): Entry | null {
    return this.ring.at(index)
  }

  placeAfter(id: number): number {
    return placeAfter(this.ring, id)
  }

  placeOf(id: number): number {
    const index = placeAfter(this.ring, id - 1)
    return this.ring.at(index)?.id === id ? index : -1
  }
}

/** A run of ready entries, in memory or in the store alone. */
export interface ReadySegment {
  /** The higher one goes out first; segments of one level are in id order, one behind the other. */
  readonly level: number
  /** Null: not known, there are several lists. */
  readonly length: number | null
  /** Null: they are what the store has of the queue with afterId < id <= lastId. */
  readonly entries: EntrySequence | null
  /** Where they are in the store: under a level of it, 0 for all. */
  readonly storeLevel: number
  /** No id in it is lower or equal. */
  readonly afterId: number
  readonly lastId: number
}

/** A run that is in memory whole. */
export function inMemory(level: number, entries: EntrySequence, afterId = 0): ReadySegment {
  return { level, length: entries.length, entries, storeLevel: 0, afterId, lastId: Infinity }
}
