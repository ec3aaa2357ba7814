// When messages came, told from their ids, so that none carries a time of its own: ids only go up, and at
// most once a millisecond the last one is noted with the time. Noted when the broker takes messages in,
// asked when they go out and by the metrics. Invariants: what is asked for never seems younger than it is by
// more than a millisecond, nor older than the broker's start; the notes are bounded, and the older, the
// coarser.
//
//   ids:    0 │ 17 │ 90 │ 91 │ …      a message with id 88 came after the second note: at times[1]
//   times:  0 │  5 │  6 │ 12 │ …

import type { Clock } from './clock.ts'

const NOTES_MAX = 4096
/** The newest quarter keeps its milliseconds. */
const COARSENED = 3072
const STEP_MS = 1

export class Arrivals {
  private readonly clock: Clock
  private ids: number[] = [0]
  private times: number[]
  /** Where the last answer was: the next is mostly there, too. */
  private at = 0

  constructor(clock: Clock) {
    this.clock = clock
    this.times = [clock.monotonicMs]
  }

  /** Every id after this one comes now or later. */
  note(lastId: number): void {
    const now = this.clock.monotonicMs
    const newest = this.ids.length - 1
    if (now - this.times[newest]! < STEP_MS) return
    // Nothing came since: what comes next comes now.
    if (newest > 0 && this.ids[newest] === lastId) {
      this.times[newest] = now
      return
    }
    this.ids.push(lastId)
    this.times.push(now)
    if (this.ids.length === NOTES_MAX) this.coarsen()
  }

  /** How long ago it came; for one from before the start, how long ago that was. */
  ageMs(id: number): number {
    if (!this.holds(this.at, id)) this.at = this.find(id)
    return this.clock.monotonicMs - this.times[this.at]!
  }

  get noteCount(): number {
    return this.ids.length
  }

  private holds(at: number, id: number): boolean {
    return this.ids[at]! < id && (at + 1 === this.ids.length || this.ids[at + 1]! >= id)
  }

  private find(id: number): number {
    let low = 0
    let high = this.ids.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if (this.ids[middle]! < id) low = middle
      else high = middle - 1
    }
    return low
  }

  private coarsen(): void {
    const isKept = (_: number, at: number): boolean => at >= COARSENED || at % 2 === 0
    this.ids = this.ids.filter(isKept)
    this.times = this.times.filter(isKept)
    this.at = 0
  }
}
