// How long things take, in steps from a millisecond to a day. Counted per event: two additions and a short
// walk, no object (rule 32). Read by the metrics.
//
//   counts:  ≤ 1 ms │ ≤ 2.5 ms │ … │ ≤ 1 day │ longer

export const TIME_STEPS_MS: readonly number[] = [
  1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1e3, 2.5e3, 5e3, 1e4, 6e4, 3e5, 3.6e6, 8.64e7,
]

export class TimeHistogram {
  /** One for each step, and the last for what took longer. */
  readonly counts = TIME_STEPS_MS.map(() => 0).concat(0)
  sumMs = 0

  /** `count` events that took about as long. */
  add(ms: number, count = 1): void {
    let at = 0
    while (at < TIME_STEPS_MS.length && ms > TIME_STEPS_MS[at]!) at++
    this.counts[at]! += count
    this.sumMs += ms * count
  }
}
