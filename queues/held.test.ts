// What waits for its time: in due order, across more than memory has room for, restarts and pages that are on
// their way, against a plain list. The store is the recording one of the queue's tests.
import { assert, constant, integer, oneof, property, array, record } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tableOf } from '../protocol/table-encode.ts'
import { heldNumber } from './held.ts'
import { withdrawHeld } from './held-view.ts'
import { QueueWorld, messageOf } from './queue.contract.ts'

const HELD = heldNumber(7)

function pass(world: QueueWorld, ms: number): void {
  world.clock.travel(ms)
  world.timers.advance(world.clock.monotonicMs)
  world.settleDown()
}

function delay(world: QueueWorld, name: string, ms: number, isPersistent = true): void {
  world.queue.held.delay(messageOf(name, 10, isPersistent), world.clock.nowMs + ms)
}

/** Takes everything that is ready. */
function drain(world: QueueWorld): string[] {
  const names: string[] = []
  while (world.queue.readyCount > 0) {
    world.settleDown()
    const entry = world.queue.get(true)
    if (entry !== null) names.push(entry.message.routingKey)
  }
  return names
}

describe('a delayed message', () => {
  it('is not ready before its time, and then at the end of the queue', () => {
    const world = new QueueWorld()
    delay(world, 'later', 500)
    world.queue.publish(messageOf('now'))
    pass(world, 499)
    expect([world.queue.readyCount, world.queue.heldCount]).toEqual([1, 1])
    pass(world, 1)
    expect([drain(world), world.queue.heldCount]).toEqual([['now', 'later'], 0])
  })

  it('comes in the order of due times, and of publishing when they are the same', () => {
    const world = new QueueWorld()
    for (const [name, ms] of [['c', 300], ['a', 100], ['d', 300], ['b', 200]] as const) delay(world, name, ms)
    pass(world, 1_000)
    expect(drain(world)).toEqual(['a', 'b', 'c', 'd'])
  })

  it('is handed to a consumer at its time', () => {
    const world = new QueueWorld()
    const consumer = world.consumer('c')
    delay(world, 'later', 250)
    pass(world, 250)
    expect(consumer.unacked.map(({ message }) => message.routingKey)).toEqual(['later'])
  })

  it('came when it became ready, though nothing else came for an hour', () => {
    const world = new QueueWorld()
    world.queue.publish(messageOf('first'))
    delay(world, 'later', 3_600_000)
    pass(world, 3_600_000)
    world.clock.travel(20)
    expect([1, 2].map(() => world.arrivals.ageMs(world.queue.get(true)!.id))).toEqual([3_600_020, 20])
  })

  it('is in the store under the number below 0, with its time, until it is ready', () => {
    const world = new QueueWorld()
    delay(world, 'later', 250)
    world.settleDown()
    expect([...world.store.kept.values()].map(({ queue, stored }) => [queue, stored.level]))
      .toEqual([[HELD, world.clock.nowMs + 250]])
    pass(world, 250)
    expect([...world.store.kept.values()].map(({ queue }) => queue)).toEqual([7])
  })

  it('is kept by a durable queue though it is transient, and is transient again when it is ready', () => {
    const world = new QueueWorld()
    delay(world, 'later', 250, false)
    expect(world.store.kept.size).toBe(1)
    pass(world, 250)
    expect([world.store.kept.size, world.queue.readyCount]).toEqual([0, 1])
  })

  it('is in memory alone in a queue that is not durable', () => {
    const world = new QueueWorld({ flags: { isDurable: false } })
    delay(world, 'later', 250)
    expect([world.store.kept.size, world.residence.bytes > 0]).toEqual([0, true])
    pass(world, 250)
    expect(drain(world)).toEqual(['later'])
  })

  it('begins to expire when it is ready', () => {
    const world = new QueueWorld({ args: tableOf({ 'x-message-ttl': 100 }) })
    delay(world, 'later', 1_000)
    pass(world, 1_050)
    expect(world.queue.readyCount).toBe(1)
    pass(world, 150)
    expect([world.queue.readyCount, world.deaths]).toEqual([0, []])
  })

  it('goes with a purge, which counts it, and with its queue', () => {
    for (const end of ['purge', 'delete'] as const) {
      const world = new QueueWorld()
      delay(world, 'later', 1_000)
      world.settleDown()
      if (end === 'purge') expect(world.queue.purge()).toBe(1)
      else world.queue.delete()
      pass(world, 2_000)
      expect([world.store.kept.size, world.queue.readyCount, world.residence.bytes]).toEqual([0, 0, 0])
    }
  })

  it('can be taken out before', () => {
    const world = new QueueWorld()
    delay(world, 'a', 1_000)
    delay(world, 'b', 1_000)
    const [, b] = world.queue.held.inMemory
    expect(world.queue.held.take(b!.id)?.message.routingKey).toBe('b')
    expect([world.queue.held.take(b!.id), world.store.kept.size]).toEqual([null, 1])
    pass(world, 1_000)
    expect(drain(world)).toEqual(['a'])
  })
})

it('delays every message of a queue with x-message-delay', () => {
  const world = new QueueWorld({ args: tableOf({ 'x-message-delay': 300 }) })
  world.queue.publish(messageOf('a'))
  delay(world, 'b', 100)
  pass(world, 299)
  expect(world.queue.readyCount).toBe(0)
  pass(world, 1)
  expect(drain(world)).toEqual(['a', 'b'])
})

it('releases all that is due of more than memory has room for, in order and each once', () => {
  const world = new QueueWorld()
  const count = 10_000
  for (let n = 0; n < count; n++) {
    delay(world, String(n), 1_000 + (n * 7_919) % count)
    if (n % 500 === 0) world.settleDown()
  }
  expect(world.queue.held.inMemory.length).toBeLessThan(9_000)
  pass(world, 1_000 + count)
  const due = (n: string): number => (Number(n) * 7_919) % count
  const names = drain(world)
  expect(names).toHaveLength(count)
  expect(names.map(due)).toEqual(Array.from({ length: count }, (_, at) => at))
})

it('asks for larger pages when all that was loaded is due: a slow store does not hold them up', () => {
  const world = new QueueWorld()
  for (let n = 0; n < 20_000; n++) {
    delay(world, `${n}`, 10_000 + n % 100)
    if (n % 500 === 0) world.settleDown()
  }
  world.settleDown()
  world.clock.travel(20_000)
  world.timers.advance(world.clock.monotonicMs)
  let pages = 0
  do {
    while (world.endTurn());
  } while (world.store.answerLoads() && ++pages < 100)
  expect([world.queue.readyCount, world.queue.heldCount]).toEqual([20_000, 0])
  expect(pages).toBeLessThan(5)
})

it('loses nothing when a page comes to a memory that has become full meanwhile', () => {
  const world = new QueueWorld()
  for (let n = 0; n < 12_000; n++) {
    delay(world, `far ${n}`, 10_000 + n)
    if (n % 500 === 0) world.settleDown()
  }
  world.settleDown()
  world.clock.travel(13_500)
  world.timers.advance(world.clock.monotonicMs)
  let turns = 0
  while (world.endTurn()) turns++ // asks for a page, which does not come yet
  expect(turns).toBeGreaterThan(0)
  const before = world.queue.held.inMemory.length
  for (let n = 0; n < 8_000 - before; n++) delay(world, `near ${n}`, 1)
  world.store.answerLoads()
  pass(world, 100_000)
  const names = drain(world)
  expect([names.length, new Set(names).size, world.queue.heldCount]).toEqual([
    12_000 + 8_000 - before, 12_000 + 8_000 - before, 0])
})

it('does not bring back from a page what was taken out or cleared meanwhile', () => {
  for (const end of ['take', 'purge'] as const) {
    const world = new QueueWorld()
    for (let n = 0; n < 9_000; n++) delay(world, `${n}`, 10_000 + n)
    world.settleDown()
    world.clock.travel(13_500)
    world.timers.advance(world.clock.monotonicMs)
    while (world.endTurn()); // asks for a page, which does not come yet
    const { dueMs } = world.queue.held.loadedTo
    const { id } = [...world.store.kept.values()].map(({ stored }) => stored)
      .find(({ level }) => level > dueMs)!
    if (end === 'purge') world.queue.purge()
    else withdrawHeld(world.queue, world.store, id, (taken) => expect(taken?.id).toBe(id))
    pass(world, 100_000)
    expect([drain(world).length, world.queue.heldCount]).toEqual([end === 'purge' ? 0 : 8_999, 0])
  }
})

it('takes over what an earlier process left', () => {
  const world = new QueueWorld()
  for (const [id, ms] of [[1, 300], [2, 100], [3, 200]] as const) {
    world.store.recovered(HELD, id, messageOf(`m${ms}`), { deliveryCount: id, level: world.clock.nowMs + ms })
  }
  world.ids.skipTo(3)
  world.queue.held.restore(3, 30, 0)
  expect(world.queue.heldCount).toBe(3)
  pass(world, 150)
  expect([world.queue.readyCount, world.queue.heldCount]).toEqual([1, 2])
  expect(world.queue.get(true)?.deliveryCount).toBe(2)
  pass(world, 150)
  expect(drain(world)).toEqual(['m200', 'm300'])
  expect(world.store.kept.size).toBe(0)
})

it('says redelivered of what may have been handed out before the process died', () => {
  const world = new QueueWorld()
  for (const id of [1, 2]) {
    world.store.recovered(HELD, id, messageOf(`m${id}`), { level: world.clock.nowMs + id })
  }
  world.ids.skipTo(2)
  world.queue.held.restore(2, 20, 1)
  pass(world, 10)
  expect([world.queue.get(true)?.isRedelivered, world.queue.get(true)?.isRedelivered]).toEqual([true, false])
})

it('agrees with a plain list, whatever the order of delays, pages, times and purges', () => {
  const step = oneof(
    record({ kind: constant('delay' as const), ms: integer({ min: 1, max: 400 }),
      count: integer({ min: 1, max: 3_000 }) }),
    record({ kind: constant('pass' as const), ms: integer({ min: 0, max: 300 }), count: constant(0) }),
    record({ kind: constant('turn' as const), ms: constant(0), count: constant(0) }),
    record({ kind: constant('load' as const), ms: constant(0), count: constant(0) }),
    record({ kind: constant('purge' as const), ms: constant(0), count: constant(0) }),
  )
  assert(property(array(step, { maxLength: 25 }), (steps) => {
    const world = new QueueWorld()
    let model: { name: string; dueMs: number }[] = []
    let number = 0
    for (const { kind, ms, count } of steps) {
      if (kind === 'turn') world.endTurn()
      if (kind === 'load') world.store.answerLoads()
      if (kind === 'pass') {
        pass(world, ms)
        const ready = model.filter(({ dueMs }) => dueMs <= world.clock.nowMs)
        model = model.filter(({ dueMs }) => dueMs > world.clock.nowMs)
        expect(drain(world).toSorted()).toEqual(ready.map(({ name }) => name).toSorted())
      }
      if (kind === 'purge') {
        world.settleDown()
        expect(world.queue.purge()).toBe(model.length)
        model = []
      }
      for (let n = 0; n < count; n++) {
        const name = String(number++)
        const dueMs = world.clock.nowMs + 1 + (ms * n) % 400
        delay(world, name, dueMs - world.clock.nowMs)
        model.push({ name, dueMs })
      }
      expect(world.queue.heldCount + world.queue.readyCount).toBe(model.length)
    }
    pass(world, 1_000)
    expect(drain(world).toSorted()).toEqual(model.map(({ name }) => name).toSorted())
    expect([world.store.kept.size, world.residence.bytes]).toEqual([0, 0])
  }), { numRuns: 30 })
})
