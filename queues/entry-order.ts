// Entries in a ring in id order, found and taken out by halving. Used by the ready lists for whoever browses
// a queue or takes messages out of its middle; delivery never needs it.
import type { Ring } from '../base/ring.ts'
import type { Entry } from './entry.ts'

/** The index of the first entry with a higher id. */
export function placeAfter(ring: Ring<Entry>, id: number): number {
  let low = 0
  let high = ring.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ring.at(middle)!.id <= id) low = middle + 1
    else high = middle
  }
  return low
}

/** Takes out those with these ids, which ascend. */
export function takeById(ring: Ring<Entry>, ids: readonly number[]): Entry[] {
  const indexes: number[] = []
  for (const id of ids) {
    const index = placeAfter(ring, id - 1)
    if (ring.at(index)?.id === id) indexes.push(index)
  }
  return indexes.length === 0 ? [] : ring.takeAt(indexes)
}

/** Ids of entries, each once, ascending. */
export function idsOf(entries: readonly Entry[]): number[] {
  return [...new Set(entries.map(({ id }) => id))].toSorted((a, b) => a - b)
}
