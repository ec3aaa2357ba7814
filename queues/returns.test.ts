// What comes back to a queue, or was given up: tried again after its delay, as often as the queue says, and
// then what the queue says; who counts. Headers are dlq/retries.test.ts's.
import { describe, expect, it } from 'vitest'
import { tableOf } from '../protocol/table-encode.ts'
import type { ReturnCause } from './entry.ts'
import { failedCount, retriedCount } from './delivery-counts.ts'
import { QueueWorld, messageOf } from './queue.contract.ts'
import type { TestConsumer } from './queue.contract.ts'
import { PARKED_MS } from './returns.ts'

type Arguments = Parameters<typeof tableOf>[0]

const policy = { 'x-retry-delay': '100,300', 'x-dead-letter-exchange': 'dlx' }

/** A world, a consumer and a message that it got. */
function delivered(args: Arguments, more: { isDurable?: boolean; isPersistent?: boolean } = {}):
{ world: QueueWorld; consumer: TestConsumer } {
  const { isDurable = true, isPersistent = true } = more
  const world = new QueueWorld({ args: tableOf(args), flags: { isDurable } })
  const consumer = world.consumer('c')
  world.queue.publish(messageOf('m', 10, isPersistent))
  world.settleDown()
  return { world, consumer }
}

function pass(world: QueueWorld, ms: number): void {
  world.settleDown()
  world.clock.travel(ms)
  world.timers.advance(world.clock.monotonicMs)
  world.settleDown()
}

describe('a message that is given up, where there is a retry policy,', () => {
  it('is held for its delay, returns to its own queue, and is gone for good when it is acked', () => {
    const { world, consumer } = delivered(policy)
    world.queue.reject(consumer.take())
    pass(world, 99)
    expect([consumer.unacked.length, world.queue.unackedCount, world.queue.heldCount]).toEqual([0, 0, 1])
    pass(world, 1)
    expect(consumer.unacked[0]).toMatchObject({ isRedelivered: true })
    world.queue.settle(consumer.take())
    expect([world.store.kept.size, world.deaths, world.queue.unackedCount]).toEqual([0, [], 0])
  })

  it('does not hold up what is behind it', () => {
    const { world, consumer } = delivered(policy)
    world.queue.publish(messageOf('next'))
    world.settleDown()
    world.queue.reject(consumer.take())
    pass(world, 100)
    expect(consumer.unacked.map(({ message }) => message.routingKey)).toEqual(['next', 'm'])
  })

  it('waits longer the second time, and is dead-lettered after the last', () => {
    const { world, consumer } = delivered(policy)
    for (const ms of [100, 300]) {
      world.queue.reject(consumer.take())
      pass(world, ms - 1)
      expect(consumer.unacked).toEqual([])
      pass(world, 1)
    }
    world.queue.reject(consumer.take(), 'nacked-for-good')
    expect(world.retries).toEqual(['m reject 1', 'm reject 2', 'm nack 3 last'])
    expect([world.deaths, world.store.kept.size]).toEqual([['m delivery_limit'], 0])
  })

  it('can be discarded after the last', () => {
    const { world, consumer } = delivered({ ...policy, 'x-retry-attempts': 1, 'x-retry-then': 'discard' })
    world.queue.reject(consumer.take())
    pass(world, 100)
    world.queue.reject(consumer.take())
    expect([world.deaths, world.store.kept.size, world.queue.heldCount]).toEqual([[], 0, 0])
  })

  it('can be parked after the last, until somebody lets it out for one attempt more', () => {
    const { world, consumer } = delivered({ ...policy, 'x-retry-attempts': 1, 'x-retry-then': 'park' })
    world.queue.reject(consumer.take())
    pass(world, 100)
    for (let n = 0; n < 2; n++) {
      world.queue.reject(consumer.take())
      pass(world, 1_000_000)
      expect([world.queue.heldCount, world.store.kept.size, world.deaths]).toEqual([1, 1, []])
      const [parked] = world.queue.held.inMemory
      expect(parked!.dueMs).toBe(PARKED_MS)
      world.queue.released(world.queue.held.take(parked!.id)!)
      world.settleDown()
    }
    world.queue.settle(consumer.take())
    expect(world.store.kept.size).toBe(0)
  })

  it('is given up at once for what the policy does not name', () => {
    const { world, consumer } = delivered({ ...policy, 'x-retry-on': 'nack' })
    world.queue.reject(consumer.take(), 'rejected-for-good')
    expect([world.deaths, world.queue.heldCount, world.retries]).toEqual([['m rejected'], 0, []])
  })

  it('lives as much longer as it waits', () => {
    const { world, consumer } = delivered({ ...policy, 'x-message-ttl': 50 })
    world.queue.reject(consumer.take())
    pass(world, 100)
    expect(consumer.unacked).toHaveLength(1)
  })

  it('keeps its counts over a restart, between two attempts and after the second', () => {
    const { world, consumer } = delivered(policy)
    world.queue.reject(consumer.take())
    const [held] = world.queue.held.inMemory
    const touched = (id: number): number => Number(
      world.store.log.findLast((record) => record.startsWith('touch') && record.includes(` ${id} `))
        ?.split(' ')[3])
    expect(retriedCount(touched(held!.id))).toBe(1)
    pass(world, 100)
    expect(retriedCount(touched(consumer.unacked[0]!.id))).toBe(1)
  })

  it('is kept by a durable queue from its first failure on, though it is transient', () => {
    const { world, consumer } = delivered(policy, { isPersistent: false })
    expect(world.store.kept.size).toBe(0)
    world.queue.reject(consumer.take())
    expect(world.store.kept.size).toBe(1)
    pass(world, 100)
    expect(world.store.kept.size).toBe(1)
    world.queue.settle(consumer.take())
    expect(world.store.kept.size).toBe(0)
  })

  it('waits in memory where the queue is not durable', () => {
    const { world, consumer } = delivered(policy, { isDurable: false })
    world.queue.reject(consumer.take())
    pass(world, 100)
    expect([consumer.unacked.length, world.store.log]).toEqual([1, []])
  })

  it('is gone when its queue is', () => {
    const { world, consumer } = delivered(policy)
    world.queue.delete()
    world.queue.reject(consumer.take())
    expect([world.store.kept.size, world.deaths, world.retries]).toEqual([0, [], []])
  })
})

describe('a message that comes back, where there is a retry policy,', () => {
  it.each([['timed-out', 'timeout'], ['lost', 'connection-loss']] as const)(
    'is tried again when it was %s and the policy names that', (cause, word) => {
      const { world, consumer } = delivered({ ...policy, 'x-retry-on': 'timeout,connection-loss' })
      world.queue.requeue(consumer.take(), cause)
      expect([world.retries, world.queue.heldCount]).toEqual([[`m ${word} 1`], 1])
    })

  it.each(['nacked', 'rejected', 'recovered', 'lost'] as const)(
    'is ready at once when it was %s', (cause) => {
      const { world, consumer } = delivered(policy)
      world.queue.requeue(consumer.take(), cause)
      world.settleDown()
      expect([consumer.unacked.length, world.retries]).toEqual([1, []])
      expect(retriedCount(consumer.unacked[0]!.deliveryCount)).toBe(0)
    })
})

describe('a delivery limit', () => {
  const causes: readonly ReturnCause[] = ['nacked', 'rejected', 'lost', 'recovered']

  it('of a classic queue counts every return, keeps the count, and ends in a dead letter', () => {
    const { world, consumer } = delivered({ 'x-delivery-limit': 4, 'x-dead-letter-exchange': 'dlx' })
    for (const [at, cause] of causes.entries()) {
      world.queue.requeue(consumer.take(), cause)
      world.settleDown()
      expect(failedCount(consumer.unacked[0]!.deliveryCount)).toBe(at + 1)
      expect(world.store.log.filter((record) => record.startsWith('touch'))).toHaveLength(at + 1)
    }
    expect(world.queue.showsCounts).toBe(true)
    world.queue.requeue(consumer.take(), 'nacked')
    expect([world.deaths, world.store.kept.size]).toEqual([['m delivery_limit'], 0])
  })

  it('ends retries, too, when it is lower than their number', () => {
    const { world, consumer } = delivered({ ...policy, 'x-delivery-limit': 1 })
    world.queue.reject(consumer.take())
    pass(world, 100)
    world.queue.reject(consumer.take())
    expect(world.deaths).toEqual(['m delivery_limit'])
  })

  it('is none where nobody asked for one', () => {
    const { world, consumer } = delivered({})
    for (let n = 0; n < 50; n++) {
      world.queue.requeue(consumer.take(), 'rejected')
      world.settleDown()
    }
    expect([world.deaths, world.queue.showsCounts]).toEqual([[], false])
    expect(world.store.log.some((record) => record.startsWith('touch'))).toBe(false)
  })
})

describe('a quorum queue with delayed retries', () => {
  const args = (type: string): Arguments =>
    ({ 'x-queue-type': 'quorum', 'x-delayed-retry-type': type, 'x-delayed-retry-min': 400,
      'x-delayed-retry-max': 1_000 })

  it.each([
    ['all', 'rejected', [400, 800, 1_000, 1_000]], ['all', 'nacked', [400, 400, 400]],
    ['failed', 'rejected', [400, 800]], ['failed', 'nacked', [0, 0]],
    ['returned', 'rejected', [0, 0]], ['returned', 'nacked', [400, 400]], ['returned', 'recovered', [400]],
    ['all', 'lost', [400, 800]], ['disabled', 'rejected', [0]], ['some', 'rejected', [0]],
  ] as const)('of type %s holds what was %s for %j ms', (type, cause, delays) => {
    const { world, consumer } = delivered(args(type))
    for (const ms of delays) {
      world.queue.requeue(consumer.take(), cause)
      if (ms > 0) {
        pass(world, ms - 1)
        expect(consumer.unacked).toEqual([])
        pass(world, 1)
      } else {
        world.settleDown()
      }
      expect(consumer.unacked).toHaveLength(1)
    }
  })
})

it('is ready again behind the rest in a classic queue, and before it in a quorum queue', () => {
  for (const [type, order] of [['classic', ['next', 'm']], ['quorum', ['m', 'next']]] as const) {
    const world = new QueueWorld({ args: tableOf({ ...policy, 'x-queue-type': type }) })
    world.queue.publish(messageOf('m'))
    world.queue.reject(world.queue.get(false)!)
    world.queue.publish(messageOf('next'))
    pass(world, 100)
    expect([world.queue.get(true), world.queue.get(true)].map((entry) => entry!.message.routingKey))
      .toEqual(order)
  }
})
