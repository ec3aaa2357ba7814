// The ready list against a sorted array: pushed in order, requeued anywhere, always handed out oldest first.
import { array, assert, boolean, nat, property, record, constantFrom } from 'fast-check'
import { expect, it } from 'vitest'
import { Entry } from './entry.ts'
import { messageOf, noHolder } from './queue.contract.ts'
import { FifoReady } from './ready-list.ts'

const entryOf = (id: number, bodyBytes = 1): Entry =>
  new Entry(id, messageOf('k', bodyBytes), noHolder, Infinity)

it('hands out entries by id, wherever requeued ones belong', () => {
  const step = record({ kind: constantFrom('push', 'shift', 'shift', 'requeue'), pick: nat(),
    isBurst: boolean() })
  assert(property(array(step, { maxLength: 150 }), (steps) => {
    const ready = new FifoReady()
    const model: Entry[] = []
    const out: Entry[] = []
    let lastId = 0
    for (const { kind, pick, isBurst } of steps) {
      for (let n = isBurst ? 12 : 1; n > 0; n--) {
        if (kind === 'push') {
          const entry = entryOf(++lastId, lastId % 5)
          ready.push(entry)
          model.push(entry)
        } else if (kind === 'shift') {
          expect(ready.first()).toBe(model[0] ?? null)
          const entry = ready.shift()
          expect(entry).toBe(model.shift() ?? null)
          if (entry !== null) out.push(entry)
        } else if (out.length > 0) {
          const [entry] = out.splice(pick % out.length, 1)
          ready.requeue(entry!)
          model.push(entry!)
          model.sort((a, b) => a.id - b.id)
        }
      }
      expect([...ready].map(({ id }) => id)).toEqual(model.map(({ id }) => id))
      expect(ready.length).toBe(model.length)
      expect(ready.bytes).toBe(model.reduce((sum, { message }) => sum + message.bodyBytes, 0))
    }
  }), { numRuns: 400 })
})

it('puts an entry back between others that were requeued and new ones', () => {
  const ready = new FifoReady()
  const entries = Array.from({ length: 6 }, (_, n) => entryOf(n + 1))
  for (const entry of entries) ready.push(entry)
  for (let n = 0; n < 4; n++) ready.shift()
  for (const at of [3, 0, 2]) ready.requeue(entries[at]!)
  expect([...ready].map(({ id }) => id)).toEqual([1, 3, 4, 5, 6])
})

it('requeues 100,000 entries in any order without looking at all of them each time', () => {
  const ready = new FifoReady()
  const entries = Array.from({ length: 100_000 }, (_, n) => entryOf(n + 1, 0))
  for (const entry of entries) ready.push(entry)
  while (ready.shift() !== null);
  for (const entry of entries) ready.requeue(entry)
  for (let id = 1; id <= entries.length; id++) if (ready.shift()?.id !== id) throw new Error(`not ${id}`)
  expect(ready.length).toBe(0)
  expect(ready.bytes).toBe(0)
})
