// SqliteWriter driven directly, without its thread, and looked at with SQL from a second connection.

import Database from 'better-sqlite3'
import { cpSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BatchWriter } from '../batch.ts'
import { unpackPage } from '../page.ts'
import { messageOf } from '../engine-under-test.contract.ts'
import { TransactionFailed } from './failure.ts'
import { SqliteWriter } from './writer.ts'

const VHOST = 1

let directory = ''
let file = ''
let log: BatchWriter
let writer: SqliteWriter

function open(path = file): SqliteWriter {
  const opened = new SqliteWriter(path)
  opened.openScope(VHOST, '/')
  return opened
}

function apply(): void {
  writer.apply(log.close())
}

function put(queue: number, id: number, bodyId = 0): number {
  return log.put(VHOST, queue, id, messageOf({ bodyId, body: Buffer.from(`body of ${bodyId || id}`) }))
}

function dropStored(queue: number, id: number, bodyId = 0): void {
  log.drop(VHOST, queue, id, bodyId, 0, 0)
}

function select(sql: string): unknown[] {
  const db = new Database(file, { readonly: true })
  try {
    return db.prepare(sql).pluck().all()
  } finally {
    db.close()
  }
}

/** What a process that was killed now would have left. */
function copyAsAfterKill(): string {
  const copy = join(directory, 'killed')
  cpSync(file, join(copy, 'leveret.db'))
  cpSync(`${file}-wal`, join(copy, 'leveret.db-wal'))
  return join(copy, 'leveret.db')
}

function loadIds(from: SqliteWriter, queue: number): number[] {
  const request = {
    queue, level: 0, afterId: 0, lastId: Number.MAX_SAFE_INTEGER, limit: 10_000, bytesMax: 1e9,
  }
  return unpackPage(from.loadPage(request)).map((message) => message.id)
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'leveret-writer-'))
  file = join(directory, 'leveret.db')
  log = new BatchWriter()
  writer = open()
})

afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})

describe('the clean mark', () => {
  it('is off on disk while the file is open, and on after a clean stop', () => {
    expect(select(`SELECT value FROM state WHERE key = 'clean'`)).toEqual([0])
    writer.close()
    expect(select(`SELECT value FROM state WHERE key = 'clean'`)).toEqual([1])
    expect(open().wasClean).toBe(true)
  })

  it('is missing after a kill, and the next kill does not bring it back', () => {
    put(1, 1)
    apply()
    const killed = open(copyAsAfterKill())
    expect([killed.wasClean, loadIds(killed, 1)]).toEqual([false, [1]])
  })
})

describe('the highest id', () => {
  it('survives a kill after its message was dropped', () => {
    put(1, 1)
    put(1, 2)
    apply()
    dropStored(1, 2)
    apply()
    expect(open(copyAsAfterKill()).recover('/').lastId).toBe(2)
  })

  it('survives a kill after its message was purged in the background', () => {
    put(1, 1)
    log.purge(VHOST, 1, 0, 1)
    apply()
    while (writer.purgeStep()) expect(loadIds(writer, 1)).toEqual([])
    expect(select('SELECT id FROM messages')).toEqual([])
    expect(open(copyAsAfterKill()).recover('/').lastId).toBe(1)
  })

  it('counts ids of shared bodies', () => {
    put(1, 5, 9)
    apply()
    expect(writer.recover('/').lastId).toBe(9)
  })
})

describe('shared bodies', () => {
  it('are one row, gone with their last message', () => {
    put(1, 11, 10)
    put(2, 12, 10)
    apply()
    expect(select('SELECT CAST(body AS TEXT) FROM bodies')).toEqual(['body of 10'])
    dropStored(1, 11, 10)
    apply()
    expect(select('SELECT id FROM bodies')).toEqual([10])
    dropStored(2, 12, 10)
    apply()
    expect(select('SELECT id FROM bodies')).toEqual([])
  })

  it('are counted anew at open', () => {
    put(1, 11, 10)
    put(2, 12, 10)
    apply()
    writer.close()
    writer = open()
    dropStored(1, 11, 10)
    apply()
    expect(select('SELECT id FROM bodies')).toEqual([10])
    dropStored(2, 12, 10)
    apply()
    expect(select('SELECT id FROM bodies')).toEqual([])
  })

  it('are not released twice by a purge and a drop of the same message', () => {
    put(1, 11, 10)
    put(2, 12, 10)
    log.purge(VHOST, 1, 0, 11)
    apply()
    while (writer.purgeStep()) expect(select('SELECT id FROM bodies')).toEqual([10])
    dropStored(1, 11, 10)
    apply()
    expect(select('SELECT id FROM bodies')).toEqual([10])
  })

  it('are never written when every put that shares them is cancelled', () => {
    const position = put(1, 11, 10)
    log.drop(VHOST, 1, 11, 10, log.number, position)
    put(1, 12)
    apply()
    expect([select('SELECT id FROM bodies'), select('SELECT id FROM messages')]).toEqual([[], [12]])
  })
})

describe('purge', () => {
  it('deletes in steps of 100 and forgets its mark with the last', () => {
    for (let id = 1; id <= 250; id++) put(1, id)
    log.purge(VHOST, 1, 0, 250)
    put(1, 251)
    apply()
    const left: unknown[] = []
    while (writer.purgeStep()) left.push(...select('SELECT count(*) FROM messages'))
    expect(left).toEqual([151, 51, 1])
    expect(select(`SELECT key FROM state WHERE key LIKE 'purge%'`)).toEqual([])
  })

  it('goes on after a kill', () => {
    for (let id = 1; id <= 150; id++) put(1, id)
    log.purge(VHOST, 1, 0, 150)
    apply()
    writer.purgeStep()
    const killed = open(copyAsAfterKill())
    expect([loadIds(killed, 1), killed.recover('/').queues, killed.purgeStep()]).toEqual([[], [], true])
  })
})

it('a delivery count goes with its message', () => {
  put(1, 1)
  log.touch(VHOST, 1, 1, 3)
  apply()
  expect(select('SELECT count FROM redelivery')).toEqual([3])
  dropStored(1, 1)
  apply()
  expect(select('SELECT count FROM redelivery')).toEqual([])
})

it('people can read queues and messages through the views', () => {
  log.define(VHOST, { kind: 'queue', name: 'orders', doc: '{"id":1}' })
  put(1, 11, 10)
  put(1, 12)
  apply()
  expect(select('SELECT name FROM queues WHERE id = 1')).toEqual(['orders'])
  const sql = `SELECT queue || ' ' || routing_key || ' ' || body FROM queue_messages ORDER BY id`
  expect(select(sql)).toEqual(['orders created body of 10', 'orders created body of 12'])
})

it('the write-ahead log is checkpointed when it has grown, and starts again', () => {
  const body = Buffer.alloc(1024 * 1024, 1)
  for (let id = 1; id <= 150; id++) {
    log.put(VHOST, 1, id, messageOf({ body }))
    apply()
    writer.checkpointIfLarge()
  }
  expect(statSync(`${file}-wal`).size).toBeLessThan(64 * 1024 * 1024)
})

it('a log that cannot start again is told once, until it was small again', () => {
  const notices: unknown[] = []
  writer.onNotice = (notice) => notices.push(notice)
  const pages = (256 * 1024 * 1024) / 8192
  for (const n of [pages, pages + 1, pages + 2, 10, pages + 1]) writer['warnOfWal'](n)
  expect(notices).toEqual([
    { kind: 'walLarge', bytes: 256 * 1024 * 1024 + 8192 },
    { kind: 'walLarge', bytes: 256 * 1024 * 1024 + 8192 },
  ])
})

describe('a failed transaction', () => {
  it('leaves nothing of its batch', () => {
    put(1, 1)
    apply()
    put(1, 2)
    put(1, 1)
    expect(apply).toThrow('committing batch 2: SQLITE_CONSTRAINT_PRIMARYKEY')
    expect(select('SELECT id FROM messages')).toEqual([1])
  })

  it('for want of space is called full', () => {
    fillDisk()
    log.put(VHOST, 1, 1, messageOf({ body: Buffer.alloc(100_000) }))
    expect(failureOf(apply)).toMatchObject({ kind: 'full' })
    expect(select('SELECT id FROM messages')).toEqual([])
  })

  it('for want of space succeeds when it is tried again with room, as if it had been the first try', () => {
    put(1, 1)
    put(1, 3, 2)
    put(2, 4, 2)
    log.touch(VHOST, 1, 1, 1)
    apply()
    dropStored(1, 1)
    dropStored(1, 3, 2)
    put(3, 6, 5)
    put(4, 7, 5)
    log.purge(VHOST, 2, 0, 4)
    log.put(VHOST, 3, 8, messageOf({ body: Buffer.alloc(100_000) }))
    const batch = log.close()
    fillDisk()
    for (let n = 0; n < 3; n++) expect(failureOf(() => writer.apply(batch))).toMatchObject({ kind: 'full' })
    expect([loadIds(writer, 1), loadIds(writer, 2)]).toEqual([[1, 3], [4]])
    makeRoom()
    writer.apply(batch)
    while (writer.purgeStep());
    expect(select('SELECT id FROM messages ORDER BY id')).toEqual([6, 7, 8])
    expect(select('SELECT id FROM redelivery')).toEqual([])
    dropStored(3, 6, 5)
    dropStored(4, 7, 5)
    apply()
    expect(select('SELECT id FROM bodies')).toEqual([])
    expect(writer.recover('/').queues).toMatchObject([{ queue: 3, count: 1 }])
    const recovered = open(copyAsAfterKill()).recover('/')
    expect(recovered).toMatchObject({ lastId: 8, queues: [{ queue: 3, count: 1 }] })
  })
})

function fillDisk(): void {
  writer['db'].pragma(`max_page_count = ${Number(writer['db'].pragma('page_count', { simple: true }))}`)
}

function makeRoom(): void {
  writer['db'].pragma('max_page_count = 1000000')
}

function failureOf(task: () => void): unknown {
  try {
    task()
  } catch (error) {
    expect(error).toBeInstanceOf(TransactionFailed)
    return error
  }
  throw new Error('it did not fail')
}
