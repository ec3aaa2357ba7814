// The memo of the last publish: true for the same bytes and for nothing else.
import { assert, property, uint8Array } from 'fast-check'
import { expect, it } from 'vitest'
import { PublishMemo } from './publish-memo.ts'

const remembered = (bytes: Buffer): PublishMemo => {
  const memo = new PublishMemo()
  memo.remember(bytes, 0, bytes.length)
  return memo
}

it('matches nothing before anything is remembered', () => {
  const memo = new PublishMemo()
  expect(memo.matches(Buffer.alloc(0), 0, 0)).toBe(false)
  expect(memo.matches(Buffer.alloc(515), 0, 515)).toBe(false)
})

it('matches exactly what equals the last arguments, wherever they lie', () => {
  const bytes = uint8Array({ maxLength: 12, max: 3 })
  assert(property(bytes, bytes, bytes, (first, last, other) => {
    const memo = remembered(Buffer.from(first))
    memo.remember(Buffer.concat([other, last, other]), other.length, other.length + last.length)
    const buf = Buffer.concat([last, other, last])
    expect(memo.matches(buf, last.length, last.length + other.length)).toBe(Buffer.from(other).equals(last))
    expect(memo.matches(buf, last.length + other.length, buf.length)).toBe(true)
  }), { numRuns: 1_000 })
})

it('takes the longest arguments there are', () => {
  const bytes = Buffer.alloc(2 + 256 + 256 + 1, 7)
  const memo = remembered(bytes)
  expect(memo.matches(Buffer.from(bytes), 0, bytes.length)).toBe(true)
  expect(memo.matches(Buffer.from(bytes.fill(8, 514)), 0, bytes.length)).toBe(false)
})

it('does not change with the bytes it was shown', () => {
  const bytes = Buffer.from('arguments')
  const memo = remembered(bytes)
  bytes.fill(0)
  expect(memo.matches(Buffer.from('arguments'), 0, 9)).toBe(true)
})
