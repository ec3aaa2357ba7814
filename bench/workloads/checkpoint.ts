// How long a confirm waits for a checkpoint: the store's writer driven as its thread drives it, at full
// speed, each commit timed together with the checkpoint that came before it. What is asked for: 50 ms at the
// 99.9th percentile. It needs no broker, so that nothing else is in the numbers.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BatchWriter } from '../../store/batch.ts'
import { SqliteWriter } from '../../store/sqlite/writer.ts'
import { percentile, rate, time } from '../workload.ts'
import type { Figure, Timing, Workload } from '../workload.ts'
import { messageOf } from './store-path.ts'

const PER_BATCH = 100
const BODY_BYTES = 1024
/** Batches that a message waits before it is acked: what a checkpoint writes is what is still there. */
const DEPTHS = { 'checkpoint-stall': 20, 'checkpoint-stall-deep': 2_000 }

interface Times {
  readonly confirms: number[]
  readonly checkpoints: number[]
  readonly totalMs: number
}

export const checkpoints: readonly Workload[] = Object.entries(DEPTHS).map(([name, depth]) => ({
  name,
  what: `the store alone: ${PER_BATCH} puts and drops of ${BODY_BYTES} B a commit, behind ${depth} commits`,
  isLeveretOnly: true,
  run: (_target, timing) => {
    const directory = mkdtempSync(join(tmpdir(), 'leveret-checkpoint-'))
    try {
      const waiting = Math.ceil(depth / timing.divisor)
      return Promise.resolve(figuresOf(load(join(directory, 'leveret.db'), waiting, timing)))
    } finally {
      rmSync(directory, { recursive: true })
    }
  },
}))

function load(file: string, depth: number, { warmUpMs, measureMs }: Timing): Times {
  const log = new BatchWriter()
  const writer = new SqliteWriter(file)
  writer.openScope(1, '/')
  const times = { confirms: [] as number[], checkpoints: [] as number[], totalMs: 0 }
  const message = messageOf(Buffer.alloc(BODY_BYTES, 97))
  let warmMs = Infinity
  let endMs = Infinity
  let waitedMs = 0
  for (let batch = 0; performance.now() < endMs; batch++) {
    if (batch === depth) {
      warmMs = performance.now() + warmUpMs
      endMs = warmMs + 3 * measureMs
    }
    for (let n = 0; n < PER_BATCH; n++) {
      const id = batch * PER_BATCH + n + 1
      log.put(1, 1, id, message)
      if (batch >= depth) log.drop(1, 1, id - depth * PER_BATCH, 0, 0, 0)
    }
    const beganMs = performance.now()
    const closed = log.close()
    writer.apply(closed)
    const durableMs = performance.now()
    writer.checkpointIfLarge()
    const doneMs = performance.now()
    log.recycle(closed.buffers)
    if (beganMs > warmMs) {
      times.confirms.push(waitedMs + durableMs - beganMs)
      times.checkpoints.push(doneMs - durableMs)
      times.totalMs += doneMs - beganMs
    }
    waitedMs = doneMs - durableMs
  }
  writer.close()
  return times
}

function figuresOf({ confirms, checkpoints: waits, totalMs }: Times): readonly Figure[] {
  const sorted = confirms.toSorted((a, b) => a - b)
  const waited = waits.reduce((sum, ms) => sum + ms, 0)
  return [
    rate('put and dropped', (confirms.length * PER_BATCH * 1000) / totalMs),
    time('confirm p50', percentile(sorted, 0.5), 'ms'),
    time('confirm p99.9', percentile(sorted, 0.999), 'ms'),
    time('longest checkpoint', Math.max(...waits), 'ms'),
    { name: 'checkpoints of the time', value: (100 * waited) / totalMs, unit: '%', better: 'lower' },
  ]
}
