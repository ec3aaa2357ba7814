// The groups of a queue whose first message waits for its next attempt, by due time; one timer for all of
// them. Owned by grouped-ready.ts. Invariant: a group is in the list with its own due time exactly once; what
// is there with another ended early, and is passed over.
import type { Clock } from '../base/clock.ts'
import type { Timer, TimerWheel } from '../base/timer-wheel.ts'
import type { Pumpable, Turn } from '../base/turn.ts'
import type { Group } from './group.ts'

interface Wait {
  readonly group: Group
  readonly dueMs: number
}

export interface WaitParts {
  readonly clock: Clock
  readonly timers: TimerWheel
  readonly turn: Turn
}

export class GroupWaits implements Timer {
  dueMs = 0
  /** Groups that wait. */
  count = 0
  private readonly queue: Pumpable
  private readonly parts: WaitParts
  /** The latest first, so that what is due is at the end. */
  private waits: Wait[] = []
  private watchedMs = Infinity

  constructor(queue: Pumpable, parts: WaitParts) {
    this.queue = queue
    this.parts = parts
  }

  begin(group: Group, dueMs: number): void {
    group.dueMs = dueMs
    this.count++
    const { waits } = this
    let low = 0
    let high = waits.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (dueMs < waits[middle]!.dueMs) low = middle + 1
      else high = middle
    }
    waits.splice(low, 0, { group, dueMs })
    this.watch()
  }

  /** Before its time: the message that it waited for is gone. */
  end(group: Group): void {
    group.dueMs = 0
    this.count--
  }

  /** Takes out a group whose time has come; null when there is none. */
  next(): Group | null {
    const { waits, parts: { clock } } = this
    for (let last = waits.at(-1); last !== undefined && last.dueMs <= clock.nowMs; last = waits.at(-1)) {
      waits.pop()
      if (last.group.dueMs !== last.dueMs) continue
      this.end(last.group)
      return last.group
    }
    this.watch()
    return null
  }

  clear(): void {
    for (const { group, dueMs } of this.waits) if (group.dueMs === dueMs) this.end(group)
    this.waits = []
    this.watch()
  }

  fire(): void {
    this.watchedMs = Infinity
    this.parts.turn.pump(this.queue)
  }

  private watch(): void {
    const dueMs = this.waits.at(-1)?.dueMs ?? Infinity
    if (dueMs === this.watchedMs) return
    this.watchedMs = dueMs
    const { clock, timers } = this.parts
    if (dueMs === Infinity) timers.clear(this)
    else timers.setExact(this, clock.monotonicMs + Math.max(0, dueMs - clock.nowMs))
  }
}
