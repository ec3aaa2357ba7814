// Opens the one database file with the settings that durability rests on (reliability §4.3). Called by
// SqliteWriter in the store thread. Invariant: `synchronous` is FULL on every open, since better-sqlite3
// reopens a WAL file with NORMAL, which loses confirmed messages at a power cut.

import Database from 'better-sqlite3'
import { migrate, refuseNewer } from './migrate.ts'

export const PAGE_BYTES = 8192
/** To which the write-ahead log shrinks after a burst. */
export const WAL_BYTES_KEPT = 64 * 1024 * 1024

export interface OpenedDatabase {
  readonly db: Database.Database
  /** The copy made before a migration; null when there was none. */
  readonly migrationBackup: string | null
}

export function openDatabase(file: string): OpenedDatabase {
  const db = new Database(file)
  try {
    refuseNewer(db)
    // Both count only before the first table.
    db.pragma(`page_size = ${PAGE_BYTES}`)
    db.pragma('auto_vacuum = INCREMENTAL')
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = FULL')
    // An fsync error inside an automatic checkpoint is swallowed; the writer's explicit ones throw.
    db.pragma('wal_autocheckpoint = 0')
    db.pragma(`journal_size_limit = ${WAL_BYTES_KEPT}`)
    db.pragma('locking_mode = NORMAL')
    db.pragma('mmap_size = 0')
    db.pragma('cache_size = -65536')
    db.pragma('foreign_keys = OFF')
    return { db, migrationBackup: migrate(db) }
  } catch (error) {
    db.close()
    throw error
  }
}
