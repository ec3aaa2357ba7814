// Entries that wait to be handed out, in id order: what ready lists are made of. New ones arrive at the end
// of a ring; requeued ones, which are older than anything they meet there, wait in a sorted list beside it,
// and the smaller head goes first.
//
//   requeued:  3  7  8            ring:  12  13  14  15 …
//              ^ first                   ^ first of the new ones
import { Ring } from '../base/ring.ts'
import type { LevelStart } from '../store/store.ts'
import type { Entry } from './entry.ts'

/** What the store kept over a restart: everything of the queue with an id up to `lastId`. */
export interface Restored {
  readonly count: number
  readonly bytes: number
  readonly lastId: number
  /** Where the queue has some. */
  readonly levels: readonly LevelStart[]
}

/** Drops what the store has with afterId < id <= lastId; of one level, or, with 0, of all. */
export type PurgeRange = (afterId: number, lastId: number, level: number) => void

/** What a queue keeps its ready entries in. Iterates over those in memory. */
export interface ReadyList extends Iterable<Entry> {
  readonly length: number
  /** Of the bodies. */
  readonly bytes: number
  /** False: priorities and returns come before what is older. */
  readonly isInIdOrder: boolean
  /** Something is ready, though its first entry has still to come from the store. */
  readonly isPaging: boolean
  /** The store may have transient messages of it. */
  readonly hasSpilled: boolean
  /** The level under which the store is to keep an entry that is about to be pushed; 0: under none. */
  levelOf(entry: Entry): number
  push(entry: Entry): void
  /** Puts an entry back at its original place (RabbitMQ: requeue keeps the position). */
  requeue(entry: Entry): void
  first(): Entry | null
  shift(): Entry | null
  restore(restored: Restored): void
  /** Somebody begins to take entries out. */
  wake(): void
  /** Forgets everything: `drop` hears of each entry in memory, `purge` of the ids that only the store has. */
  clear(drop: (entry: Entry) => void, purge: PurgeRange): void
}

export class FifoReady {
  private readonly fresh = new Ring<Entry>()
  private requeued: Entry[] = []
  /** Items of `requeued` before this one are gone. */
  private requeuedFrom = 0
  bytes = 0

  get length(): number {
    return this.fresh.length + this.requeued.length - this.requeuedFrom
  }

  push(entry: Entry): void {
    this.fresh.push(entry)
    this.bytes += entry.message.bodyBytes
  }

  requeue(entry: Entry): void {
    const { requeued } = this
    let low = this.requeuedFrom
    let high = requeued.length
    if (high > low && requeued[high - 1]!.id < entry.id) low = high
    while (low < high) {
      const middle = (low + high) >>> 1
      if (requeued[middle]!.id < entry.id) low = middle + 1
      else high = middle
    }
    requeued.splice(low, 0, entry)
    this.bytes += entry.message.bodyBytes
  }

  first(): Entry | null {
    const fresh = this.fresh.first()
    const requeued = this.requeued[this.requeuedFrom]
    if (requeued === undefined) return fresh
    return fresh === null || requeued.id < fresh.id ? requeued : fresh
  }

  shift(): Entry | null {
    const entry = this.first()
    if (entry === null) return null
    this.bytes -= entry.message.bodyBytes
    if (entry !== this.requeued[this.requeuedFrom]) return this.fresh.shift()
    this.requeuedFrom++
    if (this.requeuedFrom * 2 > this.requeued.length) {
      this.requeued.splice(0, this.requeuedFrom)
      this.requeuedFrom = 0
    }
    return entry
  }

  *[Symbol.iterator](): IterableIterator<Entry> {
    let at = this.requeuedFrom
    for (const entry of this.fresh) {
      while (at < this.requeued.length && this.requeued[at]!.id < entry.id) yield this.requeued[at++]!
      yield entry
    }
    while (at < this.requeued.length) yield this.requeued[at++]!
  }
}
