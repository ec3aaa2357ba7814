// Order and pace of the batches of one engine: at most one is in flight, the next fills meanwhile, and what
// grows large before its turn waits in a FIFO. Group commit without a timer. Both engines stand on it; it
// knows neither. Invariants: a batch is cut only at a seal, numbers are reported in order, and after a
// failure nothing is reported. A batch that the disk has no room for stays in flight: whoever commits tries
// it again, and meanwhile the pipeline is congested, so that only what is settled is appended.
//
//    appended →| open, fills |→ seal →| waiting, FIFO |→| in flight |→ committed → onDurable
//              ^ openBatch            ^ only when large while one is in flight

import { BatchWriter, type ClosedBatch } from './batch.ts'
import type { StoreFailure } from './store.ts'

/** Beyond this, publishers are stopped; below half of it, they may go on. */
const WAITING_BYTES_MAX = 16 * 1024 * 1024

export interface PipelineListener {
  onDurable: (batch: number) => void
  onFailed: (failure: StoreFailure) => void
  onRelieved: () => void
}

/**
 * How much larger than others a batch may grow that has to wait behind one that waits: the store is behind,
 * and fewer commits catch up sooner. With pages to read between any two of them, the acks of a drained queue
 * fell 400,000 behind in batches of 500 (2026-11).
 */
const WAITING_TIMES = 6

interface Waiter {
  readonly batch: number
  readonly resolve: () => void
  readonly reject: (cause: Error) => void
}

export class BatchPipeline {
  readonly writer = new BatchWriter()
  readonly listeners = new Set<PipelineListener>()
  isCongested = false
  failure: StoreFailure | null = null
  /** Every batch up to this number is durable. */
  durableBatch = 0
  private inFlight: ClosedBatch | null = null
  private isShortOfRoom = false
  private readonly waiting: ClosedBatch[] = []
  /** Of the closed batches that are not durable yet. */
  private closedBytes = 0
  /** Length of the open batch at the last seal. */
  private sealedBytes = 0
  private waiters: Waiter[] = []
  private readonly commit: (batch: ClosedBatch) => void
  private readonly later: (task: () => void) => void

  /** `commit` starts a commit and answers, not before it has returned, with `committed` or `fail`. */
  constructor(commit: (batch: ClosedBatch) => void, later: (task: () => void) => void) {
    this.commit = commit
    this.later = later
  }

  get hasBatchInFlight(): boolean {
    return this.inFlight !== null
  }

  seal(): void {
    if (this.writer.isEmpty) return
    if (this.failure !== null) {
      this.writer.recycle(this.writer.close().buffers)
      return
    }
    this.sealedBytes = this.writer.bytes
    if (this.inFlight === null) this.start(this.cut())
    else if (this.writer.isLarge(this.waiting.length === 0 ? 1 : WAITING_TIMES)) {
      this.waiting.push(this.cut())
    }
    if (this.closedBytes + this.writer.bytes > WAITING_BYTES_MAX) this.isCongested = true
  }

  /** The batch in flight is durable; its buffers are back. */
  committed(buffers: readonly ArrayBuffer[]): void {
    if (this.failure !== null || this.inFlight === null) return
    this.settle(this.inFlight, buffers)
    this.inFlight = null
    this.startNext()
    const batch = this.durableBatch
    for (const listener of this.listeners) listener.onDurable(batch)
    this.wake()
    this.relieveIfCaughtUp()
  }

  /** The disk has no room: publishers are to wait until `roomFound`, however little is appended. */
  noRoom(): void {
    this.isShortOfRoom = true
    this.isCongested = true
  }

  roomFound(): void {
    this.isShortOfRoom = false
    this.relieveIfCaughtUp()
  }

  fail(failure: StoreFailure): void {
    if (this.failure !== null) return
    this.failure = failure
    this.isCongested = true
    this.waiting.length = 0
    for (const listener of this.listeners) listener.onFailed(failure)
    for (const waiter of this.waiters) waiter.reject(failure.cause)
    this.waiters = []
  }

  /** Seals, and waits until everything appended so far is durable. */
  flush(): Promise<void> {
    this.seal()
    if (this.failure !== null) return Promise.reject(this.failure.cause)
    const batch = this.writer.isEmpty ? this.writer.number - 1 : this.writer.number
    if (batch <= this.durableBatch) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.waiters.push({ batch, resolve, reject })
    })
  }

  private cut(): ClosedBatch {
    const batch = this.writer.close()
    this.closedBytes += batch.bytes
    this.sealedBytes = 0
    return batch
  }

  private start(batch: ClosedBatch): void {
    this.inFlight = batch
    // Everything in it was cancelled: durable without a write, but never reported from within `seal`.
    if (batch.live === 0) this.later(() => this.committed(batch.buffers))
    else this.commit(batch)
  }

  private startNext(): void {
    for (let batch = this.waiting.shift(); batch !== undefined; batch = this.waiting.shift()) {
      if (batch.live > 0) {
        this.start(batch)
        return
      }
      this.settle(batch, batch.buffers)
    }
    // Appended to since the last seal, the open batch would be cut in the middle of a turn: the seal to come
    // starts it.
    const isAtSeal = this.writer.bytes === this.sealedBytes
    if (isAtSeal && !this.writer.isEmpty) this.start(this.cut())
  }

  private settle(batch: ClosedBatch, buffers: readonly ArrayBuffer[]): void {
    this.durableBatch = batch.number
    this.closedBytes -= batch.bytes
    this.writer.recycle(buffers)
  }

  private wake(): void {
    if (this.waiters.length === 0) return
    const ready = this.waiters.filter((waiter) => waiter.batch <= this.durableBatch)
    this.waiters = this.waiters.filter((waiter) => waiter.batch > this.durableBatch)
    for (const waiter of ready) waiter.resolve()
  }

  private relieveIfCaughtUp(): void {
    if (!this.isCongested || this.isShortOfRoom || this.failure !== null) return
    if (this.closedBytes + this.writer.bytes >= WAITING_BYTES_MAX / 2) return
    this.isCongested = false
    for (const listener of this.listeners) listener.onRelieved()
  }
}
