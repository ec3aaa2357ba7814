// The alarm of a queue's head: one wake-up per time that was set, none for what was taken back.
import { expect, it } from 'vitest'
import { TestClock } from '../base/clock.ts'
import { TimerWheel } from '../base/timer-wheel.ts'
import { Turn } from '../base/turn.ts'
import { HeadExpiry } from './head-expiry.ts'

class AlarmWorld {
  readonly clock = new TestClock()
  readonly timers = new TimerWheel(0)
  private runs: (() => void)[] = []
  readonly turn = new Turn(this.clock, (run) => this.runs.push(run))
  isMarked = false
  wakes = 0
  readonly alarm = new HeadExpiry(this, this)

  pump(): boolean {
    this.wakes++
    return false
  }

  watchIn(ms: number): void {
    this.alarm.watch(this.clock.nowMs + ms)
  }

  /** Returns how often the queue has been woken since the beginning. */
  pass(ms: number): number {
    this.clock.travel(ms)
    this.timers.advance(this.clock.monotonicMs)
    for (const run of this.runs.splice(0)) run()
    return this.wakes
  }
}

it('wakes the queue once', () => {
  const world = new AlarmWorld()
  world.watchIn(500)
  expect([world.pass(499), world.pass(101), world.pass(10_000)]).toEqual([0, 1, 1])
})

it('wakes it once when it is told of the same head again and again', () => {
  const world = new AlarmWorld()
  for (let n = 0; n < 5; n++) world.watchIn(500)
  expect(world.pass(1_000)).toBe(1)
})

it('follows the head to a later and to an earlier time', () => {
  const world = new AlarmWorld()
  world.watchIn(500)
  world.watchIn(2_000)
  expect(world.pass(1_000)).toBe(0)
  world.watchIn(200)
  expect([world.pass(300), world.pass(5_000)]).toEqual([1, 1])
})

it('is silent for a head that never expires', () => {
  const world = new AlarmWorld()
  world.watchIn(500)
  world.alarm.watch(Infinity)
  expect(world.pass(10_000)).toBe(0)
})

it('wakes again for the same time, when the clock was set back meanwhile', () => {
  const world = new AlarmWorld()
  const dueMs = world.clock.nowMs + 500
  world.alarm.watch(dueMs)
  world.pass(600)
  world.clock.nowMs -= 3_600_000
  world.alarm.watch(dueMs)
  expect([world.pass(1_000), world.pass(3_600_000)]).toEqual([1, 2])
})

it('wakes with the next tick for a time that has passed', () => {
  const world = new AlarmWorld()
  world.watchIn(-10_000)
  expect(world.pass(100)).toBe(1)
})
