// AMQP 0-9-1 from the client's side, read straight off the method table of protocol/spec.ts: encodes what
// clients send, decodes what servers send. Slow and obvious on purpose, and independent of the generated
// code that it is there to test. Arguments that are not given are zero, false or empty.
import {
  BASIC_PROPERTIES, FRAME_BODY, FRAME_END, FRAME_HEADER, FRAME_METHOD, FRAME_OVERHEAD, METHODS,
} from '../../protocol/spec.ts'
import { encodeTable } from '../../protocol/table-encode.ts'
import { EMPTY_TABLE, decodeTable } from '../../protocol/table.ts'
import type { FieldTable } from '../../protocol/table.ts'

export type Value = number | boolean | string | Buffer | FieldTable
export type Values = Readonly<Record<string, Value>>

export interface Method {
  readonly name: string
  readonly args: Values
}

const CLASS_BASIC = 60
type Pair = [name: string, type: string]
const toPair = (row: string): Pair => row.split(':') as Pair
const methods = METHODS.map((spec) => ({ ...spec, args: spec.args.map(toPair) }))
const byName = new Map(methods.map((spec) => [spec.name, spec]))
const byId = new Map(methods.map((spec) => [spec.classId * 0x1_0000 + spec.methodId, spec]))
const INTEGER_BYTES: Readonly<Record<string, number>> = { octet: 1, short: 2, long: 4, longlong: 8 }

export function encodeFrame(type: number, channel: number, payload: Buffer): Buffer {
  const head = [number(type, 1), number(channel, 2), number(payload.length, 4)]
  return Buffer.concat([...head, payload, number(FRAME_END, 1)])
}

export function encodeMethod(channel: number, name: string, values: Values): Buffer {
  const spec = byName.get(name)
  if (spec === undefined) throw new Error(`no method is called '${name}'`)
  const { classId, methodId, args } = spec
  const pieces = [number(classId, 2), number(methodId, 2)]
  let [bits, bitCount] = [0, 0]
  for (const [argument, type] of args) {
    const value = values[argument]
    if (type !== 'bit' || bitCount === 8) {
      if (bitCount > 0) pieces.push(number(bits, 1))
      bits = bitCount = 0
    }
    if (type === 'bit') bits |= (value === true ? 1 : 0) << bitCount++
    else pieces.push(encodeValue(type, value))
  }
  if (bitCount > 0) pieces.push(number(bits, 1))
  return encodeFrame(FRAME_METHOD, channel, Buffer.concat(pieces))
}

/** Content header and body frames. */
export function encodeContent(channel: number, properties: Values, body: Buffer, frameMax: number): Buffer {
  let flags = 0
  const values: Buffer[] = []
  for (const [index, [name, type]] of BASIC_PROPERTIES.entries()) {
    if (properties[name] === undefined) continue
    flags |= 0x8000 >>> index
    values.push(encodeValue(type, properties[name]))
  }
  const header = [number(CLASS_BASIC, 2), number(0, 2), number(body.length, 8), number(flags, 2), ...values]
  const frames = [encodeFrame(FRAME_HEADER, channel, Buffer.concat(header))]
  const size = frameMax - FRAME_OVERHEAD
  for (let at = 0; at < body.length; at += size) {
    frames.push(encodeFrame(FRAME_BODY, channel, body.subarray(at, at + size)))
  }
  return Buffer.concat(frames)
}

/** Errors: Error for a method that is not in the table, or arguments that do not fill the frame. */
export function decodeMethod(payload: Buffer): Method {
  const spec = byId.get(payload.readUInt32BE(0))
  if (spec === undefined) throw new Error(`no method has the id ${payload.readUInt32BE(0).toString(16)}`)
  return { name: spec.name, args: decodeValues(spec.name, spec.args, payload, 4) }
}

export function decodeHeader(payload: Buffer): { readonly bodySize: number; readonly properties: Values } {
  const flags = payload.readUInt16BE(12)
  const present = BASIC_PROPERTIES.filter((_, index) => (flags & (0x8000 >>> index)) !== 0)
  const properties = decodeValues('content header', present, payload, 14)
  return { bodySize: Number(payload.readBigUInt64BE(4)), properties }
}

/** Chunks in, frames out, whatever the chunks' borders. Errors: Error for a frame without its end octet. */
export class FrameSplitter {
  private rest: Buffer = Buffer.alloc(0)

  push(chunk: Buffer, onFrame: (type: number, channel: number, payload: Buffer) => void): void {
    const bytes = this.rest = Buffer.concat([this.rest, chunk])
    for (let at = 0; bytes.length - at >= FRAME_OVERHEAD;) {
      const end = at + 7 + bytes.readUInt32BE(at + 3)
      if (end >= bytes.length) break
      const [type, last] = [bytes[at]!, bytes[end]]
      if (last !== FRAME_END) throw new Error(`octet ${last} at the end of a frame of type ${type}`)
      this.rest = bytes.subarray(end + 1)
      onFrame(type, bytes.readUInt16BE(at + 1), bytes.subarray(at + 7, end))
      at = end + 1
    }
  }
}

function encodeValue(type: string, value: Value | undefined): Buffer {
  const bytes = INTEGER_BYTES[type]
  if (bytes !== undefined) return number(Number(value ?? 0), bytes)
  if (type === 'table') return prefixed(encodeTable((value ?? EMPTY_TABLE) as FieldTable), 4)
  const text = Buffer.isBuffer(value) ? value : Buffer.from(String(value ?? ''))
  return prefixed(text, type === 'longstr' ? 4 : 1)
}

function decodeValues(what: string, rows: readonly Readonly<Pair>[], buf: Buffer, start: number): Values {
  const values: Record<string, Value> = {}
  let at = start
  let bit = 0
  for (const [index, [name, type]] of rows.entries()) {
    const bytes = INTEGER_BYTES[type]
    if (type === 'bit') {
      values[name] = ((buf[at]! >>> bit++) & 1) === 1
      if (rows[index + 1]?.[1] === 'bit' && bit < 8) continue
      bit = 0
      at++
    } else if (bytes !== undefined) {
      values[name] = bytes === 8 ? Number(buf.readBigUInt64BE(at)) : buf.readUIntBE(at, bytes)
      at += bytes
    } else {
      const from = at + (type === 'longstr' || type === 'table' ? 4 : 1)
      const to = from + buf.readUIntBE(at, from - at)
      if (type === 'table') values[name] = decodeTable(buf, from, to)
      else values[name] = type === 'longstr' ? buf.subarray(from, to) : buf.toString('utf8', from, to)
      at = to
    }
  }
  if (at !== buf.length) throw new Error(`${what}: ${buf.length} bytes where ${at} were expected`)
  return values
}

function number(value: number, bytes: number): Buffer {
  const encoded = Buffer.allocUnsafe(bytes)
  if (bytes === 8) encoded.writeBigUInt64BE(BigInt(value))
  else encoded.writeUIntBE(value, 0, bytes)
  return encoded
}

function prefixed(bytes: Buffer, lengthBytes: number): Buffer {
  return Buffer.concat([number(bytes.length, lengthBytes), bytes])
}
