// How often an entry was handed out before, and how often that failed: two counts in one number, so that an
// entry has no field more and the store keeps them as the one count it knows (Store.touch). Both stop at
// 65,535.
//
//   counts:  failed << 16 | acquired        0: never handed out
import type { FieldTable } from '../protocol/table.ts'

const COUNT_MAX = 0xffff
const ACQUIRED = 'x-acquired-count'
const FAILED = 'x-delivery-count'

/** The headers that a redelivery carries; a client's own of these names give way to them (RabbitMQ). */
export const COUNT_HEADERS: ReadonlySet<string> = new Set([ACQUIRED, FAILED])

export function countReturn(counts: number, isFailure: boolean): number {
  const acquired = Math.min((counts & COUNT_MAX) + 1, COUNT_MAX)
  const failed = Math.min(failedCount(counts) + (isFailure ? 1 : 0), COUNT_MAX)
  return failed * (COUNT_MAX + 1) + acquired
}

export function failedCount(counts: number): number {
  return counts >>> 16
}

/** A count of 0 is no header (RabbitMQ 4.3). */
export function countHeaders(counts: number): FieldTable {
  const table: FieldTable = new Map([[ACQUIRED, { tag: 'l', value: counts & COUNT_MAX }]])
  return failedCount(counts) === 0 ? table
    : new Map([...table, [FAILED, { tag: 'l', value: failedCount(counts) }]])
}
