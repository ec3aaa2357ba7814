// How large bodies are, in RabbitMQ's steps. Counted per message: two additions and a short walk.
//
//   counts:  ≤ 100 │ ≤ 1,000 │ … │ ≤ 100,000,000 │ larger

export const SIZE_STEPS: readonly number[] = [100, 1e3, 1e4, 1e5, 1e6, 1e7, 5e7, 1e8]

export class SizeHistogram {
  /** One for each step, and the last for what is larger. */
  readonly counts = SIZE_STEPS.map(() => 0).concat(0)
  bytes = 0

  add(size: number): void {
    let at = 0
    while (at < SIZE_STEPS.length && size > SIZE_STEPS[at]!) at++
    this.counts[at]!++
    this.bytes += size
  }
}
