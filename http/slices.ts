// Work on many rows beside a broker that delivers: a millisecond at a time, and everybody else's turn in
// between. The listing of ten thousand queues takes longer in all, and no message waits for it.
import { setImmediate as nextTurn } from 'node:timers/promises'

/** What a delivery may be late for. To give way costs some 0.05 ms. */
const SLICE_MS = 1
/** A queue is shown in 0.01 ms. */
const STEPS_BETWEEN_LOOKS = 8
/** From here on what came before, as filtering, has been work enough for its turn. */
const MANY_ROWS = 500
/** Sorted at once: some 0.2 ms. */
const RUN_ROWS = 512

/** How much of a slice is left. */
class Slice {
  private startedMs = performance.now()
  private steps = 0

  /** Asked once for every step. */
  get isOver(): boolean {
    return ++this.steps % STEPS_BETWEEN_LOOKS === 0 && this.isLong
  }

  get isLong(): boolean {
    return performance.now() - this.startedMs >= SLICE_MS
  }

  async next(): Promise<void> {
    await nextTurn()
    this.startedMs = performance.now()
  }
}

export async function inSlices<T>(rows: readonly T[], work: (row: T) => void): Promise<void> {
  if (rows.length >= MANY_ROWS) await nextTurn()
  const slice = new Slice()
  for (const row of rows) {
    work(row)
    if (slice.isOver) await slice.next()
  }
}

/** What `toSorted` returns, equal ones in their order too: short runs first, which are then merged. */
export async function sortedInSlices<T>(
  rows: readonly T[], compare: (a: T, b: T) => number,
): Promise<readonly T[]> {
  if (rows.length < MANY_ROWS) return rows.toSorted(compare)
  const slice = new Slice()
  let runs: T[][] = []
  for (let at = 0; at < rows.length; at += RUN_ROWS) {
    runs.push(rows.slice(at, at + RUN_ROWS).sort(compare))
    if (slice.isLong) await slice.next()
  }
  while (runs.length > 1) {
    const longer: T[][] = []
    for (let at = 0; at < runs.length; at += 2) {
      longer.push(await merged(runs[at]!, runs[at + 1] ?? [], compare, slice))
    }
    runs = longer
  }
  return runs[0]!
}

async function merged<T>(
  left: readonly T[], right: readonly T[], compare: (a: T, b: T) => number, slice: Slice,
): Promise<T[]> {
  const all: T[] = []
  let [l, r] = [0, 0]
  while (l < left.length && r < right.length) {
    all.push(compare(left[l]!, right[r]!) <= 0 ? left[l++]! : right[r++]!)
    if (slice.isOver) await slice.next()
  }
  return all.concat(left.slice(l), right.slice(r))
}
