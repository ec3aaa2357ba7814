// The seeded randomness that tests and the simulation run on: the same seed must give the same run.
import { assert, integer, property } from 'fast-check'
import { expect, it } from 'vitest'
import { SeededRandom } from './random.ts'

it('gives the same numbers for the same seed', () => {
  assert(property(integer(), (seed) => {
    const [one, two] = [new SeededRandom(seed), new SeededRandom(seed)]
    expect(one.bytes(32)).toEqual(two.bytes(32))
    expect(one.below(1_000)).toBe(two.below(1_000))
    expect(one.chance(0.5)).toBe(two.chance(0.5))
  }))
})

it('gives other numbers for another seed', () => {
  const runs = new Set(Array.from({ length: 100 },
    (_, seed) => new SeededRandom(seed).bytes(16).toString('hex')))
  expect(runs.size).toBe(100)
})

it('stays below its limit and reaches all of it', () => {
  const random = new SeededRandom(7)
  const seen = new Set(Array.from({ length: 1_000 }, () => random.below(10)))
  expect([...seen].toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})

it('takes a chance about as often as it should', () => {
  const random = new SeededRandom(7)
  const taken = Array.from({ length: 10_000 }, () => random.chance(0.3)).filter(Boolean).length
  expect(taken).toBeGreaterThan(2_700)
  expect(taken).toBeLessThan(3_300)
  expect(random.chance(0)).toBe(false)
  expect(random.chance(1)).toBe(true)
})
