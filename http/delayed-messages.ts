// What a queue holds until its time, for handlers: page by page by due time, filtered, and as the API shows
// it. Called by routes/browse.ts and routes/delayed.ts. Invariant: the queue is not changed; a request looks
// for a bounded time and says where to go on.
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { VHost } from '../broker/vhost.ts'
import { EVERY, isShown } from '../queues/browser.ts'
import { Entry } from '../queues/entry.ts'
import type { Due, HeldMessage } from '../queues/held.ts'
import { lookAtHeld } from '../queues/held-view.ts'
import type { HeldPage } from '../queues/held-view.ts'
import type { Queue } from '../queues/queue.ts'
import { BROWSE_MS } from './browsing.ts'
import type { Shown, Showing } from './browsing.ts'
import { describeMessage } from './describe-message.ts'
import { badRequest } from './errors.ts'

/** Looked at together when few may be what is wanted. */
const PAGE_MESSAGES = 500
const FIRST: Due = { dueMs: 0, id: 0 }

export async function browseDelayed(vhost: VHost, queue: Queue, wish: Showing): Promise<Shown> {
  const { filter, limit, truncate } = wish
  const untilMs = performance.now() + BROWSE_MS
  const items: object[] = []
  let after: Due | null = parseDue(wish.from)
  let scanned = 0
  while (after !== null && items.length < limit && performance.now() < untilMs && !queue.isDeleted) {
    const wanted = filter === EVERY ? limit - items.length : PAGE_MESSAGES
    const page: HeldPage = await lookOnce(vhost, queue, after, wanted)
    after = page.next
    for (const [at, held] of page.items.entries()) {
      scanned++
      if (!isShown(filter, held.message)) continue
      items.push(describeHeld(queue, held, truncate))
      if (items.length < limit) continue
      if (at < page.items.length - 1) after = held
      break
    }
    if (after !== null) await nextTurn()
  }
  return { items, next: after === null ? null : dueCursor(after), scanned }
}

/** One page; it may hold less than `limit` and not be the last. */
export function lookOnce(vhost: VHost, queue: Queue, after: Due, limit: number): Promise<HeldPage> {
  return new Promise((resolve) => {
    lookAtHeld(queue, vhost.store, after, limit, resolve)
  })
}

export function describeHeld(queue: Queue, held: HeldMessage, truncate: number): object {
  const entry = new Entry(held.id, held.message, queue, held.expiresAtMs)
  entry.deliveryCount = held.deliveryCount
  return {
    state: 'delayed', due_at: new Date(held.dueMs).toISOString(), ...describeMessage(entry, truncate),
  }
}

/** A cursor of an earlier page; without one, the first due. Errors: HttpError. */
export function parseDue(from: string | undefined): Due {
  if (from === undefined || from === '') return FIRST
  const [, dueMs, id] = /^(\d{1,16})-(\d{1,16})$/.exec(from) ?? []
  if (dueMs === undefined) throw badRequest('from must be what `next` gave')
  return { dueMs: Number(dueMs), id: Number(id) }
}

export function dueCursor({ dueMs, id }: Due): string {
  return `${dueMs}-${id}`
}
