// Reusable memory for the op log. An arena is filled on the main thread, its ArrayBuffer is handed to whoever
// commits the batch (transferred, for a worker) and comes back to the pool. Invariant: a record lies in one
// arena, so a body larger than an arena gets one of its own, which is not kept.

const ARENA_BYTES = 256 * 1024
/** 16 MB, what may wait for the disk before publishers are stopped (batch-pipeline.ts). */
const ARENAS_KEPT = 64

export class Arena {
  readonly buffer: ArrayBuffer
  readonly bytes: Buffer
  readonly view: DataView
  /** Position in the batch of this arena's first byte. */
  readonly start: number
  used = 0

  constructor(buffer: ArrayBuffer, start: number) {
    this.buffer = buffer
    this.bytes = Buffer.from(buffer)
    this.view = new DataView(buffer)
    this.start = start
  }
}

export class ArenaPool {
  private readonly free: ArrayBuffer[] = []

  take(bytesNeeded: number, start: number): Arena {
    if (bytesNeeded > ARENA_BYTES) return new Arena(new ArrayBuffer(bytesNeeded), start)
    return new Arena(this.free.pop() ?? new ArrayBuffer(ARENA_BYTES), start)
  }

  giveBack(buffers: readonly ArrayBuffer[]): void {
    for (const buffer of buffers) {
      if (buffer.byteLength === ARENA_BYTES && this.free.length < ARENAS_KEPT) this.free.push(buffer)
    }
  }
}
