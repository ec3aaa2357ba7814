// Ready entries by priority, against a list that is sorted every time.
import { array, assert, constantFrom, integer, property, record } from 'fast-check'
import { expect, it } from 'vitest'
import { tableOf } from '../protocol/table-encode.ts'
import { Entry } from './entry.ts'
import type { Message } from './message.ts'
import { WINDOW } from './paged-ready.ts'
import { PriorityReady } from './priority-ready.ts'
import { messageOf, noHolder, QueueWorld } from './queue.contract.ts'

const entryOf = (id: number, priority: number, bytes = 10): Entry =>
  new Entry(id, messageOf('q', bytes, true, priority), noHolder, Infinity)

const readyOf = (priorityMax: number): PriorityReady => {
  const { queue, store, residence } = new QueueWorld()
  const of = ({ priority }: Message): number => Math.min(priority, priorityMax)
  return new PriorityReady(queue, { store, residence, window: WINDOW }, { max: priorityMax, usual: 0, of })
}

const idsOf = (entries: Iterable<Entry>): number[] => [...entries].map(({ id }) => id)

it('is empty at first', () => {
  const ready = readyOf(3)
  expect([ready.length, ready.bytes, ready.first(), ready.shift()]).toEqual([0, 0, null, null])
  expect([...ready]).toEqual([])
})

it('takes a priority above the maximum for the maximum', () => {
  const ready = readyOf(3)
  for (const [id, priority] of [[1, 3], [2, 255], [3, 4], [4, 2]] as const) ready.push(entryOf(id, priority))
  expect(idsOf(ready)).toEqual([1, 2, 3, 4])
})

it('agrees with a list that is sorted by priority and id, whatever comes, goes and comes back', () => {
  const step = record({
    kind: constantFrom('push', 'push', 'shift', 'requeue'), priority: integer({ min: 0, max: 6 }),
    bytes: integer({ min: 0, max: 9 }), at: integer({ min: 0, max: 99 }),
  })
  assert(property(integer({ min: 1, max: 4 }), array(step, { maxLength: 60 }), (max, steps) => {
    const ready = readyOf(max)
    const level = ({ message }: Entry): number => Math.min(message.priority, max)
    let model: Entry[] = []
    const out: Entry[] = []
    let lastId = 0
    for (const { kind, priority, bytes, at } of steps) {
      if (kind === 'push') {
        const entry = entryOf(++lastId, priority, bytes)
        ready.push(entry)
        model.push(entry)
      } else if (kind === 'requeue' && out.length > 0) {
        const [entry] = out.splice(at % out.length, 1)
        ready.requeue(entry!)
        model.push(entry!)
      } else if (kind === 'shift') {
        const entry = ready.shift()
        expect(entry?.id).toBe(model[0]?.id)
        model = model.slice(1)
        if (entry !== null) out.push(entry)
      }
      model.sort((a, b) => level(b) - level(a) || a.id - b.id)
      expect(idsOf(ready)).toEqual(idsOf(model))
      expect([ready.length, ready.first()?.id]).toEqual([model.length, model[0]?.id])
      expect(ready.bytes).toBe(model.reduce((sum, { message }) => sum + message.bodyBytes, 0))
    }
  }), { numRuns: 300, seed: 81 })
})

const window = {
  frontMessages: 8, frontBytes: 1e6, tailMessages: 4, tailBytes: 1e6, pageMessages: 6, pageBytes: 1e6,
}
const PRIORITY_MAX = 3
const COUNT = 400

function priorityWorld(): QueueWorld {
  return new QueueWorld({ args: tableOf({ 'x-max-priority': PRIORITY_MAX }), window })
}

/** A priority for each id from 1 on; many without one at first. */
const priorityOf = (id: number): number => (id <= 50 ? 0 : (id * 7) % (PRIORITY_MAX + 1))
const inOrder = (ids: readonly number[]): number[] =>
  ids.toSorted((a, b) => priorityOf(b) - priorityOf(a) || a - b)
const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n + 1)

function fill({ queue, store }: QueueWorld, count: number): void {
  for (let id = 1; id <= count; id++) {
    queue.publish(messageOf('q', 10, true, priorityOf(id)))
    store.seal()
  }
}

/** So many, acked as they come; what is in the store is fetched. */
function consume({ queue, store }: QueueWorld, count: number): number[] {
  const ids: number[] = []
  for (let n = 0; n < 10 * COUNT && ids.length < count && queue.readyCount > 0; n++) {
    const entry = queue.isPaging ? null : queue.get(false)
    if (entry === null) {
      queue.awaitPage({ paged() {} })
      store.answerLoads()
    } else {
      ids.push(entry.id)
      queue.settle(entry)
    }
  }
  return ids
}

it('lets a long queue go to the store, priority by priority, and serves it in order', () => {
  const world = priorityWorld()
  fill(world, COUNT)
  expect(world.residence.bytes).toBeLessThan(40 * 361)
  expect(world.queue.readyCount).toBe(COUNT)
  expect(consume(world, COUNT)).toEqual(inOrder(upTo(COUNT)))
  expect([world.store.kept.size, world.residence.bytes, world.queue.readyBytes]).toEqual([0, 0, 0])
})

it('serves what comes meanwhile before what waits with a lower priority', () => {
  const world = priorityWorld()
  fill(world, COUNT)
  const highest = upTo(COUNT).filter((id) => priorityOf(id) === PRIORITY_MAX)
  expect(consume(world, highest.length)).toEqual(highest)
  world.queue.publish(messageOf('q', 10, true, PRIORITY_MAX))
  expect(consume(world, 1)).toEqual([COUNT + 1])
})

it('goes on in order after a restart in the middle', () => {
  const before = priorityWorld()
  fill(before, COUNT)
  const served = consume(before, 150)
  const after = priorityWorld()
  for (const { stored: { id, level } } of before.store.kept.values()) {
    after.store.recovered(7, id, messageOf('q', 10, true, priorityOf(id)), { level })
  }
  after.restore()
  expect([after.queue.readyCount, after.queue.readyBytes]).toEqual([COUNT - 150, 10 * (COUNT - 150)])
  expect([...served, ...consume(after, COUNT)]).toEqual(inOrder(upTo(COUNT)))
})

it('serves everything that an earlier version stored without levels, each page by priority', () => {
  const world = priorityWorld()
  for (const id of upTo(COUNT)) world.store.recovered(7, id, messageOf('q', 10, true, priorityOf(id)))
  world.restore()
  const served = consume(world, COUNT)
  expect(served.toSorted((a, b) => a - b)).toEqual(upTo(COUNT))
  expect(world.store.kept.size).toBe(0)
})

it('drops what is in memory and what is in the store, but not what is unacked', () => {
  const world = priorityWorld()
  fill(world, COUNT)
  consume(world, 150)
  const held = Array.from({ length: 4 }, () => {
    world.queue.awaitPage({ paged() {} })
    world.store.answerLoads()
    return world.queue.get(false)!.id
  })
  expect(world.queue.purge()).toBe(COUNT - 154)
  expect([...world.store.kept.keys()].toSorted((a, b) => a - b)).toEqual(held.toSorted((a, b) => a - b))
  expect([world.queue.readyCount, world.queue.readyBytes]).toEqual([0, 0])
})
