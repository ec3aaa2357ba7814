// kill -9 in mid-load: what was reported durable is there, whole, and the file knows that it was not a clean
// stop (reliability P1, P4, P6). The child prints every durable batch; batch n holds one shared body in two
// queues and drops what batch n - 5 had put into the second (dist/ must be built).

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { load } from '../loaded.contract.ts'
import { isHeld } from '../store.ts'
import { SqliteEngine } from './sqlite-engine.ts'

const built = new URL('../../dist/store/sqlite/sqlite-engine.js', import.meta.url).href
const PER_BATCH = 20
const KEPT_BATCHES = 5

const script = `
  import { SqliteEngine } from ${JSON.stringify(built)}
  const engine = new SqliteEngine({ dataDir: process.argv[1] })
  await engine.open()
  const store = await engine.acquire('/')
  store.onDurable = (batch) => { process.stdout.write(batch + '\\n'); turn(batch + 1) }
  function turn(batch) {
    for (let n = 0; n < ${PER_BATCH}; n++) {
      const bodyId = (batch * ${PER_BATCH} + n) * 3
      const buf = Buffer.alloc(1500, bodyId % 251)
      const message = {
        exchange: 'x', routingKey: 'k', rawKey: null, isDeadLetter: false, buf, bodyId,
        propertiesStart: 0, propertiesEnd: 0, bodyStart: 0, bodyEnd: buf.length,
      }
      store.put(1, bodyId + 1, message)
      store.put(2, bodyId + 2, message)
      const old = bodyId - ${PER_BATCH * KEPT_BATCHES} * 3
      if (old >= ${PER_BATCH} * 3) store.drop(2, old + 2, old, 0, 0)
    }
    store.seal()
  }
  turn(1)`

let dataDir = ''

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'leveret-crash-'))
})

afterEach(() => {
  rmSync(dataDir, { recursive: true, force: true })
})

/** Runs the load, kills it once so many batches are durable, and returns the last one that was reported. */
async function killAfter(batches: number): Promise<number> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exit = once(child, 'exit')
  let durable = 0
  for await (const line of createInterface(child.stdout)) {
    durable = Number(line)
    if (durable >= batches) child.kill('SIGKILL')
  }
  await exit
  return durable
}

function idsOfQueue(queue: number, firstBatch: number, lastBatch: number): number[] {
  const ids: number[] = []
  for (let n = firstBatch * PER_BATCH; n < (lastBatch + 1) * PER_BATCH; n++) ids.push(n * 3 + queue)
  return ids
}

it.each([1, 7, 60, 400])('everything reported durable survives a kill after %i batches', async (batches) => {
  const durable = await killAfter(batches)
  expect(durable).toBeGreaterThanOrEqual(batches)
  const engine = new SqliteEngine({ dataDir })
  await engine.open()
  const store = await engine.acquire('/')
  if (isHeld(store)) throw new Error(`held by ${store.heldBy}`)
  const recovered = await store.recover()
  const [first, second] = await Promise.all([1, 2].map((queue) => load(store, queue, 0, 1e6)))

  // The batch after the last reported one may have been committed too: it is there whole, or not at all.
  const last = first!.length / PER_BATCH
  expect([durable, durable + 1]).toContain(last)
  expect(first!.map(({ id }) => id)).toEqual(idsOfQueue(1, 1, last))
  expect(second!.map(({ id }) => id)).toEqual(idsOfQueue(2, Math.max(1, last - KEPT_BATCHES + 1), last))
  const all = [...first!, ...second!]
  const torn = all.filter(({ body, bodyId }) => !body.equals(Buffer.alloc(1500, bodyId % 251)))
  expect(torn).toEqual([])
  expect(recovered.suspectTo).toBe(recovered.lastId)
  expect(recovered.lastId).toBeGreaterThanOrEqual(first!.at(-1)!.id)
  await engine.close()
})
