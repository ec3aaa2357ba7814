// The bare path of a durable message: main thread, store thread, commit, confirm, without a protocol or a
// queue around it. What the rows `durable-*` keep of it is the broker's own share. A message is put, and
// dropped in the turn that hears of its confirm: an insert and a delete each. Listed in main.ts; needs dist/,
// since the store thread runs from there.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { SqliteEngine } from '../../store/sqlite/sqlite-engine.ts'
import { isHeld } from '../../store/store.ts'
import type { StorableMessage, Store } from '../../store/store.ts'
import { percentile, rate, time } from '../workload.ts'
import type { Figure, Timing, Workload } from '../workload.ts'

const BODY_BYTES = 1024
const QUEUE = 1

export const storePaths: readonly Workload[] = [1, 100, 1_000].map((window) => ({
  name: `durable-store-${window}`,
  what: `the store without a broker: ${BODY_BYTES} B put, confirmed and dropped, ${window} unconfirmed`,
  isLeveretOnly: true,
  run: (_target, timing) => measure(window, timing),
}))

async function measure(window: number, { warmUpMs, measureMs }: Timing): Promise<readonly Figure[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'leveret-store-path-'))
  const engine = new SqliteEngine({ dataDir })
  try {
    await engine.open()
    const store = await engine.acquire('/')
    if (isHeld(store)) throw new Error(`the store in ${dataDir} is held by ${store.heldBy}`)
    const path = new StorePath(store, window)
    path.fill()
    await delay(warmUpMs)
    path.measure()
    const beganMs = performance.now()
    await delay(measureMs)
    const seconds = (performance.now() - beganMs) / 1000
    const figures = path.figures(seconds)
    path.stop()
    await store.release()
    return figures
  } finally {
    await engine.close()
    rmSync(dataDir, { recursive: true })
  }
}

class StorePath {
  private readonly store: Store
  private readonly window: number
  private readonly message = messageOf(Buffer.alloc(BODY_BYTES, 97))
  /** Ids in order, and by batch how far they went and when it was filled. */
  private readonly batches: { readonly batch: number; lastId: number; readonly putMs: number }[] = []
  private lastId = 0
  private droppedTo = 0
  private isOver = false
  private measuredFrom = 0
  private latencies: number[] | null = null

  constructor(store: Store, window: number) {
    this.store = store
    this.window = window
    store.onDurable = (batch) => this.confirmed(batch)
  }

  /** As publishers do: whatever the window has room for. */
  fill(): void {
    const { store } = this
    const last = this.droppedTo + this.window
    if (this.lastId < last) {
      this.batches.push({ batch: store.openBatch, lastId: last, putMs: performance.now() })
    }
    while (this.lastId < last) store.put(QUEUE, ++this.lastId, this.message)
    store.seal()
  }

  measure(): void {
    this.measuredFrom = this.droppedTo
    this.latencies = []
  }

  stop(): void {
    this.isOver = true
  }

  figures(seconds: number): readonly Figure[] {
    const sorted = (this.latencies ?? []).toSorted((a, b) => a - b)
    return [
      rate('put and dropped', (this.droppedTo - this.measuredFrom) / seconds),
      time('confirm p50', percentile(sorted, 0.5), 'ms'), time('confirm p99', percentile(sorted, 0.99), 'ms'),
      time('confirm p99.9', percentile(sorted, 0.999), 'ms'),
    ]
  }

  private confirmed(batch: number): void {
    if (this.isOver) return
    const now = performance.now()
    for (let first = this.batches[0]; first !== undefined && first.batch <= batch; first = this.batches[0]) {
      this.batches.shift()
      this.latencies?.push(now - first.putMs)
      while (this.droppedTo < first.lastId) this.store.drop(QUEUE, ++this.droppedTo, 0, 0, 0)
    }
    this.fill()
  }
}

export function messageOf(body: Buffer): StorableMessage {
  return {
    exchange: '', routingKey: 'bench', rawKey: null, isDeadLetter: false, bodyId: 0, buf: body,
    propertiesStart: 0, propertiesEnd: 0, bodyStart: 0, bodyEnd: body.length,
  }
}
