// Reliability P5: a delivered body is what was published, byte for byte, or it is parked and not delivered.

import Database from 'better-sqlite3'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { BatchWriter } from '../batch.ts'
import { loaded } from '../loaded.contract.ts'
import { unpackPage } from '../page.ts'
import { messageOf } from '../engine-under-test.contract.ts'
import { SqliteWriter } from './writer.ts'

let directory = ''
let file = ''
let log: BatchWriter

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'leveret-corruption-'))
  file = join(directory, 'leveret.db')
  log = new BatchWriter()
})

afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})

function store(bodies: readonly string[], bodyId = 0): void {
  const writer = new SqliteWriter(file)
  writer.openScope(1, '/')
  bodies.forEach((body, index) => log.put(1, 1, index + 1, messageOf({ body: Buffer.from(body), bodyId })))
  writer.apply(log.close())
  writer.close()
}

function flipBitOf(text: string): void {
  const bytes = readFileSync(file)
  const at = bytes.indexOf(text)
  expect(at).toBeGreaterThan(0)
  bytes[at] = bytes[at]! ^ 0x10
  writeFileSync(file, bytes)
}

function bodiesOf(writer: SqliteWriter, limit = 10): string[] {
  const request = { queue: 1, level: 0, afterId: 0, lastId: Number.MAX_SAFE_INTEGER, limit, bytesMax: 1e9 }
  return loaded(unpackPage(writer.loadPage(request))).map(({ body }) => body.toString())
}

function parked(): unknown[] {
  const db = new Database(file, { readonly: true })
  const rows = db.prepare('SELECT id, queue, reason, CAST(body AS TEXT) AS body FROM damaged').all()
  db.close()
  return rows
}

it('a message whose body changed on disk is parked, and the others take its place in the page', () => {
  store(['first body', 'second body', 'third body'])
  flipBitOf('second body')
  const writer = new SqliteWriter(file)
  const page = bodiesOf(writer, 2)
  expect(page).toEqual(['first body', 'third body'])
  const reason = expect.stringMatching(/^its crc32 is \d+, \d+ was stored$/)
  expect(parked()).toEqual([{ id: 2, queue: 1, reason, body: 'cecond body' }])
  expect([writer.damagedCount, writer.recover('/').queues]).toEqual([1, [{ queue: 1, count: 2, bytes: 20 }]])
  writer.close()
})

it('a message whose head changed on disk is parked', () => {
  store(['body'])
  flipBitOf('orders')
  const writer = new SqliteWriter(file)
  expect(bodiesOf(writer)).toEqual([])
  expect(writer.damagedCount).toBe(1)
  writer.close()
})

it('every message that shares a damaged body is parked, each with the body, which then goes', () => {
  store(['zebra body', 'zebra body'], 10)
  flipBitOf('zebra body')
  const writer = new SqliteWriter(file)
  expect(bodiesOf(writer)).toEqual([])
  expect(parked()).toMatchObject([{ id: 1, body: 'jebra body' }, { id: 2, body: 'jebra body' }])
  const db = new Database(file, { readonly: true })
  expect(db.prepare('SELECT count(*) FROM bodies').pluck().get()).toBe(0)
  db.close()
  writer.close()
})

it('each damaged message is told once, with its queue and why', () => {
  store(['first body', 'second body'])
  flipBitOf('second body')
  const writer = new SqliteWriter(file)
  const notices: unknown[] = []
  writer.onNotice = (notice) => notices.push(notice)
  for (let n = 0; n < 2; n++) bodiesOf(writer)
  const reason = expect.stringMatching(/^its crc32 is /)
  expect(notices).toEqual([{ kind: 'damaged', queue: 1, id: 2, reason }])
  writer.close()
})

it('a drop of a message that was parked changes nothing', () => {
  store(['only'])
  flipBitOf('only')
  const writer = new SqliteWriter(file)
  bodiesOf(writer)
  log.drop(1, 1, 1, 0, 0, 0)
  writer.apply(log.close())
  expect(writer.damagedCount).toBe(1)
  writer.close()
})
