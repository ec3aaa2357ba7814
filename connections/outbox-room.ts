// How much may wait for a client's socket. Asked by Connection: before each delivery, after each write.
import type { FrameWriter } from '../protocol/frame-writer.ts'
import type { Transport } from './transport.ts'

/** Unsent bytes at which consumers get nothing more. */
const BYTES_MAX = 1024 * 1024
/** Of large bodies, which are not copied: one at a time would leave the socket idle between two of them. */
const LARGE_BYTES_MAX = 4 * 1024 * 1024
/** So many times as much, and a client that asks on is not read any longer. */
const HOLD_TIMES = 4

export class OutboxRoom {
  private readonly writer: FrameWriter
  private readonly transport: Transport
  /** Somebody found no room and is to be offered it. */
  isWanted = false

  constructor(writer: FrameWriter, transport: Transport) {
    this.writer = writer
    this.transport = transport
  }

  /** For one more delivery. */
  take(): boolean {
    const isThere = this.writer.pendingBytes + this.transport.bufferedBytes < this.bytesMax
    if (!isThere) this.isWanted = true
    return isThere
  }

  /** What was written has gone, or enough of it. */
  get isBack(): boolean {
    return this.transport.bufferedBytes < this.bytesMax
  }

  get isExceeded(): boolean {
    return this.transport.bufferedBytes > HOLD_TIMES * this.bytesMax
  }

  private get bytesMax(): number {
    return this.writer.isBodyLarge ? LARGE_BYTES_MAX : BYTES_MAX
  }
}
