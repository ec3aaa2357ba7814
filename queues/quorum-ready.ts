// The ready entries of a quorum queue: 32 priorities, the highest first, in each the order of arrival
// (priority-ready.ts); before all of them what came back, in the order in which it did (RabbitMQ 4.3). A
// message without a priority has 4. What came back is in memory: it was in its consumers' before. What was
// held before it came back is new in the store; it lies there above all priorities, where no list reads in
// this life, and a restart finds it.
//
//   returned:  9 3 7     priorities:  31 … 0
//              ^ first
import { Ring } from '../base/ring.ts'
import { idsOf } from './entry-order.ts'
import type { Entry } from './entry.ts'
import type { PagedParts, PagedQueue } from './paged-ready.ts'
import { PriorityReady } from './priority-ready.ts'
import type { Priorities } from './priority-ready.ts'
import type { PurgeRange, ReadyList, Restored } from './ready-list.ts'
import { inMemory } from './ready-segment.ts'
import type { EntrySequence, ReadySegment } from './ready-segment.ts'
import type { Residence } from './residence.ts'

const MAX = 31
const USUAL = 4
const HELD_BEFORE = MAX + 1

const priorities: Priorities = {
  max: HELD_BEFORE, usual: USUAL,
  of: (message) => (message.hasPriority ? Math.min(message.priority, MAX) : USUAL),
}

export class QuorumReady implements ReadyList {
  readonly isInIdOrder = false
  private readonly residence: Residence
  private readonly returned = new Ring<Entry>()
  private returnedBytes = 0
  private readonly others: PriorityReady

  constructor(queue: PagedQueue, parts: PagedParts) {
    this.residence = parts.residence
    this.others = new PriorityReady(queue, parts, priorities)
  }

  get length(): number {
    return this.returned.length + this.others.length
  }

  get bytes(): number {
    return this.returnedBytes + this.others.bytes
  }

  get isPaging(): boolean {
    return this.returned.length === 0 && this.others.isPaging
  }

  get hasSpilled(): boolean {
    return this.others.hasSpilled
  }

  levelOf(entry: Entry): number {
    return entry.isRedelivered ? this.others.levelAt(entry, HELD_BEFORE) : this.others.levelOf(entry)
  }

  push(entry: Entry): void {
    this.others.push(entry)
  }

  requeue(entry: Entry): void {
    this.returned.push(entry)
    this.returnedBytes += entry.message.bodyBytes
    this.residence.enter(entry.message.bodyBytes)
  }

  first(): Entry | null {
    return this.returned.first() ?? this.others.first()
  }

  shift(): Entry | null {
    return this.shiftReturned() ?? this.others.shift()
  }

  restore(restored: Restored): void {
    this.others.restore(restored)
  }

  wake(): void {
    this.others.wake()
  }

  clear(drop: (entry: Entry) => void, purge: PurgeRange): void {
    for (let entry = this.shiftReturned(); entry !== null; entry = this.shiftReturned()) drop(entry)
    this.others.clear(drop, purge)
  }

  segments(): ReadySegment[] {
    return [inMemory(MAX + 1, new ReturnSequence(this.returned)), ...this.others.segments()]
  }

  extract(seen: readonly Entry[], seenBatch: number): Entry[] {
    const ids = new Set(idsOf(seen))
    const taken = this.returned.takeAt(
      [...this.returned].flatMap(({ id }, index) => (ids.has(id) ? [index] : [])))
    for (const { message: { bodyBytes } } of taken) {
      this.returnedBytes -= bodyBytes
      this.residence.leave(bodyBytes)
    }
    taken.push(...this.others.extract(seen, seenBatch))
    return taken
  }

  canExtract(seenBatch: number): boolean {
    return this.others.canExtract(seenBatch)
  }

  isExtracted(id: number): boolean {
    return this.others.isExtracted(id)
  }

  get version(): number {
    return this.others.version
  }

  *[Symbol.iterator](): IterableIterator<Entry> {
    yield* this.returned
    yield* this.others
  }

  private shiftReturned(): Entry | null {
    const entry = this.returned.shift()
    if (entry === null) return null
    this.returnedBytes -= entry.message.bodyBytes
    this.residence.leave(entry.message.bodyBytes)
    return entry
  }
}

/** In the order of return: what stood behind an entry that is gone cannot be told from what is new. */
class ReturnSequence implements EntrySequence {
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
    return this.placeOf(id) + 1
  }

  placeOf(id: number): number {
    for (let index = 0; index < this.ring.length; index++) {
      if (this.ring.at(index)!.id === id) return index
    }
    return -1
  }
}
