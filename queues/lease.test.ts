// The time a queue may be unused: one timer, started anew, suspended, and none at all for queues without; and
// what counts as use (behaviours §4.10).
import { describe, expect, it } from 'vitest'
import { TestClock } from '../base/clock.ts'
import { TimerWheel } from '../base/timer-wheel.ts'
import { tableOf } from '../protocol/table-encode.ts'
import { Lease } from './lease.ts'
import { QueueWorld } from './queue.contract.ts'

class LeaseWorld {
  readonly clock = new TestClock()
  readonly timers = new TimerWheel(0)
  readonly lease: Lease
  ends = 0

  constructor(lengthMs: number) {
    this.lease = new Lease(this, lengthMs, () => { this.ends++ })
  }

  pass(ms: number): number {
    this.clock.travel(ms)
    this.timers.advance(this.clock.monotonicMs)
    return this.ends
  }
}

it('runs from its beginning and ends once', () => {
  const world = new LeaseWorld(1_000)
  expect([world.pass(999), world.pass(101), world.pass(10_000)]).toEqual([0, 1, 1])
})

it('starts anew when it is renewed', () => {
  const world = new LeaseWorld(1_000)
  world.pass(900)
  world.lease.renew()
  expect([world.pass(900), world.pass(200)]).toEqual([0, 1])
})

it('starts again after it has ended', () => {
  const world = new LeaseWorld(1_000)
  world.pass(1_100)
  world.lease.renew()
  expect([world.pass(900), world.pass(300)]).toEqual([1, 2])
})

it('does not run while it is suspended', () => {
  const world = new LeaseWorld(1_000)
  world.lease.suspend()
  expect(world.pass(60_000)).toBe(0)
  world.lease.renew()
  expect(world.pass(1_100)).toBe(1)
})

it('of a millisecond, the shortest, ends with the next tick', () => {
  const world = new LeaseWorld(1)
  expect([world.pass(0), world.pass(100)]).toEqual([0, 1])
})

it('of no length never runs, however often it is renewed', () => {
  const world = new LeaseWorld(Infinity)
  world.lease.renew()
  world.lease.suspend()
  world.lease.renew()
  expect(world.pass(315_360_000_000)).toBe(0)
})

const expiringWorld = (): QueueWorld => new QueueWorld({ args: tableOf({ 'x-expires': 1_000 }) })

function pass(world: QueueWorld, ms: number): void {
  for (let passed = 0; passed < ms; passed += 100) {
    world.clock.travel(100)
    world.timers.advance(world.clock.monotonicMs)
    world.settleDown()
  }
}

describe('a queue with x-expires', () => {
  it('ends when it was not used since it was declared', () => {
    const world = expiringWorld()
    pass(world, 900)
    expect(world.expirations).toBe(0)
    pass(world, 200)
    expect(world.expirations).toBe(1)
  })

  it('starts anew with a declare, and with a get that finds nothing', () => {
    const uses = [({ queue }: QueueWorld) => queue.used(), ({ queue }: QueueWorld) => queue.get(true)]
    for (const use of uses) {
      const world = expiringWorld()
      pass(world, 800)
      use(world)
      pass(world, 900)
      expect(world.expirations).toBe(0)
      pass(world, 200)
      expect(world.expirations).toBe(1)
    }
  })

  it('does not care for publishes', () => {
    const world = expiringWorld()
    pass(world, 800)
    world.publish(1)
    pass(world, 300)
    expect(world.expirations).toBe(1)
  })

  it('never ends while it has a consumer, whatever else is done', () => {
    const world = expiringWorld()
    world.consumer('c')
    world.queue.used()
    world.queue.get(true)
    pass(world, 5_000)
    expect(world.expirations).toBe(0)
  })

  it('starts to count when the last consumer leaves', () => {
    const world = expiringWorld()
    const [a, b] = [world.consumer('a'), world.consumer('b')]
    pass(world, 2_000)
    world.queue.removeConsumer(a)
    pass(world, 2_000)
    world.queue.removeConsumer(b)
    pass(world, 900)
    expect(world.expirations).toBe(0)
    pass(world, 200)
    expect(world.expirations).toBe(1)
  })

  it('does not end after it was deleted', () => {
    const world = expiringWorld()
    world.queue.delete()
    pass(world, 2_000)
    expect(world.expirations).toBe(0)
  })
})
