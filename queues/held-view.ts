// What a queue holds, for those who look at it or change their mind: pages in due order, and single messages
// taken out before their time, wherever they lie. Called by http/. Invariant: a message is taken once, by
// whoever comes first, its time included; what is done with it is in the batch that takes it out.
import type { Store, StoredMessage } from '../store/store.ts'
import { heldNumber, heldOf, isBefore } from './held.ts'
import type { Due, Held, HeldMessage } from './held.ts'
import type { Queue } from './queue.ts'

/** Of the bodies that are read for one page. */
const PAGE_BYTES = 4 * 1024 * 1024

export interface HeldPage {
  /** By due time. May be fewer than were asked for though there are more. */
  readonly items: readonly HeldMessage[]
  /** Behind these the next page begins; null: that was all. */
  readonly next: Due | null
}

/** `then` is called at once or when the store has answered. */
export function lookAtHeld(
  queue: Queue, store: Store, after: Due, limit: number, then: (page: HeldPage) => void,
): void {
  const { held } = queue
  const { inMemory } = held
  const near = inMemory.filter((each) => isBefore(after, each))
  const isAll = near.length <= limit && held.length === inMemory.length
  if (near.length > 0 || isAll) {
    const items = near.slice(0, limit)
    return then({ items, next: isAll ? null : items.at(-1)! })
  }
  const from = isBefore(after, held.loadedTo) ? held.loadedTo : after
  const request = {
    queue: heldNumber(queue.id), afterLevel: from.dueMs, afterId: from.id, limit, bytesMax: PAGE_BYTES,
  }
  held.readBegan()
  store.loadByLevel(request, {
    pageLoaded: ({ messages, isLast }) => {
      const page = pageOf(held, messages, from, isLast ? null : messages.at(-1) ?? null, limit)
      held.readEnded()
      then(page)
    },
  })
}

/** Takes a message out. `then` gets null when it is not held, or not any more. */
export function withdrawHeld(
  queue: Queue, store: Store, id: number, then: (taken: HeldMessage | null) => void,
): void {
  const { held } = queue
  const near = takeKnown(held, id)
  if (near !== null || held.length === held.inMemory.length) return then(near)
  const request = {
    queue: heldNumber(queue.id), level: 0, afterId: id - 1, lastId: id, limit: 1, bytesMax: PAGE_BYTES,
  }
  held.readBegan()
  store.load(request, {
    pageLoaded: ({ messages: [stored] }) => {
      const far = stored === undefined ? null : heldOf(stored, held.suspectTo)
      const taken = takeKnown(held, id) ?? (far === null ? null : held.takeFar(far))
      held.readEnded()
      then(taken)
    },
  })
}

/** Ready now, at the end of the queue. What was to expire so long after its time does so after now. */
export function fireHeld(queue: Queue, taken: HeldMessage, nowMs: number): void {
  queue.released({ ...taken, expiresAtMs: taken.expiresAtMs + nowMs - taken.dueMs })
}

/** Returns its new id. */
export function rescheduleHeld(queue: Queue, taken: HeldMessage, dueMs: number): number {
  const expiresAtMs = taken.expiresAtMs + dueMs - taken.dueMs
  return queue.held.hold(taken.message, dueMs, expiresAtMs, taken.deliveryCount)
}

function takeKnown(held: Held, id: number): HeldMessage | null {
  const near = held.take(id)
  if (near !== null) return near
  const fresh = held.justStored.find((each) => each.id === id)
  return fresh === undefined ? null : held.takeFar(fresh)
}

/** `last`: of the messages, unless nothing is behind them. What came to memory meanwhile is still held. */
function pageOf(
  held: Held, messages: readonly StoredMessage[], from: Due, last: StoredMessage | null, limit: number,
): HeldPage {
  const end = last === null ? null : { dueMs: last.level, id: last.id }
  const known = new Map<number, HeldMessage>()
  for (const each of [...held.inMemory, ...held.justStored]) known.set(each.id, each)
  const items = messages.map((stored) => known.get(stored.id) ?? heldOf(stored, held.suspectTo))
    .filter((each) => known.has(each.id) || held.isFar(each))
  const listed = new Set(messages.map(({ id }) => id))
  // Too new to be in the page, though they belong there.
  for (const each of known.values()) {
    if (listed.has(each.id) || !isBefore(from, each)) continue
    if (end === null || isBefore(each, end)) items.push(each)
  }
  items.sort((a, b) => (isBefore(a, b) ? -1 : 1))
  if (items.length > limit) return { items: items.slice(0, limit), next: items[limit - 1]! }
  return { items, next: end }
}
