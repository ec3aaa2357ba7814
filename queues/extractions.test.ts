// What is remembered of messages that were taken out behind the store's back, and for how long.
import { expect, it } from 'vitest'
import { Extractions } from './extractions.ts'

const MANY = 10_000

it('remembers what is not on disk yet, however much it is', () => {
  const store = { openBatch: 5, durableBatch: 4 }
  const extractions = new Extractions()
  for (let id = 1; id <= MANY; id++) extractions.add(id, store)
  expect([extractions.has(1), extractions.add(1, store), extractions.areKnownSince(4)])
    .toEqual([true, false, true])
})

it('forgets what is on disk, and then knows who asked too long ago', () => {
  const store = { openBatch: 5, durableBatch: 4 }
  const extractions = new Extractions()
  for (let id = 1; id <= MANY; id++) extractions.add(id, store)
  Object.assign(store, { openBatch: 7, durableBatch: 5 })
  extractions.add(MANY + 1, store)
  expect([extractions.has(1), extractions.has(MANY + 1)]).toEqual([false, true])
  expect([4, 5].map((batch) => extractions.areKnownSince(batch))).toEqual([false, true])
})

it('forgets nothing that a page on its way may show', () => {
  const store = { openBatch: 5, durableBatch: 4 }
  const extractions = new Extractions()
  extractions.pageAsked({}, 4)
  for (let id = 1; id <= MANY; id++) extractions.add(id, store)
  Object.assign(store, { openBatch: 7, durableBatch: 5 })
  extractions.add(MANY + 1, store)
  expect(extractions.has(1)).toBe(true)
})
