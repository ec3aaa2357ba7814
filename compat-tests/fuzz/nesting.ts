// Field tables nested as deep as a frame can carry, written from the inside out without recursion: what would
// break a decoder that recurses. Called by mutations.ts.

/** An arguments table whose only field holds `depth` tables (`F`) or arrays (`A`) in each other. */
export function encodeItem(tag: 'F' | 'A', depth: number): Buffer {
  const perLevel = tag === 'F' ? 7 : 5
  const bytes = Buffer.alloc(4 + 2 + 1 + 4 + depth * perLevel)
  let at = bytes.writeUInt32BE(bytes.length - 4, 0)
  at += bytes.write('\x01a', at, 'latin1')
  at += bytes.write(tag, at, 'latin1')
  at = bytes.writeUInt32BE(depth * perLevel, at)
  for (let level = depth - 1; level >= 0; level--) {
    if (tag === 'F') at += bytes.write('\x01a', at, 'latin1')
    at += bytes.write(tag, at, 'latin1')
    at = bytes.writeUInt32BE(level * perLevel, at)
  }
  return bytes
}
