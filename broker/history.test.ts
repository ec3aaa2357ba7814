import { expect, test } from 'vitest'
import { History } from './history.ts'

function history(values: readonly number[], slots = 4): History {
  const made = new History(['n', 'twice'], slots)
  for (const [at, n] of values.entries()) made.push(1000 + at * 5000, (field) => (field === 'n' ? n : 2 * n))
  return made
}

test('a rate is per second, between the last two values', () => {
  expect(history([0, 5, 30]).rate('n')).toBe(5)
  expect(history([0, 5, 30]).rate('twice')).toBe(10)
  expect(history([30, 5]).rate('n')).toBe(-5)
})

test('there is no rate of one value', () => {
  expect(history([7]).rate('n')).toBe(0)
  expect(history([]).rate('n')).toBe(0)
  expect(history([1, 2]).rate('nothing')).toBe(0)
})

test('samples are newest first and end at the newest value', () => {
  expect(history([1, 2, 3]).samples('n', 10_000, 5000)).toEqual([
    { sample: 3, timestamp: 11_000 }, { sample: 2, timestamp: 6000 }, { sample: 1, timestamp: 1000 },
  ])
})

test('samples go on before the oldest value with that value', () => {
  const samples = history([1, 2, 3, 4, 5, 6]).samples('n', 25_000, 5000)
  expect(samples.map(({ sample }) => sample)).toEqual([6, 5, 4, 3, 3, 3])
})

test('samples may be further apart than the values', () => {
  expect(history([1, 2, 3, 4]).samples('n', 10_000, 10_000).map(({ sample }) => sample)).toEqual([4, 2])
})
