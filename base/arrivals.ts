// When messages came, told from their ids, so that none carries a time of its own: ids only go up, and at
// most once a millisecond the last one is noted with the time. Noted when a queue takes a message in, asked
// when messages go out and by the metrics. Invariants: what is asked for never seems younger than it is by
// more than a millisecond, nor older by more than AGE_STEP of its age; the notes are bounded, because the
// older, the coarser.
//
//   ids:    0 │ 17 │ 90 │ 91 │ …      a message with id 88 came after the second note: at times[1]
//   times:  0 │  5 │  6 │ 12 │ …

import type { Clock } from './clock.ts'

const NOTES_MAX = 4096
/** The newest quarter keeps its milliseconds. */
const EXACT = 1024
/** What older ones may be apart, as a part of their age: a century of them takes less than 3,000 notes. */
const AGE_STEP = 1 / 64
const STEP_MS = 1

export class Arrivals {
  private readonly clock: Clock
  private readonly ids: number[] = [0]
  private readonly times: number[]
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
    // The first is made even in the millisecond of the start: it tells new ids from those that were there.
    if (now - this.times[newest]! < STEP_MS && newest > 0) return
    // Nothing came since: what comes next comes now.
    if (newest > 0 && this.ids[newest] === lastId) {
      this.times[newest] = now
      return
    }
    this.ids.push(lastId)
    this.times.push(now)
    if (this.ids.length === NOTES_MAX) this.coarsen()
  }

  /** It was here before the broker started: nobody knows when it came. */
  isFromBefore(id: number): boolean {
    return this.ids.length === 1 || id <= this.ids[1]!
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

  /** Two spans of ids become one where that is short for its age. The first note stays, for isFromBefore. */
  private coarsen(): void {
    const { ids, times } = this
    const now = this.clock.monotonicMs
    let kept = 1
    for (let at = 2; at < ids.length; at++) {
      const isExact = at >= ids.length - EXACT
      const next = isExact ? now : times[at + 1]!
      if (!isExact && next - times[kept]! <= (now - next) * AGE_STEP) continue
      kept++
      ids[kept] = ids[at]!
      times[kept] = times[at]!
    }
    ids.length = times.length = kept + 1
    this.at = 0
  }
}
