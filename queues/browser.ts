// Looks through the ready entries of a queue without taking any: in the order of delivery, page by page, what
// is in memory at once and what only the store has by a query. One for each vhost; called by http/ and by
// dlq/sweep.ts. Invariant: nothing about the queue changes, and each page looks at a bounded number.
//
//   segments:  level 32 │ level 4: front, paged, tail │ level 0
//   a place:   level 4, behind id 4711, with 1,200 messages before it
import { LoadedQuery } from '../store/loaded-query.ts'
import { EVERY_MESSAGE, hasQuery, isMatch } from '../store/message-query.ts'
import type { FoundMessages, MessageQuery, StoredFilter } from '../store/message-query.ts'
import type { Store } from '../store/store.ts'
import type { Entry } from './entry.ts'
import type { Message } from './message.ts'
import type { Queue } from './queue.ts'
import type { EntrySequence, ReadySegment } from './ready-segment.ts'

/** Entries in memory that one page looks at: a millisecond or two. */
const SCAN_MAX = 2_000

/** What the store can tell by bytes, and the rest. */
export interface MessageFilter {
  readonly stored: StoredFilter
  /** Of a message that `stored` is true of. */
  accepts(message: Message): boolean
}

export const EVERY: MessageFilter = { stored: EVERY_MESSAGE, accepts: () => true }

export function isShown(filter: MessageFilter, message: Message): boolean {
  return isMatch(filter.stored, message) && filter.accepts(message)
}

/** Where to go on. It stays true while messages come and go; `position` is what it was when it was made. */
export interface Place {
  readonly level: number
  readonly afterId: number
  /** How many messages are before it, those that are to be passed over among them. */
  readonly position: number
  /** To be passed over first. */
  readonly skip: number
}

export const FIRST: Place = { level: Infinity, afterId: 0, position: 0, skip: 0 }

/** Behind so many messages. */
export function placeBehind(count: number): Place {
  return { ...FIRST, position: count, skip: count }
}

export interface BrowseRequest {
  readonly from: Place
  readonly filter: MessageFilter
  readonly limit: number
  readonly bytesMax: number
  /** What came later than this id is passed over. */
  readonly lastId: number
}

export interface Browsed {
  /** How many were ready before it. */
  readonly position: number
  readonly entry: Entry
}

export interface BrowsedPage {
  readonly items: readonly Browsed[]
  /** Null: that was all. */
  readonly next: Place | null
  /** Looked at. */
  readonly scanned: number
  /** For Queue.ready.extract. */
  readonly seenBatch: number
}

export interface PageViewer {
  /** At once, or when the store has answered. */
  browsed(page: BrowsedPage): void
  browseFailed(cause: Error): void
}

export class Browser {
  private readonly store: Store
  private readonly query: MessageQuery
  private readonly loaded: MessageQuery

  constructor(store: Store) {
    this.store = store
    this.loaded = new LoadedQuery(store)
    this.query = hasQuery(store) ? store.query : this.loaded
  }

  /** One page; it may be empty and yet not the last. */
  look(queue: Queue, request: BrowseRequest, viewer: PageViewer): void {
    const { from } = request
    let { skip } = from
    for (const segment of queue.ready.segments()) {
      const { level, entries, length } = segment
      if (level > from.level) continue
      const afterId = level < from.level ? segment.afterId : Math.max(segment.afterId, from.afterId)
      const isWhole = afterId === segment.afterId
      if (skip > 0 && isWhole && length !== null && skip >= length) {
        skip -= length
        continue
      }
      const place = { level, afterId, position: from.position, skip }
      if (entries === null) {
        if (afterId >= Math.min(segment.lastId, request.lastId)) continue
        return this.search(queue, segment, place, request, viewer)
      }
      const index = skip + (isWhole ? 0 : entries.placeAfter(afterId))
      if (index >= entries.length) {
        skip = index - entries.length
        continue
      }
      return viewer.browsed(this.scan(entries, index, place, request))
    }
    viewer.browsed({ items: [], next: null, scanned: 0, seenBatch: this.store.durableBatch })
  }

  /**
   * Those of these messages that are ready: `limit` of the ids at a time, from the one that the place's
   * position names.
   */
  find(queue: Queue, ids: readonly number[], from: Place, limit: number, viewer: PageViewer): void {
    const until = Math.min(ids.length, from.position + limit)
    const items: Browsed[] = []
    const step = (at: number): void => {
      const id = ids[at]
      if (id === undefined || at === until) {
        const next = until === ids.length ? null : { level: 0, afterId: 0, position: until, skip: 0 }
        viewer.browsed({ items, next, scanned: until - from.position, seenBatch })
        return
      }
      this.findOne(queue, id, {
        browsed(page) {
          items.push(...page.items)
          step(at + 1)
        },
        browseFailed: (cause) => viewer.browseFailed(cause),
      })
    }
    const seenBatch = this.store.durableBatch
    step(from.position)
  }

  private findOne(queue: Queue, id: number, viewer: PageViewer): void {
    const segments = queue.ready.segments()
    const seenBatch = this.store.durableBatch
    for (const { entries } of segments) {
      const index = entries?.placeOf(id) ?? -1
      if (index < 0) continue
      const items = [{ position: 0, entry: entries!.at(index)! }]
      return viewer.browsed({ items, next: null, scanned: 1, seenBatch })
    }
    const stored = segments.filter(({ entries, afterId, lastId }) => (
      entries === null && id > afterId && id <= lastId))
    this.findStored(queue, id, stored, viewer)
  }

  /** Which of the lists it is in, only the store knows. */
  private findStored(
    queue: Queue, id: number, [segment, ...others]: readonly ReadySegment[], viewer: PageViewer,
  ): void {
    if (segment === undefined) {
      viewer.browsed({ items: [], next: null, scanned: 1, seenBatch: this.store.durableBatch })
      return
    }
    const request = { from: FIRST, filter: EVERY, limit: 1, bytesMax: Infinity, lastId: id }
    this.search(queue, segment, { ...FIRST, level: segment.level, afterId: id - 1 }, request, {
      browsed: (page) => {
        if (page.items.length > 0) viewer.browsed({ ...page, next: null })
        else this.findStored(queue, id, others, viewer)
      },
      browseFailed: (cause) => viewer.browseFailed(cause),
    })
  }

  private scan(entries: EntrySequence, from: number, start: Place, request: BrowseRequest): BrowsedPage {
    const { filter, limit, bytesMax, lastId } = request
    const items: Browsed[] = []
    let bytes = 0
    let afterId = 0
    let scanned = 0
    while (from + scanned < entries.length) {
      const entry = entries.at(from + scanned)!
      afterId = entry.id
      scanned++
      if (entry.id <= lastId && isShown(filter, entry.message)) {
        items.push({ position: start.position + scanned - 1, entry })
        bytes += entry.message.bodyBytes
      }
      if (items.length >= limit || bytes >= bytesMax || scanned >= SCAN_MAX) break
    }
    const next = { level: start.level, afterId, position: start.position + scanned, skip: 0 }
    return { items, next, scanned, seenBatch: this.store.durableBatch }
  }

  private search(
    queue: Queue, segment: ReadySegment, start: Place, request: BrowseRequest, viewer: PageViewer,
  ): void {
    const { level, afterId, position, skip } = start
    const { filter, limit, bytesMax } = request
    const lastId = Math.min(segment.lastId, request.lastId)
    const seenBatch = this.store.durableBatch
    const query = queue.ready.hasSpilled ? this.loaded : this.query
    const search = {
      queue: queue.id, level: segment.storeLevel, afterId, lastId, skip, version: queue.ready.version,
      filter: filter.stored, limit, bytesMax, scanMax: Infinity,
    }
    query.search(search, {
      found: (found) => {
        const items = itemsOf(queue, found, filter, position)
        const { scanned, skipped, scannedTo, isLast } = found
        const reached = isLast ? segment.lastId : scannedTo
        const next = { level, afterId: reached, position: position + scanned, skip: skip - skipped }
        viewer.browsed({ items, next, scanned, seenBatch })
      },
      searchFailed: (cause) => viewer.browseFailed(cause),
    })
  }
}

function itemsOf(queue: Queue, found: FoundMessages, filter: MessageFilter, position: number): Browsed[] {
  const items: Browsed[] = []
  for (const [at, stored] of found.messages.entries()) {
    if (queue.ready.isExtracted(stored.id)) continue
    const entry = queue.entryOf(stored)
    if (filter.accepts(entry.message)) items.push({ position: position + found.places[at]!, entry })
  }
  return items
}
