// What the store gives back, as an entry of its queue again. Called by Queue for every message of a page.
// Messages of one page that were published alike share their envelope, as they did when they came in.
import { ContentHeader, PERSISTENT } from '../protocol/content-header.ts'
import { encodeEnvelope } from '../protocol/envelope.ts'
import type { StoredMessage } from '../store/store.ts'
import { Entry } from './entry.ts'
import type { EntryHolder } from './entry.ts'
import { Envelope, Message } from './message.ts'

/** One at a time, filled anew for each message. */
const header = new ContentHeader()
let envelope = new Envelope('', '', encodeEnvelope('', ''))

/**
 * `suspectTo`: messages up to this id may have been handed out by a process that then died. One that was
 * noted as delivered says no more than that.
 */
export function storedEntry(stored: StoredMessage, queue: EntryHolder, suspectTo: number): Entry {
  const entry = new Entry(stored.id, storedMessage(stored), queue, stored.expiresAtMs)
  entry.isStored = true
  entry.deliveryCount = Math.max(stored.deliveryCount, stored.id <= suspectTo ? 1 : 0)
  return entry
}

export function storedMessage(stored: StoredMessage): Message {
  const { exchange, routingKey, rawKey, buf, propertiesStart, propertiesEnd, bodyStart, bodyEnd } = stored
  if (exchange !== envelope.exchange || routingKey !== envelope.routingKey || rawKey !== null) {
    envelope = new Envelope(exchange, routingKey, encodeEnvelope(exchange, rawKey ?? routingKey))
  }
  header.readProperties(buf, propertiesStart, propertiesEnd)
  const { priority, deliveryMode } = header
  const message = new Message(envelope, buf, propertiesStart, propertiesEnd, bodyStart, bodyEnd, {
    isPersistent: deliveryMode === PERSISTENT, expiresAtMs: Infinity, priority,
    isDeadLetter: stored.isDeadLetter,
  })
  message.bodyId = stored.bodyId
  return message
}
