// One timer for many deliveries: none is told of before its time, all soon after it, and marks stay few.
import { describe, expect, it } from 'vitest'
import { TestClock } from '../base/clock.ts'
import { TimerWheel } from '../base/timer-wheel.ts'
import { AckDeadline } from './ack-deadline.ts'

class DeadlineWorld {
  readonly clock = new TestClock()
  readonly timers = new TimerWheel(this.clock.monotonicMs)
  readonly running = new Set<AckDeadline>()
  readonly expired: [from: number, to: number][] = []

  deadline(timeoutMs: number): AckDeadline {
    return new AckDeadline(this, timeoutMs, this.running, (from, to) => this.expired.push([from, to]))
  }

  pass(ms: number): void {
    this.clock.travel(ms)
    this.timers.advance(this.clock.monotonicMs)
  }
}

describe('a deadline', () => {
  it('comes once for what was handed out together, not before its time and soon after', () => {
    const world = new DeadlineWorld()
    const deadline = world.deadline(3_200)
    for (const tag of [4, 5, 6]) deadline.handedOut(tag)
    world.pass(3_200)
    expect([world.expired, world.running.size]).toEqual([[], 1])
    world.pass(200)
    expect([world.expired, world.running.size]).toEqual([[[4, Infinity]], 0])
  })

  it('comes for each moment apart', () => {
    const world = new DeadlineWorld()
    const deadline = world.deadline(3_200)
    deadline.handedOut(1)
    world.pass(1_000)
    deadline.handedOut(2)
    deadline.handedOut(3)
    world.pass(2_500)
    expect(world.expired).toEqual([[1, 2]])
    world.pass(1_000)
    expect(world.expired).toEqual([[1, 2], [2, Infinity]])
  })

  it('starts anew after all of it has passed', () => {
    const world = new DeadlineWorld()
    const deadline = world.deadline(1_000)
    deadline.handedOut(1)
    world.pass(2_000)
    deadline.handedOut(9)
    world.pass(2_000)
    expect(world.expired).toEqual([[1, Infinity], [9, Infinity]])
  })

  it('never comes once it is stopped', () => {
    const world = new DeadlineWorld()
    const deadline = world.deadline(1_000)
    deadline.handedOut(1)
    deadline.stop()
    world.pass(5_000)
    expect([world.expired, world.running.size]).toEqual([[], 0])
  })

  it('has few marks, however many deliveries there are', () => {
    const world = new DeadlineWorld()
    const deadline = world.deadline(1_800_000)
    for (let n = 1; n <= 50_000; n++) {
      deadline.handedOut(n)
      world.pass(36)
    }
    let moments = 0
    world.pass(1_900_000)
    for (const [from, to] of world.expired) moments += to > from ? 1 : 0
    expect(moments).toBeLessThanOrEqual(1_801)
    expect(world.expired.at(0)?.[0]).toBe(1)
  })
})
