// The part of the store's suite that is about levels: that the messages of one queue can be loaded and purged
// apart by them. memory.test.ts and sqlite/sqlite-engine.test.ts run it.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SeededRandom } from '../base/random.ts'
import {
  acquire, messageOf, restarted, type EngineUnderTest, type Scope,
} from './engine-under-test.contract.ts'
import { loadPage } from './loaded.contract.ts'
import type { Store } from './store.ts'

const LEVELS = [0, 1, 2, 3, 256]

export function levelsContract(name: string, makeEngine: () => Promise<EngineUnderTest>): void {
  describe(`${name} keeps levels`, () => {
    let under: EngineUnderTest
    let scope: Scope
    let store: Store

    const commit = (): Promise<void> => scope.commit()

    async function restart(): Promise<void> {
      scope = await restarted(under, scope)
      store = scope.store
    }

    async function ids(level: number, request = {}): Promise<number[]> {
      const { messages } = await loadPage(store, { queue: 1, level, ...request })
      return messages.map(({ id }) => id)
    }

    const put = (level: number, ...numbers: number[]): void => {
      for (const id of numbers) store.put(1, id, messageOf(), Infinity, level)
    }

    beforeEach(async () => {
      under = await makeEngine()
      scope = await acquire(under)
      store = scope.store
    })

    afterEach(() => under.dispose())

    it('a page has one of them, or all', async () => {
      put(0, 1, 2)
      put(5, 3, 6)
      put(256, 4, 5)
      store.put(2, 7, messageOf(), Infinity, 5)
      await commit()
      expect([await ids(5), await ids(256), await ids(4), await ids(0)]).toEqual(
        [[3, 6], [4, 5], [], [1, 2, 3, 4, 5, 6]])
      const page = await loadPage(store, { queue: 1, level: 5, afterId: 0, limit: 1 })
      expect([page.messages.length, page.isLast]).toEqual([1, false])
      expect(await ids(5, { afterId: 3, lastId: 6 })).toEqual([6])
    })

    it('spilled messages have one, too', async () => {
      put(5, 1, 3)
      for (const [id, level] of [[2, 5], [4, 6], [5, 5]] as const) {
        store.spill(1, id, messageOf(), Infinity, level)
      }
      await commit()
      expect([await ids(5), await ids(6)]).toEqual([[1, 2, 3, 5], [4]])
      store.purge(1, 1, 4, 5)
      await commit()
      expect([await ids(5), await ids(6)]).toEqual([[1, 5], [4]])
    })

    it('a purge of one leaves what is of another in the same range, also after a restart', async () => {
      for (let id = 1; id <= 900; id++) put(1 + (id % 3), id)
      await commit()
      store.purge(1, 0, 899, 1)
      store.purge(1, 450, 900, 3)
      await commit()
      const left = async (): Promise<number[]> => [
        (await ids(1)).length, (await ids(2)).length, (await ids(3)).length, (await ids(0)).length]
      expect(await left()).toEqual([1, 300, 150, 451])
      await restart()
      expect((await store.recover()).queues).toEqual([{ queue: 1, count: 451, bytes: 451 * 5 }])
      expect(await left()).toEqual([1, 300, 150, 451])
    })

    it('a restart says which there are, and where each begins', async () => {
      put(0, 1, 2)
      put(9, 3, 5)
      put(256, 4)
      put(7, 6)
      await commit()
      store.purge(1, 2, 3, 9)
      store.purge(1, 0, 10, 7)
      await commit()
      await restart()
      expect((await store.recover()).levels.toSorted((a, b) => a.level - b.level)).toEqual(
        [{ queue: 1, level: 9, firstId: 5 }, { queue: 1, level: 256, firstId: 4 }])
    })

    it('agrees with a list, whatever comes, goes and is purged', async () => {
      const random = new SeededRandom(20_261_122)
      let held: { readonly id: number; readonly level: number }[] = []
      let lastId = 0
      const compare = async (): Promise<void> => {
        for (const level of LEVELS) {
          const expected = held.filter((each) => level === 0 || each.level === level).map(({ id }) => id)
          expect(await ids(level), `level ${level}`).toEqual(expected)
        }
      }
      for (let n = 0; n < 60; n++) {
        const durable = held.length
        for (let count = random.below(12); count > 0; count--) {
          const level = LEVELS[random.below(LEVELS.length)]!
          put(level, ++lastId)
          held.push({ id: lastId, level })
        }
        const roll = random.below(10)
        const level = LEVELS[1 + random.below(LEVELS.length - 1)]!
        if (roll < 5) {
          const [gone] = held.splice(random.below(durable), 1)
          if (gone !== undefined) store.drop(1, gone.id, 0, 0, 0)
        } else if (roll < 7) {
          const afterId = random.below(lastId + 1)
          store.purge(1, afterId, lastId, level)
          held = held.filter((each) => each.level !== level || each.id <= afterId)
        } else if (roll < 8) {
          store.purge(1, 0, lastId)
          held = []
        }
        put(1, ++lastId) // nobody waits for a batch that nothing was appended to
        held.push({ id: lastId, level: 1 })
        await commit()
        if (random.chance(0.1)) await restart()
        await compare()
      }
      await restart()
      const count = held.length
      expect((await store.recover()).queues).toEqual([{ queue: 1, count, bytes: count * 5 }])
    })
  })
}
