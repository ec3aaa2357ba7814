// The properties of a message by name, for doors that are not AMQP: read from and written to the flags and
// list that a content header carries. Not for the message path, which leaves them as they lie.
//
//   short flags (highest bit first) | the properties whose bits are set, in this order
import { decodeTable } from './table.ts'
import type { FieldTable } from './table.ts'
import { encodeTable } from './table-encode.ts'

type Kind = 'text' | 'octet' | 'timestamp' | 'table'

/** In the order of the wire. `cluster_id` is deprecated: read past, never written. */
export const PROPERTY_KINDS = {
  content_type: 'text', content_encoding: 'text', headers: 'table', delivery_mode: 'octet', priority: 'octet',
  correlation_id: 'text', reply_to: 'text', expiration: 'text', message_id: 'text', timestamp: 'timestamp',
  type: 'text', user_id: 'text', app_id: 'text', cluster_id: 'text',
} as const satisfies Record<string, Kind>

export type PropertyName = keyof typeof PROPERTY_KINDS

export interface Properties {
  readonly content_type?: string
  readonly content_encoding?: string
  readonly headers?: FieldTable
  readonly delivery_mode?: number
  readonly priority?: number
  readonly correlation_id?: string
  readonly reply_to?: string
  readonly expiration?: string
  readonly message_id?: string
  /** Seconds since the epoch. */
  readonly timestamp?: number
  readonly type?: string
  readonly user_id?: string
  readonly app_id?: string
  readonly cluster_id?: string
}

const rows = Object.entries(PROPERTY_KINDS) as [PropertyName, Kind][]
const flagOf = (at: number): number => 0x8000 >>> at

/** Flags and list. Texts are of 255 bytes at most, octets of one: the caller has checked. */
export function encodeProperties(properties: Properties): Buffer {
  const pieces: Buffer[] = [Buffer.alloc(2)]
  let flags = 0
  for (const [at, [name, kind]] of rows.entries()) {
    const value = properties[name]
    if (value === undefined) continue
    flags |= flagOf(at)
    pieces.push(encode(kind, value))
  }
  pieces[0]!.writeUInt16BE(flags)
  return Buffer.concat(pieces)
}

/** Of bytes that were read as a content header before. */
export function decodeProperties(buf: Buffer, start: number): Properties {
  const flags = buf.readUInt16BE(start)
  const properties: Record<string, unknown> = {}
  let at = start + 2
  for (const [place, [name, kind]] of rows.entries()) {
    if ((flags & flagOf(place)) === 0) continue
    const size = sizeAt(kind, buf, at)
    properties[name] = decode(kind, buf, at, size)
    at += size
  }
  return properties
}

function encode(kind: Kind, value: string | number | FieldTable): Buffer {
  switch (kind) {
    case 'octet': return Buffer.from([value as number])
    case 'timestamp': {
      const bytes = Buffer.alloc(8)
      bytes.writeBigUInt64BE(BigInt(value as number))
      return bytes
    }
    case 'table': {
      const table = encodeTable(value as FieldTable)
      const length = Buffer.alloc(4)
      length.writeUInt32BE(table.length)
      return Buffer.concat([length, table])
    }
    case 'text': {
      const bytes = Buffer.from(value as string)
      return Buffer.concat([Buffer.from([bytes.length]), bytes])
    }
  }
}

function sizeAt(kind: Kind, buf: Buffer, at: number): number {
  switch (kind) {
    case 'octet': return 1
    case 'timestamp': return 8
    case 'table': return 4 + buf.readUInt32BE(at)
    case 'text': return 1 + buf[at]!
  }
}

function decode(kind: Kind, buf: Buffer, at: number, size: number): string | number | FieldTable {
  switch (kind) {
    case 'octet': return buf[at]!
    case 'timestamp': return Number(buf.readBigUInt64BE(at))
    case 'table': return decodeTable(buf, at + 4, at + size)
    case 'text': return buf.toString('utf8', at + 1, at + size)
  }
}
