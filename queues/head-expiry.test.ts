// The expiry of a queue's head: one wake-up per time, none for what was taken back; what has expired dies.
import { expect, it } from 'vitest'
import { TestClock } from '../base/clock.ts'
import { TimerWheel } from '../base/timer-wheel.ts'
import { Turn } from '../base/turn.ts'
import { Entry } from './entry.ts'
import { HeadExpiry } from './head-expiry.ts'
import { messageOf, noHolder } from './queue.contract.ts'
import type { ReadyList } from './ready-list.ts'

class HeadWorld {
  readonly clock = new TestClock()
  readonly timers = new TimerWheel(0)
  private runs: (() => void)[] = []
  readonly turn = new Turn(this.clock, (run) => this.runs.push(run))
  isMarked = false
  wakes = 0
  readonly died: number[] = []
  head: Entry | null = null
  private readonly ready = {
    first: () => this.head,
    shift: () => {
      const head = this.head
      this.head = null
      return head
    },
  } as ReadyList
  readonly expiry = new HeadExpiry(this, this, this.ready, { die: ({ id }) => this.died.push(id) })

  pump(): boolean {
    this.wakes++
    return false
  }

  watchIn(ms: number): void {
    this.watchFor(this.clock.nowMs + ms)
  }

  watchFor(expiresAtMs: number): void {
    this.head = new Entry(1, messageOf('q'), noHolder, expiresAtMs)
    this.expiry.watch()
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
  const world = new HeadWorld()
  world.watchIn(500)
  expect([world.pass(499), world.pass(101), world.pass(10_000)]).toEqual([0, 1, 1])
})

it('wakes it once when it is told of the same head again and again', () => {
  const world = new HeadWorld()
  for (let n = 0; n < 5; n++) world.watchIn(500)
  expect(world.pass(1_000)).toBe(1)
})

it('follows the head to a later and to an earlier time', () => {
  const world = new HeadWorld()
  world.watchIn(500)
  world.watchIn(2_000)
  expect(world.pass(1_000)).toBe(0)
  world.watchIn(200)
  expect([world.pass(300), world.pass(5_000)]).toEqual([1, 1])
})

it('is silent for a head that never expires', () => {
  const world = new HeadWorld()
  world.watchIn(500)
  world.watchFor(Infinity)
  expect(world.pass(10_000)).toBe(0)
})

it('wakes again for the same time, when the clock was set back meanwhile', () => {
  const world = new HeadWorld()
  const dueMs = world.clock.nowMs + 500
  world.watchFor(dueMs)
  world.pass(600)
  world.clock.nowMs -= 3_600_000
  world.watchFor(dueMs)
  expect([world.pass(1_000), world.pass(3_600_000)]).toEqual([1, 2])
})

it('wakes with the next tick for a time that has passed', () => {
  const world = new HeadWorld()
  world.watchIn(-10_000)
  expect(world.pass(100)).toBe(1)
})

it('lets go of a head that has expired, and of no other', () => {
  const world = new HeadWorld()
  world.watchIn(500)
  world.expiry.drop()
  expect([world.expiry.isMortal, world.died]).toEqual([true, []])
  world.clock.travel(500)
  world.expiry.drop()
  expect([world.expiry.isMortal, world.died]).toEqual([false, [1]])
})
