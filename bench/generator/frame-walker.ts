// The counting parser: walks AMQP frame headers through the chunks of a socket and shows the first bytes of
// each frame to a sink, without an allocation per message. Called by connection.ts for every chunk.
// Invariant: a frame is shown exactly once, with its first PREFIX_BYTES (or the whole frame) contiguous,
// wherever chunks are cut.
import { frameType } from '../../compat-tests/harness/wire.ts'

/** `at` is where the frame's payload begins, `size` its length: of a body only the beginning may be there. */
export interface FrameSink {
  method(bytes: Buffer, at: number): void
  header(bytes: Buffer, at: number): void
  body(bytes: Buffer, at: number): void
  /** Everything that came in one chunk was shown: the place for one write. */
  endOfChunk(): void
}

// Enough for a content header with a direct reply-to address, and for a close with its text.
const PREFIX_BYTES = 320
const FRAME_HEADER_BYTES = 7
const FRAME_BYTES = 8

export class FrameWalker {
  private readonly sink: FrameSink
  /** Bytes of the last frame that are still to come and of no interest. */
  private skip = 0
  /** The beginning of a frame that was cut by the end of a chunk. */
  private stash: Buffer = Buffer.alloc(0)

  constructor(sink: FrameSink) {
    this.sink = sink
  }

  /** Keeps nothing of the chunk but copies: its memory may be reused. */
  walk(bytes: Buffer, length: number): void {
    let at = this.stash.length > 0 ? this.finishStash(bytes, length) : this.skip
    while (at < length) {
      const shown = showableBytes(bytes, at, length)
      if (shown === 0) {
        this.stash = Buffer.from(bytes.subarray(at, length))
        at = length
        break
      }
      this.show(bytes, at)
      at += shown
    }
    this.skip = at - length
    this.sink.endOfChunk()
  }

  /** Shows the frame whose beginning was kept, and returns where the next one begins in the chunk. */
  private finishStash(bytes: Buffer, length: number): number {
    const kept = this.stash.length
    const joined = Buffer.concat([this.stash, bytes.subarray(0, Math.min(length, PREFIX_BYTES))])
    const shown = showableBytes(joined, 0, joined.length)
    if (shown === 0) {
      this.stash = joined
      return length
    }
    this.stash = Buffer.alloc(0)
    this.show(joined, 0)
    return shown - kept
  }

  private show(bytes: Buffer, at: number): void {
    switch (bytes[at]) {
      case frameType.method: return this.sink.method(bytes, at + FRAME_HEADER_BYTES)
      case frameType.header: return this.sink.header(bytes, at + FRAME_HEADER_BYTES)
      case frameType.body: return this.sink.body(bytes, at + FRAME_HEADER_BYTES)
      case frameType.heartbeat: return undefined
      default: throw new Error(`frame type ${bytes[at]}: the walk lost its way at offset ${at}`)
    }
  }
}

/** The whole length of the frame at this place, or 0 when too little of it is there to be shown. */
function showableBytes(bytes: Buffer, at: number, length: number): number {
  if (length - at < FRAME_HEADER_BYTES) return 0
  const whole = bytes.readUInt32BE(at + 3) + FRAME_BYTES
  return length - at < Math.min(whole, PREFIX_BYTES) ? 0 : whole
}
