// Searches messages on a read-only connection of its own, chunk by chunk: each chunk is a short transaction
// over so many rows of a queue, so that no checkpoint waits for a search. Driven by query-thread.ts, or by
// tests. Invariant: it writes nothing, and what the writer has purged is not seen, deleted or not.

import Database from 'better-sqlite3'
import { type PackedPage, PagePacker } from '../page.ts'
import type { FoundMessages, MessageSearch, StoredFilter } from '../message-query.ts'
import { PurgeMarks } from './purge-marks.ts'
import { readRow } from './reader.ts'
import {
  BY_LEVEL, type MessageRow, prepare, prepareColumn, prepareStatements, selectMessages, type Statement,
} from './statements.ts'
import { type IdIndex, stepOver, Waymarks } from './waymarks.ts'

/** Rows of a chunk: about 5 ms when a filter reads their heads. */
const CHUNK_ROWS = 2_000
/** Of one search; it says where it stopped. */
const SEARCH_MS = 100
/** Of this connection's pages in memory. */
const CACHE_KIB = 16 * 1024
/** A commit never blocks a reader of the WAL; only a recovery of it would. */
const BUSY_MS = 1_000
/** Filters of one shape share a statement; there are few shapes. */
const STATEMENTS_MAX = 100

/** Of both kinds the level is the second value: it is always bound. `level > 0` lets SQLite use its index. */
const EVERY_LEVEL = 'm.queue = ? AND ? = 0 AND m.id > ? AND m.id <= ?'
const ONE_LEVEL = 'm.level > 0 AND m.queue = ? AND m.level = ? AND m.id > ? AND m.id <= ?'

/** What crosses: the messages are in the page. */
export interface PackedFound extends Omit<FoundMessages, 'messages'> {
  readonly page: PackedPage
}

interface Chunk {
  /** Where it begins, purged messages passed over. */
  readonly afterId: number
  readonly lastId: number
  /** Nothing is behind it. */
  readonly isLast: boolean
}

export class MessageSearcher {
  private readonly db: Database.Database
  private readonly purged: PurgeMarks
  private readonly ofAll: IdStatements
  private readonly ofLevel: IdStatements
  private readonly waymarks = new Waymarks()
  private readonly matching = new Map<string, Statement<unknown[], MessageRow>>()

  /** Errors: SQLite's when the file is not there. */
  constructor(file: string) {
    this.db = new Database(file, { readonly: true, fileMustExist: true })
    this.db.pragma('query_only = ON')
    this.db.pragma(`cache_size = -${CACHE_KIB}`)
    this.db.pragma(`busy_timeout = ${BUSY_MS}`)
    this.purged = new PurgeMarks(prepareStatements(this.db))
    this.ofAll = idStatements(this.db, 'messages m INDEXED BY messages_by_queue', EVERY_LEVEL)
    this.ofLevel = idStatements(this.db, BY_LEVEL, ONE_LEVEL)
  }

  search(search: MessageSearch): PackedFound {
    const found = new Finding(search)
    const untilMs = performance.now() + SEARCH_MS
    let afterId = search.afterId
    for (;;) {
      this.db.exec('BEGIN')
      try {
        this.purged.remember()
        if (found.skipped < search.skip) {
          afterId = this.pass(search, found)
          if (found.skipped < search.skip) return found.finish(search.lastId, true)
        }
        const chunk = this.chunk(search, afterId, found.rowsLeft(CHUNK_ROWS))
        const isEnough = this.lookAt(search, chunk, found)
        afterId = isEnough ? found.lastId : chunk.lastId
        if (!isEnough && chunk.isLast) return found.finish(search.lastId, true)
      } finally {
        this.db.exec('COMMIT')
      }
      if (found.isFull || performance.now() > untilMs) return found.finish(afterId, false)
    }
  }

  close(): void {
    this.db.close()
  }

  /** Passes over what is to be passed over; returns the id reached. */
  private pass({ queue, level, version, lastId, skip, afterId }: MessageSearch, found: Finding): number {
    const ids = this.idsOf(level)
    const index: IdIndex = {
      nth: (from, to, count) => ids.nth.get(queue, level, from, to, count - 1),
      count: (from, to) => ids.count.get(queue, level, from, to) ?? 0,
    }
    const isPurging = this.purged.of(queue).some(({ last }) => last > afterId)
    if (version >= 0 && !isPurging) {
      const key = `${queue} ${level}`
      const passed = this.waymarks.pass(key, version, index, afterId, lastId, skip)
      found.skipped = passed.count
      return passed.reached
    }
    for (let from = afterId; ;) {
      const start = this.purged.skip(queue, level, from)
      const until = this.untilPurged(queue, level, start, lastId)
      const { reached, count } = stepOver(index, start, until, skip - found.skipped)
      found.skipped += count
      if (found.skipped === skip || until === lastId) return reached
      from = until
    }
  }

  private chunk({ queue, level, lastId }: MessageSearch, from: number, rows: number): Chunk {
    const afterId = this.purged.skip(queue, level, from)
    const until = this.untilPurged(queue, level, afterId, lastId)
    const last = this.idsOf(level).nth.get(queue, level, afterId, until, rows - 1)
    if (last !== undefined) return { afterId, lastId: last, isLast: false }
    return { afterId, lastId: until, isLast: until === lastId }
  }

  /** The last id before what is purged next. */
  private untilPurged(queue: number, level: number, afterId: number, lastId: number): number {
    const next = this.purged.of(queue).find((range) => (
      range.after >= afterId && (range.level === 0 || range.level === level)))
    return Math.min(lastId, next?.after ?? lastId)
  }

  private idsOf(level: number): IdStatements {
    return level === 0 ? this.ofAll : this.ofLevel
  }

  /** True when the search has all that it wants, wherever in the chunk that was. */
  private lookAt(search: MessageSearch, chunk: Chunk, found: Finding): boolean {
    const { queue, level } = search
    const { afterId, lastId } = chunk
    const before: number[] = []
    for (const row of this.matchingRows(search, afterId, lastId)) {
      const message = readRow(queue, row)
      // A damaged one is found again, and parked, by whoever is to deliver it.
      if (typeof message === 'string') continue
      before.push(row.id)
      found.add(message, row.size)
      if (found.isFull) break
    }
    const end = found.isFull ? before.at(-1) ?? lastId : lastId
    const ids = this.idsOf(level).all.all(queue, level, afterId, end)
    found.scannedMore(ids, before)
    return found.isFull
  }

  private matchingRows(
    { queue, level, filter }: MessageSearch, afterId: number, lastId: number,
  ): Iterable<MessageRow> {
    const { conditions, values } = conditionsOf(filter)
    const rows = level === 0 ? `${selectMessages()} WHERE ${EVERY_LEVEL}`
      : `${selectMessages(BY_LEVEL)} WHERE ${ONE_LEVEL}`
    const sql = `${rows}${conditions} ORDER BY m.id`
    let statement = this.matching.get(sql)
    if (statement === undefined) {
      if (this.matching.size >= STATEMENTS_MAX) this.matching.clear()
      this.matching.set(sql, statement = prepare<unknown[], MessageRow>(this.db, sql))
    }
    return statement.iterate(queue, level, afterId, lastId, ...values)
  }
}

interface IdStatements {
  readonly nth: Statement<[number, number, number, number, number], number>
  readonly all: Statement<[number, number, number, number], number>
  readonly count: Statement<[number, number, number, number], number>
}

function idStatements(db: Database.Database, from: string, where: string): IdStatements {
  const rows = `FROM ${from} WHERE ${where}`
  return {
    nth: prepareColumn(db, `SELECT m.id ${rows} ORDER BY m.id LIMIT 1 OFFSET ?`),
    all: prepareColumn(db, `SELECT m.id ${rows} ORDER BY m.id`),
    count: prepareColumn(db, `SELECT count(*) ${rows}`),
  }
}

/** What one search has come to. */
class Finding {
  lastId = 0
  skipped = 0
  private readonly search: MessageSearch
  private readonly packer = new PagePacker()
  private readonly places: number[] = []
  private count = 0
  private bytes = 0
  private scanned = 0

  constructor(search: MessageSearch) {
    this.search = search
  }

  get isFull(): boolean {
    const { limit, bytesMax, scanMax } = this.search
    return this.count >= limit || this.bytes >= bytesMax || this.scanned >= scanMax
  }

  rowsLeft(max: number): number {
    return Math.max(1, Math.min(max, this.search.scanMax - this.scanned))
  }

  add(message: Parameters<PagePacker['add']>[0], size: number): void {
    this.packer.add(message)
    this.count++
    this.bytes += size
    this.lastId = message.id
  }

  /** All ids that were looked at, and those among them that were found. */
  scannedMore(ids: readonly number[], found: readonly number[]): void {
    let at = 0
    for (const id of found) {
      while (ids[at] !== id) at++
      this.places.push(this.scanned + at)
    }
    this.scanned += ids.length
    this.lastId = ids.at(-1) ?? this.lastId
  }

  finish(scannedTo: number, isLast: boolean): PackedFound {
    const { places, skipped, scanned } = this
    return { page: this.packer.finish(isLast), places, skipped, scanned, scannedTo, isLast }
  }
}

/**
 * Only rules out: a head has more bytes than properties. `x'01'` and `x'03'`: store/head.ts, a dead letter.
 */
function conditionsOf(filter: StoredFilter): { conditions: string; values: unknown[] } {
  const values: unknown[] = []
  let conditions = ''
  const add = (condition: string, ...bound: unknown[]): void => {
    conditions += ` AND ${condition}`
    values.push(...bound)
  }
  if (filter.routingKey !== null) add('m.routing_key = ?', filter.routingKey)
  if (filter.sizeMin > 0) add('m.size >= ?', filter.sizeMin)
  if (filter.sizeMax !== Infinity) add('m.size <= ?', filter.sizeMax)
  if (filter.isDeadLetter) add(`substr(m.head, 2, 1) IN (x'01', x'03')`)
  for (const bytes of filter.headHas) add('instr(m.head, ?) > 0', bytes)
  if (filter.bodyHas !== null) add('instr(coalesce(m.body, b.body), ?) > 0', filter.bodyHas)
  return { conditions, values }
}
