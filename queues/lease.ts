// x-expires: a queue that nobody uses for that long is deleted. Declaring it, basic.get and the last
// consumer's leaving start the time anew; while there is a consumer it does not run; publishing does not
// count (RabbitMQ).
import type { Clock } from '../base/clock.ts'
import type { Timer, TimerWheel } from '../base/timer-wheel.ts'

export class Lease implements Timer {
  dueMs = 0
  private readonly parts: { readonly clock: Clock; readonly timers: TimerWheel }
  private lengthMs: number
  private readonly ended: () => void

  /** A length of Infinity is no lease at all. */
  constructor(parts: { clock: Clock; timers: TimerWheel }, lengthMs: number, ended: () => void) {
    this.parts = parts
    this.lengthMs = lengthMs
    this.ended = ended
    this.renew()
  }

  renew(): void {
    if (this.lengthMs !== Infinity) this.parts.timers.set(this, this.parts.clock.monotonicMs + this.lengthMs)
  }

  /** A policy says another length: a lease that runs starts anew (RabbitMQ). */
  changeLength(lengthMs: number, isRunning: boolean): void {
    if (lengthMs === this.lengthMs) return
    this.suspend()
    this.lengthMs = lengthMs
    if (isRunning) this.renew()
  }

  suspend(): void {
    if (this.lengthMs !== Infinity) this.parts.timers.clear(this)
  }

  fire(): void {
    this.ended()
  }
}
