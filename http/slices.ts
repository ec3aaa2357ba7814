// Work on many rows beside a broker that delivers: a few milliseconds at a time, and everybody else's turn in
// between. The listing of ten thousand queues takes longer in all, and no message waits for it.
import { setImmediate as nextTurn } from 'node:timers/promises'

/** What a delivery may be late for. */
const SLICE_MS = 3
const ROWS_BETWEEN_LOOKS = 16
/** From here on what came before, as sorting, has been work enough for its turn. */
const MANY_ROWS = 500

export async function inSlices<T>(rows: readonly T[], work: (row: T) => void): Promise<void> {
  if (rows.length >= MANY_ROWS) await nextTurn()
  let startedMs = performance.now()
  for (let at = 0; at < rows.length; at++) {
    work(rows[at]!)
    if (at % ROWS_BETWEEN_LOOKS !== 0 || performance.now() - startedMs < SLICE_MS) continue
    await nextTurn()
    startedMs = performance.now()
  }
}
