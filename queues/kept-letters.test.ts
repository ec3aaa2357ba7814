// Dead letters that must not be lost: kept until somebody has taken them, tried again, counted, purged.
import { describe, expect, it } from 'vitest'
import { TestClock } from '../base/clock.ts'
import { TimerWheel } from '../base/timer-wheel.ts'
import { Turn } from '../base/turn.ts'
import { tableOf } from '../protocol/table-encode.ts'
import type { FieldTable } from '../protocol/table.ts'
import { Entry } from './entry.ts'
import { KeptLetters } from './kept-letters.ts'
import { QueueWorld, messageOf } from './queue.contract.ts'
import { resolveQueueSettings } from './settings.ts'

/** More letters than a call takes arguments. */
const MANY = 150_000

function keepingWorld(args: Record<string, string | number> = {}): QueueWorld {
  return new QueueWorld({ args: tableOf({
    'x-queue-type': 'quorum', 'x-dead-letter-exchange': 'x', 'x-overflow': 'reject-publish',
    'x-dead-letter-strategy': 'at-least-once', ...args,
  }) })
}

function killOne(world: QueueWorld): void {
  world.publish(1)
  world.queue.reject(world.queue.get(false)!)
  world.settleDown()
}

function pass(world: QueueWorld, ms: number): void {
  world.clock.travel(ms)
  world.timers.advance(world.clock.monotonicMs)
  world.settleDown()
}

describe('a letter', () => {
  it('that is taken is gone from the store in the batch it died in', () => {
    const world = keepingWorld()
    killOne(world)
    expect([world.deaths, world.store.kept.size]).toEqual([['q rejected all'], 0])
  })

  it('that leads nowhere stays in the store, is not ready, and is tried again until it is taken', () => {
    const world = keepingWorld()
    world.missing = null
    killOne(world)
    expect([world.queue.readyCount, world.store.kept.size]).toEqual([0, 1])
    pass(world, 3_100)
    world.missing = []
    pass(world, 3_100)
    expect([world.deaths.length, world.store.kept.size]).toEqual([3, 0])
    pass(world, 10_000)
    expect(world.deaths.length).toBe(3)
  })

  it('is tried again with however many others', () => {
    const clock = new TestClock()
    const timers = new TimerWheel(clock.monotonicMs)
    let tries = 0
    const queue = { isMarked: false, name: 'q', settings: resolveQueueSettings(new Map()),
      pump: () => false, drop: () => undefined }
    const deadLetters = { deadLetter: () => undefined, deadLetterSurely: () => (tries++ < MANY ? null : []) }
    const letters = new KeptLetters(queue, { clock, timers, turn: new Turn(clock, () => {}), deadLetters })
    const message = messageOf('q')
    const holder = new QueueWorld().queue
    for (let n = 1; n <= MANY; n++) letters.add(new Entry(n, message, holder, Infinity), 'rejected', message)
    while (letters.send());
    expect([tries, letters.length]).toEqual([MANY, MANY])
    clock.travel(3_100)
    timers.advance(clock.monotonicMs)
    while (letters.send());
    expect([tries, letters.length]).toEqual([2 * MANY, 0])
  })

  it('goes again only to those that had not taken it', () => {
    const world = keepingWorld()
    world.missing = ['full']
    killOne(world)
    pass(world, 3_100)
    expect(world.deaths).toEqual(['q rejected all', 'q rejected full'])
  })

  it('counts towards the limit, and is counted and dropped by a purge', () => {
    const world = keepingWorld({ 'x-max-length': 2 })
    world.missing = null
    killOne(world)
    expect([1, 2].map(() => world.queue.publish(messageOf('q')))).toEqual([true, false])
    expect([world.queue.purge(), world.store.kept.size]).toEqual([2, 0])
    pass(world, 10_000)
    expect(world.deaths.length).toBe(1)
  })

  it('is not kept where the queue drops its head, as if nothing had been said', () => {
    const world = keepingWorld({ 'x-overflow': 'drop-head' })
    world.missing = null
    killOne(world)
    expect([world.deaths, world.store.kept.size]).toEqual([['q rejected'], 0])
  })
  it('that waits is gone when a policy takes back that it is kept, and the next one may be lost', () => {
    const world = keepingWorld({ 'x-dead-letter-strategy': 'at-most-once' })
    const { queue } = world
    world.missing = null
    const says = (strategy: string): void => queue.applySettings(resolveQueueSettings(
      without(queue.args, 'x-dead-letter-strategy'), new Map([['dead-letter-strategy', strategy]])))
    says('at-least-once')
    killOne(world)
    expect(world.store.kept.size).toBe(1)
    says('at-most-once')
    expect(world.store.kept.size).toBe(0)
    killOne(world)
    pass(world, 10_000)
    expect([world.deaths, world.store.kept.size]).toEqual([['q rejected all', 'q rejected'], 0])
  })
})

function without(args: FieldTable, name: string): FieldTable {
  return new Map([...args].filter(([key]) => key !== name))
}
