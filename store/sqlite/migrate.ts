// Brings a database file to the schema this program knows, forward only and all or nothing. Called on every
// open, before anything else touches the file. Invariant: a file of a newer program is refused and left
// exactly as it was.

import type { Database } from 'better-sqlite3'
import { rmSync } from 'node:fs'
import { syncFile } from './sync-file.ts'
import { initial } from './schema/0001-initial.ts'
import { readable } from './schema/0002-readable.ts'
import { totals } from './schema/0003-totals.ts'
import { delayed } from './schema/0004-delayed.ts'

/** Migration n is at n - 1; `user_version` says how many a file has seen. */
export const migrations: readonly string[] = [initial, readable, totals, delayed]

export class DataDirectoryNewer extends Error {
  override name = 'DataDirectoryNewer'
  readonly file: string
  readonly found: number
  readonly supported: number

  constructor(file: string, found: number, supported: number) {
    super(
      `${file} has schema version ${found}, this Leveret supports up to ${supported}: it was written by a ` +
        'newer release. Start that release or a later one, or restore a backup made before the upgrade.',
    )
    this.file = file
    this.found = found
    this.supported = supported
  }
}

export function refuseNewer(db: Database): void {
  const found = schemaVersion(db)
  if (found > migrations.length) throw new DataDirectoryNewer(db.name, found, migrations.length)
}

/** Returns the file that holds a copy of what was there before; null when there was nothing to migrate. */
export function migrate(db: Database, known: readonly string[] = migrations): string | null {
  const from = schemaVersion(db)
  if (from === known.length) return null
  const backup = from === 0 ? null : copyBefore(db, from)
  const apply = db.transaction(() => {
    for (const sql of known.slice(from)) db.exec(sql)
    db.pragma(`user_version = ${known.length}`)
  })
  apply.immediate()
  return backup
}

/** Errors: Error, when there is no room for it or the like; the file is then as it was. */
function copyBefore(db: Database, version: number): string {
  const time = new Date().toISOString().replaceAll(/[-:]/g, '')
  const copy = `${db.name}.schema-${version}.${time}.backup`
  try {
    db.prepare('VACUUM INTO ?').run(copy)
    syncFile(copy)
    return copy
  } catch (cause) {
    // Half of one; nothing was there before, down to the millisecond.
    rmSync(copy, { force: true })
    throw new Error(`${db.name} has schema version ${version} and is copied before it is migrated, but the `
      + `copy ${copy} failed: ${String(cause)}. Make room for it, or move the copies of earlier migrations.`,
    { cause })
  }
}

function schemaVersion(db: Database): number {
  return Number(db.pragma('user_version', { simple: true }))
}
