// The head of a stored message: what is neither its routing key (a column of its own, for people) nor its
// body. Written into the op log by BatchWriter, stored as it is, and read back when a message is loaded. Its
// first byte is a version, because rows outlive programs. Numbers are big-endian, as everything in AMQP.
//
//   | version u8 | flags u8 | exchange length u16 | expires at ms f64 | exchange utf8 | properties … |
//                  ^ 1: a dead letter               ^ Infinity: never

import type { StorableMessage } from './store.ts'

const VERSION = 1
const DEAD_LETTER = 1
export const HEAD_FIXED_BYTES = 12

/**
 * Returns where the head ends. Room for 3 bytes per UTF-16 unit of the exchange's name must have been
 * reserved.
 */
export function writeHead(
  bytes: Buffer, view: DataView, at: number, message: StorableMessage, expiresAtMs: number,
): number {
  const exchangeLength = bytes.write(message.exchange, at + HEAD_FIXED_BYTES, 'utf8')
  view.setUint8(at, VERSION)
  view.setUint8(at + 1, message.isDeadLetter ? DEAD_LETTER : 0)
  view.setUint16(at + 2, exchangeLength)
  view.setFloat64(at + 4, expiresAtMs)
  const properties = at + HEAD_FIXED_BYTES + exchangeLength
  return properties + message.buf.copy(bytes, properties, message.propertiesStart, message.propertiesEnd)
}

/** Whether bytes[at, end) is a head that this version wrote. */
export function isHead(bytes: Buffer, at: number, end: number): boolean {
  return end - at >= HEAD_FIXED_BYTES && bytes[at] === VERSION && propertiesAt(bytes, at) <= end
}

/** Where the properties begin, right after the exchange's name; they go to the head's end. */
export function propertiesAt(bytes: Buffer, at: number): number {
  return at + HEAD_FIXED_BYTES + bytes.readUInt16BE(at + 2)
}

export function expiryOf(bytes: Buffer, at: number): number {
  return bytes.readDoubleBE(at + 4)
}

export function isDeadLetter(bytes: Buffer, at: number): boolean {
  return (bytes[at + 1]! & DEAD_LETTER) !== 0
}
