// The head of a stored message: what is neither its routing key (a column of its own, for people) nor its
// body. Written into the op log by BatchWriter, stored as it is, and read back when a message is loaded. Its
// first byte is a version, because rows outlive programs. Numbers are big-endian, as everything in AMQP.
//
//   | version u8 | flags u8 | exchange length u16 | expires ms f64 | exchange | raw key | properties … |
//                  ^ 1: a dead letter               ^ Infinity: never          ^ flag 2: length u8, bytes
//
// Version 1 has no raw key. The version also says what the row's crc covers (sqlite/checksum.ts).

import type { StorableMessage } from './store.ts'

export const HEAD_VERSION = 2
const DEAD_LETTER = 1
const RAW_KEY = 2
export const HEAD_FIXED_BYTES = 12

/** Room that `writeHead` needs at most. */
export function headBytesMax(message: StorableMessage): number {
  const keyBytes = message.rawKey === null ? 0 : 1 + message.rawKey.length
  return HEAD_FIXED_BYTES + 3 * message.exchange.length + keyBytes
    + (message.propertiesEnd - message.propertiesStart)
}

/** Returns where the head ends. Room for `headBytesMax` must have been reserved. */
export function writeHead(
  bytes: Buffer, view: DataView, at: number, message: StorableMessage, expiresAtMs: number,
): number {
  const exchangeLength = bytes.write(message.exchange, at + HEAD_FIXED_BYTES, 'utf8')
  const { rawKey } = message
  view.setUint8(at, HEAD_VERSION)
  view.setUint8(at + 1, (message.isDeadLetter ? DEAD_LETTER : 0) | (rawKey === null ? 0 : RAW_KEY))
  view.setUint16(at + 2, exchangeLength)
  view.setFloat64(at + 4, expiresAtMs)
  let properties = at + HEAD_FIXED_BYTES + exchangeLength
  if (rawKey !== null) {
    view.setUint8(properties, rawKey.length)
    properties += 1 + rawKey.copy(bytes, properties + 1)
  }
  return properties + message.buf.copy(bytes, properties, message.propertiesStart, message.propertiesEnd)
}

/** Whether bytes[at, end) is a head that this version or an earlier one wrote. */
export function isHead(bytes: Buffer, at: number, end: number): boolean {
  if (end - at < HEAD_FIXED_BYTES || bytes[at]! > HEAD_VERSION || bytes[at] === 0) return false
  return exchangeEnd(bytes, at) <= end && propertiesAt(bytes, at) <= end
}

/** Where the exchange's name ends, which begins after the fixed part. */
export function exchangeEnd(bytes: Buffer, at: number): number {
  return at + HEAD_FIXED_BYTES + bytes.readUInt16BE(at + 2)
}

/** Where the properties begin; they go to the head's end. */
export function propertiesAt(bytes: Buffer, at: number): number {
  const end = exchangeEnd(bytes, at)
  return hasRawKey(bytes, at) ? end + 1 + (bytes[end] ?? bytes.length) : end
}

/** The routing key as it came, when it is not UTF-8 and the column cannot hold it; else null. */
export function rawKeyOf(bytes: Buffer, at: number): Buffer | null {
  return hasRawKey(bytes, at) ? bytes.subarray(exchangeEnd(bytes, at) + 1, propertiesAt(bytes, at)) : null
}

export function expiryOf(bytes: Buffer, at: number): number {
  return bytes.readDoubleBE(at + 4)
}

export function isDeadLetter(bytes: Buffer, at: number): boolean {
  return (bytes[at + 1]! & DEAD_LETTER) !== 0
}

function hasRawKey(bytes: Buffer, at: number): boolean {
  return (bytes[at + 1]! & RAW_KEY) !== 0
}
