// Holds a data directory for one process. Called by SqliteEngine before anything in the directory is opened.
// The hold is an exclusive SQLite lock on a file of its own, which the operating system takes back when the
// process ends however it ends: no stale lock outlives a kill -9. Invariant: a process that is refused has
// changed nothing in the directory.

import Database from 'better-sqlite3'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { syncFile } from './sync-file.ts'

/** Two processes that start together may meet for a moment; one of them wins within this time. */
const LOCK_WAIT_MS = 500

export class DataDirectoryHeld extends Error {
  override name = 'DataDirectoryHeld'
  readonly directory: string
  readonly pid: number | null

  constructor(directory: string, pid: number | null) {
    super(
      `data directory ${directory} is in use by ${pid === null ? 'another process' : `process ${pid}`}: ` +
        'stop that process, or give this one a data directory of its own.',
    )
    this.directory = directory
    this.pid = pid
  }
}

export class DataDirectory {
  readonly databaseFile: string
  private readonly lock: Database.Database
  private readonly pidFile: string

  /** Errors: DataDirectoryHeld, or the file system's. */
  constructor(directory: string) {
    const firstMade = mkdirSync(directory, { recursive: true })
    if (firstMade !== undefined) syncMade(resolve(firstMade), resolve(directory))
    this.databaseFile = join(directory, 'leveret.db')
    this.pidFile = join(directory, 'leveret.pid')
    this.lock = new Database(join(directory, 'leveret.lock'), { timeout: LOCK_WAIT_MS })
    try {
      this.lock.exec('BEGIN EXCLUSIVE')
      writeFileSync(this.pidFile, `${process.pid}\n`)
    } catch (error) {
      this.lock.close()
      throw isBusy(error) ? new DataDirectoryHeld(directory, readPid(this.pidFile)) : error
    }
  }

  release(): void {
    // In this order: the file must not name the next holder's predecessor.
    rmSync(this.pidFile, { force: true })
    this.lock.close()
  }
}

/** All that were made, up to the first: a power cut must not take the home of a new database. */
function syncMade(first: string, last: string): void {
  for (let made = last; made.length >= first.length; made = dirname(made)) syncFile(made)
}

function isBusy(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code === 'SQLITE_BUSY'
}

/** Null while the holder has not written it yet. */
function readPid(file: string): number | null {
  try {
    const pid = Number.parseInt(readFileSync(file, 'utf8'), 10)
    return Number.isInteger(pid) ? pid : null
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}
