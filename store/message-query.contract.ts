// The suite that every MessageQuery passes, over a store that the test fills: memory.test.ts runs it on what
// every store can do, sqlite/sqlite-engine.test.ts on the engine's own.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { acquire, messageOf, type EngineUnderTest, type Scope } from './engine-under-test.contract.ts'
import { LoadedQuery } from './loaded-query.ts'
import { EVERY_MESSAGE, hasQuery } from './message-query.ts'
import type { FoundMessages, MessageQuery, MessageSearch, StoredFilter } from './message-query.ts'
import type { Store } from './store.ts'

const MANY = 12_000

export function messageQueryContract(name: string, makeEngine: () => Promise<EngineUnderTest>): void {
  describe(`${name} searches`, () => {
    let under: EngineUnderTest
    let scope: Scope
    let store: Store
    let query: MessageQuery

    const commit = (): Promise<void> => scope.commit()

    function put(...ids: number[]): void {
      for (const id of ids) store.put(1, id, messageOf({ body: Buffer.from(`body ${id}`) }))
    }

    function search(wish: Partial<MessageSearch> = {}): Promise<FoundMessages> {
      const all = {
        queue: 1, level: 0, afterId: 0, lastId: 1e9, skip: 0, version: 0, filter: EVERY_MESSAGE, limit: 1_000,
        bytesMax: 1e9, scanMax: Infinity, ...wish,
      }
      return new Promise((resolve, reject) => query.search(all, { found: resolve, searchFailed: reject }))
    }

    async function found(filter: Partial<StoredFilter>): Promise<number[]> {
      const { messages } = await search({ filter: { ...EVERY_MESSAGE, ...filter } })
      return messages.map(({ id }) => id)
    }

    beforeEach(async () => {
      under = await makeEngine()
      scope = await acquire(under)
      store = scope.store
      query = hasQuery(store) ? store.query : new LoadedQuery(store)
    })

    afterEach(() => under.dispose())

    it('a queue in id order, page by page', async () => {
      put(1, 3, 5, 7)
      store.put(2, 4, messageOf())
      await commit()
      const first = await search({ limit: 3 })
      expect([first.messages.map(({ id }) => id), first.places, first.scanned, first.isLast])
        .toEqual([[1, 3, 5], [0, 1, 2], 3, false])
      const second = await search({ afterId: first.scannedTo })
      expect([second.messages.map(({ id }) => id), second.scanned, second.isLast]).toEqual([[7], 1, true])
    })

    it('within a range of ids, behind a number of messages', async () => {
      put(1, 2, 3, 4, 5, 6)
      await commit()
      const { messages, places, scanned } = await search({ afterId: 1, lastId: 5, skip: 2 })
      expect([messages.map(({ id }) => id), places, scanned]).toEqual([[4, 5], [0, 1], 2])
      expect(await search({ skip: 9 })).toMatchObject({ messages: [], skipped: 6, scanned: 0, isLast: true })
    })

    it('behind many, again and again, while messages come, go from the front and are taken out', async () => {
      const ids = Array.from({ length: 2 * MANY }, (_, n) => 2 * n + 1)
      put(...ids)
      await commit()
      const idBehind = async (afterId: number, skip: number, version: number): Promise<number | undefined> =>
        (await search({ afterId, skip, limit: 1, version })).messages[0]?.id
      expect(await idBehind(0, 20_000, 0)).toBe(ids[20_000])
      for (const id of ids.slice(0, 50)) store.drop(1, id, 0, 0, 0)
      put(...Array.from({ length: 50 }, (_, n) => 4 * MANY + n))
      await commit()
      expect([await idBehind(99, 19_950, 0), await idBehind(99, 2 * MANY - 50, 0)])
        .toEqual([ids[20_000], 4 * MANY])
      for (const id of ids.slice(9_000, 9_010)) store.drop(1, id, 0, 0, 0)
      expect(await idBehind(99, 5_000, -1)).toBe(ids[5_050])
      await commit()
      expect(await idBehind(99, 19_950, 10)).toBe(ids[20_010])
    })

    it('and returns what was put', async () => {
      const message = messageOf({
        exchange: 'ex', routingKey: 'k\uFFFD', rawKey: Buffer.from([0x6b, 0xff]), isDeadLetter: true,
        properties: Buffer.from([0x80, 0, 1, 65]), body: Buffer.from([0, 255]),
      })
      store.put(1, 9, message, 1_700_000_000_123)
      await commit()
      store.touch(1, 9, 3)
      await commit()
      const { messages: [stored] } = await search()
      const { buf, propertiesStart, propertiesEnd, bodyStart, bodyEnd } = stored!
      expect(stored).toMatchObject({
        id: 9, exchange: 'ex', routingKey: 'k\uFFFD', isDeadLetter: true, expiresAtMs: 1_700_000_000_123,
        deliveryCount: 3,
      })
      expect([stored!.rawKey, buf.subarray(propertiesStart, propertiesEnd), buf.subarray(bodyStart, bodyEnd)]
        .map((bytes) => [...bytes!])).toEqual([[0x6b, 0xff], [0x80, 0, 1, 65], [0, 255]])
    })

    it('for a routing key, a size, or dead letters', async () => {
      store.put(1, 1, messageOf({ routingKey: 'a', body: Buffer.alloc(5) }))
      store.put(1, 2, messageOf({ routingKey: 'b', body: Buffer.alloc(9) }))
      store.put(1, 3, messageOf({ routingKey: 'ab', body: Buffer.alloc(7), isDeadLetter: true }))
      await commit()
      expect([
        await found({ routingKey: 'a' }), await found({ sizeMin: 6, sizeMax: 8 }),
        await found({ sizeMin: 9 }),
        await found({ isDeadLetter: true }),
      ]).toEqual([[1], [3], [2], [3]])
    })

    it('for bytes in the properties, all of them, and never finds them elsewhere', async () => {
      const properties = (...bytes: number[]): Buffer => Buffer.from([0x80, 0, bytes.length, ...bytes])
      store.put(1, 1, messageOf({ properties: properties(65, 0, 66), body: Buffer.from('AAA') }))
      store.put(1, 2, messageOf({ properties: properties(67), exchange: 'A', body: Buffer.from('A') }))
      store.put(1, 3, messageOf({ properties: properties(66, 65) }))
      await commit()
      expect([
        await found({ headHas: [Buffer.from('A')] }), await found({ headHas: [Buffer.from([0, 66])] }),
        await found({ headHas: [Buffer.from('A'), Buffer.from('C')] }),
      ]).toEqual([[1, 3], [1], []])
    })

    it('for bytes in the body, shared or not', async () => {
      store.put(1, 1, messageOf({ body: Buffer.from('one needle') }))
      const properties = Buffer.from('\x80\0\x06needle', 'latin1')
      store.put(1, 2, messageOf({ body: Buffer.from('nothing'), properties }))
      const shared = messageOf({ body: Buffer.from('a shared needle'), bodyId: 10 })
      store.put(1, 11, shared)
      store.put(2, 12, shared)
      await commit()
      expect(await found({ bodyHas: Buffer.from('needle') })).toEqual([1, 11])
    })

    it('nothing that was dropped or purged, deleted yet or not', async () => {
      put(...Array.from({ length: 900 }, (_, n) => n + 1))
      await commit()
      store.drop(1, 2, 0, 0, 0)
      store.purge(1, 3, 897)
      await commit()
      const { messages, places, scanned } = await search()
      expect([messages.map(({ id }) => id), places, scanned])
        .toEqual([[1, 3, 898, 899, 900], [0, 1, 2, 3, 4], 5])
      expect((await search({ skip: 3 })).messages.map(({ id }) => id)).toEqual([899, 900])
    })

    it('one level of a queue, without what was purged of it', async () => {
      for (let id = 1; id <= 12; id++) store.put(1, id, messageOf(), Infinity, 1 + id % 2)
      await commit()
      store.purge(1, 2, 5, 2)
      await commit()
      const { messages, places } = await search({ level: 2 })
      expect([messages.map(({ id }) => id), places]).toEqual([[1, 7, 9, 11], [0, 1, 2, 3]])
      expect((await search({ level: 1, skip: 4 })).messages.map(({ id }) => id)).toEqual([10, 12])
    })

    it('up to a number of bytes, and of messages that are looked at', async () => {
      put(1, 2, 3, 4)
      await commit()
      expect((await search({ bytesMax: 7 })).messages.map(({ id }) => id)).toEqual([1, 2])
      const none = { ...EVERY_MESSAGE, routingKey: 'none' }
      expect(await search({ filter: none, scanMax: 3 }))
        .toMatchObject({ messages: [], scanned: 3, scannedTo: 3, isLast: false })
    })

    it('many in steps, each of which says where it stopped', async () => {
      for (let id = 1; id <= MANY; id++) {
        store.put(1, id, messageOf({ routingKey: id % 5_000 === 0 ? 'rare' : 'common' }))
      }
      await commit()
      const ids: number[] = []
      const positions: number[] = []
      let scanned = 0
      for (let afterId = 0, isLast = false; !isLast;) {
        const page = await search({ afterId, filter: { ...EVERY_MESSAGE, routingKey: 'rare' }, limit: 1 })
        ids.push(...page.messages.map(({ id }) => id))
        for (const place of page.places) positions.push(scanned + place)
        scanned += page.scanned
        afterId = page.scannedTo
        isLast = page.isLast
      }
      expect([ids, positions, scanned]).toEqual([[5_000, 10_000], [4_999, 9_999], MANY])
    })
  })
}
