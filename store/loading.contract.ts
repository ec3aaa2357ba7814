// The part of the store's suite that is about reading messages back: pages, purged ranges, spilled messages.
// memory.test.ts and sqlite/sqlite-engine.test.ts run it.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  acquire, messageOf, restarted, type EngineUnderTest, type Scope,
} from './engine-under-test.contract.ts'
import { load, loadPage } from './loaded.contract.ts'
import type { LevelRequest, Page, Store } from './store.ts'

export function loadingContract(name: string, makeEngine: () => Promise<EngineUnderTest>): void {
  describe(`${name} reads back`, () => {
    let under: EngineUnderTest
    let scope: Scope
    let store: Store

    const commit = (): Promise<void> => scope.commit()

    async function restart(): Promise<void> {
      scope = await restarted(under, scope)
      store = scope.store
    }

    const ids = async (queue: number): Promise<number[]> => (await load(store, queue)).map(({ id }) => id)

    function put(...numbers: number[]): void {
      for (const id of numbers) store.put(1, id, messageOf())
    }

    function spill(...numbers: number[]): void {
      for (const id of numbers) {
        store.spill(1, id, messageOf({ body: Buffer.from(`spilled ${id}`) }), Infinity)
      }
    }

    beforeEach(async () => {
      under = await makeEngine()
      scope = await acquire(under)
      store = scope.store
    })

    afterEach(() => under.dispose())

    describe('a page', () => {
      it('ends at the id that was named, and says that nothing is left', async () => {
        put(1, 2, 3, 4)
        await commit()
        const page = await loadPage(store, { queue: 1, afterId: 1, lastId: 3 })
        expect([page.messages.map(({ id }) => id), page.isLast]).toEqual([[2, 3], true])
      })

      it('cut off by its limit says that more is left', async () => {
        put(1, 2, 3)
        await commit()
        expect((await loadPage(store, { queue: 1, limit: 2 })).isLast).toBe(false)
        expect((await loadPage(store, { queue: 1, limit: 3 })).isLast).toBe(true)
      })

      it('is answered after those asked for before', async () => {
        put(1, 2)
        await commit()
        const pages = await Promise.all([1, 2].map((lastId) => loadPage(store, { queue: 1, lastId })))
        expect(pages.map(({ messages }) => messages.length)).toEqual([1, 2])
      })
    })

    describe('by level', () => {
      const byLevel = (request: Partial<LevelRequest> = {}): Promise<Page> => {
        const all = { queue: 1, afterLevel: 0, afterId: 0, limit: 10_000, bytesMax: 1e9 }
        return new Promise((resolve) => store.loadByLevel({ ...all, ...request }, { pageLoaded: resolve }))
      }
      const found = ({ messages }: Page): [number, number][] => messages.map(({ level, id }) => [level, id])
      const year = 31_557_600_000

      it('in its order, ids deciding between equals, and nothing without one', async () => {
        for (const [id, level] of [[1, 3 * year], [2, 0], [3, 7], [4, 3 * year], [5, 8]]) {
          store.put(1, id!, messageOf(), Infinity, level)
        }
        store.put(2, 6, messageOf(), Infinity, 1)
        await commit()
        expect(found(await byLevel())).toEqual([[7, 3], [8, 5], [3 * year, 1], [3 * year, 4]])
      })

      it('behind the one that was named, and cut off by its limit', async () => {
        for (const [id, level] of [[1, 10], [2, 10], [3, 10], [4, 11]]) {
          store.put(1, id!, messageOf(), Infinity, level)
        }
        await commit()
        const page = await byLevel({ afterLevel: 10, afterId: 1, limit: 2 })
        expect([found(page), page.isLast]).toEqual([[[10, 2], [10, 3]], false])
        expect((await byLevel({ afterLevel: 10, afterId: 3 })).isLast).toBe(true)
      })

      it('also of a queue with a number below 0, after a restart, without what is dropped or purged',
        async () => {
          for (const id of [1, 2, 3, 4]) store.put(-1, id, messageOf(), Infinity, 100 - id)
          await commit()
          store.drop(-1, 2, 0, 0, 0)
          store.purge(-1, 0, 1)
          await commit()
          await restart()
          expect((await store.recover()).queues.filter(({ queue }) => queue === -1))
            .toMatchObject([{ count: 2 }])
          expect(found(await byLevel({ queue: -1 }))).toEqual([[96, 4], [97, 3]])
        })
    })

    it('what is durable by the number of its batch', async () => {
      put(1)
      const batch = store.openBatch
      expect(store.durableBatch).toBeLessThan(batch)
      await commit()
      expect(store.durableBatch).toBe(batch)
    })

    describe('a message that was dropped and put again under its id', () => {
      const again = messageOf({ body: Buffer.from('again') })
      const bodies = async (): Promise<string[]> => {
        const messages = await load(store, 1)
        return messages.map(({ id, body, deliveryCount }) => `${id} ${body.toString()} ${deliveryCount}`)
      }

      it('as it is now, with its count, at its place, and counted once', async () => {
        put(1, 2, 3)
        store.touch(1, 2, 7)
        await commit()
        store.drop(1, 2, 0, 0, 0)
        store.put(1, 2, again)
        store.touch(1, 2, 8)
        await commit()
        expect(await bodies()).toEqual(['1 hello 0', '2 again 8', '3 hello 0'])
        await restart()
        expect((await store.recover()).queues).toEqual([{ queue: 1, count: 3, bytes: 15 }])
        expect(await bodies()).toEqual(['1 hello 0', '2 again 8', '3 hello 0'])
        store.drop(1, 2, 0, 0, 0)
        await commit()
        expect(await ids(1)).toEqual([1, 3])
      })

      it('without the count of the one before', async () => {
        put(1)
        store.touch(1, 1, 7)
        await commit()
        store.drop(1, 1, 0, 0, 0)
        store.put(1, 1, again)
        await commit()
        expect(await bodies()).toEqual(['1 again 0'])
      })

      it('when both were put in one batch', async () => {
        const position = store.put(1, 1, messageOf())
        store.drop(1, 1, 0, store.openBatch, position)
        store.put(1, 1, again)
        await commit()
        expect(await bodies()).toEqual(['1 again 0'])
      })

      it('when the first one was spilled', async () => {
        spill(1)
        await commit()
        store.drop(1, 1, 0, 0, 0)
        store.put(1, 1, again)
        await commit()
        expect(await bodies()).toEqual(['1 again 0'])
      })

      it('with a body of its own, while another queue has the shared one', async () => {
        const body = Buffer.alloc(1000, 7)
        store.put(1, 2, messageOf({ body, bodyId: 1 }))
        store.put(2, 3, messageOf({ body, bodyId: 1 }))
        await commit()
        store.drop(1, 2, 1, 0, 0)
        store.put(1, 2, again)
        await commit()
        expect([await bodies(), (await load(store, 2))[0]?.body]).toEqual([['2 again 0'], body])
      })

      it('beside a purge of what came after it', async () => {
        put(...Array.from({ length: 500 }, (_, n) => n + 1))
        await commit()
        store.purge(1, 1, 500)
        store.drop(1, 1, 0, 0, 0)
        store.put(1, 1, again)
        await commit()
        expect(await bodies()).toEqual(['1 again 0'])
      })
    })

    describe('a purge of a range', () => {
      it('leaves what is before and after it', async () => {
        put(1, 2, 3, 4, 5)
        await commit()
        store.purge(1, 1, 3)
        await commit()
        expect(await ids(1)).toEqual([1, 4, 5])
      })

      it('leaves what is between two of them, also after a restart', async () => {
        for (let id = 1; id <= 900; id++) put(id)
        await commit()
        store.purge(1, 0, 300)
        store.purge(1, 301, 899)
        await commit()
        expect(await ids(1)).toEqual([301, 900])
        await restart()
        expect((await store.recover()).queues).toEqual([{ queue: 1, count: 2, bytes: 10 }])
        expect(await ids(1)).toEqual([301, 900])
      })
    })

    describe('spilled messages', () => {
      it('among the stored ones, in id order', async () => {
        put(1, 4)
        spill(2, 3, 5)
        await commit()
        const page = await load(store, 1, 0, 4)
        expect(page.map(({ id, body }) => `${id} ${body.toString()}`)).toEqual(
          ['1 hello', '2 spilled 2', '3 spilled 3', '4 hello'])
      })

      it('until they are dropped', async () => {
        spill(1, 2, 3)
        await commit()
        store.drop(1, 2, 0, 0, 0)
        const position = store.spill(1, 4, messageOf(), Infinity)
        store.drop(1, 4, 0, store.openBatch, position)
        await commit()
        expect(await ids(1)).toEqual([1, 3])
      })

      it('until they are purged', async () => {
        put(1)
        spill(2, 3, 4)
        await commit()
        store.purge(1, 1, 3)
        await commit()
        expect(await ids(1)).toEqual([1, 4])
      })

      it('with their own body, though others share it', async () => {
        const body = Buffer.alloc(1000, 7)
        store.put(1, 2, messageOf({ body, bodyId: 1 }))
        store.spill(2, 3, messageOf({ body, bodyId: 1 }), 1_700_000_000_000)
        await commit()
        store.drop(1, 2, 1, 0, 0)
        await commit()
        const [left] = await load(store, 2)
        expect([left?.body, left?.bodyId, left?.expiresAtMs]).toEqual([body, 0, 1_700_000_000_000])
      })

      it('not after a restart', async () => {
        put(1)
        spill(2)
        await commit()
        await restart()
        expect(await ids(1)).toEqual([1])
        expect((await store.recover()).queues).toEqual([{ queue: 1, count: 1, bytes: 5 }])
      })
    })
  })
}
