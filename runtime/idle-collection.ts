// Gives memory back that starting, or a burst, left as garbage: V8 collects when something allocates, and in
// a quiet broker nothing does. Started by server.ts; resource-watch.ts collects with it when memory is low.
import { performance } from 'node:perf_hooks'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const LOOK_MS = 1_000
/** Of a look's time in which the event loop did something: less is quiet. */
const QUIET_SHARE = 0.02
const QUIET_LOOKS = 2
/** Less is not worth a collection. */
const GARBAGE_BYTES_MIN = 2 * 1024 * 1024
/** A larger heap takes longer than a few tens of milliseconds, which the next message would wait for. */
const HEAP_BYTES_MAX = 96 * 1024 * 1024

let collect: (() => void) | null = null

/** Looks once a second until the returned function is called. */
export function collectWhenIdle(): () => void {
  let before = performance.eventLoopUtilization()
  let quietLooks = 0
  let bytesLeft = 0
  const interval = setInterval(() => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    quietLooks = utilization < QUIET_SHARE ? quietLooks + 1 : 0
    const { used_heap_size: bytes } = getHeapStatistics()
    if (quietLooks < QUIET_LOOKS || bytes > HEAP_BYTES_MAX || bytes < bytesLeft + GARBAGE_BYTES_MIN) return
    collectGarbage()
    // The room of young objects is given back when a collection finds it empty.
    collectGarbage()
    bytesLeft = getHeapStatistics().used_heap_size
  }, LOOK_MS)
  interval.unref()
  return () => clearInterval(interval)
}

/** All of it, now. */
export function collectGarbage(): void {
  collect ??= findCollect()
  collect()
}

function findCollect(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}
