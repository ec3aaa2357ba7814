// The durable engine on one machine: the main thread's half of it. It holds the data directory, runs the
// store thread and grants every scope at epoch 1; all scopes share one op log, one batch numbering and one
// file. Created by the composition root. Invariant: the directory is let go last, when nothing of this
// process can write to it any more.

import { invariant, present } from '../../base/invariant.ts'
import { TimeHistogram } from '../../base/time-histogram.ts'
import type { ClosedBatch } from '../batch.ts'
import { BatchPipeline } from '../batch-pipeline.ts'
import { BatchStore, type ScopeReader } from '../batch-store.ts'
import { type PackedPage, unpackPage } from '../page.ts'
import type {
  Engine, EngineInfo, Held, LevelRequest, PageReceiver, PageRequest, Recovered, Store, StoreFailure,
} from '../store.ts'
import { DataDirectory } from './data-directory.ts'
import { SqliteQuery } from './sqlite-query.ts'
import { toFailure } from './failure.ts'
import { StoreThread, type StoreThreadListener } from './store-thread.ts'
import type { StoreNotice } from './thread-messages.ts'

export interface SqliteEngineOptions {
  readonly dataDir: string
  /** Kept in reserve for a full disk; 0, and when not given, none. */
  readonly ballastBytes?: number
  /** Told when the disk has no room left, with what failed, and with null when it has room again. */
  readonly onRoom?: (missing: Error | null) => void
  readonly onNotice?: (notice: StoreNotice) => void
}

export class SqliteEngine implements Engine, ScopeReader, StoreThreadListener {
  private readonly options: SqliteEngineOptions
  private readonly pipeline = new BatchPipeline((batch) => this.commit(batch), setImmediate)
  readonly commitTimes = new TimeHistogram()
  private commitStartedMs = 0
  private readonly acquired = new Set<string>()
  /** Messages that are parked because they were not what had been put. */
  damagedCount = 0
  readonly query = new SqliteQuery(
    () => present(this.directory, `the store in ${this.options.dataDir} is not open`).databaseFile)
  private lastScope = 0
  private directory: DataDirectory | null = null
  private thread: StoreThread | null = null

  constructor(options: SqliteEngineOptions) {
    this.options = options
  }

  /** Errors: DataDirectoryHeld, DataDirectoryNewer, or SQLite's when the file cannot be used. */
  async open(): Promise<EngineInfo> {
    invariant(this.directory === null, `the store in ${this.options.dataDir} is open already`)
    const directory = new DataDirectory(this.options.dataDir)
    this.directory = directory
    this.thread = new StoreThread(this)
    try {
      const { damagedCount, migrationBackup } = await this.thread.ask('open', {
        file: directory.databaseFile, ballastBytes: this.options.ballastBytes ?? 0,
      })
      this.damagedCount = damagedCount
      const warnings = [
        ...migrationWarnings(migrationBackup), ...damagedWarnings(damagedCount, directory.databaseFile),
      ]
      return { kind: 'sqlite', durability: 'disk', warnings }
    } catch (error) {
      await this.free()
      throw error
    }
  }

  async acquire(scope: string): Promise<Store | Held> {
    invariant(!this.acquired.has(scope), `scope '${scope}' is acquired already`)
    this.acquired.add(scope)
    const number = ++this.lastScope
    await this.openThread().ask('openScope', { number, name: scope })
    return new BatchStore(scope, number, this.pipeline, this, () => this.acquired.delete(scope))
  }

  async close(): Promise<void> {
    try {
      await this.query.end()
      await this.pipeline.flush()
      await this.openThread().ask('close', null)
    } finally {
      await this.free()
    }
  }

  noticed(notice: StoreNotice): void {
    if (notice.kind === 'damaged') this.damagedCount++
    this.options.onNotice?.(notice)
  }

  /** Copies everything durable to a file, beside the commits; returns its size. Errors: Error, saying why. */
  backUp(file: string, overwrites: boolean): Promise<number> {
    return this.openThread().ask('backup', { file, overwrites })
  }

  async recover(scope: string): Promise<Recovered> {
    return this.openThread().ask('recover', { scope })
  }

  load(request: PageRequest, receiver: PageReceiver): void {
    this.answer(this.openThread().ask('load', request), receiver)
  }

  loadByLevel(request: LevelRequest, receiver: PageReceiver): void {
    this.answer(this.openThread().ask('loadByLevel', request), receiver)
  }

  private answer(asked: Promise<PackedPage>, receiver: PageReceiver): void {
    asked.then(
      (page) => receiver.pageLoaded({ messages: unpackPage(page), isLast: page.isLast }),
      (cause: unknown) => this.failed({ kind: 'io', cause: toFailure(cause).cause }),
    )
  }

  private commit(batch: ClosedBatch): void {
    this.commitStartedMs = performance.now()
    this.openThread().commit(batch)
  }

  committed(buffers: readonly ArrayBuffer[]): void {
    this.commitTimes.add(performance.now() - this.commitStartedMs)
    this.pipeline.committed(buffers)
  }

  failed(failure: StoreFailure): void {
    this.pipeline.fail(failure)
  }

  noRoom(cause: Error): void {
    this.pipeline.noRoom()
    this.options.onRoom?.(cause)
  }

  roomFound(): void {
    this.pipeline.roomFound()
    this.options.onRoom?.(null)
  }

  died(cause: Error): void {
    this.pipeline.fail({ kind: this.pipeline.hasBatchInFlight ? 'unknown' : 'io', cause })
  }

  private async free(): Promise<void> {
    await this.thread?.end()
    this.thread = null
    this.directory?.release()
    this.directory = null
  }

  private openThread(): StoreThread {
    return present(this.thread, `the store in ${this.options.dataDir} is not open`)
  }
}

function migrationWarnings(backup: string | null): readonly string[] {
  if (backup === null) return []
  return [`the data was migrated to a newer schema; as it was before, it is in ${backup}`]
}

function damagedWarnings(count: number, file: string): readonly string[] {
  if (count === 0) return []
  return [`${count} damaged messages are parked in the table 'damaged' of ${file} and are not delivered`]
}
