// Exchanges that let a message pass once: they are given what remembers its keys, and what comes of a publish
// by them is told to it. Called where exchanges are declared and restored, and by VHost.publish for messages
// with a key that met one. Invariant: a key is remembered of what was routed and that no queue rejected, in
// the batch of its message; so who hears nothing, a nack or a return may publish again.
import type { Exchange } from '../exchanges/exchange.ts'
import { parseExchangeDeduplication } from '../exchanges/message-deduplication.ts'
import type { Sightings } from '../exchanges/route.ts'
import { Deduplication } from '../queues/deduplication.ts'
import { keyOf } from '../queues/deduplication-key.ts'
import type { Message } from '../queues/message.ts'
import type { QueueParts } from '../queues/queue.ts'

/** Null for one that lets everything pass. An exchange has no other filter than what it is given here. */
export function deduplicationOf(exchange: Exchange): Deduplication | null {
  return exchange.filter as Deduplication | null
}

/**
 * Keys that are to be stored get a number of their own. Arguments that a version before took without looking
 * at them may make no sense: such an exchange lets everything pass.
 */
export function equipExchange(exchange: Exchange, parts: QueueParts, newId: () => number): void {
  const wish = parseExchangeDeduplication(exchange.type, exchange.args)
  if (wish === null || typeof wish === 'string') return
  const keysId = wish.isStored && exchange.flags.isDurable ? newId() : 0
  exchange.filter = new Deduplication(keysId, wish, exchange.traffic, parts)
}

/**
 * The exchange that it was published to knows it by now: when it was routed the first one was not published
 * yet, as in a transaction. One further on lets such a pair pass.
 */
export function isRepeatedNow({ key, first }: Sightings, message: Message): boolean {
  const [exchange] = first
  return exchange?.name === message.exchange && deduplicationOf(exchange)!.knows(key)
}

/** What became of a message with a key. */
export interface PublishedOnce {
  /** See isRepeatedNow. */
  readonly isRepeated: boolean
  /** Routed, and no queue rejected it. */
  readonly isTaken: boolean
  readonly isStored: boolean
}

/** Returns true when it was a duplicate whose first may not be on disk yet. */
export function noteSightings(
  { key, first, repeated }: Sightings, message: Message, { isRepeated, isTaken, isStored }: PublishedOnce,
): boolean {
  let isPending = false
  for (const exchange of isRepeated ? [...repeated, first[0]!] : repeated) {
    const filter = deduplicationOf(exchange)!
    const waits = filter.isPending(key)
    filter.repeated(key, waits)
    isPending ||= waits
  }
  const sighted = keyOf(message)
  if (!isTaken || sighted === null) return isPending
  for (const exchange of first) deduplicationOf(exchange)!.remember(sighted, isStored)
  return isPending
}
