// Feeds the broker's alarms: what memory is in use and what room the disk has, once a second, and the limits
// that the settings mean on this machine. Started by server.ts. While memory is low it also collects garbage:
// blocked publishers allocate nothing, so nothing else would ever make room.
import { statfs } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'
import type { Alarms } from '../broker/alarms.ts'
import type { RunningSettings } from '../broker/running-settings.ts'
import { collectGarbage } from './idle-collection.ts'

const INTERVAL_MS = 1_000
const COLLECT_EVERY_MS = 5_000
/** The program, the store thread and SQLite's cache: what is resident and on nobody's heap. */
const PROGRAM_BYTES = 192 * 1024 * 1024
/** Of what V8 can grow to; a process that reaches it ends. */
const HEAP_SHARE_MAX = 0.8

/** Watches until the returned function is called. The first reading is taken before this returns. */
export function watchResources(alarms: Alarms, running: RunningSettings): () => void {
  let collectedAtMs = 0
  let diskFreeBytes = Infinity
  const { store, dataDirectory } = running.current
  const machineBytes = machineMemoryBytes()
  const look = (): void => {
    const { memoryHighWatermark, diskFreeLimit } = running.current
    alarms.read({
      memoryLimitBytes: memoryLimit(memoryHighWatermark, machineBytes), diskFreeLimitBytes: diskFreeLimit,
      ...readMemory(), diskFreeBytes,
    })
    if (!alarms.isMemoryLow || performance.now() - collectedAtMs < COLLECT_EVERY_MS) return
    collectedAtMs = performance.now()
    collectGarbage()
  }
  const tick = async (): Promise<void> => {
    if (store === 'sqlite') diskFreeBytes = await freeBytes(dataDirectory)
    look()
  }
  running.onChanged = look
  look()
  void tick()
  const interval = setInterval(() => void tick(), INTERVAL_MS)
  return () => clearInterval(interval)
}

/** A watermark up to 1 is a share of the machine's memory, a larger one bytes. */
export function memoryLimit(watermark: number, machineBytes: number): number {
  return watermark <= 1 ? Math.floor(watermark * machineBytes) : watermark
}

/** The container's limit, where there is one. */
function machineMemoryBytes(): number {
  const constrained = process.constrainedMemory()
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
}

/**
 * Resident memory, but no more than can be in use: what the allocator keeps for later is there for the next
 * message, and an alarm over it would never end.
 */
function readMemory(): { memoryBytes: number; isHeapShort: boolean } {
  const { rss, heapUsed, external } = process.memoryUsage()
  return {
    memoryBytes: Math.min(rss, heapUsed + external + PROGRAM_BYTES),
    isHeapShort: heapUsed > HEAP_SHARE_MAX * getHeapStatistics().heap_size_limit,
  }
}

/** 0 when the directory cannot even be asked: nothing can be written there either. */
async function freeBytes(directory: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(directory)
    return bavail * bsize
  } catch {
    return 0
  }
}
