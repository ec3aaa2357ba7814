// What arguments and headers of deduplication may say, for whoever reads one: exchanges, queues, messages.
// Invariant: the same number is right for all of them.
import { isInteger } from './table.ts'
import type { Field } from './table.ts'

/** Keys that a queue or an exchange may know; a Map takes 16.7 million. */
export const KEYS_MAX = 10_000_000
/** And those it does when nobody says: 192 MB of memory. */
export const KEYS_MAX_DEFAULT = 1_000_000
/** Ten years, as for other times. */
export const KEY_WINDOW_MS_MAX = 315_360_000_000

/** An integer from 1 on, also as text, as the plugin takes it; null for everything else. */
export function readPositive(field: Field, max: number): number | null {
  const value = isInteger(field) ? Number(field.value)
    : field.tag === 'S' && /^\d{1,16}$/.test(field.value) ? Number(field.value) : 0
  return value >= 1 && value <= max ? value : null
}
