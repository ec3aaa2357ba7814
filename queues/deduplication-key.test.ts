// Which headers are a key, and what is said of those that are none.
import { describe, expect, it } from 'vitest'
import { ContentHeader } from '../protocol/content-header.ts'
import { encodeProperties } from '../protocol/properties.ts'
import type { Field } from '../protocol/table.ts'
import { keyOf, readDeduplicationKey } from './deduplication-key.ts'
import type { DeduplicationKey } from './deduplication-key.ts'
import { messageOf, messageWith } from './queue.contract.ts'

const KEY = 'x-deduplication-header'
const WINDOW = 'x-cache-ttl'

function headerOf(...pairs: readonly (readonly [string, Field])[]): ContentHeader {
  const properties = encodeProperties({ headers: new Map(pairs) })
  const header = new ContentHeader()
  header.readProperties(properties, 0, properties.length)
  return header
}

const read = (...pairs: readonly (readonly [string, Field])[]): DeduplicationKey | null =>
  readDeduplicationKey(headerOf(...pairs))
const text = (value: string): Field => ({ tag: 'S', value })
const integer = (value: number | bigint): Field => ({ tag: 'l', value })

describe('the header of a key', () => {
  it.each<[string, Field]>([
    ['"order-7"', text('order-7')], ['""', text('')], ['"\\"5\\""', text('"5"')], ['"größe"', text('größe')],
    ['5', integer(5)], ['-5', integer(-5)], ['1152921504606846976', integer(2n ** 60n)],
    ['5', { tag: 'b', value: 5 }], ['"5"', text('5')],
  ])('may be the key %s', (key, field) => {
    expect(read([KEY, field])).toEqual({ key, windowMs: null })
  })

  it.each<[string, Field]>([
    ['1.5', { tag: 'd', value: 1.5 }], ['true', { tag: 't', value: true }],
    ['of type V', { tag: 'V', value: null }], ['of type F', { tag: 'F', value: new Map() }],
    ['of type x', { tag: 'x', value: Buffer.from('a') }], ["'a\uFFFDb'", text('a\uFFFDb')],
    [`'${'k'.repeat(99)}`, text('k'.repeat(1_025))],
  ])('may not be %s', (shown, field) => {
    expect(() => read([KEY, field])).toThrow(`PRECONDITION_FAILED - invalid ${KEY} ${shown}: `
      + 'expected an integer, or text in UTF-8 of at most 1024 bytes')
  })

  it('is seen without decoding a message that has none', () => {
    expect(headerOf([KEY, text('a')]).hasDeduplicationKey).toBe(true)
    for (const name of ['x-delay', 'x-deduplication-headers', 'deduplication-header', WINDOW]) {
      expect(headerOf([name, text('a')]).hasDeduplicationKey).toBe(false)
    }
  })

  it('is read off a message, too, where it is no mistake of anybody any more', () => {
    expect(keyOf(messageWith('q', new Map([[KEY, text('a')], [WINDOW, integer(9)]])))).toEqual(
      { key: '"a"', windowMs: 9 })
    expect(keyOf(messageWith('q', new Map([[KEY, { tag: 't', value: true }]])))).toBeNull()
    expect(keyOf(messageOf('q'))).toBeNull()
  })
})

describe('the header of its window', () => {
  it.each([
    [integer(1), 1], [integer(60_000), 60_000], [text('250'), 250],
  ])('%o is %i ms', (field, windowMs) => {
    expect(read([KEY, text('a')], [WINDOW, field])).toEqual({ key: '"a"', windowMs })
  })

  it.each<[Field, string]>([
    [integer(0), '0'], [integer(-1), '-1'], [text('soon'), "'soon'"], [text('1.5'), "'1.5'"],
    [{ tag: 't', value: true }, 'true'], [integer(315_360_000_001), '315360000001'],
  ])('%o is none', (field, shown) => {
    expect(() => read([KEY, text('a')], [WINDOW, field])).toThrow(`PRECONDITION_FAILED - invalid ${WINDOW} `
      + `${shown}: expected a number of milliseconds from 1 to 315360000000`)
  })

  it('means nothing without a key', () => {
    expect(read([WINDOW, text('soon')])).toBeNull()
  })
})
