// The crc that a stored message carries: of its head, then its body. Computed by writer.ts and compared by
// reader.ts, in the store thread (0.5 µs per KB). It must never change for the same bytes: rows outlive
// programs.

import { crc32 } from 'node:zlib'

export function checksum(head: Buffer, body: Buffer): number {
  const ofHead = crc32(head)
  // zlib answers 0, not the value so far, to an empty buffer without memory behind it, which some of Node's
  // are.
  return body.length === 0 ? ofHead : crc32(body, ofHead)
}
