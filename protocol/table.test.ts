// Field tables: every tag there and back, nothing read past the end whatever the bytes, and finding or
// skipping a value agrees with decoding it.
import { assert, nat, property, uint8Array } from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  TableMalformed, decodeTable, isInteger, skipFieldAt,
} from './table.ts'
import type { Field, FieldTable } from './table.ts'
import { anyField, anyTable } from './table.contract.ts'
import { encodeTable, tableOf } from './table-encode.ts'

const decode = (bytes: Buffer): FieldTable => decodeTable(bytes, 0, bytes.length)
const one = (field: Field): FieldTable => new Map([['k', field]])

/** What a function does with malformed input: TableMalformed and nothing else. */
function outcome(run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    if (error instanceof TableMalformed) return 'malformed'
    throw error
  }
}

describe('encodeTable and decodeTable', () => {
  it('give back any table, in its order, wherever it lies', () => {
    assert(property(anyTable, uint8Array({ maxLength: 5 }), (table, around) => {
      const bytes = encodeTable(table)
      const buf = Buffer.concat([around, bytes, around])
      const decoded = decodeTable(buf, around.length, around.length + bytes.length)
      expect(decoded).toEqual(table)
      expect([...decoded.keys()]).toEqual([...table.keys()])
    }), { numRuns: 500 })
  })

  it.each([
    ['S', { tag: 'S', value: 'ü' }, '53 00000002 c3bc'],
    ['x', { tag: 'x', value: Buffer.from([0, 255]) }, '7800000002 00ff'],
    ['t', { tag: 't', value: true }, '74 01'],
    ['b', { tag: 'b', value: -2 }, '62 fe'],
    ['B', { tag: 'B', value: 254 }, '42 fe'],
    ['s', { tag: 's', value: -2 }, '73 fffe'],
    ['u', { tag: 'u', value: 65_534 }, '75 fffe'],
    ['I', { tag: 'I', value: -2 }, '49 fffffffe'],
    ['i', { tag: 'i', value: 4_294_967_294 }, '69 fffffffe'],
    ['l', { tag: 'l', value: -2 }, '6c fffffffffffffffe'],
    ['L', { tag: 'L', value: 2 }, '4c 0000000000000002'],
    ['T', { tag: 'T', value: 1_700_000_000 }, '54 000000006553f100'],
    ['f', { tag: 'f', value: 1.5 }, '66 3fc00000'],
    ['d', { tag: 'd', value: -0.5 }, '64 bfe0000000000000'],
    ['D', { tag: 'D', value: { scale: 2, digits: 314 } }, '44 02 0000013a'],
    ['V', { tag: 'V', value: null }, '56'],
    ['A', { tag: 'A', value: [{ tag: 't', value: false }, { tag: 'V', value: null }] },
      '41 00000003 7400 56'],
    ['F', { tag: 'F', value: new Map([['a', { tag: 'V', value: null }]]) }, '46 00000003 0161 56'],
  ] satisfies readonly (readonly [string, Field, string])[])('know the bytes of tag %s',
  (_tag, field, hex) => {
    const bytes = Buffer.from(`016b${hex.replaceAll(' ', '')}`, 'hex')
    expect(encodeTable(one(field)).toString('hex')).toBe(bytes.toString('hex'))
    expect(decode(bytes)).toEqual(one(field))
  })

  it.each([
    ['l', 2n ** 63n - 1n], ['l', -(2n ** 63n)], ['l', 2n ** 53n], ['l', -(2n ** 53n)], ['T', 2n ** 64n - 1n],
    ['l', Number.MAX_SAFE_INTEGER], ['l', Number.MIN_SAFE_INTEGER], ['T', 0],
  ] as const)('keep tag %s exact at %d', (tag, value) => {
    expect(decode(encodeTable(one({ tag, value }))).get('k')).toEqual({ tag, value })
  })

  it('keep the last of a repeated name, at the place of the first', () => {
    const bytes = Buffer.concat([
      encodeTable(tableOf({ a: 1, b: 2 })), encodeTable(tableOf({ a: 3 })),
    ])
    expect([...decode(bytes)]).toEqual([['a', { tag: 'I', value: 3 }], ['b', { tag: 'I', value: 2 }]])
  })

  it('copy binaries out of the bytes they came in', () => {
    const bytes = encodeTable(one({ tag: 'x', value: Buffer.from([1, 2]) }))
    const table = decode(bytes)
    bytes.fill(0)
    expect(table.get('k')!.value).toEqual(Buffer.from([1, 2]))
  })
})

describe('nesting', () => {
  const nested = (depth: number, tag: 'A' | 'F'): FieldTable => {
    let field: Field = { tag: 'V', value: null }
    for (let n = 0; n < depth; n++) field = tag === 'A' ? { tag, value: [field] } : { tag, value: one(field) }
    return one(field)
  }

  it.each(['A', 'F'] as const)('of %s is decoded 64 deep and refused deeper', (tag) => {
    expect(decode(encodeTable(nested(64, tag)))).toEqual(nested(64, tag))
    expect(() => decode(encodeTable(nested(65, tag)))).toThrow(TableMalformed)
  })
})

describe('malformed bytes', () => {
  it.each([
    ['a name that runs past the end', '05 61'],
    ['a name without a value', '01 61'],
    ['an unknown tag', '01 61 5a 00'],
    ['a string that runs past the end', '01 61 53 00000002 61'],
    ['a length that is cut short', '01 61 53 0000'],
    ['a number that is cut short', '01 61 49 000000'],
    ['a nested table that runs past the end', '01 61 46 00000004 01 61 56'],
    ['a value that runs past its nested table, though not past the outer one',
      '01 61 46 00000003 01 61 49 00000000'],
    ['a value that runs past its array, though not past the outer table', '01 61 41 00000002 49 00000000'],
    ['a length beyond 2^31', '01 61 53 ffffffff'],
  ])('with %s are refused', (_what, hex) => {
    expect(() => decode(Buffer.from(hex.replaceAll(' ', ''), 'hex'))).toThrow(TableMalformed)
  })

  it('either decode or are refused, and nothing behind the end is read', () => {
    assert(property(uint8Array({ maxLength: 60 }), uint8Array({ minLength: 40, maxLength: 40 }),
      (bytes, behind) => {
      const quiet = Buffer.concat([bytes, Buffer.alloc(40)])
      const noisy = Buffer.concat([bytes, behind])
      const end = bytes.length
      expect(outcome(() => decodeTable(quiet, 0, end))).toEqual(outcome(() => decodeTable(noisy, 0, end)))
      expect(outcome(() => decodeTable(quiet, 0, end))).toEqual(outcome(() => decode(Buffer.from(bytes))))
    }), { numRuns: 2_000 })
  })

  it('made of good ones by one wrong byte do no more than be refused', () => {
    assert(property(anyTable, nat(), nat(255), (table, at, byte) => {
      const bytes = encodeTable(table)
      if (bytes.length === 0) return
      bytes[at % bytes.length] = byte
      const noisy = Buffer.concat([bytes, Buffer.alloc(300, 0x56)])
      expect(outcome(() => decodeTable(noisy, 0, bytes.length))).toEqual(outcome(() => decode(bytes)))
    }), { numRuns: 1_000 })
  })
})

describe('skipping', () => {
  it('skip exactly the bytes of a value', () => {
    assert(property(anyField, (field) => {
      const bytes = encodeTable(one(field))
      expect(skipFieldAt(Buffer.concat([bytes, Buffer.alloc(9)]), 2, bytes.length)).toBe(bytes.length)
    }), { numRuns: 300 })
  })

  it('refuse what runs past the end', () => {
    const bytes = encodeTable(tableOf({ a: 'text', b: 1 }))
    const firstPairEnd = 11
    const ends = Array.from({ length: firstPairEnd - 3 }, (_, n) => n + 3)
    const skipped = ends.map((end) => outcome(() => skipFieldAt(bytes, 2, end)))
    expect(new Set(skipped)).toEqual(new Set(['malformed']))
  })
})

it('counts the integer tags as integers, and a timestamp as none', () => {
  for (const tag of ['b', 'B', 's', 'u', 'I', 'i', 'l', 'L'] as const) expect(isInteger({ tag, value: 1 }))
    .toBe(true)
  expect(isInteger({ tag: 'T', value: 1 })).toBe(false)
  expect(isInteger({ tag: 'd', value: 1 })).toBe(false)
  expect(isInteger({ tag: 't', value: true })).toBe(false)
})

it('makes tables of plain values with the tags that RabbitMQ uses', () => {
  const inner = tableOf({ ok: true })
  expect([...tableOf({ s: 'x', t: false, i: 7, l: 2 ** 40, f: inner })].map(([name, { tag }]) => name + tag))
    .toEqual(['sS', 'tt', 'iI', 'll', 'fF'])
})
