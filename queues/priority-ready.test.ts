// Ready entries by priority, against a list that is sorted every time.
import { array, assert, constantFrom, integer, property, record } from 'fast-check'
import { expect, it } from 'vitest'
import { Entry } from './entry.ts'
import { WINDOW } from './paged-ready.ts'
import { PriorityReady } from './priority-ready.ts'
import { messageOf, noHolder, QueueWorld } from './queue.contract.ts'

const entryOf = (id: number, priority: number, bytes = 10): Entry =>
  new Entry(id, messageOf('q', bytes, true, priority), noHolder, Infinity)

const readyOf = (priorityMax: number): PriorityReady => {
  const { queue, store } = new QueueWorld()
  return new PriorityReady(queue, { store, window: WINDOW }, priorityMax)
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
