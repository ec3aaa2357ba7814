// Sorting beside a broker that delivers comes to what sorting at once comes to, however many rows there are.
import { array, asyncProperty, assert, integer, record } from 'fast-check'
import { expect, test } from 'vitest'
import { inSlices, sortedInSlices } from './slices.ts'

interface Row {
  readonly key: number
  readonly place: number
}

const byKey = (a: Row, b: Row): number => a.key - b.key

test('many rows are sorted as few are, equal ones in their order', async () => {
  const sizes = record({ length: integer({ min: 480, max: 3_000 }), keys: array(integer({ min: 0, max: 50 }),
    { minLength: 1, maxLength: 40 }) })
  await assert(asyncProperty(sizes, async ({ length, keys }) => {
    const rows = Array.from({ length }, (_, place): Row => ({ key: keys[(place * 7) % keys.length]!, place }))
    expect(await sortedInSlices(rows, byKey)).toEqual(rows.toSorted(byKey))
  }), { numRuns: 30 })
})

test('every row is worked on once, in order, and others have their turns in between', async () => {
  const rows = Array.from({ length: 1_000 }, (_, n) => n)
  const worked: number[] = []
  let turnsOfOthers = 0
  let isDone = false
  const others = (): void => {
    turnsOfOthers++
    if (!isDone) setImmediate(others)
  }
  setImmediate(others)
  await inSlices(rows, (row) => worked.push(row))
  isDone = true
  expect(worked).toEqual(rows)
  expect(turnsOfOthers).toBeGreaterThan(0)
})
