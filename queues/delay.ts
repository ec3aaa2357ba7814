// When a message is to be ready, as its publisher says in headers: x-delay, in milliseconds, as clients of
// the delayed-message plugin give it, or x-deliver-at, a time. Called by whoever lets clients publish, once
// per message with such a header. RabbitMQ has neither; both work through any exchange.
import { ContentHeader } from '../protocol/content-header.ts'
import { preconditionFailed } from '../protocol/errors.ts'
import { isInteger } from '../protocol/table.ts'
import type { Field } from '../protocol/table.ts'
import { Message } from './message.ts'

const DELAY = 'x-delay'
const DELIVER_AT = 'x-deliver-at'
/** A hundred years. */
export const DELAY_MS_MAX = 3_155_760_000_000
/** The time and the zone: what has none would mean something else elsewhere. */
const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)$/

/**
 * Milliseconds since the epoch; 0 for at once, which delays of 0 and less and times that have passed are.
 * Errors: precondition-failed, naming the header, its value and what it may be.
 */
export function readDueMs(header: ContentHeader, nowMs: number): number {
  const headers = header.decodeHeaders()
  const delay = headers?.get(DELAY)
  const deliverAt = headers?.get(DELIVER_AT)
  if (delay !== undefined && deliverAt !== undefined) {
    throw preconditionFailed(`a message may have ${DELAY} or ${DELIVER_AT}, not both`)
  }
  if (delay !== undefined) return dueMs(DELAY, delay, nowMs + delayMsOf(delay), nowMs)
  return deliverAt === undefined ? 0 : dueMs(DELIVER_AT, deliverAt, timeMsOf(deliverAt), nowMs)
}

/** The message as it goes on: what delayed it must not do so again when it is published anew (the plugin). */
export function withSpentDelay(message: Message): Message {
  const header = new ContentHeader()
  header.readProperties(message.buf, message.propertiesStart, message.propertiesEnd)
  const delay = header.decodeHeaders()?.get(DELAY)
  if (delay === undefined || delayMsOf(delay) <= 0) return message
  const spent: Field = { tag: 'l', value: -delayMsOf(delay) }
  const properties = header.withHeaders(new Set([DELAY]), new Map([[DELAY, spent]]))
  return message.withProperties(properties)
}

function dueMs(name: string, field: Field, timeMs: number, nowMs: number): number {
  if (timeMs <= nowMs) return 0
  if (timeMs <= nowMs + DELAY_MS_MAX) return timeMs
  throw preconditionFailed(
    `invalid ${name} ${printField(field)}: at most 100 years (${DELAY_MS_MAX} ms) from now`)
}

/** Errors: precondition-failed. */
function delayMsOf(field: Field): number {
  const number = isInteger(field) ? Number(field.value)
    : field.tag === 'S' && /^-?\d{1,16}$/.test(field.value) ? Number(field.value)
      : field.tag === 'd' || field.tag === 'f' ? Math.ceil(field.value) : Number.NaN
  if (!Number.isNaN(number)) return number
  throw preconditionFailed(`invalid ${DELAY} ${printField(field)}: expected a number of milliseconds`)
}

/** Milliseconds since the epoch; NaN for what is no time with its zone. */
export function parseTime(text: string): number {
  return ISO_TIME.test(text) ? Date.parse(text) : Number.NaN
}

/** Errors: precondition-failed. */
function timeMsOf(field: Field): number {
  if (field.tag === 'T') return Number(field.value) * 1_000
  if (isInteger(field)) return Number(field.value)
  const timeMs = field.tag === 'S' ? parseTime(field.value) : Number.NaN
  if (!Number.isNaN(timeMs)) return timeMs
  throw preconditionFailed(`invalid ${DELIVER_AT} ${printField(field)}: expected a timestamp, a number of `
    + 'milliseconds since the epoch, or a time like 2027-01-31T09:30:00Z')
}

/** A header's value in a refusal. */
export function printField({ tag, value }: Field): string {
  return tag === 'S' ? `'${value}'`
    : typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean' ? String(value)
      : `of type ${tag}`
}
