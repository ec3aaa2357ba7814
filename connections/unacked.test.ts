// Unacked deliveries against a Map: tags with gaps, taken one by one, up to a tag, or all.
import { array, assert, constantFrom, integer, nat, property, record } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TestClock } from '../base/clock.ts'
import type { Entry } from '../queues/entry.ts'
import { Unacked } from './unacked.ts'
import type { TakenEntry } from './unacked.ts'

/** Unacked never looks into an entry, so a tagged object stands in for one. */
const entryOf = (tag: number): Entry => ({ id: tag }) as Entry

function unackedOf(...tags: number[]): Unacked {
  const unacked = new Unacked(new TestClock())
  for (const tag of tags) unacked.add(tag, entryOf(tag))
  return unacked
}

const inOrder = (model: Map<number, Entry>): Entry[] =>
  [...model].toSorted(([a], [b]) => a - b).map(([, entry]) => entry)

it('holds what a map holds, whatever is taken in whatever order', () => {
  const step = record({
    kind: constantFrom('add', 'add', 'take', 'takeOldest', 'peek', 'putBack', 'takeAll'),
    gap: integer({ min: 1, max: 4 }), pick: nat(),
  })
  assert(property(array(step, { maxLength: 120 }), nat(2 ** 40), (steps, start) => {
    const unacked = new Unacked(new TestClock())
    const model = new Map<number, Entry>()
    let lastTag = start
    let taken: TakenEntry[] = []
    for (const { kind, gap, pick } of steps) {
      const tag = start + (pick % (lastTag - start + 3))
      if (kind === 'add') {
        for (let n = 0; n <= pick % 8; n++) {
          lastTag += gap
          const entry = entryOf(lastTag)
          unacked.add(lastTag, entry)
          model.set(lastTag, entry)
        }
      } else if (kind === 'take') {
        const entry = unacked.take(tag)
        expect(entry).toBe(model.get(tag) ?? null)
        if (entry !== null) taken.push({ tag, entry })
        model.delete(tag)
      } else if (kind === 'peek') {
        expect(unacked.isOutstanding(tag)).toBe(model.has(tag))
      } else if (kind === 'takeOldest') {
        const oldest = Math.min(...model.keys(), Infinity)
        expect(unacked.firstTag).toBe(oldest === Infinity ? 0 : oldest)
        model.delete(oldest)
        unacked.take(oldest)
      } else if (kind === 'putBack') {
        unacked.putBack(taken)
        for (const { tag: back, entry } of taken) model.set(back, entry)
        taken = []
      } else if (pick % 4 === 0) {
        expect(unacked.takeAll()).toEqual(inOrder(model))
        model.clear()
        taken = []
      }
      expect(unacked.count).toBe(model.size)
    }
    expect(unacked.takeAll()).toEqual(inOrder(model))
  }), { numRuns: 1_000 })
})

it('tells what is outstanding between two tags, and puts another in its place', () => {
  const unacked = unackedOf(3, 4, 7, 8, 12)
  unacked.take(7)
  const tagsBetween = (from: number, to: number): number[] => unacked.between(from, to).map(([tag]) => tag)
  expect([tagsBetween(0, 4), tagsBetween(4, 12), tagsBetween(5, Infinity), tagsBetween(13, 20)])
    .toEqual([[3], [4, 8], [8, 12], []])
  unacked.replace(8, entryOf(80))
  expect([unacked.count, unacked.take(8)?.id]).toEqual([4, 80])
})

describe('a tag', () => {
  it('is taken once', () => {
    const unacked = unackedOf(1, 2)
    expect(unacked.take(1)?.id).toBe(1)
    expect(unacked.take(1)).toBeNull()
    expect(unacked.isOutstanding(1)).toBe(false)
    expect(unacked.isOutstanding(2)).toBe(true)
  })

  it('of a delivery that needed no ack is unknown', () => {
    const unacked = unackedOf(4, 5, 7, 8)
    expect(unacked.take(6)).toBeNull()
    expect(unacked.take(7)?.id).toBe(7)
    expect(unacked.take(8)?.id).toBe(8)
    expect(unacked.take(5)?.id).toBe(5)
  })

  it.each([0, 3, 9, -1, 2 ** 53, Infinity])('outside of what is held is unknown: %d', (tag) => {
    const unacked = unackedOf(4, 5, 7, 8)
    expect(unacked.take(tag)).toBeNull()
    expect(unacked.isOutstanding(tag)).toBe(false)
    expect(unacked.count).toBe(4)
  })
})

it('puts back what was taken between what stayed', () => {
  const unacked = unackedOf(4, 5, 7, 8)
  const taken = [7, 4].map((tag) => ({ tag, entry: unacked.take(tag)! }))
  unacked.putBack(taken)
  expect([unacked.firstTag, unacked.count]).toEqual([4, 4])
  expect(unacked.take(7)?.id).toBe(7)
  expect(unacked.takeAll().map(({ id }) => id)).toEqual([4, 5, 8])
})

it('takes out everything up to a tag', () => {
  const unacked = unackedOf(4, 5, 7, 8)
  unacked.take(5)
  expect(unacked.takeTo(7).map(({ id }) => id)).toEqual([4, 7])
  expect([unacked.firstTag, unacked.count]).toEqual([8, 1])
})

it('can be filled again after everything was taken', () => {
  const unacked = unackedOf(1, 2)
  unacked.take(2)
  unacked.takeAll()
  expect(unacked.count).toBe(0)
  unacked.add(9, entryOf(9))
  expect(unacked.take(9)?.id).toBe(9)
})

it('knows to the second when each delivery was made', () => {
  const clock = new TestClock(1_000_000)
  const unacked = new Unacked(clock)
  for (const tag of [1, 2, 3, 4, 5]) {
    unacked.add(tag, entryOf(tag))
    clock.travel(600)
  }
  unacked.take(1)
  unacked.take(4)
  expect([...unacked.deliveries()].map(({ tag, sinceMs }) => [tag, sinceMs]))
    .toEqual([[2, 1_000_000], [3, 1_001_200], [5, 1_002_400]])
  unacked.takeAll()
  unacked.add(6, entryOf(6))
  expect([...unacked.deliveries()].map(({ tag, sinceMs }) => [tag, sinceMs])).toEqual([[6, 1_003_000]])
})
