// Three counts in one number, and the headers made of them.
import { expect, it } from 'vitest'
import { countHeaders, countRetry, countReturn, failedCount, retriedCount } from './delivery-counts.ts'

const long = (value: number): object => ({ tag: 'l', value })

it('counts every return, and failures apart', () => {
  const counts = [true, false, true].reduce(countReturn, 0)
  expect(countHeaders(counts)).toEqual(
    new Map([['x-acquired-count', long(3)], ['x-delivery-count', long(2)]]))
  expect(failedCount(counts)).toBe(2)
})

it('says nothing of failures when there were none', () => {
  expect(countHeaders(countReturn(0, false))).toEqual(new Map([['x-acquired-count', long(1)]]))
})

it('stops at 65,535, so that no count runs into another', () => {
  let counts = 0
  for (let n = 0; n < 70_000; n++) counts = countReturn(counts, true)
  expect(countHeaders(counts)).toEqual(
    new Map([['x-acquired-count', long(65_535)], ['x-delivery-count', long(65_535)]]))
})

it('counts a retry as a failure, and apart', () => {
  const counts = countReturn(countRetry(countRetry(countReturn(0, true))), false)
  expect([retriedCount(counts), failedCount(counts)]).toEqual([2, 3])
  expect(countHeaders(counts)).toEqual(
    new Map([['x-acquired-count', long(4)], ['x-delivery-count', long(3)]]))
})

it('stops counting retries at 65,535', () => {
  let counts = 0
  for (let n = 0; n < 70_000; n++) counts = countRetry(counts)
  expect([retriedCount(counts), failedCount(counts)]).toEqual([65_535, 65_535])
})
