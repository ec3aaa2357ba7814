// The ready entries of a queue that may be longer than memory: the oldest and the newest are here, what lies
// between is only in the store. New entries arrive at the tail; once durable they are let go there, and come
// back page by page as the front drains. A queue that is short has no tail: it is a FifoReady and a test.
//
//   front (FifoReady, requeued ones too) │ paged: a count, and a range of ids │ tail (ring)
//   ◀─ shift        ids ≤ loadedTo       │ loadedTo < ids ≤ pagedTo           │ ids > pagedTo ◀─ push
//
// Invariants: everything the store has of this list (of its level, or, where the queue has none, of the
// queue) with an id in (loadedTo, pagedTo] is paged and nothing else is; an entry leaves the tail for the
// store only when its batch is durable.
import { Ring } from '../base/ring.ts'
import type { Page, PageReceiver, Store, StoredMessage } from '../store/store.ts'
import { Backlog } from './backlog.ts'
import { idsOf, takeById } from './entry-order.ts'
import type { Entry } from './entry.ts'
import { FifoReady } from './ready-list.ts'
import type { PurgeRange, ReadyList, Restored } from './ready-list.ts'
import { inMemory, RingSequence } from './ready-segment.ts'
import type { ReadySegment } from './ready-segment.ts'
import type { Residence } from './residence.ts'

/** How much of a queue stays in memory, in messages and bytes of their bodies. */
export interface Window {
  readonly frontMessages: number
  readonly frontBytes: number
  readonly tailMessages: number
  readonly tailBytes: number
  /** Of what is read back at a time: it waits behind a commit, so it should last for a while. */
  readonly pageMessages: number
  readonly pageBytes: number
}

/** 8,192 messages are 20 ms of deliveries at the rates measured; a page takes 1 to 3. */
export const WINDOW: Window = {
  frontMessages: 8_192, frontBytes: 8 * 1024 * 1024, tailMessages: 4_096, tailBytes: 4 * 1024 * 1024,
  pageMessages: 2_000, pageBytes: 2 * 1024 * 1024,
}

/**
 * Entries written out by one publish under pressure: it catches up with what came before, without a stall.
 */
const SPILL_MAX = 64

/** Waits for the first entry of a queue that has it in the store only. */
export interface PageWaiter {
  paged(): void
}

/** The queue. */
export interface PagedQueue {
  readonly id: number
  /** null: it went elsewhere. */
  entryOf(stored: StoredMessage): Entry | null
  /** The front has grown, or there is less than was thought. */
  paged(): void
}

export interface PagedParts {
  readonly store: Store
  readonly residence: Residence
  readonly window: Window
}

export class PagedReady implements ReadyList, PageReceiver {
  readonly isInIdOrder = true
  private readonly queue: PagedQueue
  private readonly store: Store
  private readonly residence: Residence
  private readonly window: Window
  private readonly backlog: Backlog
  /** In the store; 0 where the queue has none. */
  private readonly level: number
  private readonly front = new FifoReady()
  private readonly tail = new Ring<Entry>()
  private tailBytes = 0
  /** Entries at the head of the tail that the store has. */
  private tailStored = 0
  /** The store may have something in (loadedTo, pagedTo]. */
  private hasPaged = false
  private loadedTo = 0
  private pagedTo = 0
  /** Last id asked for; -1 while nothing is. */
  private askedTo = -1
  /** There is more than the front: what comes goes to the tail. */
  private isSplit = false

  /** A queue with several lists gives all of them its backlog, and each a level of its own. */
  constructor(
    queue: PagedQueue, { store, residence, window }: PagedParts, backlog = new Backlog(), level = 0,
  ) {
    this.queue = queue
    this.store = store
    this.residence = residence
    this.window = window
    this.backlog = backlog
    this.level = level
  }

  /** Of the queue. */
  get length(): number {
    return this.backlog.count
  }

  get bytes(): number {
    return this.backlog.bytes
  }

  get hasSpilled(): boolean {
    return this.backlog.hasSpilled
  }

  /** Of the list. */
  get isEmpty(): boolean {
    return this.front.length === 0 && !this.isSplit
  }

  get isPaging(): boolean {
    return this.front.length === 0 && this.isSplit
  }

  levelOf({ id }: Entry): number {
    return id < this.backlog.levelledFrom ? 0 : this.level
  }

  push(entry: Entry): void {
    const { bodyBytes } = entry.message
    this.backlog.entered(bodyBytes)
    this.residence.enter(bodyBytes)
    const { front, window } = this
    if (!this.isSplit && front.length < window.frontMessages && front.bytes < window.frontBytes) {
      return front.push(entry)
    }
    this.isSplit = true
    if (entry.isStored && this.tailStored === this.tail.length) this.tailStored++
    this.tail.push(entry)
    this.tailBytes += bodyBytes
    if (this.isTailLong(1)) this.pageOut()
  }

  requeue(entry: Entry): void {
    this.backlog.entered(entry.message.bodyBytes)
    this.adopt(entry)
  }

  /** It was in the queue already: another list found it in the store. */
  adopt(entry: Entry): void {
    this.residence.enter(entry.message.bodyBytes)
    this.front.requeue(entry)
  }

  first(): Entry | null {
    return this.front.first()
  }

  shift(): Entry | null {
    const entry = this.front.shift()
    if (entry === null) return null
    this.backlog.left(entry.message.bodyBytes)
    this.residence.leave(entry.message.bodyBytes)
    if (this.isSplit) this.refill()
    return entry
  }

  restore({ count, bytes, lastId }: Restored): void {
    this.backlog.restore(count, bytes)
    this.restoreList(0, lastId)
  }

  /** What the store has of this list with afterId < id <= lastId is paged. */
  restoreList(afterId: number, lastId: number): void {
    this.beginPaging(afterId)
    this.pagedTo = lastId
    this.isSplit = true
    // The first alone tells when it expires; more are loaded when somebody takes it.
    this.load(1)
  }

  wake(): void {
    if (this.isSplit) this.refill()
  }

  clear(drop: (entry: Entry) => void, purge: PurgeRange): void {
    for (const entry of this) {
      this.backlog.left(entry.message.bodyBytes)
      this.residence.leave(entry.message.bodyBytes)
      drop(entry)
    }
    while (this.front.shift() !== null);
    while (this.tail.shift() !== null);
    for (let range = this.nextRange(); this.hasPaged; range = this.nextRange()) {
      purge(this.loadedTo, range.lastId, range.level)
      this.loaded(range.lastId)
    }
    this.tailBytes = this.tailStored = 0
    this.isSplit = false
  }

  segments(): ReadySegment[] {
    return this.segmentsOf(0)
  }

  /** The same as part of a list with several levels, of which the higher ones go out first. */
  segmentsOf(level: number): ReadySegment[] {
    const { front, tail, backlog, pagedTo } = this
    const segments = [inMemory(level, front), ...this.hasPaged ? this.pagedRanges(level) : []]
    if (segments.length === 2 && backlog.isOfOneList) {
      segments[1] = { ...segments[1]!, length: backlog.pagedCount }
    }
    if (tail.length > 0) segments.push(inMemory(level, new RingSequence(tail), pagedTo))
    return segments
  }

  extract(seen: readonly Entry[], seenBatch: number): Entry[] {
    const { backlog, residence, store } = this
    const ids = idsOf(seen)
    const taken = this.front.takeById(ids)
    const fromTail = takeById(this.tail, ids)
    for (const { id, message: { bodyBytes } } of fromTail) {
      this.tailBytes -= bodyBytes
      // What is left of the tail may be let go, and then its ids lie among those that only the store has.
      backlog.extractions.add(id, store)
    }
    taken.push(...fromTail)
    for (const { message: { bodyBytes } } of taken) {
      backlog.left(bodyBytes)
      residence.leave(bodyBytes)
    }
    if (fromTail.length > 0) this.countStored()
    if (this.hasPaged && this.canExtract(seenBatch)) taken.push(...this.extractPaged(seen))
    if (this.isSplit) this.refill()
    return taken
  }

  canExtract(seenBatch: number): boolean {
    return this.backlog.extractions.areKnownSince(seenBatch)
  }

  isExtracted(id: number): boolean {
    return this.backlog.extractions.has(id)
  }

  get version(): number {
    return this.backlog.extractions.versionAt(this.store.durableBatch)
  }

  pageLoaded({ messages, isLast }: Page): void {
    const askedTo = this.askedTo
    this.askedTo = -1
    this.backlog.extractions.pageCame(this)
    // Asked for before a purge.
    if (askedTo > this.loadedTo) this.take(messages, isLast ? askedTo : 0)
    if (this.isSplit) this.refill()
    this.queue.paged()
  }

  *[Symbol.iterator](): IterableIterator<Entry> {
    yield* this.front
    yield* this.tail
  }

  private take(messages: readonly StoredMessage[], completeTo: number): void {
    for (const stored of messages) {
      this.loadedTo = stored.id
      if (this.backlog.extractions.has(stored.id)) continue
      const entry = this.queue.entryOf(stored)
      const bodyBytes = stored.bodyEnd - stored.bodyStart
      this.backlog.pagedIn(bodyBytes)
      if (entry === null) continue
      this.front.push(entry)
      this.residence.enter(bodyBytes)
    }
    if (this.backlog.pagedCount === 0) this.loaded(this.pagedTo)
    else if (completeTo > 0) this.loaded(completeTo)
  }

  private beginPaging(afterId: number): void {
    if (this.hasPaged) return
    this.hasPaged = true
    this.loadedTo = afterId
    this.backlog.listBeginsPaging()
  }

  /** Up to this id the store has nothing more. */
  private loaded(to: number): void {
    this.loadedTo = to
    if (!this.hasPaged || to < this.pagedTo) return
    this.hasPaged = false
    this.backlog.listEndsPaging()
  }

  /** Before the front runs dry. */
  private refill(): void {
    const { front, tail, window } = this
    if (front.length > window.frontMessages / 2 || front.bytes > window.frontBytes / 2) return
    if (this.hasPaged) return this.load(window.pageMessages)
    while (front.length < window.frontMessages && front.bytes < window.frontBytes) {
      const entry = tail.shift()
      if (entry === null) break
      front.push(entry)
      this.tailBytes -= entry.message.bodyBytes
      if (this.tailStored > 0) this.tailStored--
    }
    this.isSplit = tail.length > 0
  }

  private load(limit: number): void {
    if (this.askedTo >= 0) return
    const { level, lastId } = this.nextRange()
    this.askedTo = lastId
    this.backlog.extractions.pageAsked(this, this.store.durableBatch)
    const { loadedTo: afterId, queue: { id: queue }, window: { pageBytes: bytesMax } } = this
    this.store.load({ queue, level, afterId, lastId, limit, bytesMax }, this)
  }

  /** Of what only the store has: the store is told by whoever they go to. */
  private extractPaged(seen: readonly Entry[]): Entry[] {
    const { backlog, store } = this
    const taken: Entry[] = []
    for (const entry of seen) {
      const { id, message: { bodyBytes } } = entry
      if (id <= this.loadedTo || id > this.pagedTo || !backlog.extractions.add(id, store)) continue
      backlog.pagedIn(bodyBytes)
      backlog.left(bodyBytes)
      taken.push(entry)
    }
    if (backlog.pagedCount === 0) this.loaded(this.pagedTo)
    return taken
  }

  private countStored(): void {
    const { tail } = this
    this.tailStored = Math.min(this.tailStored, tail.length)
    while (this.tailStored > 0 && !tail.at(this.tailStored - 1)!.isStored) this.tailStored--
    while (this.tailStored < tail.length && tail.at(this.tailStored)!.isStored) this.tailStored++
  }

  /** What the store has under no level, and under that of the list. */
  private pagedRanges(level: number): ReadySegment[] {
    const { loadedTo: afterId, pagedTo: lastId, level: storeLevel, backlog: { levelledFrom } } = this
    const range = { level, length: null, entries: null, storeLevel, afterId, lastId }
    if (afterId + 1 >= levelledFrom) return [range]
    if (lastId < levelledFrom) return [{ ...range, storeLevel: 0 }]
    return [
      { ...range, storeLevel: 0, lastId: levelledFrom - 1 }, { ...range, afterId: levelledFrom - 1 },
    ]
  }

  /** Of what is paged, the next ids that the store has under one level. */
  private nextRange(): { readonly level: number; readonly lastId: number } {
    const { level, loadedTo, pagedTo, backlog: { levelledFrom } } = this
    if (loadedTo + 1 >= levelledFrom) return { level, lastId: pagedTo }
    return { level: 0, lastId: Math.min(pagedTo, levelledFrom - 1) }
  }

  private isTailLong(share: number): boolean {
    const { tailMessages, tailBytes } = this.window
    return this.tail.length > tailMessages * share || this.tailBytes > tailBytes * share
  }

  /** Lets go of the oldest of the tail; under pressure, transient ones are written out to be let go next. */
  private pageOut(): void {
    const { tail, store } = this
    if (this.residence.isPressed && this.tailStored < tail.length) this.spill()
    const { durableBatch } = store
    while (this.tailStored > 0 && tail.first()!.batch <= durableBatch && this.isTailLong(1 / 2)) {
      const { id, message: { bodyBytes } } = tail.shift()!
      this.tailStored--
      this.tailBytes -= bodyBytes
      this.residence.leave(bodyBytes)
      this.beginPaging(id - 1)
      this.backlog.pagedOut(bodyBytes)
      this.pagedTo = id
    }
  }

  private spill(): void {
    const { tail, store, queue } = this
    const until = Math.min(tail.length, this.tailStored + SPILL_MAX)
    this.backlog.hasSpilled = true
    for (; this.tailStored < until; this.tailStored++) {
      const entry = tail.at(this.tailStored)!
      if (entry.isStored) continue
      entry.isStored = true
      entry.batch = store.openBatch
      entry.position = store.spill(
        queue.id, entry.id, entry.message, entry.expiresAtMs, this.levelOf(entry))
    }
    while (this.tailStored < tail.length && tail.at(this.tailStored)!.isStored) this.tailStored++
  }
}
