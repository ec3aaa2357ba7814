import { expect, test } from 'vitest'
import { copyBytes, startsWith } from './bytes.ts'

const LENGTHS = [0, 1, 2, 39, 40, 41, 42, 500]

test('a run is copied to its place, whatever its length, and nothing beside it', () => {
  const source = Buffer.from(Array.from({ length: 600 }, (_, n) => n % 251 + 1))
  for (const length of LENGTHS) {
    const target = Buffer.alloc(length + 20)
    copyBytes(source, 7, 7 + length, target, 10)
    const expected = Buffer.concat([Buffer.alloc(10), source.subarray(7, 7 + length), Buffer.alloc(10)])
    expect(target).toEqual(expected)
  }
})

test('a run is told from one that differs in a single byte, whatever its length', () => {
  for (const length of LENGTHS) {
    const known = Buffer.alloc(600, 7)
    const source = Buffer.concat([Buffer.alloc(3), Buffer.alloc(length, 7), Buffer.alloc(3)])
    expect(startsWith(known, source, 3, 3 + length)).toBe(true)
    for (let at = 0; at < length; at++) {
      source[3 + at] = 8
      expect(startsWith(known, source, 3, 3 + length), `${length} bytes, the one at ${at}`).toBe(false)
      source[3 + at] = 7
    }
  }
})
