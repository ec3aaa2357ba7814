// What `leveret check` finds: each kind of damage is done to a file of its own, and named.

import Database from 'better-sqlite3'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { BatchWriter } from '../batch.ts'
import { messageOf } from '../engine-under-test.contract.ts'
import { checkDatabase } from './check.ts'
import { PAGE_BYTES } from './database.ts'
import { SqliteWriter } from './writer.ts'

let directory = ''
let file = ''
let writer: SqliteWriter

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'leveret-check-'))
  file = join(directory, 'leveret.db')
  writer = new SqliteWriter(file)
  writer.openScope(1, '/')
  const log = new BatchWriter()
  log.define(1, { kind: 'queue', name: 'orders', doc: '{"id":1}' })
  log.define(1, { kind: 'queue', name: 'audit', doc: '{"id":2}' })
  for (let id = 1; id <= 50; id++) {
    log.put(1, 1, id, messageOf({ body: Buffer.from(`body ${id};`.repeat(100)) }))
  }
  log.put(1, 1, 61, messageOf({ body: Buffer.alloc(600, 7), bodyId: 60 }))
  log.put(1, 2, 62, messageOf({ body: Buffer.alloc(600, 7), bodyId: 60 }))
  log.touch(1, 1, 1, 1)
  writer.apply(log.close())
})

afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})

function findings(): readonly string[] {
  return checkDatabase(file).findings
}

function damage(sql: string): void {
  writer.close()
  const db = new Database(file)
  db.exec(sql)
  db.close()
}

function patch(change: (bytes: Buffer) => void): void {
  writer.close()
  const bytes = readFileSync(file)
  change(bytes)
  writeFileSync(file, bytes)
}

it('a whole file has nothing to say, also while a broker has it open', () => {
  expect(checkDatabase(file)).toEqual({ messages: 52, queues: 2, parked: 0, findings: [] })
  writer.close()
  const before = readFileSync(file)
  expect(findings()).toEqual([])
  expect(readFileSync(file)).toEqual(before)
})

it('a flipped bit in a body is named with its message and queue', () => {
  patch((bytes) => { bytes[bytes.indexOf('body 17;') + 3]! ^= 1 })
  expect(findings()).toEqual([
    expect.stringMatching(/^message 17 of queue 'orders' in vhost '\/': its crc32 is \d+, \d+ was stored$/)])
})

it('a shared body that changed is named with every message that has it', () => {
  damage('UPDATE bodies SET body = zeroblob(600)')
  expect(findings()).toEqual([
    expect.stringContaining("message 61 of queue 'orders'"),
    expect.stringContaining("message 62 of queue 'audit'"),
  ])
})

it.each([
  ['a message that was moved to another queue', 'UPDATE messages SET queue = 2 WHERE id = 5',
    /^message 5 of queue 'audit' .* its crc32/],
  ['a routing key that changed', `UPDATE messages SET routing_key = 'creatod' WHERE id = 5`,
    /^message 5 of queue 'orders' .* its crc32/],
  ['a shared body that is gone', 'DELETE FROM bodies',
    /^message 61 of queue 'orders' .* its shared body 60 is missing/],
  ['a body that nobody has', 'INSERT INTO bodies VALUES (99, zeroblob(9))',
    /^body 99 is used by no message$/],
  ['a count without its message', 'INSERT INTO redelivery VALUES (99, 1)',
    /^a delivery count .* message 99/],
  ['messages that no vhost would get', 'DELETE FROM queue_scopes WHERE queue = 2',
    /^queue 'audit' in vhost '\/' has messages, from 62 on, and is in no vhost$/],
  ['messages of a queue that is not declared', `DELETE FROM definitions WHERE name = 'audit'`,
    /^queue 2 has messages, from 62 on, and is not declared$/],
  ['a count that is wrong', 'UPDATE queue_scopes SET count = count + 1 WHERE queue = 2',
    /^queue 'audit' in vhost '\/' is said to have \d+ messages and has \d+/],
])('%s is found', (_what, sql, finding) => {
  damage(sql)
  expect(findings()).toContainEqual(expect.stringMatching(finding))
})

it('keys belong to whoever deduplicates, and are named by it', () => {
  const log = new BatchWriter()
  log.define(1, { kind: 'exchange', name: 'once', doc: '{"keysId":9}' })
  log.put(1, -9, 70, messageOf({ body: Buffer.from('"key-70"') }), Infinity, 1_700_000_000_000)
  writer.apply(log.close())
  expect(findings()).toEqual([])
  patch((bytes) => { bytes[bytes.indexOf('"key-70"') + 3]! ^= 1 })
  expect(findings()).toEqual([
    expect.stringMatching(/^message 70 of exchange 'once' in vhost '\/' \(its keys\): its crc32/)])
})

it('keys of nobody are found', () => {
  const log = new BatchWriter()
  log.put(1, -9, 70, messageOf({ body: Buffer.from('"key-70"') }), Infinity, 1_700_000_000_000)
  writer.apply(log.close())
  expect(findings()).toEqual(['queue -9 has messages, from 70 on, and is not declared'])
})

it('messages of a deleted queue that wait for their purge are no damage', () => {
  damage(`DELETE FROM definitions WHERE name = 'audit'; INSERT INTO state VALUES ('purge:2:0', 62)`)
  expect(findings()).toEqual([])
})

it('a page that cannot be read names the table and the messages on it, and the check goes on', () => {
  patch((bytes) => bytes.fill(0, pageOf(bytes, 'body 30;'), pageOf(bytes, 'body 30;') + 100))
  const found = findings()
  expect(found).toContainEqual(expect.stringMatching(/^the table messages cannot be read: SQLITE_CORRUPT/))
  expect(found).toContainEqual(`message 30 of queue 'orders' in vhost '/' cannot be read: SQLITE_CORRUPT`)
  expect(found).not.toContainEqual(expect.stringContaining('message 1 of'))
})

it('a file of a newer schema is not judged', () => {
  damage('PRAGMA user_version = 99')
  expect(findings()).toEqual([expect.stringMatching(/^its schema has version 99, .* knows 1 to \d+$/)])
})

function pageOf(bytes: Buffer, text: string): number {
  return Math.floor(bytes.indexOf(text) / PAGE_BYTES) * PAGE_BYTES
}
