// Brings a database file to the schema this program knows, forward only and all or nothing. Called on every
// open, before anything else touches the file. Invariant: a file of a newer program is refused and left
// exactly as it was.

import type { Database } from 'better-sqlite3'
import { initial } from './schema/0001-initial.ts'

/** Migration n is at n - 1; `user_version` says how many a file has seen. */
export const migrations: readonly string[] = [initial]

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

export function migrate(db: Database, known: readonly string[] = migrations): void {
  const from = schemaVersion(db)
  if (from === known.length) return
  const apply = db.transaction(() => {
    for (const sql of known.slice(from)) db.exec(sql)
    db.pragma(`user_version = ${known.length}`)
  })
  apply.immediate()
}

function schemaVersion(db: Database): number {
  return Number(db.pragma('user_version', { simple: true }))
}
