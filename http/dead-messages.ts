// Dead letters that a queue keeps until somebody has taken them (x-dead-letter-strategy at-least-once), for
// handlers. Called by routes/browse.ts. Invariant: nothing about them changes, and a request looks at a
// bounded number.
import { isShown } from '../queues/browser.ts'
import { Entry } from '../queues/entry.ts'
import type { KeptLetter } from '../queues/kept-letters.ts'
import type { Queue } from '../queues/queue.ts'
import { parsePlace } from './browsing.ts'
import type { Shown, Showing } from './browsing.ts'
import { describeMessage } from './describe-message.ts'

/** Looked at by one request. */
const SCAN_MAX = 5_000

/** Those that were tried the longest ago come first. */
export function browseDead(queue: Queue, { from, filter, limit, truncate }: Showing): Shown {
  const { position: first } = parsePlace(from)
  const items: object[] = []
  let position = 0
  for (const letter of queue.deaths.letters()) {
    const at = position++
    if (at < first) continue
    if (items.length >= limit || at - first >= SCAN_MAX) {
      return { items, next: String(at), scanned: at - first }
    }
    if (!isShown(filter, letter.message)) continue
    items.push({ position: at, state: 'dead', ...describeLetter(letter, truncate) })
  }
  return { items, next: null, scanned: Math.max(0, position - first) }
}

/** The message as it is on its way, so without this death in its history. */
function describeLetter({ entry, message, reason, missing }: KeptLetter, truncate: number): object {
  const shown = new Entry(entry.id, message, entry.queue, entry.expiresAtMs)
  shown.deliveryCount = entry.deliveryCount
  return { reason, waits_for: missing, ...describeMessage(shown, truncate) }
}
