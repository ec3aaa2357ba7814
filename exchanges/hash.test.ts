// The hash of a text: known values, because a message that took another way after an upgrade would break the
// order of its key.
import { expect, it } from 'vitest'
import { hashOf } from './hash.ts'

it('is what it has always been', () => {
  expect([hashOf(''), hashOf('a'), hashOf('order-1'), hashOf('é'), hashOf('a', 1)]).toMatchInlineSnapshot(`
    [
      2872998923,
      444641715,
      2449496732,
      2387039943,
      3873127206,
    ]
  `)
})

it('scatters texts that are alike', () => {
  const buckets = new Map<number, number>()
  for (let n = 0; n < 10_000; n++) {
    const bucket = hashOf(`key ${n}`) % 10
    buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1)
  }
  expect([...buckets.values()].every((count) => count > 850 && count < 1_150)).toBe(true)
})
