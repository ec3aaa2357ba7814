// x-delay and x-deliver-at as publishers write them: what they mean, and what is refused by name.
import { expect, it } from 'vitest'
import { ContentHeader } from '../protocol/content-header.ts'
import { encodeTable } from '../protocol/table-encode.ts'
import type { Field } from '../protocol/table.ts'
import { readDueMs, withSpentDelay } from './delay.ts'
import { messageOf } from './queue.contract.ts'

const NOW_MS = 1_800_000_000_000

function headerOf(...headers: [string, Field][]): ContentHeader {
  const table = encodeTable(new Map(headers))
  const buf = Buffer.concat([Buffer.from([0x20, 0, 0, 0, 0, table.length]), table])
  const header = new ContentHeader()
  header.readProperties(buf, 0, buf.length)
  return header
}

const due = (name: string, field: Field): number => readDueMs(headerOf([name, field]), NOW_MS)

it('takes x-delay as any number and as text', () => {
  const fields: Field[] = [
    { tag: 'I', value: 1_500 }, { tag: 'l', value: 1_500n }, { tag: 'd', value: 1_499.5 },
    { tag: 'S', value: '1500' },
  ]
  expect(fields.map((field) => due('x-delay', field) - NOW_MS)).toEqual([1_500, 1_500, 1_500, 1_500])
})

it('takes 0 and less, and a time that has passed, for at once', () => {
  expect([due('x-delay', { tag: 'I', value: 0 }), due('x-delay', { tag: 'I', value: -5 }),
    due('x-deliver-at', { tag: 'l', value: NOW_MS })]).toEqual([0, 0, 0])
})

it('takes x-deliver-at as a timestamp, as milliseconds and as ISO text with a zone', () => {
  const fields: Field[] = [
    { tag: 'T', value: 1_900_000_000 }, { tag: 'l', value: 1_900_000_000_000 },
    { tag: 'S', value: '2030-03-17T17:46:40Z' }, { tag: 'S', value: '2030-03-17T18:46:40.000+01:00' },
  ]
  expect(fields.map((field) => due('x-deliver-at', field))).toEqual(fields.map(() => 1_900_000_000_000))
})

it('refuses what is neither, naming header, value and what it may be', () => {
  const refused: [string, Field, string][] = [
    ['x-delay', { tag: 'S', value: 'soon' }, "invalid x-delay 'soon': expected a number of milliseconds"],
    ['x-delay', { tag: 't', value: true }, 'invalid x-delay true'],
    ['x-delay', { tag: 'l', value: 4_000_000_000_000 }, 'at most 100 years (3155760000000 ms) from now'],
    ['x-deliver-at', { tag: 'S', value: '2030-03-17T17:46:40' }, "x-deliver-at '2030-03-17T17:46:40': exp"],
    ['x-deliver-at', { tag: 'S', value: '2030-13-99T17:46:40Z' }, 'or a time like 2027-01-31T09:30:00Z'],
    ['x-deliver-at', { tag: 'T', value: 1_900_000_000_000 }, 'x-deliver-at 1900000000000: at most 100'],
    ['x-deliver-at', { tag: 'V', value: null }, 'invalid x-deliver-at of type V'],
  ]
  for (const [name, field, text] of refused) expect(() => due(name, field)).toThrow(text)
  const both = headerOf(['x-delay', { tag: 'I', value: 1 }], ['x-deliver-at', { tag: 'I', value: 1 }])
  expect(() => readDueMs(both, NOW_MS)).toThrow('x-delay or x-deliver-at, not both')
})

it('leaves a delay behind that delays no more, and other messages as they are', () => {
  const header = headerOf(['x-delay', { tag: 'I', value: 1_500 }], ['a', { tag: 'S', value: 'b' }])
  const spent = withSpentDelay(messageOf('q').withProperties(header.buf))
  header.readProperties(spent.buf, spent.propertiesStart, spent.propertiesEnd)
  expect([...header.decodeHeaders()!]).toEqual([
    ['a', { tag: 'S', value: 'b' }], ['x-delay', { tag: 'l', value: -1_500 }]])
  expect(spent.buf.toString('utf8', spent.bodyStart, spent.bodyEnd)).toBe('bbbbbbbbbb')
  for (const message of [messageOf('q'), spent]) expect(withSpentDelay(message)).toBe(message)
})
