// The ready entries of a quorum queue: 32 priorities, the highest first, in each the order of arrival; before
// all of them what came back, in the order in which it did (RabbitMQ 4.3). A message without one has priority
// 4, and most queues have nothing else: those are paged; other levels and returns are in memory, and from the
// first message of another level on everything that comes.
//
//   returned:  9 3 7     levels:  31 … 5: 12 15    4: paged-ready.ts    3 … 0: 13
//              ^ first            mask: a bit for each level but 4 that is not empty
//
// After a restart nothing is first until a window is loaded, since the highest may come last. Of a longer
// queue the rest is in order of its pages: a high priority far back is not known before.
import { Ring } from '../base/ring.ts'
import type { StoredMessage } from '../store/store.ts'
import type { Entry } from './entry.ts'
import type { Message } from './message.ts'
import { PagedReady } from './paged-ready.ts'
import type { PagedParts, PagedQueue } from './paged-ready.ts'
import type { ReadyList } from './ready-list.ts'
import type { Residence } from './residence.ts'

const LEVEL_MAX = 31
const LEVEL_DEFAULT = 4

export class QuorumReady implements ReadyList {
  readonly isInIdOrder = false
  private readonly queue: PagedQueue
  private readonly residence: Residence
  private readonly returned = new Ring<Entry>()
  private readonly levels: (Ring<Entry> | null)[] = new Array<null>(LEVEL_MAX + 1).fill(null)
  private readonly plain: PagedReady
  private mask = 0
  /** Of what came back and of the levels. */
  private count = 0
  private countBytes = 0
  private isRestoring = false

  constructor(queue: PagedQueue, parts: PagedParts) {
    this.queue = queue
    this.residence = parts.residence
    this.plain = new PagedReady(
      { id: queue.id, entryOf: (stored) => this.entryOf(stored), paged: () => this.paged() }, parts)
  }

  get length(): number {
    return this.count + this.plain.length
  }

  get bytes(): number {
    return this.countBytes + this.plain.bytes
  }

  get isPaging(): boolean {
    return this.length > 0 && this.first() === null
  }

  get hasSpilled(): boolean {
    return this.plain.hasSpilled
  }

  push(entry: Entry): void {
    const level = levelOf(entry.message)
    if (level === LEVEL_DEFAULT) return this.plain.push(entry)
    this.plain.holdTail()
    this.addToLevel(entry, level)
  }

  requeue(entry: Entry): void {
    this.returned.push(entry)
    this.added(entry)
  }

  first(): Entry | null {
    if (this.isRestoring) return null
    return this.returned.first() ?? this.highest()?.first() ?? null
  }

  shift(): Entry | null {
    if (this.isRestoring) return null
    const list = this.returned.length > 0 ? this.returned : this.highest()
    if (list === null) return null
    const entry = list.shift()
    if (list === this.plain || entry === null) return entry
    if (list !== this.returned && list.length === 0) this.mask &= ~(1 << levelOf(entry.message))
    this.count--
    this.countBytes -= entry.message.bodyBytes
    this.residence.leave(entry.message.bodyBytes)
    return entry
  }

  restore(count: number, bytes: number, lastId: number): void {
    this.isRestoring = true
    this.plain.restore(count, bytes, lastId)
  }

  wake(): void {
    this.plain.wake()
  }

  clear(drop: (entry: Entry) => void, purge: (afterId: number, lastId: number) => void): void {
    for (const list of [this.returned, ...this.levels]) {
      for (let entry = list?.shift() ?? null; entry !== null; entry = list?.shift() ?? null) {
        this.residence.leave(entry.message.bodyBytes)
        drop(entry)
      }
    }
    this.mask = this.count = this.countBytes = 0
    this.isRestoring = false
    this.plain.clear(drop, purge)
  }

  *[Symbol.iterator](): IterableIterator<Entry> {
    yield* this.returned
    for (let level = LEVEL_MAX; level >= 0; level--) {
      if (level === LEVEL_DEFAULT) yield* this.plain
      else yield* this.levels[level] ?? []
    }
  }

  /** For the pages: one of another level goes there. */
  private entryOf(stored: StoredMessage): Entry | null {
    const entry = this.queue.entryOf(stored)
    if (entry === null) return null
    const level = levelOf(entry.message)
    if (level === LEVEL_DEFAULT) return entry
    this.addToLevel(entry, level)
    return null
  }

  private paged(): void {
    this.isRestoring &&= this.plain.isLoading
    this.queue.paged()
  }

  private addToLevel(entry: Entry, level: number): void {
    const list = this.levels[level] ??= new Ring<Entry>()
    list.push(entry)
    this.mask |= 1 << level
    this.added(entry)
  }

  private added(entry: Entry): void {
    this.count++
    this.countBytes += entry.message.bodyBytes
    this.residence.enter(entry.message.bodyBytes)
  }

  /** While the default level waits for a page, lower ones wait with it. */
  private highest(): Ring<Entry> | PagedReady | null {
    const top = LEVEL_MAX - Math.clz32(this.mask)
    if (top < LEVEL_DEFAULT && this.plain.length > 0) return this.plain
    return top < 0 ? null : this.levels[top]!
  }
}

function levelOf(message: Message): number {
  return message.hasPriority ? Math.min(message.priority, LEVEL_MAX) : LEVEL_DEFAULT
}
