// Ages told from ids: exact to the millisecond for what is young, coarser for what is old, never beyond
// bounds.
import { expect, test } from 'vitest'
import { Arrivals } from './arrivals.ts'
import { TestClock } from './clock.ts'
import { SeededRandom } from './random.ts'

test('an id is as old as the note before it', () => {
  const clock = new TestClock()
  const arrivals = new Arrivals(clock)
  clock.travel(10)
  arrivals.note(5)
  clock.travel(10)
  arrivals.note(8)
  clock.travel(7)
  expect([5, 6, 8, 9, 100].map((id) => arrivals.ageMs(id))).toEqual([27, 17, 17, 7, 7])
})

test('the first message is not as old as the broker', () => {
  const clock = new TestClock()
  const arrivals = new Arrivals(clock)
  clock.travel(60_000)
  arrivals.note(0)
  clock.travel(2)
  expect(arrivals.ageMs(1)).toBe(2)
})

test('what came before the start is as old as the start', () => {
  const clock = new TestClock()
  const arrivals = new Arrivals(clock)
  clock.travel(10)
  arrivals.note(1000)
  clock.travel(5)
  expect([arrivals.ageMs(1), arrivals.ageMs(1000), arrivals.ageMs(1001)]).toEqual([15, 15, 5])
})

test('an idle hour does not make the next message old', () => {
  const clock = new TestClock()
  const arrivals = new Arrivals(clock)
  clock.travel(1)
  arrivals.note(5)
  clock.travel(1)
  arrivals.note(6)
  clock.travel(3_600_000)
  arrivals.note(6)
  clock.travel(3)
  expect([arrivals.ageMs(6), arrivals.ageMs(7)]).toEqual([3_600_004, 3])
})

test('what was there at the start is told from what came in its first millisecond', () => {
  const arrivals = new Arrivals(new TestClock())
  expect(arrivals.isFromBefore(1000)).toBe(true)
  arrivals.note(1000)
  expect([1000, 1001].map((id) => arrivals.isFromBefore(id))).toEqual([true, false])
})

test('an hour of a message per millisecond leaves each as old as it is, by a sixty-fourth', () => {
  const clock = new TestClock()
  const arrivals = new Arrivals(clock)
  arrivals.note(1000)
  for (let id = 1001; id <= 3_601_000; id++) {
    clock.travel(1)
    arrivals.note(id - 1)
  }
  const wrong = []
  for (let age = 0; age < 3_600_000; age += 1 + (age >> 4)) {
    const told = arrivals.ageMs(3_601_000 - age)
    if (told < age || told > age + age / 64) wrong.push([age, told])
  }
  expect(wrong).toEqual([])
  expect(arrivals.noteCount).toBeLessThan(4096)
  expect([1000, 1001].map((id) => arrivals.isFromBefore(id))).toEqual([true, false])
})

test('against a plain table: never younger, and young ones exact, in bounded room', () => {
  const random = new SeededRandom(7)
  const clock = new TestClock()
  const arrivals = new Arrivals(clock)
  const came: number[] = []
  for (let turn = 0; turn < 20_000; turn++) {
    clock.travel(1 + random.below(40))
    arrivals.note(came.length)
    for (let n = random.below(4); n > 0; n--) came.push(clock.monotonicMs)
  }
  expect(arrivals.noteCount).toBeLessThan(4096)
  for (let n = 0; n < 5000; n++) {
    const id = 1 + random.below(came.length)
    const age = clock.monotonicMs - came[id - 1]!
    const told = arrivals.ageMs(id)
    expect(told).toBeGreaterThanOrEqual(age)
    if (age < 10_000) expect(told).toBe(age)
    expect(told - age).toBeLessThanOrEqual(age / 64)
  }
})
