// What a quorum queue does otherwise than a classic one: counts and their place on disk, the delivery limit,
// what it stores, what yields. The same rules against RabbitMQ are in compat-tests/quorum-*.test.ts.
import { describe, expect, it } from 'vitest'
import { tableOf } from '../protocol/table-encode.ts'
import { failedCount } from './delivery-counts.ts'
import type { ReturnCause } from './entry.ts'
import { QueueWorld, messageOf } from './queue.contract.ts'

const quorumWorld = (args: Record<string, string | number | boolean> = {}): QueueWorld =>
  new QueueWorld({ args: tableOf({ 'x-queue-type': 'quorum', ...args }) })

const returned = (world: QueueWorld, cause: ReturnCause, times = 1): void => {
  for (let n = 0; n < times; n++) world.queue.requeue(world.queue.get(false)!, cause)
}

describe('the store', () => {
  it('has every message, also a transient one', () => {
    const world = quorumWorld()
    world.queue.publish(messageOf('q', 10, false))
    expect([...world.store.kept.keys()]).toEqual([1])
  })

  it('is told the counts when a message comes back, and nothing more when it is acked', () => {
    const world = quorumWorld()
    world.publish(2)
    returned(world, 'rejected')
    world.queue.settle(world.queue.get(false)!)
    world.queue.settle(world.queue.get(false)!)
    const touches = world.store.log.filter((record) => record.startsWith('touch'))
    expect(touches).toEqual([`touch 7 1 ${0x1_0001}`])
  })

  it('is told no counts of a classic queue', () => {
    const world = new QueueWorld()
    world.publish(1)
    returned(world, 'rejected')
    expect(world.store.log).toEqual(['put 7 1 q'])
  })
})

describe('a failed delivery', () => {
  it.each<[ReturnCause, number]>(
    [['rejected', 1], ['lost', 1], ['nacked', 0], ['recovered', 0], ['timed-out', 0]],
  )('%s: counts %i', (cause, failures) => {
    const world = quorumWorld()
    world.publish(1)
    returned(world, cause)
    expect(failedCount(world.queue.get(false)!.deliveryCount)).toBe(failures)
  })

  it('is one too many from the 21st on', () => {
    const world = quorumWorld({ 'x-dead-letter-exchange': '' })
    world.publish(1)
    returned(world, 'rejected', 20)
    expect([world.queue.readyCount, world.deaths]).toEqual([1, []])
    returned(world, 'rejected')
    expect([world.queue.readyCount, world.deaths]).toEqual([0, ['q delivery_limit']])
    expect(world.store.kept.size).toBe(0)
  })
})

describe('an overflow', () => {
  it('of reject-publish-dlx drops the head, as drop-head does', () => {
    const world = quorumWorld({
      'x-max-length': 1, 'x-overflow': 'reject-publish-dlx', 'x-dead-letter-exchange': '',
    })
    expect([1, 2].map(() => world.queue.publish(messageOf('q')))).toEqual([true, true])
    expect([world.queue.readyCount, world.deaths]).toEqual([1, ['q maxlen']])
  })
})

describe('a single active consumer', () => {
  it('settles what it holds before one of higher priority takes over', () => {
    const world = quorumWorld({ 'x-single-active-consumer': true })
    const low = world.consumer('low', 1)
    world.publish(3)
    world.settleDown()
    const high = world.consumer('high', 0, false, 5)
    world.settleDown()
    expect([low.received, high.received]).toEqual([[1], []])
    world.queue.settle(low.take())
    world.settleDown()
    expect([low.received, high.received]).toEqual([[1], [2, 3]])
  })
})

describe('a consumer without acks', () => {
  it('is given no more than its prefetch in one turn, and leaves the rest to the limit', () => {
    const world = quorumWorld({ 'x-max-length': 1 })
    const consumer = world.consumer('c', 1, true)
    world.publish(3)
    world.settleDown()
    expect([consumer.received, world.queue.readyCount]).toEqual([[1, 3], 0])
  })

  it('without a prefetch is given all', () => {
    const world = quorumWorld({ 'x-max-length': 1 })
    const consumer = world.consumer('c', 0, true)
    world.publish(3)
    world.settleDown()
    expect(consumer.received).toEqual([1, 2, 3])
  })

  it('is passed over once it has its prefetch', () => {
    const world = quorumWorld()
    const [all, others] = [world.consumer('a', 1, true), world.consumer('b', 0)]
    world.publish(3)
    world.settleDown()
    expect([all.received, others.received]).toEqual([[1], [2, 3]])
  })
})
