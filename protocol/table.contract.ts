// Arbitrary field tables for the tests of table.ts, table-encode.ts, table-json.ts and content-header.ts:
// every tag, up to the limits of its type, nested.
import {
  array, bigInt, boolean, constant, dictionary, double, float, integer, letrec, nat, oneof, record, string,
  uint8Array,
} from 'fast-check'
import type { Arbitrary } from 'fast-check'
import type { Field, FieldTable } from './table.ts'

/** A number where it is exact, as decoding gives it. */
const narrow = (value: bigint): number | bigint =>
  Number.isSafeInteger(Number(value)) ? Number(value) : value

const int64 = oneof(
  bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), bigInt({ min: -(2n ** 54n), max: 2n ** 54n }),
).map(narrow)
const uint64 = oneof(bigInt({ min: 0n, max: 2n ** 64n - 1n }), bigInt({ min: 0n, max: 2n ** 54n }))
  .map(narrow)

/** JSON and equality know no negative zero, and neither do the tables of any client. */
const positiveZero = (value: number): number => (value === 0 ? 0 : value)

export const anyText: Arbitrary<string> = string({ unit: 'grapheme', maxLength: 30 })
export const anyName: Arbitrary<string> = anyText.filter((text) => Buffer.byteLength(text) <= 255)

const scalar: Arbitrary<Field> = oneof(
  record({ tag: constant('S' as const), value: anyText }),
  record({ tag: constant('x' as const),
    value: uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)) }),
  record({ tag: constant('t' as const), value: boolean() }),
  record({ tag: constant('b' as const), value: integer({ min: -128, max: 127 }) }),
  record({ tag: constant('B' as const), value: nat(255) }),
  record({ tag: constant('s' as const), value: integer({ min: -32_768, max: 32_767 }) }),
  record({ tag: constant('u' as const), value: nat(65_535) }),
  record({ tag: constant('I' as const), value: integer() }),
  record({ tag: constant('i' as const), value: nat(0xffffffff) }),
  record({ tag: constant('l' as const), value: int64 }),
  record({ tag: constant('L' as const), value: int64 }),
  record({ tag: constant('T' as const), value: uint64 }),
  record({ tag: constant('f' as const), value: float().map(positiveZero) }),
  record({ tag: constant('d' as const), value: double().map(positiveZero) }),
  record({ tag: constant('D' as const), value: record({ scale: nat(255), digits: nat(0xffffffff) }) }),
  record({ tag: constant('V' as const), value: constant(null) }),
)

const fields = letrec<{ field: Field; table: FieldTable }>((tie) => ({
  field: oneof(
    { maxDepth: 4, withCrossShrink: true },
    scalar,
    record({ tag: constant('A' as const), value: array(tie('field'), { maxLength: 4 }) }),
    record({ tag: constant('F' as const), value: tie('table') }),
  ),
  table: dictionary(anyName, tie('field'), { maxKeys: 5 }).map((pairs) => new Map(Object.entries(pairs))),
}))

export const anyField: Arbitrary<Field> = fields.field
export const anyTable: Arbitrary<FieldTable> = fields.table
