// When a queue is over its length, and when one message more would put it there (behaviours §8.2).
import { expect, it } from 'vitest'
import { tableOf } from '../protocol/table-encode.ts'
import { Entry } from './entry.ts'
import { isOverLimit, wouldBeOverLimit } from './limits.ts'
import { messageOf, noHolder } from './queue.contract.ts'
import { FifoReady } from './ready-list.ts'
import { resolveQueueSettings } from './settings.ts'

function readyOf(...bodies: readonly number[]): FifoReady {
  const ready = new FifoReady()
  bodies.forEach((bytes, at) => ready.push(new Entry(at + 1, messageOf('q', bytes), noHolder, Infinity)))
  return ready
}

const limitsOf = (length: number | null, bytes: number | null): ReturnType<typeof resolveQueueSettings> =>
  resolveQueueSettings(tableOf({
    ...(length !== null && { 'x-max-length': length }),
    ...(bytes !== null && { 'x-max-length-bytes': bytes }),
  }))

it.each([
  // length, bytes, bodies that are ready, over now, over with a body of 5 more
  [null, null, [100, 100], false, false],
  [2, null, [9], false, false],
  [2, null, [9, 9], false, true],
  [2, null, [9, 9, 9], true, true],
  [0, null, [], false, true],
  [null, 20, [15], false, false],
  [null, 20, [16], false, true],
  [null, 20, [20], false, true],
  [null, 20, [10, 11], true, true],
  [null, 4, [], false, true],
  [null, 0, [0, 0], false, true],
  [9, 20, [10, 10], false, true],
  [1, 900, [10], false, true],
])('length %s, bytes %s, ready %j: over %s, with one more %s', (length, bytes, bodies, isOver, wouldBe) => {
  const ready = readyOf(...bodies)
  const settings = limitsOf(length, bytes)
  expect(isOverLimit(settings, ready)).toBe(isOver)
  expect(wouldBeOverLimit(settings, ready, 5)).toBe(wouldBe)
})

it('a body of nothing fits where the bytes are used up', () => {
  expect(wouldBeOverLimit(limitsOf(null, 20), readyOf(20), 0)).toBe(false)
})
