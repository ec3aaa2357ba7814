// How often and when a queue tries a failed message again, as arguments and policies say it: x-retry-delay
// as text, array, table or number, x-retry-on, x-retry-then. Read by settings.ts, acted on by returns.ts and
// dlq/retries.ts. Invariant: what `read…` takes it takes whole; a value with a mistake in it is null.
//
//   '1s,5s,30s'   [1000, '5s']   500          the steps one after the other, the last again and again
//   'exponential:1s,2,5m,10%'                 first, factor, maximum, jitter; all but the first may be absent
//   {first: '1s', factor: 2, maximum: '5m', jitter: 10}
import { isInteger } from '../protocol/table.ts'
import type { Field } from '../protocol/table.ts'

/** What may fail: basic.reject or basic.nack without requeue, an ack that is late, a channel that is lost. */
export const RETRY_CAUSES = ['reject', 'nack', 'timeout', 'connection-loss'] as const
export type RetryCause = (typeof RETRY_CAUSES)[number]

/** What becomes of a message after its last attempt; `park`: it is held until somebody acts. */
export const RETRY_ENDS = ['dead-letter', 'discard', 'park'] as const

export interface Steps {
  readonly kind: 'steps'
  readonly delaysMs: readonly number[]
}

export interface Exponential {
  readonly kind: 'exponential'
  readonly firstMs: number
  readonly factor: number
  /** Before jitter. */
  readonly maximumMs: number
  /** The part by which a delay may be longer or shorter, 0 to 1. */
  readonly jitter: number
}

export type RetryDelay = Steps | Exponential

export interface RetrySettings {
  /** Attempts after the first delivery. */
  readonly attemptsMax: number
  readonly delay: RetryDelay
  readonly causes: ReadonlySet<RetryCause>
  readonly end: (typeof RETRY_ENDS)[number]
}

/** The steps of x-retry-delay, and the attempts: the counts stop there. */
const STEPS_MAX = 100
export const RETRY_ATTEMPTS_MAX = 65_535
/** Ten years, as other times of queues. */
const DELAY_MS_MAX = 315_360_000_000
const ATTEMPTS_DEFAULT = 5
const DELAY_DEFAULT: RetryDelay = {
  kind: 'exponential', firstMs: 1_000, factor: 2, maximumMs: 300_000, jitter: 0,
}
const CAUSES_DEFAULT: readonly RetryCause[] = ['reject', 'nack', 'timeout']
const UNITS_MS = new Map([
  ['', 1], ['ms', 1], ['s', 1_000], ['m', 60_000], ['h', 3_600_000], ['d', 86_400_000],
])
const EXPONENTIAL = 'exponential:'
const TABLE_KEYS = ['first', 'factor', 'maximum', 'jitter']

export const RETRY_DELAY_WORDS = "expected a number of milliseconds, times like '1s,5s,30s' (units ms, s, m, "
  + "h, d; at most 10 years each, 100 in all), an array of them, 'exponential:first,factor,maximum,jitter' "
  + "like 'exponential:1s,2,5m,10%', or a table with these names"
export const RETRY_ON_WORDS = `expected a comma-separated list of ${RETRY_CAUSES.join(', ')}`
export const RETRY_THEN_WORDS = `expected one of ${RETRY_ENDS.join(', ')}`
export const RETRY_ATTEMPTS_WORDS = `expected an integer from 1 to ${RETRY_ATTEMPTS_MAX}`

/** Null when neither says that there are retries. The values are valid, or undefined. */
export function retrySettings(
  attempts: unknown, delayValue: unknown, causes: unknown, end: unknown,
): RetrySettings | null {
  if (attempts === undefined && delayValue === undefined) return null
  const delay = readRetryDelay(delayValue) ?? DELAY_DEFAULT
  const steps = delay.kind === 'steps' ? delay.delaysMs.length : 1
  return {
    attemptsMax: typeof attempts === 'number' ? attempts : steps > 1 ? steps : ATTEMPTS_DEFAULT,
    delay,
    causes: new Set(readRetryCauses(causes) ?? CAUSES_DEFAULT),
    end: RETRY_ENDS.find((word) => word === end) ?? 'dead-letter',
  }
}

/** A value of an argument as JSON would have it. */
export function plainOf(field: Field): unknown {
  if (field.tag === 'A') return field.value.map(plainOf)
  if (field.tag === 'F') return Object.fromEntries([...field.value].map(([key, of]) => [key, plainOf(of)]))
  return isInteger(field) ? Number(field.value) : field.value
}

export function isRetryAttempts(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= RETRY_ATTEMPTS_MAX
}

export function isRetryEnd(value: unknown): boolean {
  return RETRY_ENDS.some((word) => word === value)
}

export function readRetryCauses(value: unknown): readonly RetryCause[] | null {
  if (typeof value !== 'string') return null
  const words = value.split(',').map((word) => word.trim())
  const causes = RETRY_CAUSES.filter((cause) => words.includes(cause))
  return causes.length === words.length ? causes : null
}

export function readRetryDelay(value: unknown): RetryDelay | null {
  if (typeof value === 'number') return stepsOf([value])
  if (Array.isArray(value)) return stepsOf(value)
  if (typeof value === 'object' && value !== null) return exponentialOfTable(value)
  if (typeof value !== 'string') return null
  if (!value.startsWith(EXPONENTIAL)) return stepsOf(value.split(','))
  const parts = value.slice(EXPONENTIAL.length).split(',').map((part) => part.trim())
  return parts.length > TABLE_KEYS.length ? null : exponentialOf(parts[0], parts[1], parts[2], parts[3])
}

function stepsOf(values: readonly unknown[]): Steps | null {
  const delaysMs = values.map(timeMs)
  const isGood = delaysMs.length > 0 && delaysMs.length <= STEPS_MAX && !delaysMs.some(Number.isNaN)
  return isGood ? { kind: 'steps', delaysMs } : null
}

function exponentialOfTable(table: object): Exponential | null {
  const values = new Map<string, unknown>(Object.entries(table))
  if ([...values.keys()].some((key) => !TABLE_KEYS.includes(key))) return null
  return exponentialOf(
    values.get('first'), values.get('factor'), values.get('maximum'), values.get('jitter'))
}

function exponentialOf(
  first: unknown, factorValue: unknown = 2, maximum: unknown = DELAY_MS_MAX, jitterValue: unknown = 0,
): Exponential | null {
  const [firstMs, maximumMs] = [timeMs(first), timeMs(maximum)]
  const factor = numberOf(factorValue, /^\d+(\.\d+)?$/)
  const jitter = numberOf(jitterValue, /^\d+(\.\d+)?%?$/) / 100
  const isGood = firstMs > 0 && maximumMs >= firstMs && factor >= 1 && factor <= 1_000
    && jitter >= 0 && jitter <= 1
  return isGood ? { kind: 'exponential', firstMs, factor, maximumMs, jitter } : null
}

/** NaN for what is no number. */
function numberOf(value: unknown, pattern: RegExp): number {
  if (typeof value === 'number') return value
  return typeof value === 'string' && pattern.test(value) ? Number.parseFloat(value) : Number.NaN
}

/** NaN for what is no time, or too long. */
function timeMs(value: unknown): number {
  const [, digits, unit] = /^ *(\d{1,12})(ms|s|m|h|d|) *$/.exec(String(value)) ?? []
  const isText = typeof value === 'string' || typeof value === 'number'
  const ms = digits === undefined || !isText ? Number.NaN : Number(digits) * UNITS_MS.get(unit!)!
  return ms <= DELAY_MS_MAX ? ms : Number.NaN
}
