// The suite every engine passes: what store.ts promises, checked from above the seam. memory.test.ts and
// sqlite/sqlite-engine.test.ts run it. That a failed commit is never reported cannot be provoked through the
// seam: batch-pipeline.test.ts and sqlite/sqlite-engine.test.ts hold each part to it.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  acquire, messageOf, restarted, type EngineUnderTest, type SampleMessage, type Scope,
} from './engine-under-test.contract.ts'
import { load } from './loaded.contract.ts'
import { CATALOG, type QueueTotals, type Recovered } from './store.ts'

/** The same bytes in every run, all of their values among them. */
function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  let state = 0x9e3779b9 + length
  for (let at = 0; at < length; at++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[at] = state
  }
  return bytes
}

/** Comparing text is a thousand times faster than comparing Buffers with `toEqual`. */
function asText(message: Required<Omit<SampleMessage, 'bodyId'>>): string {
  const { exchange, routingKey, rawKey, properties, body, expiresAtMs, isDeadLetter } = message
  const bytes = [properties, body, rawKey].map((each) => each?.toString('hex'))
  return JSON.stringify([exchange, routingKey, String(expiresAtMs), isDeadLetter, ...bytes])
}

function byQueue(recovered: Recovered): QueueTotals[] {
  return recovered.queues.toSorted((a, b) => a.queue - b.queue)
}

export function storeContract(name: string, makeEngine: () => Promise<EngineUnderTest>): void {
  describe(`${name} as a store`, () => {
    let under: EngineUnderTest
    let scope: Scope

    async function restart(): Promise<Recovered> {
      scope = await restarted(under, scope)
      return scope.store.recover()
    }

    beforeEach(async () => {
      under = await makeEngine()
      scope = await acquire(under)
    })

    afterEach(() => under.dispose())

    describe('batches', () => {
      it('are reported in the order of their numbers, each once', async () => {
        for (let id = 1; id <= 2000; id++) {
          scope.store.put(1, id, messageOf())
          if (id % 10 === 0) scope.store.seal()
        }
        await scope.store.release()
        expect(scope.reported).toEqual([...new Set(scope.reported)].toSorted((a, b) => a - b))
        expect(scope.durable).toBe(scope.store.openBatch - 1)
      })

      it('are numbered from 1 without gaps', async () => {
        expect(scope.store.openBatch).toBe(1)
        scope.store.put(1, 1, messageOf())
        await scope.commit()
        expect(scope.store.openBatch).toBe(2)
      })

      it('are never reported from within seal, not even when nothing is left in them', async () => {
        const position = scope.store.put(1, 1, messageOf())
        scope.store.drop(1, 1, 0, scope.store.openBatch, position)
        scope.store.seal()
        expect(scope.reported).toEqual([])
        await scope.untilDurable(1)
        expect(scope.reported).toEqual([1])
      })

      it('stay open when nothing was appended', async () => {
        scope.store.seal()
        scope.store.put(1, 1, messageOf())
        expect(scope.store.openBatch).toBe(1)
        await scope.commit()
        expect(scope.reported).toEqual([1])
      })

      it('are not cut between two seals, whatever becomes durable meanwhile', async () => {
        scope.store.put(1, 1, messageOf())
        scope.store.seal()
        const batch = scope.store.openBatch
        scope.store.put(1, 2, messageOf())
        await scope.untilDurable(1)
        scope.store.put(1, 3, messageOf())
        expect(scope.store.openBatch).toBe(batch)
        expect(await scope.ids(1)).toEqual([1])
        await scope.commit()
        expect(await scope.ids(1)).toEqual([1, 2, 3])
      })

      it('of two scopes are one series, reported to both', async () => {
        const other = await acquire(under, 'other')
        scope.store.put(1, 1, messageOf())
        other.store.put(2, 2, messageOf())
        expect(other.store.openBatch).toBe(scope.store.openBatch)
        scope.store.seal()
        await Promise.all([scope.untilDurable(1), other.untilDurable(1)])
        expect([scope.reported, other.reported]).toEqual([[1], [1]])
      })

      it('become congested beyond what may wait, and relieved when it is written', async () => {
        const body = noise(1024 * 1024)
        const relieved = new Promise<void>((resolve) => {
          scope.store.onRelieved = resolve
        })
        for (let id = 1; id <= 20; id++) {
          scope.store.put(1, id, messageOf({ body }))
          scope.store.seal()
        }
        expect(scope.store.isCongested).toBe(true)
        await relieved
        expect(scope.store.isCongested).toBe(false)
      })
    })

    describe('messages', () => {
      it('come back byte for byte', async () => {
        const sent = Array.from({ length: 50 }, (_, index) => ({
          exchange: index % 2 === 0 ? '' : 'éxchänge',
          routingKey: index % 3 === 0 ? 'k'.repeat(255) : `ключ.${index}\0`,
          rawKey: index % 7 === 0 ? noise(index) : null,
          properties: noise(index * 7),
          body: noise(index === 49 ? 700_000 : index * 1_001),
          expiresAtMs: index % 2 === 0 ? Infinity : 1_700_000_000_000 + index,
          isDeadLetter: index % 5 === 0,
        }))
        sent.forEach((sample, index) => {
          scope.store.put(1, index + 1, messageOf(sample), sample.expiresAtMs)
        })
        await scope.commit()
        await restart()
        const loaded = await load(scope.store, 1, 0, 100, 1e9)
        expect(loaded.map((message) => message.id)).toEqual(sent.map((_, index) => index + 1))
        expect(loaded.map(asText)).toEqual(sent.map(asText))
      })

      it('do not change with the buffer they were put from', async () => {
        const message = messageOf({ body: Buffer.from('before') })
        scope.store.put(1, 1, message)
        message.buf.fill(0)
        await scope.commit()
        expect((await load(scope.store, 1, 0, 1, 1e9))[0]?.body.toString()).toBe('before')
      })

      it('are not visible before their batch is durable', async () => {
        scope.store.put(1, 1, messageOf())
        expect(await scope.ids(1)).toEqual([])
      })

      it('are loaded in id order, also when they were put in another', async () => {
        for (const id of [5, 2, 9, 1]) scope.store.put(1, id, messageOf())
        await scope.commit()
        expect(await scope.ids(1)).toEqual([1, 2, 5, 9])
      })

      it('are loaded page by page, after an id and up to a limit', async () => {
        for (let id = 1; id <= 10; id++) scope.store.put(1 + (id % 2), id, messageOf())
        await scope.commit()
        const page = await load(scope.store, 1, 4, 2, 1e9)
        expect(page.map((message) => message.id)).toEqual([6, 8])
      })

      it('are loaded up to about so many bytes, but always one', async () => {
        for (let id = 1; id <= 10; id++) scope.store.put(1, id, messageOf({ body: noise(1000) }))
        await scope.commit()
        expect(await load(scope.store, 1, 0, 10, 2500)).toHaveLength(3)
        expect(await load(scope.store, 1, 0, 10, 1)).toHaveLength(1)
      })

      it('are gone once dropped in a later batch', async () => {
        scope.store.put(1, 1, messageOf())
        const position = scope.store.put(1, 2, messageOf())
        await scope.commit()
        scope.store.drop(1, 2, 0, 1, position)
        await scope.commit()
        expect(await scope.ids(1)).toEqual([1])
      })

      it('dropped in their own batch are never written, and their neighbours are', async () => {
        scope.store.put(1, 1, messageOf())
        const position = scope.store.put(1, 2, messageOf())
        scope.store.put(1, 3, messageOf())
        scope.store.drop(1, 2, 0, scope.store.openBatch, position)
        await scope.commit()
        expect(await scope.ids(1)).toEqual([1, 3])
        expect((await restart()).lastId).toBe(3)
      })
    })

    describe('shared bodies', () => {
      const body = noise(2000)

      it('belong to every queue they were put to, until its last drop', async () => {
        for (const queue of [1, 2, 3]) scope.store.put(queue, 10 + queue, messageOf({ body, bodyId: 10 }))
        await scope.commit()
        scope.store.drop(1, 11, 10, 0, 0)
        await scope.commit()
        await restart()
        scope.store.drop(2, 12, 10, 0, 0)
        await scope.commit()
        const [left] = await load(scope.store, 3)
        expect(left?.body).toEqual(body)
        expect(left?.bodyId).toBe(10)
      })

      it('survive the cancelling of some of their puts', async () => {
        const first = scope.store.put(1, 11, messageOf({ body, bodyId: 10 }))
        scope.store.put(2, 12, messageOf({ body, bodyId: 10 }))
        scope.store.drop(1, 11, 10, 1, first)
        await scope.commit()
        expect((await load(scope.store, 2))[0]?.body).toEqual(body)
      })

      it('are written for a put that came after all others were cancelled', async () => {
        const first = scope.store.put(1, 11, messageOf({ body, bodyId: 10 }))
        scope.store.drop(1, 11, 10, 1, first)
        scope.store.put(2, 12, messageOf({ body, bodyId: 10 }))
        await scope.commit()
        expect((await load(scope.store, 2))[0]?.body).toEqual(body)
      })

      it('can be used again by a later batch while the last earlier user is dropped', async () => {
        scope.store.put(1, 11, messageOf({ body, bodyId: 10 }))
        await scope.commit()
        scope.store.drop(1, 11, 10, 0, 0)
        scope.store.put(2, 12, messageOf({ body, bodyId: 10 }))
        await scope.commit()
        expect((await load(scope.store, 2))[0]?.body).toEqual(body)
      })
    })

    describe('purge', () => {
      it('drops what is there and leaves what comes after', async () => {
        for (let id = 1; id <= 2000; id++) scope.store.put(1, id, messageOf())
        scope.store.put(2, 2001, messageOf())
        await scope.commit()
        scope.store.purge(1, 0, 2000)
        scope.store.put(1, 2002, messageOf())
        await scope.commit()
        expect(await scope.ids(1)).toEqual([2002])
        expect(await scope.ids(2)).toEqual([2001])
        expect(byQueue(await restart())).toEqual([
          { queue: 1, count: 1, bytes: 5 },
          { queue: 2, count: 1, bytes: 5 },
        ])
      })

      it('reaches messages of its own batch', async () => {
        scope.store.put(1, 1, messageOf())
        scope.store.purge(1, 0, 1)
        scope.store.put(1, 2, messageOf())
        await scope.commit()
        expect(await scope.ids(1)).toEqual([2])
      })

      it('leaves a shared body to the queues that were not purged', async () => {
        const body = noise(2000)
        scope.store.put(1, 2, messageOf({ body, bodyId: 1 }))
        scope.store.put(2, 3, messageOf({ body, bodyId: 1 }))
        scope.store.purge(1, 0, 2)
        await scope.commit()
        await restart()
        scope.store.drop(1, 2, 1, 0, 0)
        await scope.commit()
        expect((await load(scope.store, 2))[0]?.body).toEqual(body)
      })
    })

    describe('touch', () => {
      it('is kept until the message is dropped', async () => {
        scope.store.put(1, 1, messageOf())
        scope.store.put(1, 2, messageOf())
        await scope.commit()
        scope.store.touch(1, 2, 1)
        scope.store.touch(1, 2, 2 ** 40 + 3)
        await scope.commit()
        await restart()
        const counts = (await load(scope.store, 1)).map((message) => message.deliveryCount)
        expect(counts).toEqual([0, 2 ** 40 + 3])
      })

      it('of a message that is gone does nothing', async () => {
        scope.store.touch(1, 7, 3)
        await scope.commit()
        scope.store.put(1, 7, messageOf())
        await scope.commit()
        expect((await load(scope.store, 1))[0]?.deliveryCount).toBe(0)
      })
    })

    describe('recovery', () => {
      it('knows definitions, the last of each kind and name', async () => {
        const { store } = scope
        store.define({ kind: 'queue', name: 'a', doc: '{"id":1}' })
        store.define({ kind: 'exchange', name: 'a', doc: '{"type":"topic"}' })
        store.define({ kind: 'queue', name: 'ünused', doc: '{"id":2}' })
        await scope.commit()
        store.define({ kind: 'queue', name: 'a', doc: '{"id":1,"durable":true}' })
        store.define({ kind: 'queue', name: 'ünused', doc: null })
        await scope.commit()
        const { definitions } = await restart()
        expect(definitions.toSorted((a, b) => a.kind.localeCompare(b.kind))).toEqual([
          { kind: 'exchange', name: 'a', doc: '{"type":"topic"}' },
          { kind: 'queue', name: 'a', doc: '{"id":1,"durable":true}' },
        ])
      })

      it('counts the messages and bytes of each queue', async () => {
        scope.store.put(1, 1, messageOf({ body: noise(10) }))
        scope.store.put(2, 2, messageOf({ body: noise(1000), bodyId: 1 }))
        scope.store.put(1, 3, messageOf({ body: noise(1000), bodyId: 1 }))
        await scope.commit()
        expect(byQueue(await restart())).toEqual([
          { queue: 1, count: 2, bytes: 1010 },
          { queue: 2, count: 1, bytes: 1000 },
        ])
      })

      it('keeps scopes apart', async () => {
        const catalog = await acquire(under, CATALOG)
        scope.store.put(1, 1, messageOf())
        scope.store.define({ kind: 'queue', name: 'q', doc: '{"id":1}' })
        catalog.store.define({ kind: 'vhost', name: '/', doc: '{}' })
        await catalog.store.release()
        const ofVhost = await restart()
        const ofCatalog = await (await acquire(under, CATALOG)).store.recover()
        expect(ofVhost.definitions).toEqual([{ kind: 'queue', name: 'q', doc: '{"id":1}' }])
        expect(ofVhost.queues).toHaveLength(1)
        expect(ofCatalog.definitions).toEqual([{ kind: 'vhost', name: '/', doc: '{}' }])
        expect(ofCatalog.queues).toEqual([])
      })

      it('never forgets the highest id, even when its message is gone', async () => {
        scope.store.put(1, 41, messageOf())
        scope.store.put(1, 42, messageOf())
        await scope.commit()
        scope.store.drop(1, 42, 0, 0, 0)
        scope.store.purge(1, 0, 41)
        await scope.commit()
        expect((await restart()).lastId).toBe(42)
        expect((await restart()).lastId).toBe(42)
      })

      it('is clean after a clean stop, and on nothing at all', async () => {
        const nothing = { definitions: [], queues: [], levels: [], lastId: 0, suspectTo: 0 }
        expect(await scope.store.recover()).toEqual(nothing)
        expect((await restart()).suspectTo).toBe(0)
      })

      it('of a released scope is what was appended to it', async () => {
        scope.store.put(1, 1, messageOf())
        await scope.store.release()
        scope = await acquire(under)
        expect((await scope.store.recover()).queues).toEqual([{ queue: 1, count: 1, bytes: 5 }])
      })
    })
  })
}
