// SqliteEngine through the real store thread (dist/ must be built), against the contract and when a commit
// fails.

import Database from 'better-sqlite3'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EVERY_MESSAGE, type FoundMessages } from '../message-query.ts'
import { isHeld, type Store, type StoreFailure } from '../store.ts'
import { load } from '../loaded.contract.ts'
import { levelsContract } from '../levels.contract.ts'
import { loadingContract } from '../loading.contract.ts'
import { messageQueryContract } from '../message-query.contract.ts'
import { type EngineUnderTest, messageOf } from '../engine-under-test.contract.ts'
import { storeContract } from '../store.contract.ts'
import { DataDirectory } from './data-directory.ts'
import { DataDirectoryNewer } from './migrate.ts'
import { SqliteEngine } from './sqlite-engine.ts'

let dataDir = ''

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'leveret-engine-'))
})

afterEach(() => {
  rmSync(dataDir, { recursive: true, force: true })
})

async function acquire(engine: SqliteEngine): Promise<Store> {
  const store = await engine.acquire('/')
  if (isHeld(store)) throw new Error(`held by ${store.heldBy}`)
  return store
}

async function makeEngine(): Promise<EngineUnderTest> {
  const under = {
    engine: new SqliteEngine({ dataDir }),
    restart: async () => {
      await under.engine.close()
      under.engine = new SqliteEngine({ dataDir })
      await under.engine.open()
    },
    dispose: () => under.engine.close(),
  }
  await under.engine.open()
  return under
}

storeContract('SqliteEngine', makeEngine)
loadingContract('SqliteEngine', makeEngine)
levelsContract('SqliteEngine', makeEngine)
messageQueryContract('SqliteEngine', makeEngine)


describe('a failed commit', () => {
  it('is reported once, and nothing is reported durable after it', async () => {
    const engine = new SqliteEngine({ dataDir })
    await engine.open()
    const store = await acquire(engine)
    const durable: number[] = []
    const failures: StoreFailure[] = []
    store.onDurable = (batch) => durable.push(batch)
    const failed = new Promise<void>((resolve) => {
      store.onFailed = (failure) => {
        failures.push(failure)
        resolve()
      }
    })
    store.put(1, 1, messageOf())
    store.put(1, 1, messageOf())
    store.seal()
    store.put(1, 2, messageOf())
    store.seal()
    await failed
    store.put(1, 3, messageOf())
    store.seal()
    await expect(store.release()).rejects.toThrow('committing batch 1: SQLITE_CONSTRAINT_PRIMARYKEY')
    expect(await load(store, 1)).toEqual([])
    await expect(engine.close()).rejects.toThrow('committing batch 1')
    expect([durable, failures.map((failure) => failure.kind)]).toEqual([[], ['io']])
  })

  it('leaves the file unclean and its directory free', async () => {
    const engine = new SqliteEngine({ dataDir })
    await engine.open()
    const store = await acquire(engine)
    store.onFailed = () => {}
    const durable = new Promise((resolve) => { store.onDurable = resolve })
    store.put(1, 1, messageOf())
    store.seal()
    await durable
    store.put(1, 1, messageOf())
    await expect(store.release()).rejects.toThrow('committing batch 2')
    await expect(engine.close()).rejects.toThrow('committing batch 2')
    const next = new SqliteEngine({ dataDir })
    await next.open()
    const { suspectTo, lastId } = await (await acquire(next)).recover()
    expect([suspectTo, lastId]).toEqual([1, 1])
    await next.close()
  })
})

it('a disk without room stops publishers, is told, and goes on without a restart', async () => {
  const told: (string | null)[] = []
  const engine = new SqliteEngine({ dataDir, onRoom: (missing) => told.push(missing?.message ?? null) })
  await engine.open()
  const store = await acquire(engine)
  store.onRelieved = () => told.push('relieved')
  engine.noRoom(new Error('SQLITE_FULL'))
  expect(store.isCongested).toBe(true)
  store.put(1, 1, messageOf())
  engine.roomFound()
  expect([store.isCongested, told]).toEqual([false, ['SQLITE_FULL', 'relieved', null]])
  await store.release()
  await engine.close()
})

describe('the end of the store thread', () => {
  it('leaves the outcome of a batch in flight unknown, whatever comes after', async () => {
    const engine = new SqliteEngine({ dataDir })
    await engine.open()
    const store = await acquire(engine)
    const events: string[] = []
    store.onDurable = (batch) => events.push(`durable ${batch}`)
    store.onFailed = ({ kind }) => events.push(kind)
    store.put(1, 1, messageOf())
    store.seal()
    engine.died(new Error('the store thread ended'))
    // Asked after the batch was sent, so the batch's answer has come by now.
    expect(await load(store, 1)).toHaveLength(1)
    expect(events).toEqual(['unknown'])
    await expect(engine.close()).rejects.toThrow('the store thread ended')
  })

  it('rejects what was asked of it', async () => {
    const engine = new SqliteEngine({ dataDir })
    await engine.open()
    const store = await acquire(engine)
    const failed = new Promise<StoreFailure>((resolve) => {
      store.onFailed = resolve
    })
    void engine['thread']?.['worker'].terminate()
    // Asked of a thread that runs no more, though nobody has heard of its end yet.
    await expect(store.recover()).rejects.toThrow('the store thread ended with code 1')
    expect((await failed).kind).toBe('io')
    await expect(engine.close()).rejects.toThrow('the store thread ended with code 1')
  })
})

it('a file of a newer release is refused by name, and its directory is free again', async () => {
  const newer = new Database(join(dataDir, 'leveret.db'))
  newer.pragma('user_version = 99')
  newer.close()
  await expect(new SqliteEngine({ dataDir }).open()).rejects.toBeInstanceOf(DataDirectoryNewer)
  new DataDirectory(dataDir).release()
})

it('an engine that is closed answers no more', async () => {
  const engine = new SqliteEngine({ dataDir })
  await engine.open()
  await engine.close()
  await expect(engine.acquire('/')).rejects.toThrow('is not open')
})

describe('a search', () => {
  const everything = {
    queue: 1, level: 0, afterId: 0, lastId: 10, skip: 0, version: 0, limit: 10, bytesMax: 1e6,
    scanMax: Infinity,
    filter: EVERY_MESSAGE,
  }

  it('does not show a damaged message, and is answered by why not when the store is closed', async () => {
    const engine = new SqliteEngine({ dataDir })
    await engine.open()
    const store = await acquire(engine)
    for (const id of [1, 2]) store.put(1, id, messageOf())
    store.seal()
    await new Promise<void>((resolve) => { store.onDurable = () => resolve() })
    const file = new Database(join(dataDir, 'leveret.db'))
    file.prepare('UPDATE messages SET crc = crc + 1 WHERE id = 1').run()
    file.close()
    const found = await new Promise<FoundMessages>((resolve, reject) => {
      engine.query.search(everything, { found: resolve, searchFailed: reject })
    })
    expect([found.messages.map(({ id }) => id), found.scanned]).toEqual([[2], 2])
    const failed = new Promise<Error>((resolve) => {
      engine.query.search(everything, { found() {}, searchFailed: resolve })
    })
    await engine.close()
    expect((await failed).message).toBe('the store is closed')
  })
})
