// Tables as JSON text: what the store's records keep of arguments must come back with every tag, and the
// canonical form must make two bindings the same exactly when their arguments are.
import { assert, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalField, canonicalTable, tableFromJson, tableToJson } from './table-json.ts'
import type { JsonPair } from './table-json.ts'
import type { Field, FieldTable } from './table.ts'
import { anyTable } from './table.contract.ts'
import { encodeTable, tableOf } from './table-encode.ts'

const throughText = (table: FieldTable): FieldTable =>
  tableFromJson(JSON.parse(JSON.stringify(tableToJson(table))) as JsonPair[])

it('gives back any table through JSON text', () => {
  assert(property(anyTable, (table) => {
    expect(throughText(table)).toEqual(table)
    expect(encodeTable(throughText(table)).equals(encodeTable(table))).toBe(true)
  }), { numRuns: 500 })
})

it.each([['d', Infinity], ['d', -Infinity], ['d', NaN], ['l', 2n ** 63n - 1n],
  ['T', 2n ** 64n - 1n]] as const)(
  'gives back what JSON has no number for: %s %d', (tag, value) => {
    const table: FieldTable = new Map([['k', { tag, value } as Field]])
    expect(throughText(table)).toEqual(table)
  })

describe('the canonical form', () => {
  it('does not depend on the order of the pairs', () => {
    assert(property(anyTable, (table) => {
      expect(canonicalTable(new Map([...table].toReversed()))).toBe(canonicalTable(table))
    }))
  })

  it('differs when a value does', () => {
    assert(property(anyTable, anyTable, (one, other) => {
      const sorted = (table: FieldTable): string =>
        encodeTable(new Map([...table].toSorted(([a], [b]) => (a < b ? -1 : 1)))).toString('hex')
      expect(canonicalTable(one) === canonicalTable(other)).toBe(sorted(one) === sorted(other))
    }), { numRuns: 500 })
  })

  it('differs when only the tag does', () => {
    expect(canonicalField({ tag: 'I', value: 1 })).not.toBe(canonicalField({ tag: 'l', value: 1 }))
    expect(canonicalTable(tableOf({ a: '1' }))).not.toBe(canonicalTable(tableOf({ a: 1 })))
  })

  it('of an empty table is an empty text', () => {
    expect(canonicalTable(new Map())).toBe('')
  })
})
