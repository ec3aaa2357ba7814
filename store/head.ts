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

export interface Head {
  readonly exchange: string
  readonly expiresAtMs: number
  readonly isDeadLetter: boolean
  /** Where the properties begin; they go to the head's end. */
  readonly propertiesAt: number
}

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

/** Null when the bytes are not a head that this version wrote. */
export function readHead(head: Buffer): Head | null {
  if (head.length < HEAD_FIXED_BYTES || head[0] !== VERSION) return null
  const propertiesAt = HEAD_FIXED_BYTES + head.readUInt16BE(2)
  if (propertiesAt > head.length) return null
  return {
    exchange: head.toString('utf8', HEAD_FIXED_BYTES, propertiesAt),
    expiresAtMs: head.readDoubleBE(4),
    isDeadLetter: (head[1]! & DEAD_LETTER) !== 0,
    propertiesAt,
  }
}
