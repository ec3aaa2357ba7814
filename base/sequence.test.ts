// The sequence of message ids: it may only ever go up, also over a restart.
import { expect, it } from 'vitest'
import { Sequence } from './sequence.ts'

it('starts at 1 and goes up by 1', () => {
  const ids = new Sequence()
  expect([ids.last, ids.next(), ids.next(), ids.last]).toEqual([0, 1, 2, 2])
})

it('goes on after what was used before', () => {
  const ids = new Sequence(41)
  expect(ids.next()).toBe(42)
  ids.skipTo(100)
  expect(ids.next()).toBe(101)
})

it('never goes back', () => {
  const ids = new Sequence(41)
  ids.skipTo(40)
  expect(ids.next()).toBe(42)
})
