// Field tables (AMQP 0-9-1 §4.2.5.5 with RabbitMQ's tags): decoded for arguments, found in place for headers,
// encoded for what the broker itself says. Tags are kept, because RabbitMQ's texts name them and a client may
// tell `I` from `l`.
//
//   table  = long length, then pairs:  octet n, n bytes of name | octet tag | value
//   array  = long length, then         octet tag | value  …

export type FieldTable = ReadonlyMap<string, Field>

export type Field =
  | { readonly tag: 'S'; readonly value: string }
  | { readonly tag: 'x'; readonly value: Buffer }
  | { readonly tag: 't'; readonly value: boolean }
  | { readonly tag: IntegerTag | 'T'; readonly value: number | bigint }
  | { readonly tag: 'f' | 'd'; readonly value: number }
  | { readonly tag: 'D'; readonly value: { readonly scale: number; readonly digits: number } }
  | { readonly tag: 'V'; readonly value: null }
  | { readonly tag: 'A'; readonly value: readonly Field[] }
  | { readonly tag: 'F'; readonly value: FieldTable }

export type IntegerTag = 'b' | 'B' | 's' | 'u' | 'I' | 'i' | 'l' | 'L'

/** Names of field types as they appear in RabbitMQ's error texts (behaviours §0.4). */
export const FIELD_TYPE_NAMES: Readonly<Record<Field['tag'], string>> = {
  S: 'longstr', x: 'binary', t: 'bool', b: 'byte', B: 'unsignedbyte', s: 'short', u: 'unsignedshort',
  I: 'signedint', i: 'unsignedint', l: 'long', L: 'long', T: 'timestamp', f: 'float', d: 'double',
  D: 'decimal',
  V: 'void',
  A: 'array', F: 'table',
}

/** Nested deeper than this is refused: a table is data, not a way to exhaust the stack. */
const DEPTH_MAX = 64

export class TableMalformed extends Error {
  override name = 'TableMalformed'
}

export const EMPTY_TABLE: FieldTable = new Map()

export function isInteger(field: Field): field is Extract<Field, { tag: IntegerTag | 'T' }> {
  return 'bBsuIilL'.includes(field.tag)
}

/** Decodes the pairs between start and end. Of a repeated name the last stays, at the place of the first. */
export function decodeTable(buf: Buffer, start: number, end: number): FieldTable {
  return new Cursor(buf, start, end).pairs(end, 0)
}

/** Decodes the single value whose tag is at `at`. */
export function decodeFieldAt(buf: Buffer, at: number, end: number): Field {
  return new Cursor(buf, at, end).field(0)
}

/** Where the value whose tag is at `at` ends. */
export function skipFieldAt(buf: Buffer, at: number, end: number): number {
  const cursor = new Cursor(buf, at, end)
  cursor.skipValue()
  return cursor.at
}

class Cursor {
  readonly buf: Buffer
  readonly end: number
  at: number

  constructor(buf: Buffer, at: number, end: number) {
    this.buf = buf
    this.at = at
    this.end = end
  }

  /** Moves on by `size` and returns where it was. */
  skip(size: number): number {
    const was = this.at
    if (size > this.end - was) {
      throw new TableMalformed(`a value of ${size} bytes runs past the end of its table`)
    }
    this.at = was + size
    return was
  }

  pairs(end: number, depth: number): FieldTable {
    const table = new Map<string, Field>()
    while (this.at < end) {
      const length = this.buf[this.skip(1)]!
      const nameAt = this.skip(length)
      table.set(this.buf.toString('utf8', nameAt, nameAt + length), this.field(depth))
    }
    if (this.at !== end) throw new TableMalformed('a value runs past the end of its table')
    return table
  }

  field(depth: number): Field {
    if (depth > DEPTH_MAX) throw new TableMalformed(`tables nested deeper than ${DEPTH_MAX}`)
    const tag = String.fromCharCode(this.buf[this.skip(1)]!)
    switch (tag) {
      case 'S': return { tag, value: this.text() }
      case 'x': return { tag, value: Buffer.from(this.bytes()) }
      case 't': return { tag, value: this.buf[this.skip(1)] !== 0 }
      case 'V': return { tag, value: null }
      case 'f': return { tag, value: this.buf.readFloatBE(this.skip(4)) }
      case 'd': return { tag, value: this.buf.readDoubleBE(this.skip(8)) }
      case 'D': {
        const at = this.skip(5)
        return { tag, value: { scale: this.buf[at]!, digits: this.buf.readUInt32BE(at + 1) } }
      }
      case 'F': {
        const end = this.nestedEnd()
        return { tag, value: this.pairs(end, depth + 1) }
      }
      case 'A': {
        const end = this.nestedEnd()
        const items: Field[] = []
        while (this.at < end) items.push(this.field(depth + 1))
        if (this.at !== end) throw new TableMalformed('a value runs past the end of its array')
        return { tag, value: items }
      }
      default: return this.integer(tag)
    }
  }

  private integer(tag: string): Field {
    const { buf } = this
    switch (tag) {
      case 'b': return { tag, value: buf.readInt8(this.skip(1)) }
      case 'B': return { tag, value: buf.readUInt8(this.skip(1)) }
      case 's': return { tag, value: buf.readInt16BE(this.skip(2)) }
      case 'u': return { tag, value: buf.readUInt16BE(this.skip(2)) }
      case 'I': return { tag, value: buf.readInt32BE(this.skip(4)) }
      case 'i': return { tag, value: buf.readUInt32BE(this.skip(4)) }
      case 'l': case 'L': return { tag, value: narrow(buf.readBigInt64BE(this.skip(8))) }
      case 'T': return { tag, value: narrow(buf.readBigUInt64BE(this.skip(8))) }
      default: throw new TableMalformed(`unknown field tag ${JSON.stringify(tag)}`)
    }
  }

  /** Moves past one value, nested ones included: what is skipped is as well-formed as what is decoded. */
  skipValue(depth = 0): void {
    if (depth > DEPTH_MAX) throw new TableMalformed(`tables nested deeper than ${DEPTH_MAX}`)
    const tag = this.buf[this.skip(1)]!
    const size = FIXED_SIZES.get(tag)
    if (size !== undefined) {
      this.skip(size)
    } else if (LENGTH_PREFIXED.includes(tag)) {
      const length = this.buf.readUInt32BE(this.skip(4))
      this.skip(length)
    } else if (NESTED.includes(tag)) {
      this.skipNested(tag === NESTED[0], depth)
    } else {
      throw new TableMalformed(`unknown field tag ${JSON.stringify(String.fromCharCode(tag))}`)
    }
  }

  private skipNested(isTable: boolean, depth: number): void {
    const end = this.nestedEnd()
    while (this.at < end) {
      if (isTable) {
        const length = this.buf[this.skip(1)]!
        this.skip(length)
      }
      this.skipValue(depth + 1)
    }
    if (this.at !== end) throw new TableMalformed('a value runs past the end of its table')
  }

  private nestedEnd(): number {
    const length = this.buf.readUInt32BE(this.skip(4))
    const end = this.at + length
    if (end > this.end) throw new TableMalformed('a nested value runs past the end of its table')
    return end
  }

  private bytes(): Buffer {
    const length = this.buf.readUInt32BE(this.skip(4))
    const at = this.skip(length)
    return this.buf.subarray(at, at + length)
  }

  private text(): string {
    return this.bytes().toString('utf8')
  }
}

const FIXED_SIZES: ReadonlyMap<number, number> = new Map(Object.entries({
  t: 1, b: 1, B: 1, s: 2, u: 2, I: 4, i: 4, l: 8, L: 8, T: 8, f: 4, d: 8, D: 5, V: 0,
}).map(([tag, size]) => [tag.charCodeAt(0), size]))
const LENGTH_PREFIXED = [...'Sx'].map((tag) => tag.charCodeAt(0))
const NESTED = [...'FA'].map((tag) => tag.charCodeAt(0))

/** A number where it is exact, a bigint where it is not. */
function narrow(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}
