// The heap against an array that is sorted anew each time.
import { expect, it } from 'vitest'
import { Heap } from './heap.ts'
import type { Heaped } from './heap.ts'
import { SeededRandom } from './random.ts'

interface Numbered extends Heaped {
  readonly rank: number
  readonly id: number
}

const isBefore = (a: Numbered, b: Numbered): boolean => a.rank < b.rank || (a.rank === b.rank && a.id < b.id)

it('has nothing first when it is empty', () => {
  const heap = new Heap<Numbered>(isBefore)
  expect([heap.first(), heap.length]).toEqual([null, 0])
})

it.each([1, 2, 3, 4, 5])('has the same first as a sorted array (seed %i)', (seed) => {
  const random = new SeededRandom(seed)
  const heap = new Heap<Numbered>(isBefore)
  const sorted: Numbered[] = []
  for (let id = 1; id <= 3_000; id++) {
    const roll = random.below(10)
    if (roll < 6) {
      const item = { rank: random.below(50), id, heapAt: -1 }
      heap.add(item)
      sorted.push(item)
    } else if (sorted.length > 0) {
      const at = roll < 8 ? 0 : random.below(sorted.length)
      heap.remove(sorted.splice(at, 1)[0]!)
    }
    sorted.sort((a, b) => (isBefore(a, b) ? -1 : 1))
    expect([heap.first(), heap.length]).toEqual([sorted[0] ?? null, sorted.length])
  }
  heap.clear()
  expect([heap.first(), heap.length]).toEqual([null, 0])
})
