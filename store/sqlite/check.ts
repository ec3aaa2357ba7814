// Is a data file whole? For people who ask (`leveret check`), never at start: it reads everything. It opens
// the file read-only and reads messages page by page, so it may run beside a broker. Invariant: it changes
// nothing, and a finding names what it touches.

import Database from 'better-sqlite3'
import { migrations } from './migrate.ts'
import { readRow } from './reader.ts'
import type { MessageRow } from './statements.ts'

/** Of one kind; a file that is broken everywhere need not be listed whole. */
const FINDINGS_MAX = 100
/** The numbers of deduplicating queues and exchanges, below 0 of which their keys are. */
const KEYS_IDS = `SELECT json_extract(doc, '$.keysId') FROM definitions
  WHERE json_extract(doc, '$.keysId') > 0`
/** Between two of them the write-ahead log of a running broker can start again. */
const ROWS = 500

export interface CheckReport {
  readonly messages: number
  readonly queues: number
  /** Parked by the broker: found earlier, and not delivered. */
  readonly parked: number
  readonly findings: readonly string[]
}

interface Row extends MessageRow {
  readonly queue: number
}

/** Errors: SQLite's, when the file cannot be opened at all. */
export function checkDatabase(file: string): CheckReport {
  const db = new Database(file, { readonly: true, fileMustExist: true })
  try {
    return new Check(db).run()
  } finally {
    db.close()
  }
}

class Check {
  private readonly db: Database.Database
  private readonly findings: string[] = []
  private readonly names = new Map<number, string>()
  /** Deduplicating queues and exchanges by the number of their keys. */
  private readonly keyOwners = new Map<number, string>()
  private messages = 0
  /** Messages that were found damaged. */
  private unreadable = 0

  constructor(db: Database.Database) {
    this.db = db
  }

  run(): CheckReport {
    const version = Number(this.db.pragma('user_version', { simple: true }))
    if (version === 0 || version > migrations.length) {
      return this.report([`its schema has version ${version}, this Leveret knows 1 to ${migrations.length}`])
    }
    this.step('the structure of the file', () => this.checkStructure())
    this.step('the queues', () => this.readNames())
    this.step('the index of messages', () => this.checkIndex())
    this.step('what belongs together', () => this.checkOrphans())
    this.step('the messages', () => this.checkMessages())
    return this.report(this.findings)
  }

  private report(findings: readonly string[]): CheckReport {
    const parked = findings.length === 0 ? this.count('SELECT count(*) FROM damaged') : 0
    return { messages: this.messages, queues: this.names.size, parked, findings }
  }

  /** A page that SQLite cannot read ends a step, not the check. */
  private step(what: string, check: () => void): void {
    try {
      check()
    } catch (error) {
      if (!(error instanceof Database.SqliteError)) throw error
      this.findings.push(`${what} cannot be read: ${error.code} ${error.message}`)
    }
  }

  private checkStructure(): void {
    const roots = new Map(this.db.prepare<[], { name: string; page: number }>(
      'SELECT name, rootpage AS page FROM sqlite_schema').all().map(({ name, page }) => [page, name]))
    // Table by table: one that cannot be read at all must not hide the others.
    for (const table of this.db.prepare<[], string>(
      `SELECT name FROM sqlite_schema WHERE type = 'table'`).pluck().all()) {
      this.step(`the table ${table}`, () => {
        const lines = this.db.prepare<[], string>(`PRAGMA integrity_check('${table}')`).pluck().all()
        for (const line of lines.flatMap((text) => text.split('\n'))) {
          if (line === 'ok' || line.startsWith('***')) continue
          this.findings.push(line.replace(/^Tree (\d+)/, (tree, page) => roots.get(Number(page)) ?? tree))
        }
      })
    }
  }

  private readNames(): void {
    const rows = this.db.prepare<[], { id: number; scope: string; name: string }>(
      `SELECT json_extract(doc, '$.id') AS id, scope, name FROM definitions WHERE kind = 'queue'`).all()
    for (const { id, scope, name } of rows) this.names.set(id, `queue '${name}' in vhost '${scope}'`)
    const owners = this.db.prepare<[], { id: number; kind: string; scope: string; name: string }>(
      `SELECT json_extract(doc, '$.keysId') AS id, kind, scope, name FROM definitions
       WHERE json_extract(doc, '$.keysId') > 0`).all()
    for (const { id, kind, scope, name } of owners) {
      this.keyOwners.set(-id, `${kind} '${name}' in vhost '${scope}' (its keys)`)
    }
  }

  private checkIndex(): void {
    this.messages = this.count('SELECT count(*) FROM messages NOT INDEXED')
    const indexed = this.count('SELECT count(*) FROM messages INDEXED BY messages_by_queue')
    if (indexed !== this.messages) {
      this.findings.push(`the index messages_by_queue has ${indexed} entries for ${this.messages} messages`)
    }
    this.checkTotals()
  }

  /** A file that waits for its migration has none. */
  private checkTotals(): void {
    if (!this.hasColumn('queue_scopes', 'count')) return
    const wrong = this.db.prepare<[], { queue: number; count: number; found: number }>(
      `SELECT q.queue, q.count, count(m.id) AS found
       FROM queue_scopes q LEFT JOIN messages m INDEXED BY messages_by_queue ON m.queue = q.queue
       GROUP BY q.queue HAVING q.count <> found OR q.bytes <> coalesce(sum(m.size), 0)`).all()
    for (const { queue, count, found } of wrong) {
      this.findings.push(
        `${this.queueName(queue)} is said to have ${count} messages and has ${found}, or other bytes`)
    }
  }

  private checkOrphans(): void {
    const orphans: readonly (readonly [string, (row: { id: number; queue: number }) => string])[] = [
      [`SELECT id, 0 AS queue FROM bodies
        WHERE id NOT IN (SELECT body_id FROM messages WHERE body_id NOTNULL)`,
      ({ id }) => `body ${id} is used by no message`],
      ['SELECT id, 0 AS queue FROM redelivery WHERE id NOT IN (SELECT id FROM messages)',
        ({ id }) => `a delivery count is kept for message ${id}, which is not there`],
      [`SELECT queue, min(id) AS id FROM messages WHERE queue NOT IN (SELECT queue FROM queue_scopes)
        GROUP BY queue`,
      ({ id, queue }) => `${this.queueName(queue)} has messages, from ${id} on, and is in no vhost`],
      [`SELECT queue, min(id) AS id FROM messages m
        WHERE abs(queue) NOT IN (SELECT json_extract(doc, '$.id') FROM definitions WHERE kind = 'queue')
          AND -queue NOT IN (${KEYS_IDS})
          AND NOT EXISTS (SELECT 1 FROM state WHERE key LIKE 'purge:' || m.queue || ':%'
            OR key = 'purge:' || m.queue) GROUP BY queue`,
      ({ id, queue }) => `queue ${queue} has messages, from ${id} on, and is not declared`],
    ]
    for (const [sql, describe] of orphans) {
      const rows = this.db.prepare<[], { id: number; queue: number }>(`${sql} LIMIT ${FINDINGS_MAX}`).all()
      for (const row of rows) this.findings.push(describe(row))
    }
  }

  private checkMessages(): void {
    const level = this.hasColumn('messages', 'level') ? 'm.level' : '0'
    const page = this.db.prepare<[number], Row>(
      `SELECT m.id, m.queue, m.size, m.body_id AS bodyId, ${level} AS level, m.crc,
         m.routing_key AS routingKey, m.head,
         CASE WHEN m.body_id IS NULL THEN m.body ELSE b.body END AS body, 0 AS deliveryCount
       FROM messages m LEFT JOIN bodies b ON b.id = m.body_id WHERE m.id > ? ORDER BY m.id LIMIT ${ROWS}`)
    const before = this.findings.length
    try {
      for (let rows = page.all(0); rows.length > 0; rows = page.all(rows.at(-1)!.id)) {
        for (const row of rows) this.checkMessage(row.id, row.queue, row)
      }
    } catch (error) {
      if (!(error instanceof Database.SqliteError)) throw error
      // From the start again, so that none is named twice.
      this.findings.length = before
      this.unreadable = 0
      this.checkOneByOne(page)
    }
  }

  /** By the index, past what cannot be read: which messages a broken page has taken. */
  private checkOneByOne(page: Database.Statement<[number], Row>): void {
    const entries = this.db.prepare<[], { id: number; queue: number }>(
      'SELECT id, queue FROM messages INDEXED BY messages_by_queue').all()
    for (const { id, queue } of entries) {
      if (this.unreadable === FINDINGS_MAX) return
      try {
        const row = page.get(id - 1)
        this.checkMessage(id, queue, row?.id === id ? row : null)
      } catch (error) {
        if (!(error instanceof Database.SqliteError)) throw error
        this.findings.push(`message ${id} of ${this.queueName(queue)} cannot be read: ${error.code}`)
        this.unreadable++
      }
    }
  }

  private checkMessage(id: number, queue: number, row: Row | null): void {
    const problem = row === null ? 'it is in the index and not in the table' : readRow(queue, row)
    if (typeof problem !== 'string' || this.unreadable === FINDINGS_MAX) return
    this.findings.push(`message ${id} of ${this.queueName(queue)}: ${problem}`)
    this.unreadable++
  }

  private queueName(queue: number): string {
    const owner = this.keyOwners.get(queue)
    if (owner !== undefined) return owner
    if (queue < 0) return `${this.queueName(-queue)}, delayed,`
    return this.names.get(queue) ?? `queue ${queue}`
  }

  private hasColumn(table: string, column: string): boolean {
    return this.count(`SELECT count(*) FROM pragma_table_info('${table}') WHERE name = '${column}'`) > 0
  }

  private count(sql: string): number {
    return this.db.prepare<[], number>(sql).pluck().get() ?? 0
  }
}
