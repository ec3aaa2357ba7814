// Waymarks against counting: whatever was passed over before, whatever went from the front and came at the
// end, the same place is found; and with marks it is found by looking at little.
import { array, assert, integer, property, record } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stepOver, Waymarks } from './waymarks.ts'
import type { IdIndex } from './waymarks.ts'

const MANY = 60_000

/** Ids with gaps, and how many of them were looked at. */
class Ids implements IdIndex {
  looked = 0
  readonly ids: number[]

  constructor(count: number) {
    this.ids = Array.from({ length: count }, (_, n) => 3 * n + n % 3 + 1)
  }

  nth(afterId: number, lastId: number, count: number): number | undefined {
    const between = this.between(afterId, lastId)
    this.looked += Math.min(count, between.length)
    return between[count - 1]
  }

  count(afterId: number, lastId: number): number {
    const { length } = this.between(afterId, lastId)
    this.looked += length
    return length
  }

  private between(afterId: number, lastId: number): number[] {
    return this.ids.filter((id) => id > afterId && id <= lastId)
  }
}

/** With a few marks. */
const SOME = 30_000
const place = integer({ min: 0, max: SOME })
const search = record({ after: place, end: place, skip: integer({ min: 1, max: SOME }) })

describe('waymarks', () => {
  it('lead where counting leads, however they were made', () => {
    const index = new Ids(SOME)
    const idAt = (at: number): number => (at === 0 ? 0 : index.ids[at - 1]!)
    assert(property(array(search, { minLength: 1, maxLength: 8 }), (searches) => {
      const marks = new Waymarks()
      for (const { after, end, skip } of searches) {
        const range = [idAt(Math.min(after, end)), idAt(Math.max(after, end))] as const
        expect(marks.pass('q', 0, index, ...range, skip)).toEqual(stepOver(index, ...range, skip))
      }
    }), { numRuns: 20 })
  })

  it('make the second way short, also from where the front is by then', () => {
    const index = new Ids(MANY)
    const last = index.ids.at(-1)!
    const marks = new Waymarks()
    marks.pass('q', 0, index, 0, last, 55_000)
    index.looked = 0
    const front = index.ids[4_999]!
    expect(marks.pass('q', 0, index, front, last, 50_000))
      .toEqual({ reached: index.ids[54_999], count: 50_000 })
    expect(index.looked).toBeLessThan(2 * 8_192)
  })

  it('of another version or another queue are others', () => {
    const index = new Ids(MANY)
    const last = index.ids.at(-1)!
    const marks = new Waymarks()
    marks.pass('q', 0, index, 0, last, 40_000)
    index.ids.splice(10_000, 5_000)
    expect(marks.pass('q', 1, index, 0, last, 40_000).reached).toBe(index.ids[39_999])
    expect(marks.pass('r', 1, new Ids(5), 0, last, 40_000)).toEqual({ reached: last, count: 5 })
  })
})
