// The crc that a stored message carries: of what it is and where it belongs. Computed by writer.ts and
// compared when a message is read, in the store thread (1 µs per KB). It must never change for the same row:
// rows outlive programs. The version in a head's first byte says which crc its row has.

import { crc32 } from 'node:zlib'

/** Of queue, id, level, routing key, head, then body. */
export function checksum(
  queue: number, id: number, level: number, routingKey: string, head: Buffer, body: Buffer,
): number {
  return ofHeadAndBody(head, body, crc32(routingKey, (placeOf(queue, id) ^ foldedLevel(level)) >>> 0))
}

/** The crc that a row should have; rows of head version 1 were written without queue, id and key in it. */
export function storedChecksum(
  queue: number, id: number, level: number, routingKey: string, head: Buffer, body: Buffer,
): number {
  return head[0] === 1 ? ofHeadAndBody(head, body, 0) : checksum(queue, id, level, routingKey, head, body)
}

function ofHeadAndBody(head: Buffer, body: Buffer, before: number): number {
  const ofHead = crc32(head, before)
  // zlib answers 0, not the value so far, to an empty buffer without memory behind it, which some of Node's
  // are.
  return body.length === 0 ? ofHead : crc32(body, ofHead)
}

/** Where the crc starts from: other for every change of one of both, since odd factors lose no bit. */
function placeOf(queue: number, id: number): number {
  const high = Math.floor(id / 0x1_0000_0000)
  return (Math.imul(queue, 0x9e37_79b1) ^ Math.imul(id, 0x85eb_ca77) ^ Math.imul(high, 0xc2b2_ae3d)) >>> 0
}

/** 0 for a level of 0, which rows had before there were levels. */
function foldedLevel(level: number): number {
  const high = Math.floor(level / 0x1_0000_0000)
  return Math.imul(level, 0x27d4_eb2f) ^ Math.imul(high, 0x1656_67b1)
}
