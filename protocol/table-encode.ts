// Field tables on their way out: server-properties, x-death, and what tests send. Sizes are not known ahead,
// so pieces are collected and joined once; nothing on the message path encodes a table.
import type { Field, FieldTable } from './table.ts'

/** The pairs, without the table's own length. */
export function encodeTable(table: FieldTable): Buffer {
  const pieces: Buffer[] = []
  for (const [name, field] of table) {
    const bytes = Buffer.from(name)
    pieces.push(Buffer.from([bytes.length]), bytes)
    encodeField(field, pieces)
  }
  return Buffer.concat(pieces)
}

type PlainValue = string | boolean | number | FieldTable

/**
 * A table from plain values: strings as `S`, booleans as `t`, integers as `I` or `l`, nested tables as `F`.
 */
export function tableOf(values: Readonly<Record<string, PlainValue>>): FieldTable {
  return new Map(Object.entries(values).map(([name, value]): [string, Field] => [name, fieldOf(value)]))
}

function fieldOf(value: PlainValue): Field {
  if (typeof value === 'string') return { tag: 'S', value }
  if (typeof value === 'boolean') return { tag: 't', value }
  if (typeof value === 'number') return { tag: Math.abs(value) < 2 ** 31 ? 'I' : 'l', value }
  return { tag: 'F', value }
}

function encodeField(field: Field, pieces: Buffer[]): void {
  pieces.push(Buffer.from(field.tag))
  switch (field.tag) {
    case 'S': return prefixed(Buffer.from(field.value), pieces)
    case 'x': return prefixed(field.value, pieces)
    case 'F': return prefixed(encodeTable(field.value), pieces)
    case 'A': {
      const items: Buffer[] = []
      for (const item of field.value) encodeField(item, items)
      return prefixed(Buffer.concat(items), pieces)
    }
    case 't': pieces.push(Buffer.from([field.value ? 1 : 0])); return
    case 'V': return
    case 'D': {
      const bytes = Buffer.alloc(5, field.value.scale)
      bytes.writeUInt32BE(field.value.digits, 1)
      pieces.push(bytes)
      return
    }
    default: pieces.push(encodeNumber(field.tag, field.value))
  }
}

function encodeNumber(tag: string, value: number | bigint): Buffer {
  const bytes = Buffer.alloc({ b: 1, B: 1, s: 2, u: 2, I: 4, i: 4, f: 4 }[tag] ?? 8)
  switch (tag) {
    case 'b': bytes.writeInt8(Number(value)); break
    case 'B': bytes.writeUInt8(Number(value)); break
    case 's': bytes.writeInt16BE(Number(value)); break
    case 'u': bytes.writeUInt16BE(Number(value)); break
    case 'I': bytes.writeInt32BE(Number(value)); break
    case 'i': bytes.writeUInt32BE(Number(value)); break
    case 'f': bytes.writeFloatBE(Number(value)); break
    case 'd': bytes.writeDoubleBE(Number(value)); break
    case 'T': bytes.writeBigUInt64BE(BigInt(value)); break
    default: bytes.writeBigInt64BE(BigInt(value))
  }
  return bytes
}

function prefixed(bytes: Buffer, pieces: Buffer[]): void {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  pieces.push(length, bytes)
}
