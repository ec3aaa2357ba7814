// CC and BCC: more routing keys, in the order in which they are tried, and what is refused.
import { describe, expect, it } from 'vitest'
import { ContentHeader } from './content-header.ts'
import type { Field, FieldTable } from './table.ts'
import { encodeTable } from './table-encode.ts'
import { senderSelectedKeys } from './sender-selected.ts'

function headerWith(headers: FieldTable): ContentHeader {
  const pairs = encodeTable(headers)
  const head = Buffer.alloc(18)
  head.writeUInt16BE(60)
  head.writeUInt16BE(0x2000, 12)
  head.writeUInt32BE(pairs.length, 14)
  const header = new ContentHeader()
  header.read(Buffer.concat([head, pairs]), 0, 18 + pairs.length)
  return header
}

const keys = (...values: string[]): Field =>
  ({ tag: 'A', value: values.map((value) => ({ tag: 'S', value })) })

it("are tried after the message's own key, CC before BCC", () => {
  const header = headerWith(new Map([['BCC', keys('d')], ['other', keys('x')], ['CC', keys('b', 'c')]]))
  expect(senderSelectedKeys(header, 'a')).toEqual(['a', 'b', 'c', 'd'])
})

it('leave the message its own key when they are empty or not there', () => {
  expect(senderSelectedKeys(headerWith(new Map()), 'a')).toEqual(['a'])
  expect(senderSelectedKeys(headerWith(new Map([['CC', keys()]])), 'a')).toEqual(['a'])
})

it('skip items that are no strings', () => {
  const mixed: Field = { tag: 'A',
    value: [{ tag: 'I', value: 1 }, { tag: 'S', value: 'b' }, { tag: 'V', value: null }] }
  expect(senderSelectedKeys(headerWith(new Map([['CC', mixed]])), 'a')).toEqual(['a', 'b'])
})

describe('that are no array are refused', () => {
  it.each<[string, Field, string]>([
    ['CC', { tag: 'S', value: 'b' }, 'longstr'], ['BCC', { tag: 'I', value: 1 }, 'signedint'],
    ['CC', { tag: 'F', value: new Map() }, 'table'],
  ])('%s of %j', (name, field, type) => {
    expect(() => senderSelectedKeys(headerWith(new Map([[name, field]])), 'a')).toThrow(
      `PRECONDITION_FAILED - invalid message: {unacceptable_type_in_header,"${name}",${type}}`)
  })
})
