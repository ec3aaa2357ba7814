// Every statement on messages, definitions and state, prepared once per connection. Used by writer.ts and
// reader.ts. Numbers are bound as doubles by better-sqlite3; INTEGER columns make integers of them.

import type { Database } from 'better-sqlite3'

export interface IdRow {
  readonly id: number
  readonly bodyId: number | null
}

export interface MessageRow extends IdRow {
  readonly size: number
  readonly level: number
  readonly crc: number
  readonly routingKey: string
  readonly head: Buffer
  /** Null: its shared body is missing. */
  readonly body: Buffer | null
  readonly deliveryCount: number | null
}

export interface QueueRow {
  readonly queue: number
  readonly scope: string
  readonly count: number
  readonly bytes: number
}

/**
 * The part of better-sqlite3's statement that is used here; its own type has no name that could be exported.
 */
export interface Statement<Args extends unknown[], Row> {
  run(...args: Args): { readonly changes: number }
  get(...args: Args): Row | undefined
  all(...args: Args): Row[]
  iterate(...args: Args): Iterable<Row>
}

export type Statements = ReturnType<typeof prepareStatements>

export function prepareStatements(db: Database) {
  return {
    begin: prepare<[]>(db, 'BEGIN IMMEDIATE'),
    commit: prepare<[]>(db, 'COMMIT'),
    rollback: prepare<[]>(db, 'ROLLBACK'),
    ...messageStatements(db),
    ...levelStatements(db),
    ...definitionStatements(db),
    ...stateStatements(db),
  }
}

export const BY_LEVEL = 'messages m INDEXED BY messages_by_level'

export const selectMessages = (from = 'messages m'): string => `
  SELECT m.id, m.size, m.body_id AS bodyId, m.level, m.crc, m.routing_key AS routingKey, m.head,
    CASE WHEN m.body_id IS NULL THEN m.body ELSE b.body END AS body, r.count AS deliveryCount
  FROM ${from} LEFT JOIN bodies b ON b.id = m.body_id LEFT JOIN redelivery r ON r.id = m.id`

function messageStatements(db: Database) {
  return {
    insertMessage: prepare<[
      number, number, number, number | null, number, number, string, Buffer, Buffer | null,
    ]>(
      db,
      `INSERT INTO messages (id, queue, size, body_id, level, crc, routing_key, head, body)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    /** Answers with the size; 12 % dearer than without, measured alone. */
    deleteMessage: prepareColumn<[number], number>(
      db, 'DELETE FROM messages WHERE id = ? RETURNING size'),
    insertBody: prepare<[number, Buffer]>(
      db,
      'INSERT INTO bodies (id, body) VALUES (?, ?) ON CONFLICT DO NOTHING',
    ),
    deleteBody: prepare<[number]>(db, 'DELETE FROM bodies WHERE id = ?'),
    bodyUsers: prepareColumn<[number], number>(
      db, 'SELECT count(*) FROM messages INDEXED BY messages_by_body WHERE body_id = ?'),
    touch: prepare<[number, number]>(
      db,
      'INSERT OR REPLACE INTO redelivery (id, count) SELECT id, ? FROM messages WHERE id = ?',
    ),
    deleteTouch: prepare<[number]>(db, 'DELETE FROM redelivery WHERE id = ?'),
    touched: prepareColumn<[], number>(db, 'SELECT id FROM redelivery'),
    page: prepare<[number, number, number], MessageRow>(
      db,
      `${selectMessages()} WHERE m.queue = ? AND m.id > ? AND m.id <= ? ORDER BY m.id`,
    ),
    purgeable: prepare<[number, number, number, number], IdRow>(
      db,
      'SELECT id, body_id AS bodyId FROM messages WHERE queue = ? AND id > ? AND id <= ? LIMIT ?',
    ),
    totalsBetween: prepare<[number, number, number], { count: number; bytes: number | null }>(
      db,
      'SELECT count(*) AS count, sum(size) AS bytes FROM messages WHERE queue = ? AND id > ? AND id <= ?',
    ),
    hasMessages: prepareColumn<[number], number>(db, 'SELECT 1 FROM messages WHERE queue = ? LIMIT 1'),
    highestId: prepareColumn<[], number>(
      db,
      `SELECT max(coalesce((SELECT max(id) FROM messages), 0), coalesce((SELECT max(id) FROM bodies), 0),
         coalesce((SELECT value FROM state WHERE key = 'lastId'), 0))`,
    ),
    park: prepare<[number, string, number]>(
      db,
      `INSERT INTO damaged (id, queue, found, reason, head, body)
       SELECT m.id, m.queue, ?, ?, m.head, coalesce(m.body, b.body)
       FROM messages m LEFT JOIN bodies b ON b.id = m.body_id WHERE m.id = ?`,
    ),
    damagedCount: prepareColumn<[], number>(db, 'SELECT count(*) FROM damaged'),
  }
}

/** By the index of schema 2; `level > 0` is what lets SQLite use it. */
function levelStatements(db: Database) {
  const where = 'm.level > 0 AND m.queue = ? AND m.level = ? AND m.id > ? AND m.id <= ?'
  return {
    /** In the order of levels. */
    pageByLevel: prepare<[number, number, number], MessageRow>(
      db,
      `${selectMessages()} WHERE m.queue = ? AND m.level > 0 AND (m.level, m.id) > (?, ?)
       ORDER BY m.level, m.id`,
    ),
    pageOfLevel: prepare<[number, number, number, number], MessageRow>(
      db, `${selectMessages(BY_LEVEL)} WHERE ${where} ORDER BY m.id`),
    purgeableOfLevel: prepare<[number, number, number, number, number], IdRow>(
      db, `SELECT m.id, m.body_id AS bodyId FROM ${BY_LEVEL} WHERE ${where} LIMIT ?`),
    totalsOfLevel: prepare<[number, number, number, number], { count: number; bytes: number | null }>(
      db, `SELECT count(*) AS count, sum(m.size) AS bytes FROM ${BY_LEVEL} WHERE ${where}`),
    nextLevel: prepareColumn<[number, number], number>(
      db, `SELECT m.level FROM ${BY_LEVEL} WHERE m.level > 0 AND m.queue = ? AND m.level > ?
       ORDER BY m.level LIMIT 1`),
    firstOfLevel: prepareColumn<[number, number, number], number>(
      db, `SELECT m.id FROM ${BY_LEVEL} WHERE m.level > 0 AND m.queue = ? AND m.level = ? AND m.id > ?
       ORDER BY m.id LIMIT 1`),
  }
}

function definitionStatements(db: Database) {
  return {
    define: prepare<[string, string, string, string]>(
      db,
      'INSERT OR REPLACE INTO definitions (kind, scope, name, doc) VALUES (?, ?, ?, ?)',
    ),
    undefine: prepare<[string, string, string]>(
      db,
      'DELETE FROM definitions WHERE kind = ? AND scope = ? AND name = ?',
    ),
    definitions: prepare<[string], { kind: string; name: string; doc: string }>(
      db,
      'SELECT kind, name, doc FROM definitions WHERE scope = ? ORDER BY kind, name',
    ),
    insertQueue: prepare<[number, string]>(
      db,
      'INSERT OR REPLACE INTO queue_scopes (queue, scope) VALUES (?, ?)',
    ),
    deleteQueue: prepare<[number]>(db, 'DELETE FROM queue_scopes WHERE queue = ?'),
    updateQueue: prepare<[number, number, number]>(
      db, 'UPDATE queue_scopes SET count = ?, bytes = ? WHERE queue = ?'),
    queues: prepare<[], QueueRow>(db, 'SELECT queue, scope, count, bytes FROM queue_scopes'),
    queuesOfScope: prepare<[string], { queue: number; count: number; bytes: number }>(
      db, 'SELECT queue, count, bytes FROM queue_scopes WHERE scope = ? ORDER BY queue'),
  }
}

function stateStatements(db: Database) {
  return {
    setState: prepare<[string, number]>(db, 'INSERT OR REPLACE INTO state (key, value) VALUES (?, ?)'),
    deleteState: prepare<[string]>(db, 'DELETE FROM state WHERE key = ?'),
    state: prepareColumn<[string], number>(db, 'SELECT value FROM state WHERE key = ?'),
    purgeMarks: prepare<[], { key: string; last: number }>(
      db,
      `SELECT key, value AS last FROM state WHERE key LIKE 'purge:%' OR key LIKE 'purge-level:%'`,
    ),
  }
}

export function prepare<Args extends unknown[], Row = never>(
  db: Database, sql: string,
): Statement<Args, Row> {
  return db.prepare<Args, Row>(sql)
}

/** Answers with the first column instead of a row. */
export function prepareColumn<Args extends unknown[], Value>(
  db: Database, sql: string,
): Statement<Args, Value> {
  return db.prepare<Args, Value>(sql).pluck()
}
