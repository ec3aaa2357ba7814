// Entries that wait to be handed out, in id order: what ready lists are made of. New ones arrive at the end
// of a ring; requeued ones, which are older than anything they meet there, wait in a sorted list beside it,
// and the smaller head goes first.
//
//   requeued:  3  7  8            ring:  12  13  14  15 …
//              ^ first                   ^ first of the new ones
import { Ring } from '../base/ring.ts'
import type { LevelStart } from '../store/store.ts'
import { placeAfter, takeById } from './entry-order.ts'
import type { Entry } from './entry.ts'
import type { EntrySequence, ReadySegment } from './ready-segment.ts'

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
  /** All that is ready, in the order of delivery. */
  segments(): readonly ReadySegment[]
  /**
   * Takes out, of entries that were seen in a segment, those that are ready still. `seenBatch` was the
   * durable one when the store was asked for them; what it cannot answer for is left (`canExtract`).
   */
  extract(seen: readonly Entry[], seenBatch: number): Entry[]
  /** False: what the store said then is too old to tell what has been extracted since. */
  canExtract(seenBatch: number): boolean
  /** Extracted, though the store may show it still. */
  isExtracted(id: number): boolean
  /** Grows when something was extracted; below 0 while the store may show that still. */
  readonly version: number
}

export class FifoReady implements EntrySequence {
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
    const last = requeued[requeued.length - 1]
    if (last === undefined || last.id < entry.id) requeued.push(entry)
    else requeued.splice(this.requeuedFrom + this.requeuedBefore(entry.id), 0, entry)
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

  at(index: number): Entry | null {
    const { fresh, requeued, requeuedFrom } = this
    const early = requeued.length - requeuedFrom
    if (early === 0 || index < 0) return fresh.at(index)
    // The first of the new ones that so many entries or more go before.
    let low = Math.max(0, index - early)
    let high = Math.min(index, fresh.length)
    while (low < high) {
      const middle = (low + high) >>> 1
      if (middle + this.requeuedBefore(fresh.at(middle)!.id) < index) low = middle + 1
      else high = middle
    }
    const next = fresh.at(low)
    if (next !== null && low + this.requeuedBefore(next.id) === index) return next
    return requeued[requeuedFrom + index - low] ?? null
  }

  placeAfter(id: number): number {
    return placeAfter(this.fresh, id) + this.requeuedBefore(id + 1)
  }

  placeOf(id: number): number {
    const index = this.placeAfter(id - 1)
    return this.at(index)?.id === id ? index : -1
  }

  /** Takes out those with these ids, which ascend. */
  takeById(ids: readonly number[]): Entry[] {
    const taken = takeById(this.fresh, ids)
    if (this.requeued.length > this.requeuedFrom) {
      const wanted = new Set(ids)
      const early = this.requeued.slice(this.requeuedFrom)
      taken.push(...early.filter(({ id }) => wanted.has(id)))
      this.requeued = early.filter(({ id }) => !wanted.has(id))
      this.requeuedFrom = 0
    }
    for (const { message } of taken) this.bytes -= message.bodyBytes
    return taken
  }

  /** How many of the requeued ones have a lower id. */
  private requeuedBefore(id: number): number {
    const { requeued, requeuedFrom } = this
    let low = requeuedFrom
    let high = requeued.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (requeued[middle]!.id < id) low = middle + 1
      else high = middle
    }
    return low - requeuedFrom
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
