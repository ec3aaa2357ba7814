// AMQP 0-9-1 bytes for the raw client: field tables, method arguments, basic properties, frames. Called by
// raw-client.ts and by tests that need types or errors amqplib cannot write. Plain and slow on purpose.
// Invariant: a table is an ordered list that keeps duplicates and tags, so what is read can be compared byte
// for byte.

import { basicProperties, methodNameOf, methods } from './amqp-methods.ts'
import type { MethodName } from './amqp-methods.ts'

export type Field = readonly [name: string, tag: string, value?: unknown]
export type Item = readonly [tag: string, value?: unknown]
export type Args = Record<string, unknown>

export const frameType = { method: 1, header: 2, body: 3, heartbeat: 8 } as const
const frameEnd = 0xce

function integer(size: number, value: bigint | number): Buffer {
  const bytes = Buffer.alloc(size)
  let rest = BigInt.asUintN(size * 8, BigInt(value))
  for (let i = size - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn)
    rest >>= 8n
  }
  return bytes
}

function prefixed(prefixSize: number, bytes: Buffer): Buffer {
  return Buffer.concat([integer(prefixSize, bytes.length), bytes])
}

const integerTags: Record<string, readonly [size: number, signed: boolean]> = {
  b: [1, true], B: [1, false], s: [2, true], u: [2, false], I: [4, true], i: [4, false], l: [8, true],
    L: [8, false],
  T: [8, false],
}

function float(size: 4 | 8, value: number): Buffer {
  const bytes = Buffer.alloc(size)
  if (size === 4) bytes.writeFloatBE(value)
  else bytes.writeDoubleBE(value)
  return bytes
}

function encodeValue(tag: string, value: unknown): Buffer {
  const int = integerTags[tag]
  if (int !== undefined) return integer(int[0], value as number | bigint)
  switch (tag) {
    case 't': return integer(1, value === true ? 1 : 0)
    case 'f': return float(4, value as number)
    case 'd': return float(8, value as number)
    case 'D': {
      const [scale, digits] = value as readonly [number, number]
      return Buffer.concat([integer(1, scale), integer(4, digits)])
    }
    case 'S': return prefixed(4, Buffer.from(value as string | Buffer as string))
    case 'x': return prefixed(4, value as Buffer)
    case 'A': return prefixed(4, Buffer.concat((value as Item[]).map(encodeItem)))
    case 'F': return encodeTable(value as Field[])
    case 'V': return Buffer.alloc(0)
    default: return value as Buffer // an unknown tag: the test gives the bytes
  }
}

function encodeItem([tag, value]: Item): Buffer {
  return Buffer.concat([Buffer.from(tag, 'latin1'), encodeValue(tag, value)])
}

/** A field table with its 4-byte length. */
export function encodeTable(fields: readonly Field[]): Buffer {
  return prefixed(4, Buffer.concat(fields.map(([name, tag, value]) =>
    Buffer.concat([prefixed(1, Buffer.from(name)), encodeItem([tag, value])]))))
}

/** Reads forward through one payload. */
export class Reader {
  private at = 0
  private readonly bytes: Buffer

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.at >= this.bytes.length
  }

  take(length: number): Buffer {
    const end = this.at + length
    if (end > this.bytes.length) {
      throw new RangeError(`payload of ${this.bytes.length} bytes ends before ${end}`)
    }
    const slice = this.bytes.subarray(this.at, end)
    this.at = end
    return slice
  }

  rest(): Buffer {
    return this.take(this.bytes.length - this.at)
  }

  unsigned(size: number): bigint {
    return this.take(size).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  }

  number(size: number): number {
    return Number(this.unsigned(size))
  }

  value(tag: string): unknown {
    const int = integerTags[tag]
    if (int !== undefined) {
      const raw = this.unsigned(int[0])
      const value = int[1] ? BigInt.asIntN(int[0] * 8, raw) : raw
      return int[0] === 8 ? value : Number(value)
    }
    switch (tag) {
      case 't': return this.number(1) !== 0
      case 'f': return this.take(4).readFloatBE()
      case 'd': return this.take(8).readDoubleBE()
      case 'D': return [this.number(1), this.number(4)]
      case 'S': return this.take(this.number(4)).toString()
      case 'x': return Buffer.from(this.take(this.number(4)))
      case 'F': return this.table()
      case 'V': return undefined
      case 'A': {
        const inner = new Reader(this.take(this.number(4)))
        const items: Item[] = []
        while (!inner.isAtEnd) items.push(inner.item())
        return items
      }
      default: throw new TypeError(`unknown field tag '${tag}'`)
    }
  }

  item(): Item {
    const tag = this.take(1).toString('latin1')
    return tag === 'V' ? [tag] : [tag, this.value(tag)]
  }

  table(): Field[] {
    const inner = new Reader(this.take(this.number(4)))
    const fields: Field[] = []
    while (!inner.isAtEnd) fields.push([inner.take(inner.number(1)).toString(), ...inner.item()])
    return fields
  }
}

const integerSizes: Record<string, number> = { octet: 1, short: 2, long: 4, longlong: 8, timestamp: 8 }

function argList(spec: string): [name: string, type: string][] {
  return spec === '' ? [] : spec.split(' ').map((arg) => arg.split(':') as [string, string])
}

function encodeArg(type: string, value: unknown): Buffer {
  const size = integerSizes[type]
  if (size !== undefined) return integer(size, (value ?? 0) as number | bigint)
  if (type === 'table') return encodeTable((value ?? []) as Field[])
  return prefixed(type === 'shortstr' ? 1 : 4, Buffer.from((value ?? '') as string))
}

/** The argument bytes of a method; what is not given is empty, zero or false. Adjacent bits share octets. */
export function encodeArgs(name: MethodName, args: Args = {}): Buffer {
  const known = argList(methods[name][2])
  const stray = Object.keys(args).find((key) => !known.some(([arg]) => arg === key))
  if (stray !== undefined) throw new TypeError(`${name} has no argument '${stray}'`)
  const parts: Buffer[] = []
  let bits = 0
  let bitCount = 0
  for (const [arg, type] of known) {
    if (type === 'bit') {
      if (args[arg] === true) bits |= 1 << bitCount
      bitCount++
      continue
    }
    if (bitCount > 0) parts.push(integer(1, bits))
    bits = bitCount = 0
    parts.push(encodeArg(type, args[arg]))
  }
  if (bitCount > 0) parts.push(integer(1, bits))
  return Buffer.concat(parts)
}

export function encodeMethod(name: MethodName, args: Args = {}): Buffer {
  const [classId, methodId] = methods[name]
  return Buffer.concat([integer(2, classId), integer(2, methodId), encodeArgs(name, args)])
}

export function decodeMethod(payload: Buffer): { name: string, args: Args } {
  const reader = new Reader(payload)
  const name = methodNameOf(reader.number(2), reader.number(2))
  const spec = name in methods ? methods[name as MethodName][2] : ''
  const args: Args = {}
  let bits = 0
  let bitCount = 0
  for (const [arg, type] of argList(spec)) {
    if (type === 'bit') {
      if (bitCount % 8 === 0) bits = reader.number(1)
      args[arg] = ((bits >> (bitCount++ % 8)) & 1) === 1
      continue
    }
    bitCount = 0
    args[arg] = decodeArg(reader, type)
  }
  return { name, args }
}

function decodeArg(reader: Reader, type: string): unknown {
  const size = integerSizes[type]
  if (size !== undefined) return reader.number(size)
  if (type === 'table') return reader.table()
  return reader.take(reader.number(type === 'shortstr' ? 1 : 4)).toString()
}

/** Property flags and values as they stand in a content header, after the body size. */
export function encodeProperties(properties: Args = {}): Buffer {
  let flags = 0
  const parts: Buffer[] = []
  basicProperties.forEach(([name, type], index) => {
    if (!(name in properties)) return
    flags |= 1 << (15 - index)
    parts.push(encodeArg(type, properties[name]))
  })
  return Buffer.concat([integer(2, flags), ...parts])
}

/** What encodeProperties wrote: the properties that are there, by name. */
export function decodeProperties(bytes: Buffer): Args {
  const reader = new Reader(bytes)
  const flags = reader.number(2)
  const present = basicProperties.filter((_, index) => (flags & (1 << (15 - index))) !== 0)
  return Object.fromEntries(present.map(([name, type]) => [name, decodeArg(reader, type)]))
}

export function encodeHeader(bodySize: number | bigint, properties: Buffer, classId = 60,
  weight = 0): Buffer {
  return Buffer.concat([integer(2, classId), integer(2, weight), integer(8, bodySize), properties])
}

export function encodeFrame(type: number, channel: number, payload: Buffer, end = frameEnd): Buffer {
  return Buffer.concat([integer(1, type), integer(2, channel), prefixed(4, payload), integer(1, end)])
}
