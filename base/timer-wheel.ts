// Timers for connections and queues: one entry each, never one per message. A wheel of 100 ms slots, so that
// setting and moving a timer is O(1) however many there are; the world calls `advance` about every tick.
//
//   slots:  [ {a,b} ] [ ] [ {c} ] … 512    a timer further away than one turn of the wheel waits in its slot
//             ^ the tick that `advance` has reached

//
// A few timers are to fire at their very time and not with the next tick: they stand in a list of their own,
// and the world is told of the next one.

const TICK_MS = 100
const SLOTS = 512

/** `fire` is called once, by the first `advance` to the tick at or after its time. */
export interface Timer {
  dueMs: number
  fire(): void
}

export class TimerWheel {
  private readonly slots: Set<Timer>[] = Array.from({ length: SLOTS }, () => new Set())
  /** By time, the next one last. */
  private readonly exact: Timer[] = []
  private reachedTick: number
  /** Set by the world: it is to call `advance` at this time, too. */
  onNextExact: (dueMs: number) => void = () => {}

  constructor(nowMs: number) {
    this.reachedTick = Math.floor(nowMs / TICK_MS)
  }

  /** Sets or moves a timer. A time that has passed fires with the next `advance`. */
  set(timer: Timer, dueMs: number): void {
    this.clear(timer)
    timer.dueMs = Math.max(dueMs, (this.reachedTick + 1) * TICK_MS)
    this.slotOf(timer).add(timer)
  }

  /** As `set`, to the millisecond: O(n) in the timers that are set so. */
  setExact(timer: Timer, dueMs: number): void {
    this.clear(timer)
    timer.dueMs = dueMs
    const at = this.exact.findIndex((other) => other.dueMs <= dueMs)
    this.exact.splice(at < 0 ? this.exact.length : at, 0, timer)
    if (this.exact.at(-1) === timer) this.onNextExact(dueMs)
  }

  clear(timer: Timer): void {
    if (this.slotOf(timer).delete(timer)) return
    const at = this.exact.indexOf(timer)
    if (at >= 0) this.exact.splice(at, 1)
  }

  advance(nowMs: number): void {
    const nowTick = Math.floor(nowMs / TICK_MS)
    const due: Timer[] = []
    for (let tick = Math.max(this.reachedTick, nowTick - SLOTS) + 1; tick <= nowTick; tick++) {
      for (const timer of this.slots[tick % SLOTS]!) {
        if (tickOf(timer) <= nowTick) due.push(timer)
      }
    }
    this.reachedTick = Math.max(this.reachedTick, nowTick)
    // One that fires may clear or move another that is due: hence asked again, one by one.
    for (const timer of due) if (timer.dueMs <= nowMs && this.slotOf(timer).delete(timer)) timer.fire()
    this.advanceExact(nowMs)
  }

  private advanceExact(nowMs: number): void {
    const { exact } = this
    while (exact.length > 0 && exact.at(-1)!.dueMs <= nowMs) exact.pop()!.fire()
    if (exact.length > 0) this.onNextExact(exact.at(-1)!.dueMs)
  }

  private slotOf(timer: Timer): Set<Timer> {
    return this.slots[tickOf(timer) % SLOTS]!
  }
}

/** A timer fires with the tick at or after its time, whether the wheel walked there or jumped. */
function tickOf(timer: Timer): number {
  return Math.ceil(timer.dueMs / TICK_MS)
}
