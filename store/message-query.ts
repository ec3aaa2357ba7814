// The second interface of a store, beside Store: looking at messages without taking them, page by page and
// filtered. An engine may offer a better one than loaded-query.ts, which every Store has by `load`. It knows
// ids and bytes, no AMQP: who looks for a header says which bytes the head must hold, and checks what comes.
//
// What an implementation promises (message-query.contract.ts holds it to them):
//   1. It changes nothing, and never makes a commit or a checkpoint wait for longer than one bounded step.
//   2. It sees every batch that was durable when `search` was called, and may see later ones.
//   3. Each search is bounded, by what the caller says and by a time of its own, and says where it stopped.
//   4. What it returns is byte for byte what was put.
import type { StorableMessage, Store, StoredMessage } from './store.ts'

/** What the store compares. All of it must be true of a message. */
export interface StoredFilter {
  readonly routingKey: string | null
  readonly sizeMin: number
  /** Infinity: any. */
  readonly sizeMax: number
  readonly isDeadLetter: boolean
  /** Bytes that are somewhere in its properties, each of them. */
  readonly headHas: readonly Buffer[]
  /** Bytes that are somewhere in its body. */
  readonly bodyHas: Buffer | null
}

export const EVERY_MESSAGE: StoredFilter = {
  routingKey: null, sizeMin: 0, sizeMax: Infinity, isDeadLetter: false, headHas: [], bodyHas: null,
}

/** In a queue, of the messages with afterId < id <= lastId. */
export interface MessageSearch {
  readonly queue: number
  /** Of this level only; 0: of all. */
  readonly level: number
  readonly afterId: number
  readonly lastId: number
  /** So many are passed over first, whatever they are. */
  readonly skip: number
  /**
   * The same as in an earlier search: since then nothing of the queue was dropped but from its front. Below
   * 0: something is just being dropped.
   */
  readonly version: number
  readonly filter: StoredFilter
  /** At most so many are returned, and about so many bytes. */
  readonly limit: number
  readonly bytesMax: number
  /** At most so many are looked at, those that are passed over not counted. */
  readonly scanMax: number
}

export interface FoundMessages {
  /** In id order. */
  readonly messages: readonly StoredMessage[]
  /** For each, how many of those that were looked at lie before it. */
  readonly places: readonly number[]
  /** Of those that were to be passed over. */
  readonly skipped: number
  /** Looked at, found or not. */
  readonly scanned: number
  /** The highest id that was looked at: where to go on. */
  readonly scannedTo: number
  /** Behind that there is nothing. */
  readonly isLast: boolean
}

export interface SearchReceiver {
  /** An event of its own, never from within `search`. */
  found(found: FoundMessages): void
  /** The store could not be read. */
  searchFailed(cause: Error): void
}

export interface MessageQuery {
  search(search: MessageSearch, receiver: SearchReceiver): void
}

/** A store whose engine offers a query of its own. */
export interface QueriedStore extends Store {
  readonly query: MessageQuery
}

export function hasQuery(store: Store): store is QueriedStore {
  return 'query' in store && store.query !== null && store.query !== undefined
}

/** The same test as a store's own, for messages that are in memory. */
export function isMatch(filter: StoredFilter, message: StorableMessage): boolean {
  const { buf, propertiesStart, propertiesEnd, bodyStart, bodyEnd } = message
  const size = bodyEnd - bodyStart
  if (filter.routingKey !== null && filter.routingKey !== message.routingKey) return false
  if (size < filter.sizeMin || size > filter.sizeMax) return false
  if (filter.isDeadLetter && !message.isDeadLetter) return false
  if (filter.headHas.length > 0) {
    const head = buf.subarray(propertiesStart, propertiesEnd)
    if (!filter.headHas.every((bytes) => head.includes(bytes))) return false
  }
  return filter.bodyHas === null || buf.subarray(bodyStart, bodyEnd).includes(filter.bodyHas)
}
