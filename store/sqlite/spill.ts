// Messages that need not outlive the process, written to make room in memory: a database of its own beside
// the durable one, never synced, deleted when the broker starts and when it stops. Owned by SqliteWriter;
// attached to its connection when the first message is spilled, since most brokers never need it. Invariant:
// an id is here or in `messages`, never in both.

import { rmSync } from 'node:fs'
import type { Database } from 'better-sqlite3'
import { checksum } from './checksum.ts'
import type { PurgedRange } from './purge-marks.ts'
import { type MessageRow, prepare, type Statement } from './statements.ts'

interface Range<Args extends unknown[]> {
  readonly select: Statement<Args, MessageRow>
  readonly delete: Statement<[...Args, number], never>
}

export class Spill {
  private readonly db: Database
  private readonly file: string
  private readonly insert: Statement<[number, number, number, number, number, string, Buffer, Buffer], never>
  private readonly deleteOne: Statement<[number], never>
  private readonly all: Range<[number, number, number]>
  private readonly ofLevel: Range<[number, number, number, number]>

  /** `spillFileOf(file)` of the database that `db` has open. Not inside a transaction. */
  constructor(db: Database, file: string) {
    this.db = db
    this.file = file
    removeSpill(file)
    db.prepare('ATTACH ? AS spill').run(file)
    // Nothing here is ever read by another process, so what a kill leaves behind may be anything.
    db.pragma('spill.journal_mode = MEMORY')
    db.pragma('spill.synchronous = OFF')
    db.exec(`CREATE TABLE spill.spilled (
        id INTEGER PRIMARY KEY, queue INTEGER NOT NULL, level INTEGER NOT NULL, size INTEGER NOT NULL,
        crc INTEGER NOT NULL,
        routing_key TEXT NOT NULL, head BLOB NOT NULL, body BLOB NOT NULL);
      CREATE INDEX spill.spilled_by_queue ON spilled (queue, id);
      CREATE INDEX spill.spilled_by_level ON spilled (queue, level, id) WHERE level > 0`)
    this.insert = prepare(db, `INSERT INTO spilled (id, queue, level, size, crc, routing_key, head, body)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)`)
    this.deleteOne = prepare(db, 'DELETE FROM spilled WHERE id = ?')
    this.all = prepareRange(db, 'queue = ? AND id > ? AND id <= ?')
    this.ofLevel = prepareRange(db, 'level > 0 AND queue = ? AND level = ? AND id > ? AND id <= ?')
  }

  put(
    queue: number, id: number, level: number, routingKey: string, head: Buffer, body: Buffer,
  ): void {
    const crc = checksum(queue, id, level, routingKey, head, body)
    this.insert.run(id, queue, level, body.length, crc, routingKey, head, body)
  }

  drop(id: number): void {
    this.deleteOne.run(id)
  }

  /** Returns how many of at most `limit` there were. */
  purge(queue: number, { level, after, last }: PurgedRange, limit: number): number {
    if (level === 0) return this.all.delete.run(queue, after, last, limit).changes
    return this.ofLevel.delete.run(queue, level, after, last, limit).changes
  }

  rows(queue: number, level: number, afterId: number, lastId: number): Iterable<MessageRow> {
    if (level === 0) return this.all.select.iterate(queue, afterId, lastId)
    return this.ofLevel.select.iterate(queue, level, afterId, lastId)
  }

  close(): void {
    this.db.exec('DETACH spill')
    removeSpill(this.file)
  }
}

function prepareRange<Args extends unknown[]>(db: Database, where: string): Range<Args> {
  return {
    select: prepare(db, `SELECT id, size, level, NULL AS bodyId, crc, routing_key AS routingKey, head, body,
      0 AS deliveryCount FROM spilled WHERE ${where} ORDER BY id`),
    delete: prepare(db, `DELETE FROM spilled WHERE id IN (SELECT id FROM spilled WHERE ${where} LIMIT ?)`),
  }
}

export function spillFileOf(databaseFile: string): string {
  return `${databaseFile}-spill`
}

/** What an earlier process left. */
export function removeSpill(file: string): void {
  for (const each of [file, `${file}-journal`]) rmSync(each, { force: true })
}
