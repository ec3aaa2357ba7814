// The content header: any of the fourteen properties may be there or not, and each offset must be right
// whatever stands before it. A slow decoder over BASIC_PROPERTIES is the twin.
import { array, assert, boolean, constantFrom, nat, option, property, record, string, tuple,
  uint8Array } from 'fast-check'
import type { Arbitrary } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ContentHeader, findHeader, hasPriority } from './content-header.ts'
import { AmqpError } from './errors.ts'
import { BASIC_PROPERTIES } from './spec.ts'
import { decodeFieldAt, decodeTable } from './table.ts'
import type { Field, FieldTable } from './table.ts'
import { anyTable } from './table.contract.ts'
import { encodeTable, tableOf } from './table-encode.ts'

type Value = string | number | FieldTable
/** In flag order; null for what is absent. */
type Properties = readonly (Value | null)[]

const shortString = string({ unit: 'grapheme', maxLength: 20 })
const VALUES = { shortstr: shortString, octet: nat(255), longlong: nat(), table: anyTable } as const
const anyProperties: Arbitrary<Properties> =
  tuple(...BASIC_PROPERTIES.map(([, type]) => option<Value>(VALUES[type])))
const anyBodySize = constantFrom(0, 1, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 7)

const propertyAt = (name: string): number => BASIC_PROPERTIES.findIndex(([known]) => known === name)

function encodeProperty(type: keyof typeof VALUES, value: Value): Buffer {
  if (type === 'octet') return Buffer.from([value as number])
  const bytes = type === 'table' ? encodeTable(value as FieldTable) : Buffer.from(String(value))
  const prefix = Buffer.alloc({ shortstr: 1, table: 4, longlong: 8 }[type])
  if (type === 'longlong') {
    prefix.writeBigUInt64BE(BigInt(value as number))
    return prefix
  }
  prefix.writeUIntBE(bytes.length, 0, prefix.length)
  return Buffer.concat([prefix, bytes])
}

function encodeProperties(values: Properties, extraFlags = 0): Buffer {
  const flags = Buffer.alloc(2)
  let bits = extraFlags
  const list = values.map((value, at) => {
    if (value === null) return Buffer.alloc(0)
    bits |= 0x8000 >> at
    return encodeProperty(BASIC_PROPERTIES[at]![1], value)
  })
  flags.writeUInt16BE(bits)
  return Buffer.concat([flags, ...list])
}

function encodeHeader(values: Properties, bodySize = 0, extraFlags = 0): Buffer {
  const head = Buffer.alloc(12)
  head.writeUInt16BE(60, 0)
  head.writeBigUInt64BE(BigInt(bodySize), 4)
  return Buffer.concat([head, encodeProperties(values, extraFlags)])
}

const withProperties = (named: Readonly<Record<string, Value>>): Properties =>
  BASIC_PROPERTIES.map(([name]) => named[name] ?? null)

const withHeaders = (headers: FieldTable): Buffer =>
  encodeHeader(withProperties({ headers, contentType: 'text/plain' }))

function read(bytes: Buffer): ContentHeader {
  const header = new ContentHeader()
  header.read(bytes, 0, bytes.length)
  return header
}

function refusal(bytes: Buffer, end = bytes.length): string {
  try {
    new ContentHeader().read(bytes, 0, end)
  } catch (error) {
    if (error instanceof AmqpError) return error.replyName
    throw error
  }
  return 'accepted'
}

const keys = (...names: string[]): Field => ({ tag: 'A', value: names.map((value) => ({ tag: 'S', value })) })

/** The obvious way: one property after the other. */
function decodeProperties(bytes: Buffer): Properties {
  const flags = bytes.readUInt16BE(0)
  let at = 2
  return BASIC_PROPERTIES.map(([, type], n) => {
    if ((flags & (0x8000 >> n)) === 0) return null
    if (type === 'octet') return bytes[at++]!
    if (type === 'longlong') return Number(bytes.readBigUInt64BE((at += 8) - 8))
    const prefix = type === 'table' ? 4 : 1
    const start = at + prefix
    at = start + bytes.readUIntBE(at, prefix)
    return type === 'table' ? decodeTable(bytes, start, at) : bytes.toString('utf8', start, at)
  })
}

describe('a content header', () => {
  it('has one header of it found as decoding all finds it, for any set of properties', () => {
    assert(property(anyProperties, uint8Array({ maxLength: 9 }), (values, before) => {
      const start = before.length
      const buf = Buffer.concat([before, encodeProperties(values)])
      const headers = values[propertyAt('headers')] as FieldTable | null
      for (const [name, field] of headers ?? []) {
        expect(findHeader(buf, start, Buffer.from(name))).toEqual(field)
      }
      expect(findHeader(buf, start, Buffer.from('none of them: '.repeat(3)))).toBeUndefined()
    }))
  })

  it('gives what it holds, for any set of properties and wherever it lies', () => {
    const header = new ContentHeader()
    assert(property(anyProperties, anyBodySize, uint8Array({ maxLength: 9 }), (values, bodySize, around) => {
      const bytes = encodeHeader(values, bodySize)
      header.read(Buffer.concat([around, bytes, around]), around.length, around.length + bytes.length)
      const textAt = (at: number): string | null => (at < 0 ? null : header.text(at))
      expect(header.bodySize).toBe(bodySize)
      expect(header.deliveryMode).toBe(values[propertyAt('deliveryMode')] ?? 0)
      expect(textAt(header.replyToAt)).toBe(values[propertyAt('replyTo')])
      expect(textAt(header.expirationAt)).toBe(values[propertyAt('expiration')])
      expect(textAt(header.userIdAt)).toBe(values[propertyAt('userId')])
      expect(header.decodeHeaders()).toEqual(values[propertyAt('headers')])
      const kept = header.buf.subarray(header.propertiesStart, header.propertiesEnd)
      expect(kept.equals(encodeProperties(values))).toBe(true)
    }), { numRuns: 1_000 })
  })

  it('is read with every subset of its flags', () => {
    const full = withProperties({
      contentType: 'a', contentEncoding: 'b', headers: tableOf({ k: 1 }), deliveryMode: 2, priority: 3,
      correlationId: 'c', replyTo: 'd', expiration: 'e', messageId: 'f', timestamp: 5, type: 'g', userId: 'h',
      appId: 'i', clusterId: 'j',
    })
    const wrong: number[] = []
    for (let subset = 0; subset < 2 ** full.length; subset++) {
      const values = full.map((value, at) => ((subset >> at) & 1 ? value : null))
      const header = read(encodeHeader(values))
      const found = [header.headersAt, header.replyToAt, header.expirationAt, header.userIdAt]
        .map((at) => at >= 0)
      const there = ['headers', 'replyTo', 'expiration', 'userId']
        .map((name) => values[propertyAt(name)] !== null)
      if (String(found) !== String(there)) wrong.push(subset)
    }
    expect(wrong).toEqual([])
  })

  it('forgets the message before', () => {
    const header = read(encodeHeader(withProperties({
      deliveryMode: 2, replyTo: 'r', expiration: '1', userId: 'u',
      headers: new Map([['CC', keys('a')], ['BCC', keys('b')]]),
    })))
    const bytes = encodeHeader(withProperties({ contentType: 'x' }))
    header.read(bytes, 0, bytes.length)
    const { headersAt, replyToAt, expirationAt, userIdAt, ccAt, bccAt, deliveryMode } = header
    expect([headersAt, replyToAt, expirationAt, userIdAt, ccAt, bccAt]).toEqual([-1, -1, -1, -1, -1, -1])
    expect(deliveryMode).toBe(0)
    expect(header.decodeHeaders()).toBeNull()
  })

  it('ignores the flag that would continue the flags', () => {
    const values = withProperties({ contentType: 'text', userId: 'u' })
    expect(read(encodeHeader(values, 0, 1)).text(read(encodeHeader(values, 0, 1)).userIdAt)).toBe('u')
  })
})

describe('CC and BCC', () => {
  const name = constantFrom('CC', 'BCC', 'cc', 'C', 'BC', 'XBCC', 'a', 'B')

  it('are found at their tags, whatever is beside them', () => {
    assert(property(array(tuple(name, string()), { maxLength: 6 }), (pairs) => {
      const headers: FieldTable = new Map(pairs.map(([name, key]) => [name, keys(key)]))
      const header = read(withHeaders(headers))
      const fieldAt = (at: number): Field | undefined =>
        at < 0 ? undefined : decodeFieldAt(header.buf, at, header.propertiesEnd)
      expect(fieldAt(header.ccAt)).toEqual(headers.get('CC'))
      expect(fieldAt(header.bccAt)).toEqual(headers.get('BCC'))
    }))
  })

  it('are not found within a nested table', () => {
    const header = read(withHeaders(tableOf({ inner: new Map([['BCC', keys('a')], ['CC', keys('b')]]) })))
    expect([header.ccAt, header.bccAt]).toEqual([-1, -1])
  })
})

describe('rewrite', () => {
  it('leaves out BCC, puts in a reply-to, and changes nothing else', () => {
    const others = record({ before: anyTable, after: anyTable, properties: anyProperties })
    const replyTo = propertyAt('replyTo')
    assert(property(others, boolean(), option(shortString),
      ({ before, after, properties }, hasBcc, reply) => {
      const headers = new Map([...before, ...after])
      headers.delete('BCC')
      const others = properties[replyTo] === null ? null : reply
      const given = hasBcc ? new Map([...before, ['BCC', keys('secret')] as const, ...after]) : headers
      if (hasBcc) given.set('BCC', keys('secret'))
      const header = read(encodeHeader(properties.with(propertyAt('headers'), given)))
      expect(header.isToBeRewritten).toBe(hasBcc)
      const expected = properties.with(propertyAt('headers'), headers)
      expect(decodeProperties(header.rewrite(others))).toEqual(
        others === null ? expected : expected.with(replyTo, others))
    }), { numRuns: 500 })
  })

  it('takes the continuation flag away', () => {
    const values = withProperties({ contentType: 'text', userId: 'u' })
    const header = read(encodeHeader(values, 0, 1))
    expect(header.isToBeRewritten).toBe(true)
    expect(header.rewrite(null).equals(encodeProperties(values))).toBe(true)
    expect(header.buf.readUInt16BE(header.propertiesStart) & 1).toBe(1)
  })

  it('leaves an empty table when BCC was alone', () => {
    const header = read(withHeaders(new Map([['BCC', keys('a', 'b')]])))
    expect(decodeProperties(header.rewrite(null))[propertyAt('headers')]).toEqual(new Map())
  })

  it('leaves none of two BCC headers', () => {
    const bcc = encodeTable(new Map([['BCC', keys('secret')]]))
    const length = Buffer.alloc(4)
    length.writeUInt32BE(2 * bcc.length)
    const bytes = Buffer.concat([
      encodeHeader([]).subarray(0, 12), Buffer.from([0x20, 0]), length, bcc, bcc,
    ])
    if (refusal(bytes) === 'accepted') expect(read(bytes).rewrite(null).includes('secret')).toBe(false)
    else expect(refusal(bytes)).toBe('syntaxError')
  })
})

describe('withHeaders', () => {
  it('replaces headers of the given names and changes nothing else', () => {
    const added = tableOf({ 'x-tried': 2 })
    assert(property(anyProperties, option(anyTable), boolean(), (properties, table, hasOwn) => {
      const headers = propertyAt('headers')
      const own = table !== null && hasOwn ? new Map([...tableOf({ 'x-tried': 'own' }), ...table]) : table
      const given = read(encodeHeader(properties.with(headers, own)))
      const others = [...table ?? []].filter(([name]) => name !== 'x-tried')
      expect(decodeProperties(given.withHeaders(new Set(['x-tried']), added)))
        .toEqual(properties.with(headers, new Map([...others, ...added])))
    }), { numRuns: 300 })
  })
})

describe('hasPriority', () => {
  it('tells a priority of 0 from none', () => {
    for (const priority of [null, 0, 9]) {
      const { buf, propertiesStart } = read(encodeHeader(withProperties({ priority: priority ?? 0 })
        .with(propertyAt('priority'), priority)))
      expect(hasPriority(buf, propertiesStart)).toBe(priority !== null)
    }
  })
})

describe('a malformed content header', () => {
  const whole = encodeHeader(withProperties({
    contentType: 'text', headers: new Map([['k', { tag: 'S', value: 'v' }],
      ['n', { tag: 'F', value: tableOf({ a: 1 }) }]]),
    deliveryMode: 2, replyTo: 'r', timestamp: 1, clusterId: 'c',
  }))

  it('is refused wherever it is cut short', () => {
    for (let end = 0; end < whole.length; end++) expect([end, refusal(whole, end)])
      .toEqual([end, 'syntaxError'])
    expect(refusal(whole)).toBe('accepted')
  })

  it('is refused with bytes left over', () => {
    expect(refusal(Buffer.concat([whole, Buffer.alloc(1)]))).toBe('syntaxError')
  })

  it('is refused for an unknown field tag', () => {
    expect(refusal(Buffer.from(withHeaders(tableOf({ k: 'v' })).toString('hex').replace('016b53', '016b5a'),
      'hex')))
      .toBe('syntaxError')
  })

  it('is refused for an unknown field tag in a nested table', () => {
    const bytes = withHeaders(tableOf({ n: tableOf({ k: 'v' }) }))
    expect(refusal(Buffer.from(bytes.toString('hex').replace('016b53', '016b5a'), 'hex'))).toBe('syntaxError')
  })

  it('is refused for a header that runs past the headers, though not past the frame', () => {
    const bytes = encodeHeader(withProperties({ headers: tableOf({ k: 'v' }), appId: 'xxxxxxxxxxxxxxxx' }))
    const at = 14
    bytes.writeUInt32BE(bytes.readUInt32BE(at) - 1, at)
    expect(refusal(bytes)).toBe('syntaxError')
  })

  it('is either read or refused, whatever its bytes', () => {
    assert(property(uint8Array({ maxLength: 80 }), nat(0xffff), (bytes, flags) => {
      const head = Buffer.alloc(14)
      head.writeUInt16BE(60, 0)
      head.writeUInt16BE(flags, 12)
      expect(['accepted', 'syntaxError']).toContain(refusal(Buffer.concat([head, bytes])))
    }), { numRuns: 2_000 })
  })
})
