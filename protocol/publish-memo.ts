// A publisher mostly repeats its last basic.publish. Comparing the raw arguments costs tens of nanoseconds;
// decoding exchange and routing key and looking them up costs hundreds. A miss falls back to the decoder, so
// this file can be deleted without changing behaviour.
import { startsWith } from './bytes.ts'

export class PublishMemo {
  private readonly bytes = Buffer.alloc(2 + 256 + 256 + 1)
  private length = -1

  /** Are the arguments between start and end those remembered? */
  matches(buf: Buffer, start: number, end: number): boolean {
    return end - start === this.length && startsWith(this.bytes, buf, start, end)
  }

  remember(buf: Buffer, start: number, end: number): void {
    buf.copy(this.bytes, 0, start, end)
    this.length = end - start
  }
}
