import { expect, test } from 'vitest'
import { SizeHistogram } from './size-histogram.ts'

test('a size is counted at the first step that it does not exceed', () => {
  const sizes = new SizeHistogram()
  for (const size of [0, 100, 101, 1000, 2e8]) sizes.add(size)
  expect(sizes.counts).toEqual([2, 2, 0, 0, 0, 0, 0, 0, 1])
  expect(sizes.bytes).toBe(200_001_201)
})
