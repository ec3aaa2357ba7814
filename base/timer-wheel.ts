// Timers for connections and queues: one entry each, never one per message. A wheel of 100 ms slots, so that
// setting and moving a timer is O(1) however many there are; the world calls `advance` about every tick.
//
//   slots:  [ {a,b} ] [ ] [ {c} ] … 512    a timer further away than one turn of the wheel waits in its slot
//             ^ the tick that `advance` has reached

const TICK_MS = 100
const SLOTS = 512

/** `fire` is called once, by the first `advance` to the tick at or after its time. */
export interface Timer {
  dueMs: number
  fire(): void
}

export class TimerWheel {
  private readonly slots: Set<Timer>[] = Array.from({ length: SLOTS }, () => new Set())
  private reachedTick: number

  constructor(nowMs: number) {
    this.reachedTick = Math.floor(nowMs / TICK_MS)
  }

  /** Sets or moves a timer. A time that has passed fires with the next `advance`. */
  set(timer: Timer, dueMs: number): void {
    this.clear(timer)
    timer.dueMs = Math.max(dueMs, (this.reachedTick + 1) * TICK_MS)
    this.slotOf(timer).add(timer)
  }

  clear(timer: Timer): void {
    this.slotOf(timer).delete(timer)
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
  }

  private slotOf(timer: Timer): Set<Timer> {
    return this.slots[tickOf(timer) % SLOTS]!
  }
}

/** A timer fires with the tick at or after its time, whether the wheel walked there or jumped. */
function tickOf(timer: Timer): number {
  return Math.ceil(timer.dueMs / TICK_MS)
}
