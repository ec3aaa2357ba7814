// The key that a publisher gave a message, in the header x-deduplication-header, as clients of the
// message-deduplication plugin do, and how long it counts, in x-cache-ttl. Read where clients publish, which
// refuses what makes no sense, and by deduplicating queues off the messages themselves. Two keys are the same
// when their types and values are: the number 5 is not the text '5' (the plugin).
import { ContentHeader } from '../protocol/content-header.ts'
import { KEY_WINDOW_MS_MAX, readPositive } from '../protocol/deduplication-limits.ts'
import { preconditionFailed } from '../protocol/errors.ts'
import { isInteger } from '../protocol/table.ts'
import type { Field } from '../protocol/table.ts'
import { printField } from './delay.ts'
import type { Message } from './message.ts'

export const DEDUPLICATION_HEADER = 'x-deduplication-header'
const WINDOW_HEADER = 'x-cache-ttl'
/** Of the key as text, in UTF-8: keys stay in memory. */
const KEY_BYTES_MAX = 1_024
/** Of a value that is refused. */
const SHOWN_MAX = 100

export interface DeduplicationKey {
  /** As JSON: a text or an integer. */
  readonly key: string
  /** In milliseconds; null: the owner's. */
  readonly windowMs: number | null
}

/** One at a time, filled anew for each message. */
const reader = new ContentHeader()

/**
 * Null for a message without the header. Errors: precondition-failed, naming the header, its value and what
 * it may be.
 */
export function readDeduplicationKey(header: ContentHeader): DeduplicationKey | null {
  const read = parse(header)
  if (typeof read === 'string') throw preconditionFailed(read)
  return read
}

/** Of a message that was taken in; null also for a header that no publisher would have got past the door. */
export function keyOf(message: Message): DeduplicationKey | null {
  reader.readProperties(message.buf, message.propertiesStart, message.propertiesEnd)
  const read = reader.hasDeduplicationKey ? parse(reader) : null
  return typeof read === 'string' ? null : read
}

/** The key, or what is wrong with it. */
function parse(header: ContentHeader): DeduplicationKey | string | null {
  const headers = header.decodeHeaders()
  const field = headers?.get(DEDUPLICATION_HEADER)
  if (field === undefined) return null
  const key = textOf(field)
  if (key === null) {
    return `invalid ${DEDUPLICATION_HEADER} ${printField(field).slice(0, SHOWN_MAX)}: `
      + `expected an integer, or text in UTF-8 of at most ${KEY_BYTES_MAX} bytes`
  }
  const window = headers?.get(WINDOW_HEADER)
  if (window === undefined) return { key, windowMs: null }
  const windowMs = readPositive(window, KEY_WINDOW_MS_MAX)
  if (windowMs !== null) return { key, windowMs }
  return `invalid ${WINDOW_HEADER} ${printField(window).slice(0, SHOWN_MAX)}: `
    + `expected a number of milliseconds from 1 to ${KEY_WINDOW_MS_MAX}`
}

/** Null for what is no key. What was no UTF-8 was decoded to U+FFFD: two keys might have become one. */
function textOf(field: Field): string | null {
  if (isInteger(field)) return String(field.value)
  if (field.tag !== 'S' || field.value.includes('\uFFFD')) return null
  return Buffer.byteLength(field.value) <= KEY_BYTES_MAX ? JSON.stringify(field.value) : null
}
