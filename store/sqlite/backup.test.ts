// A copy made by the writer's own connection, beside its commits.

import Database from 'better-sqlite3'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { load } from '../loaded.contract.ts'
import { messageOf } from '../engine-under-test.contract.ts'
import { isHeld, type Store } from '../store.ts'
import { checkDatabase } from './check.ts'
import { SqliteEngine } from './sqlite-engine.ts'

let directory = ''
let copy = ''
let engine: SqliteEngine
let store: Store

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'leveret-backup-'))
  copy = join(directory, 'copy.db')
  engine = new SqliteEngine({ dataDir: join(directory, 'data') })
  await engine.open()
  const acquired = await engine.acquire('/')
  if (isHeld(acquired)) throw new Error(`held by ${acquired.heldBy}`)
  store = acquired
  store.define({ kind: 'queue', name: 'q', doc: '{"id":1}' })
})

afterEach(async () => {
  await engine.close()
  rmSync(directory, { recursive: true, force: true })
})

/** Resolves when the message is durable. */
function put(id: number): Promise<void> {
  return new Promise((resolve) => {
    store.onDurable = () => resolve()
    store.put(1, id, messageOf({ body: Buffer.alloc(20_000, id) }))
    store.seal()
  })
}

it('ends while messages go on being stored, and what it holds is whole and without a gap', async () => {
  let id = 0
  while (id < 600) await put(++id)
  const before = id
  const progress = { isDone: false }
  const done = engine.backUp(copy, false).finally(() => { progress.isDone = true })
  while (!progress.isDone) await put(++id)
  const bytes = await done
  expect(bytes).toBe(readFileSync(copy).length)
  expect(id).toBeGreaterThan(before)
  expect(checkDatabase(copy).findings).toEqual([])
  const db = new Database(copy, { readonly: true })
  const ids = db.prepare<[], number>('SELECT id FROM messages ORDER BY id').pluck().all()
  db.close()
  expect(ids.length).toBeGreaterThanOrEqual(before)
  expect(ids).toEqual(ids.map((_, index) => index + 1))
})

it('can be started from, and then every message may have been delivered', async () => {
  await put(1)
  await engine.backUp(copy, false)
  await engine.close()
  writeFileSync(join(directory, 'data', 'leveret.db'), readFileSync(copy))
  engine = new SqliteEngine({ dataDir: join(directory, 'data') })
  await engine.open()
  const again = await engine.acquire('/')
  if (isHeld(again)) throw new Error('held')
  expect(await again.recover()).toMatchObject({ suspectTo: 1, queues: [{ queue: 1, count: 1 }] })
  expect((await load(again, 1))[0]?.body).toEqual(Buffer.alloc(20_000, 1))
})

it('never overwrites a file unless it is told to', async () => {
  writeFileSync(copy, 'precious')
  await expect(engine.backUp(copy, false)).rejects.toThrow(`${copy} exists already; --force overwrites it`)
  expect(readFileSync(copy, 'utf8')).toBe('precious')
  await engine.backUp(copy, true)
  expect(checkDatabase(copy).findings).toEqual([])
})

it('that fails says why and leaves nothing behind', async () => {
  const nowhere = join(directory, 'missing', 'copy.db')
  await expect(engine.backUp(nowhere, false)).rejects.toThrow(`backup to ${nowhere} failed`)
  await expect(engine.backUp('copy.db', false)).rejects.toThrow('the path must be absolute')
  expect(existsSync(`${copy}.partial`)).toBe(false)
})
