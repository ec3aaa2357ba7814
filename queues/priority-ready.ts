// The ready entries of a queue with priorities: one list per priority, the highest that is not empty goes
// first, in each the order of arrival. Each list is paged as that of a plain queue is (paged-ready.ts), by
// the store's index of levels: a level is the priority and 1. What a queue has before the first message of
// another priority than the usual one is under no level, because most queues never have anything else, and
// an entry of the index less is a good part of what a message costs.
//
//   priority 9       front │ paged, level 10             │ tail
//   …
//   the usual one    front │ paged, no level │ level 1   │ tail
//                                            ^ levelledFrom
//
// Invariant: of what the store has of the queue, messages without a level are older than those with one. (In
// files from before levels were written none has any: those count as usual until they are read.)
import type { StoredMessage } from '../store/store.ts'
import { Backlog } from './backlog.ts'
import type { Entry } from './entry.ts'
import type { Message } from './message.ts'
import { PagedReady } from './paged-ready.ts'
import type { PagedParts, PagedQueue, Window } from './paged-ready.ts'
import type { PurgeRange, ReadyList, Restored } from './ready-list.ts'
import type { ReadySegment } from './ready-segment.ts'

/** All lists but the usual one have a window's worth of memory together, up to so many of them. */
const SHARES_MAX = 32

export interface Priorities {
  /** From 0 to this. */
  readonly max: number
  /** Of a message that asks for none. */
  readonly usual: number
  of(message: Message): number
}

export class PriorityReady implements ReadyList {
  readonly isInIdOrder = false
  private readonly queue: PagedQueue
  private readonly parts: PagedParts
  private readonly priorities: Priorities
  private readonly backlog = new Backlog()
  private readonly lists: (PagedReady | null)[]
  /** No list above this one has anything. */
  private top = 0

  constructor(queue: PagedQueue, parts: PagedParts, priorities: Priorities) {
    this.queue = queue
    this.parts = parts
    this.priorities = priorities
    this.lists = new Array<null>(priorities.max + 1).fill(null)
  }

  get length(): number {
    return this.backlog.count
  }

  get bytes(): number {
    return this.backlog.bytes
  }

  get isPaging(): boolean {
    return this.highest()?.isPaging === true
  }

  get hasSpilled(): boolean {
    return this.backlog.hasSpilled
  }

  levelOf(entry: Entry): number {
    this.beginLevels(entry)
    return this.listOf(entry).levelOf(entry)
  }

  /** Of one that does not go by its own priority. */
  levelAt({ id }: Entry, priority: number): number {
    this.backlog.levelledFrom = Math.min(this.backlog.levelledFrom, id)
    return priority + 1
  }

  push(entry: Entry): void {
    this.beginLevels(entry)
    this.listOf(entry).push(entry)
  }

  requeue(entry: Entry): void {
    this.listOf(entry).requeue(entry)
  }

  first(): Entry | null {
    return this.highest()?.first() ?? null
  }

  shift(): Entry | null {
    return this.highest()?.shift() ?? null
  }

  restore({ count, bytes, lastId, levels }: Restored): void {
    this.backlog.restore(count, bytes)
    this.backlog.levelledFrom = levels.reduce((first, { firstId }) => Math.min(first, firstId), Infinity)
    const { usual } = this.priorities
    this.listAt(usual).restoreList(0, lastId)
    for (const { level } of levels.filter(({ level }) => level !== usual + 1)) {
      this.listAt(level - 1).restoreList(this.backlog.levelledFrom - 1, lastId)
    }
  }

  wake(): void {
    this.highest()?.wake()
  }

  clear(drop: (entry: Entry) => void, purge: PurgeRange): void {
    for (const list of this.lists) list?.clear(drop, purge)
  }

  segments(): ReadySegment[] {
    return this.lists.flatMap((list, priority) => (list === null ? [] : [list.segmentsOf(priority)]))
      .toReversed().flat()
  }

  extract(seen: readonly Entry[], seenBatch: number): Entry[] {
    const { backlog, priorities } = this
    const taken: Entry[] = []
    for (const [priority, list] of this.lists.entries()) {
      if (list === null) continue
      // Of what has no level, some have another priority than that of the list they are paged in.
      const mine = seen.filter((entry) => priorities.of(entry.message) === priority
        || (priority === priorities.usual && entry.id < backlog.levelledFrom))
      if (mine.length > 0) taken.push(...list.extract(mine, seenBatch))
    }
    return taken
  }

  canExtract(seenBatch: number): boolean {
    return this.backlog.extractions.areKnownSince(seenBatch)
  }

  isExtracted(id: number): boolean {
    return this.backlog.extractions.has(id)
  }

  get version(): number {
    return this.backlog.extractions.versionAt(this.parts.store.durableBatch)
  }

  *[Symbol.iterator](): IterableIterator<Entry> {
    for (const list of this.lists.toReversed()) yield* list ?? []
  }

  /** With the first new entry of another priority than the usual one. */
  private beginLevels({ id, message }: Entry): void {
    const { backlog, priorities } = this
    if (backlog.levelledFrom < Infinity || priorities.of(message) === priorities.usual) return
    backlog.levelledFrom = id
  }

  private listOf({ message }: Entry): PagedReady {
    return this.listAt(this.priorities.of(message))
  }

  private listAt(priority: number): PagedReady {
    if (priority > this.top) this.top = priority
    return this.lists[priority] ??= this.listMade(priority)
  }

  private listMade(priority: number): PagedReady {
    const { queue, parts, backlog, priorities: { max, usual } } = this
    if (priority !== usual) {
      const window = shareOf(parts.window, Math.min(max, SHARES_MAX))
      return new PagedReady(queue, { ...parts, window }, backlog, priority + 1)
    }
    const entryOf = (stored: StoredMessage): Entry | null => this.sort(stored)
    return new PagedReady({ id: queue.id, entryOf, paged: () => queue.paged() }, parts, backlog, priority + 1)
  }

  /** Of what has no level, some may have another priority than the usual one after all. */
  private sort(stored: StoredMessage): Entry | null {
    const entry = this.queue.entryOf(stored)
    if (entry === null) return null
    const priority = this.priorities.of(entry.message)
    if (priority === this.priorities.usual) return entry
    this.listAt(priority).adopt(entry)
    return null
  }

  private highest(): PagedReady | null {
    for (; this.top >= 0; this.top--) {
      const list = this.lists[this.top] ?? null
      if (list !== null && !list.isEmpty) return list
    }
    this.top = 0
    return null
  }
}

function shareOf(window: Window, shares: number): Window {
  const share = (figure: number): number => Math.ceil(figure / shares)
  return {
    frontMessages: share(window.frontMessages), frontBytes: share(window.frontBytes),
    tailMessages: share(window.tailMessages), tailBytes: share(window.tailBytes),
    pageMessages: share(window.pageMessages), pageBytes: share(window.pageBytes),
  }
}
