// The ready entries of a queue with x-max-priority: one list per priority, the highest that is not empty goes
// first, in each the order of arrival. A message above the maximum counts as the maximum, one without a
// priority as 0 (RabbitMQ). All of them are in memory: the store has no order by priority to page by. After a
// restart nothing is first until everything is loaded, since the highest may come last.
import type { Page, PageReceiver } from '../store/store.ts'
import type { Entry } from './entry.ts'
import type { PagedParts, PagedQueue } from './paged-ready.ts'
import { FifoReady } from './ready-list.ts'
import type { ReadyList } from './ready-list.ts'

export class PriorityReady implements ReadyList, PageReceiver {
  readonly isInIdOrder = false
  private readonly queue: PagedQueue
  private readonly parts: Pick<PagedParts, 'store' | 'window'>
  private readonly levels: readonly FifoReady[]
  readonly hasSpilled = false
  private count = 0
  /** Of what a restart left, not loaded yet. */
  private storedCount = 0
  private storedBytes = 0
  private loadedTo = 0
  private storedTo = 0

  constructor(queue: PagedQueue, parts: Pick<PagedParts, 'store' | 'window'>, priorityMax: number) {
    this.queue = queue
    this.parts = parts
    this.levels = Array.from({ length: priorityMax + 1 }, () => new FifoReady())
  }

  get length(): number {
    return this.count + this.storedCount
  }

  get bytes(): number {
    return this.levels.reduce((sum, level) => sum + level.bytes, this.storedBytes)
  }

  get isPaging(): boolean {
    return this.storedCount > 0
  }

  push(entry: Entry): void {
    this.levelOf(entry).push(entry)
    this.count++
  }

  requeue(entry: Entry): void {
    this.levelOf(entry).requeue(entry)
    this.count++
  }

  first(): Entry | null {
    return this.highest()?.first() ?? null
  }

  shift(): Entry | null {
    const level = this.highest()
    if (level === null) return null
    this.count--
    return level.shift()
  }

  restore(count: number, bytes: number, lastId: number): void {
    this.storedCount = count
    this.storedBytes = bytes
    this.storedTo = lastId
    this.load()
  }

  wake(): void {}

  clear(drop: (entry: Entry) => void, purge: (afterId: number, lastId: number) => void): void {
    for (const level of this.levels) {
      for (let entry = level.shift(); entry !== null; entry = level.shift()) drop(entry)
    }
    if (this.storedCount > 0) purge(this.loadedTo, this.storedTo)
    this.count = this.storedCount = this.storedBytes = 0
  }

  pageLoaded({ messages, isLast }: Page): void {
    if (this.storedCount === 0) return
    for (const stored of messages) {
      const entry = this.queue.entryOf(stored)!
      this.levelOf(entry).requeue(entry)
      this.count++
      this.storedCount--
      this.storedBytes -= entry.message.bodyBytes
      this.loadedTo = stored.id
    }
    if (isLast) this.storedCount = this.storedBytes = 0
    else this.load()
    this.queue.paged()
  }

  *[Symbol.iterator](): IterableIterator<Entry> {
    for (let at = this.levels.length - 1; at >= 0; at--) yield* this.levels[at]!
  }

  private load(): void {
    const { loadedTo: afterId, storedTo: lastId } = this
    const { store, window: { pageMessages: limit, pageBytes: bytesMax } } = this.parts
    store.load({ queue: this.queue.id, afterId, lastId, limit, bytesMax }, this)
  }

  private highest(): FifoReady | null {
    if (this.count === 0 || this.storedCount > 0) return null
    for (let at = this.levels.length - 1; ; at--) {
      if (this.levels[at]!.length > 0) return this.levels[at]!
    }
  }

  private levelOf(entry: Entry): FifoReady {
    return this.levels[Math.min(entry.message.priority, this.levels.length - 1)]!
  }
}
