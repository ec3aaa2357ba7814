// The generated decoders and writers against an independent codec that interprets the rows of spec.ts: for
// each method that clients send, what is encoded here is decoded there, and the other way round for what the
// server sends.
import { array, assert, boolean, float, integer, maxSafeNat, nat, property, string, tuple,
  uint8Array } from 'fast-check'
import type { Arbitrary } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ArgumentReader } from './argument-reader.ts'
import { AmqpError, printBinary } from './errors.ts'
import { FrameWriter } from './frame-writer.ts'
import * as generated from './methods.gen.ts'
import { METHODS } from './spec.ts'
import type { MethodSpec, WireType } from './spec.ts'
import { decodeTable } from './table.ts'
import type { FieldTable } from './table.ts'
import { encodeTable, tableOf } from './table-encode.ts'

type Value = number | string | boolean | Buffer | FieldTable
type Decoder = (reader: ArgumentReader) => Readonly<Record<string, Value>>
type Writer = (writer: FrameWriter, channel: number, ...args: Value[]) => void

const shortString = string({ unit: 'grapheme', maxLength: 100 })
  .filter((text) => Buffer.byteLength(text) <= 255)

const VALUES: Record<WireType, Arbitrary<Value>> = {
  bit: boolean(),
  octet: nat(255),
  short: nat(65_535),
  long: nat(0xffffffff),
  longlong: maxSafeNat(),
  shortstr: shortString,
  anystr: shortString,
  longstr: uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes)),
  table: array(tuple(shortString, shortString), { maxLength: 5 })
    .map((pairs) => tableOf(Object.fromEntries(pairs))),
}

const argsOf = (method: MethodSpec): [string, WireType][] =>
  method.args.map((arg) => arg.split(':') as [string, WireType])
const idOf = (method: MethodSpec): number => method.classId * 0x10000 + method.methodId
const anyValuesOf = (method: MethodSpec): Arbitrary<Value[]> =>
  tuple(...argsOf(method).map(([, type]) => VALUES[type]))

const sized = (bytes: number, value: number | bigint): Buffer =>
  Buffer.from(BigInt(value).toString(16).padStart(bytes * 2, '0'), 'hex')

function encodeValue(type: WireType, value: Value): Buffer {
  switch (type) {
    case 'octet': return sized(1, value as number)
    case 'short': return sized(2, value as number)
    case 'long': return sized(4, value as number)
    case 'longlong': return sized(8, value as number)
    case 'longstr': return Buffer.concat([sized(4, (value as Buffer).length), value as Buffer])
    case 'table': {
      const pairs = encodeTable(value as FieldTable)
      return Buffer.concat([sized(4, pairs.length), pairs])
    }
    default: {
      const bytes = Buffer.from(value as string)
      return Buffer.concat([sized(1, bytes.length), bytes])
    }
  }
}

/** In wire order; up to eight bits that follow each other share an octet, the first is the lowest. */
function encodeArguments(method: MethodSpec, values: readonly Value[]): Buffer {
  const pieces: Buffer[] = []
  let bits: boolean[] = []
  const endBits = (): void => {
    if (bits.length > 0) pieces.push(sized(1, Number.parseInt(bits.map(Number).toReversed().join(''), 2)))
    bits = []
  }
  argsOf(method).forEach(([, type], at) => {
    if (type === 'bit') {
      if (bits.length === 8) endBits()
      bits.push(values[at] as boolean)
      return
    }
    endBits()
    pieces.push(encodeValue(type, values[at]!))
  })
  endBits()
  return Buffer.concat(pieces)
}

/** The reverse; fails the test when bytes are missing or left over. */
function decodeArguments(method: MethodSpec, bytes: Buffer): Value[] {
  let at = 0
  const take = (size: number): Buffer => {
    expect(at + size).toBeLessThanOrEqual(bytes.length)
    at += size
    return bytes.subarray(at - size, at)
  }
  const number = (size: number): number => Number(BigInt(`0x${take(size).toString('hex')}`))
  let bitsLeft = 0
  let octet = 0
  const values = argsOf(method).map(([, type]): Value => {
    if (type !== 'bit') bitsLeft = 0
    switch (type) {
      case 'bit': {
        if (bitsLeft === 0) [octet, bitsLeft] = [number(1), 8]
        return ((octet >> (8 - bitsLeft--)) & 1) === 1
      }
      case 'octet': return number(1)
      case 'short': return number(2)
      case 'long': return number(4)
      case 'longlong': return number(8)
      case 'longstr': return Buffer.from(take(number(4)))
      case 'table': {
        const pairs = take(number(4))
        return decodeTable(pairs, 0, pairs.length)
      }
      default: return take(number(1)).toString()
    }
  })
  expect(at).toBe(bytes.length)
  return values
}

function decoderOf(method: MethodSpec): Decoder {
  const decoder = (generated.DECODERS as unknown as Readonly<Record<number, Decoder>>)[idOf(method)]
  if (decoder === undefined) throw new Error(`no decoder for ${method.name}`)
  return decoder
}

function writerOf(method: MethodSpec): Writer {
  const words = method.name.split(/[.-]/)
  const name = `write${words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join('')}`
  const writer = (generated as unknown as Readonly<Record<string, Writer>>)[name]
  if (writer === undefined) throw new Error(`no ${name}`)
  return writer
}

function refusal(decode: () => unknown): string {
  try {
    decode()
  } catch (error) {
    if (error instanceof AmqpError) return `${error.code} ${error.message}`
    throw error
  }
  return 'accepted'
}

const received = METHODS.filter(({ sender }) => sender !== 'server')
  .map((method) => [method.name, method] as const)
const sent = METHODS.filter(({ sender }) => sender !== 'client')
  .map((method) => [method.name, method] as const)
const withArguments = received.filter(([, method]) => method.args.length > 0)

describe('a decoder', () => {
  it.each(received)('of %s reads every argument', (_name, method) => {
    assert(property(anyValuesOf(method), uint8Array({ maxLength: 9 }), (values, around) => {
      const args = encodeArguments(method, values)
      const buf = Buffer.concat([around, args, around])
      const decoded = decoderOf(method)(new ArgumentReader().over(buf, around.length,
        around.length + args.length))
      const names = argsOf(method).map(([name]) => name)
      expect(decoded).toEqual(Object.fromEntries(names.map((name, at) => [name, values[at]])))
      expect(Object.keys(decoded)).toEqual(names)
    }), { numRuns: 40 })
  })

  it.each(withArguments)('of %s refuses arguments that are cut short, wherever', (_name, method) => {
    assert(property(anyValuesOf(method), float({ min: 0, max: 1, noNaN: true }), (values, part) => {
      const args = encodeArguments(method, values)
      const end = Math.min(Math.floor(part * args.length), args.length - 1)
      expect(refusal(() => decoderOf(method)(new ArgumentReader().over(args, 0, end)))).toBe(
        `501 FRAME_ERROR - cannot decode ${printBinary(args.subarray(0, end))}`)
    }), { numRuns: 40 })
  })

  it.each(received)('of %s refuses bytes that are left over', (_name, method) => {
    assert(property(anyValuesOf(method), integer({ min: 1, max: 5 }), (values, extra) => {
      const args = Buffer.concat([encodeArguments(method, values), Buffer.alloc(extra, 7)])
      expect(refusal(() => decoderOf(method)(new ArgumentReader().over(args, 0, args.length)))).toBe(
        `501 FRAME_ERROR - cannot decode ${printBinary(args)}`)
    }), { numRuns: 20 })
  })
})

describe('a writer', () => {
  it.each(sent)('of %s writes every argument', (_name, method) => {
    assert(property(anyValuesOf(method), nat(65_535), (values, channel) => {
      const writer = new FrameWriter()
      writerOf(method)(writer, channel, ...values)
      const frame = Buffer.concat(writer.take())
      expect(frame.toString('hex', 0, 3))
        .toBe(Buffer.concat([sized(1, 1), sized(2, channel)]).toString('hex'))
      expect(frame.readUInt32BE(3)).toBe(frame.length - 8)
      expect([frame.readUInt16BE(7), frame.readUInt16BE(9)]).toEqual([method.classId, method.methodId])
      expect(frame.at(-1)).toBe(206)
      expect(decodeArguments(method, frame.subarray(11, -1))).toEqual(values)
    }), { numRuns: 40 })
  })
})

describe('names', () => {
  it('are known for every method, by its id', () => {
    expect([...generated.METHOD_NAMES]).toEqual(METHODS.map((method) => [idOf(method), method.name]))
  })

  it('and decoders cover exactly what clients may send', () => {
    expect(Object.keys(generated.DECODERS).map(Number)).toEqual(received.map(([, method]) => idOf(method)))
  })
})

describe('short strings', () => {
  const bind = METHODS.find(({ name }) => name === 'queue.bind')!
  const publish = METHODS.find(({ name }) => name === 'basic.publish')!
  /** An `x` in the routing key becomes a byte that no UTF-8 text has. */
  const spoil = (args: Buffer): Buffer => Buffer.from(args.map((byte) => (byte === 0x78 ? 0xff : byte)))

  it('that are not UTF-8 are refused', () => {
    const args = spoil(encodeArguments(bind, [0, 'q', 'e', 'x', false, tableOf({})]))
    expect(refusal(() => generated.decodeQueueBind(new ArgumentReader().over(args, 0, args.length)))).toBe(
      '501 FRAME_ERROR - Malformed UTF-8 in shortstr')
  })

  it('keep a byte order mark, which is part of a name', () => {
    const args = encodeArguments(bind, [0, '\ufeffq', 'e', 'k', false, tableOf({})])
    expect(generated.decodeQueueBind(new ArgumentReader().over(args, 0, args.length)).queue).toBe('\ufeffq')
  })

  it('are taken as they come for the routing key of a publish', () => {
    const args = spoil(encodeArguments(publish, [0, 'e', 'x', false, false]))
    expect(generated.decodeBasicPublish(new ArgumentReader().over(args, 0, args.length)).exchange).toBe('e')
  })
})

it('refuses a table that does not fill its length', () => {
  const declare = METHODS.find(({ name }) => name === 'queue.declare')!
  const args = encodeArguments(declare, [0, 'q', false, true, false, false, false, tableOf({ a: 'b' })])
  args[args.length - 2] = 9
  expect(refusal(() => generated.decodeQueueDeclare(new ArgumentReader().over(args, 0, args.length)))).toBe(
    `501 FRAME_ERROR - cannot decode ${printBinary(args)}`)
})
