// Wakes a queue when the entry at its head expires. One timer per queue: RabbitMQ expires messages at the
// head only, so what waits behind it needs none.
import type { Clock } from '../base/clock.ts'
import type { Timer, TimerWheel } from '../base/timer-wheel.ts'
import type { Pumpable, Turn } from '../base/turn.ts'

export class HeadExpiry implements Timer {
  dueMs = 0
  private readonly parts: { readonly clock: Clock; readonly timers: TimerWheel; readonly turn: Turn }
  private readonly queue: Pumpable
  private watchedMs = Infinity

  constructor(parts: { clock: Clock; timers: TimerWheel; turn: Turn }, queue: Pumpable) {
    this.parts = parts
    this.queue = queue
  }

  /** The head expires at this time (milliseconds since the epoch); Infinity: never. */
  watch(expiresAtMs: number): void {
    if (expiresAtMs === this.watchedMs) return
    this.watchedMs = expiresAtMs
    const { clock, timers } = this.parts
    if (expiresAtMs === Infinity) timers.clear(this)
    else timers.set(this, clock.monotonicMs + Math.max(0, expiresAtMs - clock.nowMs))
  }

  fire(): void {
    this.watchedMs = Infinity
    this.parts.turn.pump(this.queue)
  }
}
