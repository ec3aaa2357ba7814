// Wakes a queue when the entry at its head expires. One timer per queue: RabbitMQ expires messages at the
// head only, so what waits behind it needs none.
import type { Clock } from '../base/clock.ts'
import type { Timer, TimerWheel } from '../base/timer-wheel.ts'
import type { Pumpable, Turn } from '../base/turn.ts'
import type { Deaths } from './deaths.ts'
import type { ReadyList } from './ready-list.ts'

export class HeadExpiry implements Timer {
  dueMs = 0
  private readonly parts: { readonly clock: Clock; readonly timers: TimerWheel; readonly turn: Turn }
  private readonly queue: Pumpable
  private readonly ready: ReadyList
  private readonly deaths: Pick<Deaths, 'die'>
  private watchedMs = Infinity

  constructor(
    parts: { clock: Clock; timers: TimerWheel; turn: Turn }, queue: Pumpable, ready: ReadyList,
    deaths: Pick<Deaths, 'die'>,
  ) {
    this.parts = parts
    this.queue = queue
    this.ready = ready
    this.deaths = deaths
  }

  /** The head expires one day, so that a pump has to watch it: nothing else may come that would. */
  get isMortal(): boolean {
    return this.expiresAtMs !== Infinity
  }

  /** Lets go of what has expired at the head. */
  drop(): void {
    const { nowMs } = this.parts.clock
    while (this.expiresAtMs <= nowMs) this.deaths.die(this.ready.shift()!, 'expired')
  }

  watch(): void {
    this.watchFor(this.expiresAtMs)
  }

  stop(): void {
    this.watchFor(Infinity)
  }

  /** Of the head, in milliseconds since the epoch; Infinity: never. */
  private get expiresAtMs(): number {
    return this.ready.first()?.expiresAtMs ?? Infinity
  }

  private watchFor(expiresAtMs: number): void {
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
