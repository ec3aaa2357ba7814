// Chooses among destinations by the broker's randomness, a few bytes at a time: asking the operating system
// for each message would cost more than all the rest of its route.
import type { Random } from '../base/random.ts'

const BYTES = 4_096

export class Dice {
  private readonly random: Random
  private bytes: Buffer = Buffer.alloc(0)
  private at = 0

  constructor(random: Random) {
    this.random = random
  }

  /** An index of a list that is not empty, each as likely as any other. */
  roll(length: number): number {
    if (this.at === this.bytes.length) {
      this.bytes = this.random.bytes(BYTES)
      this.at = 0
    }
    const number = this.bytes.readUInt32LE(this.at)
    this.at += 4
    return Math.floor(number / 0x1_0000_0000 * length)
  }
}
