// A number for a text, the same on every machine and after every start: what the hashing exchange types
// place messages by. FNV-1a over the bytes, then murmur3's finish, without which similar texts would lie
// close together.

/** From 0 to 2^32 - 1. Another `seed` is another hash. */
export function hashOf(text: string, seed = 0): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
