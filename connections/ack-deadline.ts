// The time that deliveries have to be settled in: those of one consumer, or those that basic.get took from
// one queue. One timer, and a mark for each moment in which something was handed out, never a timer per
// message. Moments are a 32nd of the time apart, a second at most, so that marks are few; all deliveries are
// given as much longer, because those after a mark count as made with it.
//
//   marks:  from tag 4: 10:00:00   from tag 90: 10:00:01   from tag 97: 10:00:05
//           ^ deliveries 4 to 89 are due together, first
import { Ring } from '../base/ring.ts'
import type { Clock } from '../base/clock.ts'
import type { Timer, TimerWheel } from '../base/timer-wheel.ts'

const MARKS_MAX = 32
const SPACING_MS_MAX = 1_000

export class AckDeadline implements Timer {
  dueMs = 0
  private readonly world: { readonly clock: Clock; readonly timers: TimerWheel }
  private readonly timeoutMs: number
  private readonly spacingMs: number
  /** Those with a timer in the wheel: whoever ends the channel stops them. */
  private readonly running: Set<AckDeadline>
  private readonly expired: (fromTag: number, toTag: number) => void
  private readonly tags = new Ring<number>()
  private readonly times = new Ring<number>()
  private lastMs = -Infinity

  /** `expired` is told of deliveries from one tag up to, not including, another. */
  constructor(
    world: { clock: Clock; timers: TimerWheel }, timeoutMs: number, running: Set<AckDeadline>,
    expired: (fromTag: number, toTag: number) => void,
  ) {
    this.world = world
    this.timeoutMs = timeoutMs
    this.spacingMs = Math.min(timeoutMs / MARKS_MAX, SPACING_MS_MAX)
    this.running = running
    this.expired = expired
  }

  handedOut(tag: number): void {
    const { monotonicMs } = this.world.clock
    if (monotonicMs - this.lastMs <= this.spacingMs && this.tags.length > 0) return
    this.lastMs = monotonicMs
    this.tags.push(tag)
    this.times.push(monotonicMs)
    if (this.tags.length === 1) this.wait()
  }

  fire(): void {
    const { monotonicMs } = this.world.clock
    while (this.tags.length > 0 && this.nextDueMs <= monotonicMs) {
      const from = this.tags.shift()!
      this.times.shift()
      this.expired(from, this.tags.first() ?? Infinity)
    }
    if (this.tags.length > 0) this.wait()
    else this.running.delete(this)
  }

  stop(): void {
    this.world.timers.clear(this)
    while (this.tags.shift() !== null) this.times.shift()
    this.running.delete(this)
  }

  private get nextDueMs(): number {
    return this.times.first()! + this.spacingMs + this.timeoutMs
  }

  private wait(): void {
    this.running.add(this)
    this.world.timers.set(this, this.nextDueMs)
  }
}
