// Copies an open database to a file, in steps between which the connection goes on committing: what is
// committed meanwhile is in the copy too. By the writer's own connection, since a copy by another one starts
// again at every commit and under load never ends (reliability §4.4). Called by the store thread, and by the
// CLI for a directory that nobody holds. Invariant: under its name the file is whole and synced, or absent.

import type { Database } from 'better-sqlite3'
import { existsSync, renameSync, rmSync, statSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { syncFile } from './sync-file.ts'

/** 4 MB, a few milliseconds. */
const STEP_PAGES = 500

/** Returns the size of the copy. Errors: Error, for a file that is there already, or the file system's. */
export async function backUp(db: Database, file: string, overwrites: boolean): Promise<number> {
  if (!isAbsolute(file)) throw new Error(`backup to ${file}: the path must be absolute`)
  if (!overwrites && existsSync(file)) throw new Error(`${file} exists already; --force overwrites it`)
  const partial = `${file}.partial`
  rmSync(partial, { force: true })
  try {
    await db.backup(partial, { progress: () => STEP_PAGES })
    syncFile(partial)
    renameSync(partial, file)
  } catch (cause) {
    rmSync(partial, { force: true })
    throw new Error(`backup to ${file} failed: ${String(cause)}`, { cause })
  }
  syncFile(file)
  return statSync(file).size
}
