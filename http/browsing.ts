// Pages of a queue's messages for handlers: looks on, page by page and with everybody else's turns in
// between, until there are enough, or it has taken long enough for one request. Invariant: the queue is not
// changed.
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { VHost } from '../broker/vhost.ts'
import { FIRST, placeBehind } from '../queues/browser.ts'
import type { Browsed, BrowsedPage, BrowseRequest, MessageFilter, Place } from '../queues/browser.ts'
import type { Queue } from '../queues/queue.ts'
import { badRequest } from './errors.ts'

/** Of one request that finds too little; it says where to go on. */
export const BROWSE_MS = 150
/** Of the bodies of one page. */
const PAGE_BYTES = 8 * 1024 * 1024

export interface Found {
  readonly items: readonly Browsed[]
  /** The cursor for the next request; null at the end. */
  readonly next: string | null
  readonly scanned: number
}

export interface Look {
  readonly from: Place
  readonly filter: MessageFilter
  readonly limit: number
}

/** What a request wants to see of the messages in some state. */
export interface Showing {
  /** A position or a cursor, as the state has them. */
  readonly from: string | undefined
  readonly filter: MessageFilter
  readonly limit: number
  /** Bytes of each body. */
  readonly truncate: number
}

/** A page of it, as the API answers. */
export interface Shown {
  readonly items: readonly object[]
  readonly next: string | null
  readonly scanned: number
}

export async function browseQueue(vhost: VHost, queue: Queue, look: Look): Promise<Found> {
  const startedMs = performance.now()
  const items: Browsed[] = []
  let from = look.from
  let scanned = 0
  let isOver = false
  while (!isOver) {
    const page = await lookOnce(vhost, queue, { ...look, from, limit: look.limit - items.length })
    items.push(...page.items)
    scanned += page.scanned
    if (page.next === null) return { items, next: null, scanned }
    from = page.next
    isOver = items.length >= look.limit || performance.now() - startedMs > BROWSE_MS || queue.isDeleted
    if (!isOver) await nextTurn()
  }
  return { items, next: cursorOf(from), scanned }
}

export function lookOnce(vhost: VHost, queue: Queue, { from, filter, limit }: Look): Promise<BrowsedPage> {
  return new Promise((resolve, reject) => {
    const request = { from, filter, limit, bytesMax: PAGE_BYTES, lastId: Infinity } satisfies BrowseRequest
    vhost.browser.look(queue, request, { browsed: resolve, browseFailed: reject })
  })
}

export function findOnce(
  vhost: VHost, queue: Queue, ids: readonly number[], from: Place, limit: number,
): Promise<BrowsedPage> {
  return new Promise((resolve, reject) => {
    vhost.browser.find(queue, ids, from, limit, { browsed: resolve, browseFailed: reject })
  })
}

/** A position, as a number of messages before it, or a cursor. Errors: HttpError. */
export function parsePlace(text: string | undefined): Place {
  if (text === undefined || text === '') return FIRST
  if (/^\d{1,15}$/.test(text)) return placeBehind(Number(text))
  const [, ...parts] = /^(\d{1,3})-(\d{1,16})-(\d{1,16})-(\d{1,16})$/.exec(text) ?? []
  if (parts.length === 0) {
    throw badRequest(`from: ${text.slice(0, 100)} is neither a position nor a cursor that 'next' gave`)
  }
  const [level, afterId, position, skip] = parts.map(Number) as [number, number, number, number]
  return { level, afterId, position, skip }
}

export function cursorOf({ level, afterId, position, skip }: Place): string {
  return `${level}-${afterId}-${position}-${skip}`
}
