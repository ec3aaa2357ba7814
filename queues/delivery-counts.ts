// How often an entry was handed out before, how often that failed, and how often it was tried again after a
// delay: three counts in one number, so that an entry has no field more and the store keeps them as the one
// count it knows (Store.touch). Each stops at 65,535. Only the broker writes them: a client that makes up
// headers changes none.
//
//   counts:  retried × 2^32 | failed × 2^16 | acquired        0: never handed out
import type { FieldTable } from '../protocol/table.ts'

const COUNT_MAX = 0xffff
const FAILED_UNIT = 0x1_0000
const RETRIED_UNIT = 0x1_0000_0000
const ACQUIRED = 'x-acquired-count'
const FAILED = 'x-delivery-count'

/** The headers that a redelivery carries; a client's own of these names give way to them (RabbitMQ). */
export const COUNT_HEADERS: ReadonlySet<string> = new Set([ACQUIRED, FAILED])

export function countReturn(counts: number, isFailure: boolean): number {
  const acquired = Math.min((counts & COUNT_MAX) + 1, COUNT_MAX)
  const failed = Math.min(failedCount(counts) + (isFailure ? 1 : 0), COUNT_MAX)
  return retriedCount(counts) * RETRIED_UNIT + failed * FAILED_UNIT + acquired
}

/** A failure after which it is to be tried again, or was for the last time. */
export function countRetry(counts: number): number {
  const isMost = retriedCount(counts) === COUNT_MAX
  return countReturn(counts, true) + (isMost ? 0 : RETRIED_UNIT)
}

export function acquiredCount(counts: number): number {
  return counts & COUNT_MAX
}

export function failedCount(counts: number): number {
  return counts >>> 16
}

export function retriedCount(counts: number): number {
  return Math.floor(counts / RETRIED_UNIT)
}

/** A count of 0 is no header (RabbitMQ 4.3). */
export function countHeaders(counts: number): FieldTable {
  const table: FieldTable = new Map([[ACQUIRED, { tag: 'l', value: acquiredCount(counts) }]])
  return failedCount(counts) === 0 ? table
    : new Map([...table, [FAILED, { tag: 'l', value: failedCount(counts) }]])
}
