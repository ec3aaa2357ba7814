// The real world, for a core that knows none: the system's clock and randomness, the event loop's turn, the
// tick that moves the timers. The only place where the broker's time comes from.
import { randomBytes } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { TimerWheel } from '../base/timer-wheel.ts'
import type { Turn } from '../base/turn.ts'

/** Often enough for heartbeats of one second and for limits in tenths of a second. */
const TICK_MS = 100

export class SystemClock implements Clock {
  nowMs = Date.now()
  monotonicMs = performance.now()

  tick(): void {
    this.nowMs = Date.now()
    this.monotonicMs = performance.now()
  }
}

export const systemRandom: Random = { bytes: (length) => randomBytes(length) }

/** After the poll phase, so that the data of all sockets that were ready share one turn. */
export function nextTurn(run: () => void): void {
  setImmediate(run)
}

/** Moves the timers until the returned function is called. */
export function startTicking(clock: Clock, turn: Turn, timers: TimerWheel): () => void {
  let exact: NodeJS.Timeout | undefined
  const advance = (): void => {
    clock.tick()
    turn.begin()
    timers.advance(clock.monotonicMs)
  }
  timers.onNextExact = (dueMs) => {
    clearTimeout(exact)
    const waitMs = dueMs - performance.now()
    // What is further away comes with a tick.
    if (waitMs < TICK_MS) exact = setTimeout(advance, Math.max(1, Math.ceil(waitMs)))
  }
  const interval = setInterval(advance, TICK_MS)
  return () => {
    clearInterval(interval)
    clearTimeout(exact)
  }
}
