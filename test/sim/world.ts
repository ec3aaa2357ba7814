// Virtual time: events in a binary heap, by time and then by the order in which they were asked for.
// Everything random comes from one seeded generator, so a seed is a whole history. Times are microseconds.
import { TestClock } from '../../base/clock.ts'
import { SeededRandom } from '../../base/random.ts'

export const MS = 1_000
export const SECOND = 1_000_000

interface Event {
  readonly time: number
  readonly sequence: number
  readonly run: () => void
}

/** What clients need of it; the crash test gives them the real one. */
export type Timing = Pick<World, 'at' | 'between' | 'now' | 'random'>

export class World {
  readonly random: SeededRandom
  readonly clock = new TestClock()
  now = 0
  eventCount = 0
  private sequence = 0
  private readonly heap: Event[] = []

  constructor(seed: number) {
    this.random = new SeededRandom(seed)
  }

  at(delay: number, run: () => void): void {
    const { heap } = this
    const event = { time: this.now + delay, sequence: this.sequence++, run }
    let at = heap.length
    while (at > 0) {
      const above = (at - 1) >>> 1
      if (isBefore(heap[above]!, event)) break
      heap[at] = heap[above]!
      at = above
    }
    heap[at] = event
  }

  between(low: number, high: number): number {
    return low + this.random.below(high - low + 1)
  }

  /** Runs the next event; false when there is none before `limit`. */
  step(limit: number): boolean {
    const event = this.heap[0]
    if (event === undefined || event.time > limit) return false
    this.removeFirst()
    this.clock.travel((event.time - this.now) / MS)
    this.now = event.time
    this.eventCount++
    event.run()
    return true
  }

  private removeFirst(): void {
    const { heap } = this
    const last = heap.pop()!
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let below = at * 2 + 1
      if (below >= heap.length) break
      if (below + 1 < heap.length && isBefore(heap[below + 1]!, heap[below]!)) below++
      if (isBefore(last, heap[below]!)) break
      heap[at] = heap[below]!
      at = below
    }
    heap[at] = last
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.time < b.time || (a.time === b.time && a.sequence < b.sequence)
}
