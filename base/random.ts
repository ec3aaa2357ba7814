// Randomness as the core sees it: bytes for generated names and salts. runtime/ gives it the operating
// system's, tests and the simulation a seeded one.

export interface Random {
  bytes(length: number): Buffer
}

/** The same bytes for the same seed (xorshift32): for tests only, never for a secret. */
export class SeededRandom implements Random {
  private state: number

  constructor(seed: number) {
    this.state = (seed * 2_654_435_761) >>> 0 || 1
  }

  /** An integer from 0 up to, not including, `limit`. */
  below(limit: number): number {
    return Math.floor((this.next() / 0x1_0000_0000) * limit)
  }

  chance(probability: number): boolean {
    return this.next() / 0x1_0000_0000 < probability
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.alloc(length)
    for (let i = 0; i < length; i++) bytes[i] = this.next() & 0xff
    return bytes
  }

  private next(): number {
    let x = this.state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.state = x >>> 0
    return this.state
  }
}
