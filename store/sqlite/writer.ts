// The one connection that writes: applies batches, each in one transaction, and does in the background what a
// purge left to do. Driven by thread.ts between messages, or by tests directly; everything here is
// synchronous. Reading is in reader.ts, the statements in statements.ts.
//
// Invariants: a row of `bodies` lives exactly as long as a message refers to it; `redelivery` has no row
// without its message; the file knows an id at least as high as any it ever stored; `clean` is 0 on disk
// while this is open.

import type { Database } from 'better-sqlite3'
import { present } from '../../base/invariant.ts'
import type { ClosedBatch } from '../batch.ts'
import { type BatchVisitor, readBatch } from '../batch-reader.ts'
import type { PackedPage } from '../page.ts'
import type { LevelRequest, PageRequest, Recovered } from '../store.ts'
import { backUp } from './backup.ts'
import { checksum } from './checksum.ts'
import { openDatabase, PAGE_BYTES, WAL_BYTES_KEPT } from './database.ts'
import { type FailureKind, failureKind, isFull, TransactionFailed } from './failure.ts'
import { PurgeMarks, type PurgedRange } from './purge-marks.ts'
import { QueueTotals } from './queue-totals.ts'
import { type DamagedRow, type LoadedPage, PageReader } from './reader.ts'
import { removeSpill, Spill, spillFileOf } from './spill.ts'
import { prepareStatements, type IdRow, type Statements } from './statements.ts'
import type { StoreNotice } from './thread-messages.ts'

/**
 * Ids deleted by one step of a purge, between two batches. Of a queue interleaved with 19 others in 1 M cold
 * messages of 1 KB, 500 ids delayed every commit by 50 ms (2 cores, 2026-11); the rate is the same with
 * fewer.
 */
const PURGE_CHUNK = 100
/**
 * 8 MB of WAL. SQLite checkpoints all or nothing, so how long one takes is decided here. Behind a backlog of
 * 200,000 messages it writes 5 MB in 6 ms of processor time, 11 at most (4,000 pages: 20 MB in 24 and 32),
 * and a message costs 16.1 µs of it against 17.2 (bench checkpoint-stall by processor time, 2026-11).
 */
const CHECKPOINT_PAGES = 1000
/**
 * 64 MB may stay free in the file for the next burst; a step gives 4 MB of the rest back to the file system.
 */
const FREE_PAGES_KEPT = 8192
const VACUUM_STEP_PAGES = 512
/** Four times what the WAL is cut to when it starts again (reliability §5). */
const WAL_WARNING_PAGES = (4 * WAL_BYTES_KEPT) / PAGE_BYTES

export class SqliteWriter implements BatchVisitor {
  /** Of the owner before this one. True for a new file. */
  readonly wasClean: boolean
  /** Set by the owner. */
  onNotice: (notice: StoreNotice) => void = () => {}
  /** The copy of the file from before it was migrated; null when it was not. */
  readonly migrationBackup: string | null
  private readonly suspectTo: number
  private readonly db: Database
  private readonly sql: Statements
  private readonly reader: PageReader
  /** Names of scopes by their number in the op log. */
  private readonly scopes: string[] = []
  private readonly purged: PurgeMarks
  private readonly totals: QueueTotals
  private readonly spillFile: string
  /** Null until the first message is spilled. */
  private spilled: Spill | null = null
  /** Shared body → messages referring to it, where they have been counted. */
  private readonly bodyUsers = new Map<number, number>()
  /** Bodies that lost their last user in this transaction; it may give them a new one. */
  private readonly unusedBodies = new Set<number>()
  private readonly touched = new Set<number>()
  private highestId = 0
  /** The file reaches this id without the messages that had it. */
  private persistedId = 0
  private hasDeleted = false
  private pagesAtCheckpoint = 0
  private isWalLarge = false

  constructor(file: string) {
    const { db, migrationBackup } = openDatabase(file)
    this.db = db
    this.migrationBackup = migrationBackup
    this.sql = prepareStatements(this.db)
    this.purged = new PurgeMarks(this.sql)
    this.totals = new QueueTotals(this.sql)
    this.reader = new PageReader(this.sql, this.purged)
    this.spillFile = spillFileOf(file)
    removeSpill(this.spillFile)
    this.wasClean = this.sql.state.get('clean') !== 0
    this.remember()
    this.suspectTo = this.wasClean ? this.sql.state.get('suspectTo') ?? 0 : this.highestId
    this.transaction('opening the store', () => {
      this.sql.setState.run('clean', 0)
      this.sql.setState.run('suspectTo', this.suspectTo)
      for (const queue of this.totals.queues) {
        if (this.sql.hasMessages.get(queue) === undefined) this.totals.delete(queue)
      }
    })
  }

  get damagedCount(): number {
    return this.sql.damagedCount.get() ?? 0
  }

  /** Before the first batch that uses the number. */
  openScope(number: number, name: string): void {
    this.scopes[number] = name
  }

  recover(scope: string): Recovered {
    return this.reader.recover(scope, this.highestId, this.suspectTo)
  }

  loadPage(request: PageRequest): PackedPage {
    return this.withoutDamaged(request.queue, this.reader.loadPage(request, this.spilled))
  }

  loadByLevel(request: LevelRequest): PackedPage {
    return this.withoutDamaged(request.queue, this.reader.loadByLevel(request))
  }

  private withoutDamaged(queue: number, { page, damaged }: LoadedPage): PackedPage {
    if (damaged.length > 0) this.park(queue, damaged)
    return page
  }

  private park(queue: number, damaged: readonly DamagedRow[]): void {
    try {
      this.transaction('parking damaged messages', () => {
        for (const { row, reason } of damaged) {
          this.sql.park.run(Date.now(), reason, row.id)
          this.forget(queue, row.id, row.bodyId ?? 0)
        }
      })
    } catch (error) {
      // It stays where it is and is found again by the next who reads it.
      if (!isFull(error)) throw error
      return
    }
    for (const { row, reason } of damaged) this.onNotice({ kind: 'damaged', queue, id: row.id, reason })
  }

  apply(batch: ClosedBatch): void {
    if (batch.hasSpilled) this.spilled ??= new Spill(this.db, this.spillFile)
    this.transaction(`committing batch ${batch.number}`, () => readBatch(batch, this))
  }

  /** One bounded piece of deferred deletion; false when nothing is left to do. */
  purgeStep(): boolean {
    const purged = this.purged.first()
    if (purged === null) return false
    const { queue, range } = purged
    this.transaction(`purging queue ${queue}`, () => this.purgeChunk(queue, range))
    return true
  }

  /** Gives free pages back, a bounded number; false when few enough are left. */
  vacuumStep(pagesKept = FREE_PAGES_KEPT): boolean {
    if (Number(this.db.pragma('freelist_count', { simple: true })) <= pagesKept) return false
    this.db.pragma(`incremental_vacuum(${VACUUM_STEP_PAGES})`)
    return true
  }

  /** After a batch has been reported: the WAL must not grow without a bound. */
  checkpointIfLarge(): void {
    const pages = this.walPages('NOOP')
    this.warnOfWal(pages)
    // The WAL starts again from its beginning once all of it was checkpointed and nobody reads it.
    if (pages < this.pagesAtCheckpoint) this.pagesAtCheckpoint = 0
    if (pages - this.pagesAtCheckpoint >= CHECKPOINT_PAGES) this.checkpoint()
  }

  checkpoint(): void {
    this.pagesAtCheckpoint = this.walPages('PASSIVE')
  }

  /** See backup.ts; commits go on meanwhile. */
  backUp(file: string, overwrites: boolean): Promise<number> {
    return backUp(this.db, file, overwrites)
  }

  /** The clean stop; never after a failure, whose outcome the next owner must doubt. */
  close(): void {
    this.transaction('marking the store as cleanly stopped', () => {
      this.sql.setState.run('clean', 1)
      this.sql.setState.run('lastId', this.highestId)
    })
    this.spilled?.close()
    this.db.pragma('wal_checkpoint(TRUNCATE)')
    this.db.close()
  }

  body(bodyId: number, body: Buffer): void {
    if (this.sql.insertBody.run(bodyId, body).changes > 0) this.bodyUsers.set(bodyId, 0)
    if (bodyId > this.highestId) this.highestId = bodyId
  }

  put(
    scope: number, queue: number, id: number, bodyId: number, level: number, routingKey: string, head: Buffer,
    body: Buffer,
  ): void {
    const isShared = bodyId !== 0
    if (!this.totals.has(queue)) this.totals.add(queue, this.scopeName(scope))
    const crc = checksum(queue, id, level, routingKey, head, body)
    this.sql.insertMessage.run(
      id, queue, body.length, isShared ? bodyId : null, level, crc, routingKey, head, isShared ? null : body,
    )
    this.totals.change(queue, 1, body.length)
    if (isShared) this.countUsers(bodyId, 1)
    if (id > this.highestId) this.highestId = id
  }

  drop(queue: number, id: number, bodyId: number): void {
    this.forget(queue, id, bodyId)
  }

  spill(
    _scope: number, queue: number, id: number, level: number, routingKey: string, head: Buffer, body: Buffer,
  ): void {
    present(this.spilled, 'a message was spilled into a batch without a mark').put(
      queue, id, level, routingKey, head, body)
  }

  purge(queue: number, afterId: number, lastId: number, level: number): void {
    this.purged.add(queue, level, afterId, lastId)
  }

  touch(_queue: number, id: number, deliveryCount: number): void {
    if (this.sql.touch.run(deliveryCount, id).changes > 0) this.touched.add(id)
  }

  define(scope: number, kind: string, name: string, doc: string | null): void {
    if (doc === null) this.sql.undefine.run(kind, this.scopeName(scope), name)
    else this.sql.define.run(kind, this.scopeName(scope), name, doc)
  }

  /** What is known of the file without asking it. Read anew after a rollback, which made it false. */
  private remember(): void {
    this.hasDeleted = false
    this.persistedId = this.sql.state.get('lastId') ?? 0
    this.highestId = this.sql.highestId.get() ?? 0
    for (const each of [this.touched, this.bodyUsers, this.unusedBodies]) each.clear()
    this.purged.remember()
    for (const id of this.sql.touched.iterate()) this.touched.add(id)
    this.totals.remember()
  }

  private scopeName(scope: number): string {
    return present(this.scopes[scope], `scope ${scope} was used before it was opened`)
  }

  private purgeChunk(queue: number, range: PurgedRange): void {
    const { level, after, last } = range
    const rows: readonly IdRow[] = level === 0 ? this.sql.purgeable.all(queue, after, last, PURGE_CHUNK)
      : this.sql.purgeableOfLevel.all(queue, level, after, last, PURGE_CHUNK)
    for (const { id, bodyId } of rows) this.forget(queue, id, bodyId ?? 0)
    const spilled = this.spilled?.purge(queue, range, PURGE_CHUNK) ?? 0
    if (rows.length === PURGE_CHUNK || spilled === PURGE_CHUNK) return
    this.purged.delete(queue, range)
    if (this.sql.hasMessages.get(queue) === undefined) this.totals.delete(queue)
  }

  private forget(queue: number, id: number, bodyId: number): void {
    const size = this.sql.deleteMessage.get(id)
    if (size === undefined) {
      // Spilled; or purged or parked before the drop came, and then its body has been released with it.
      this.spilled?.drop(id)
      return
    }
    this.totals.change(queue, -1, -size)
    this.hasDeleted = true
    if (this.touched.delete(id)) this.sql.deleteTouch.run(id)
    if (bodyId === 0) return
    if (this.countUsers(bodyId, -1) <= 0) this.unusedBodies.add(bodyId)
  }

  /** A message that refers to it came or went; what is not known of it is counted, that one included. */
  private countUsers(bodyId: number, change: number): number {
    const known = this.bodyUsers.get(bodyId)
    const users = known === undefined ? this.sql.bodyUsers.get(bodyId) ?? 0 : known + change
    this.bodyUsers.set(bodyId, users)
    return users
  }

  private deleteUnusedBodies(): void {
    for (const bodyId of this.unusedBodies) {
      if ((this.bodyUsers.get(bodyId) ?? 0) > 0) continue
      this.bodyUsers.delete(bodyId)
      this.sql.deleteBody.run(bodyId)
    }
    this.unusedBodies.clear()
  }

  /** The highest id may have been among the deleted ones, so it must be known without its message. */
  private rememberHighestId(): void {
    if (this.hasDeleted && this.highestId > this.persistedId) {
      this.sql.setState.run('lastId', this.highestId)
      this.persistedId = this.highestId
    }
    this.hasDeleted = false
  }

  private transaction(what: string, work: () => void): void {
    try {
      this.sql.begin.run()
      work()
      this.deleteUnusedBodies()
      this.rememberHighestId()
      this.totals.write()
    } catch (error) {
      throw this.undo(what, failureKind(error, 'io'), error)
    }
    try {
      this.sql.commit.run()
    } catch (error) {
      throw this.undo(what, failureKind(error, 'unknown'), error)
    }
  }

  /** Only after a full disk there is somebody to go on: else the connection may not even answer. */
  private undo(what: string, kind: FailureKind, cause: unknown): TransactionFailed {
    if (this.db.inTransaction) this.sql.rollback.run()
    if (kind === 'full') this.remember()
    return new TransactionFailed(what, kind, cause)
  }

  /** Once until it is small again. */
  private warnOfWal(pages: number): void {
    const isLarge = pages > WAL_WARNING_PAGES
    if (isLarge && !this.isWalLarge) this.onNotice({ kind: 'walLarge', bytes: pages * PAGE_BYTES })
    this.isWalLarge = isLarge
  }

  private walPages(mode: 'NOOP' | 'PASSIVE'): number {
    const rows = this.db.pragma(`wal_checkpoint(${mode})`) as { log: number }[]
    return rows[0]?.log ?? 0
  }
}
