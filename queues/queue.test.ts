// A queue from publish to settle: who gets what, what comes back where, and what the store is told.
import { describe, expect, it } from 'vitest'
import { tableOf } from '../protocol/table-encode.ts'
import { messageOf, QueueWorld, TestConsumer } from './queue.contract.ts'

const idsOf = (world: QueueWorld): number[] => {
  const ids: number[] = []
  for (let entry = world.queue.get(true); entry !== null; entry = world.queue.get(true)) ids.push(entry.id)
  return ids
}

describe('a published message', () => {
  it('waits until the turn ends, then goes to a consumer', () => {
    const world = new QueueWorld()
    const consumer = world.consumer('c')
    world.settleDown()
    world.publish(1)
    expect(consumer.received).toEqual([])
    world.endTurn()
    expect(consumer.received).toEqual([1])
    expect([world.queue.readyCount, world.queue.unackedCount]).toEqual([0, 1])
  })

  it('is unacked until it is settled', () => {
    const world = new QueueWorld()
    const consumer = world.consumer('c')
    world.publish(1)
    world.settleDown()
    world.queue.settle(consumer.take())
    expect([world.queue.readyCount, world.queue.unackedCount, world.store.kept.size]).toEqual([0, 0, 0])
  })

  it('is gone at once for a consumer that does not ack', () => {
    const world = new QueueWorld()
    const consumer = world.consumer('c', 0, true)
    world.publish(1)
    world.settleDown()
    expect(consumer.received).toEqual([1])
    expect(world.queue.unackedCount).toBe(0)
    expect(world.store.kept.size).toBe(0)
  })

  it('asks for no turn while nobody consumes', () => {
    const world = new QueueWorld()
    world.publish(3)
    expect(world.endTurn()).toBe(false)
    expect(world.queue.readyCount).toBe(3)
  })

  it('counts its body while it is ready', () => {
    const world = new QueueWorld()
    world.queue.publish(messageOf('q', 5))
    world.queue.publish(messageOf('q', 7))
    expect(world.queue.readyBytes).toBe(12)
    world.queue.get(false)
    expect(world.queue.readyBytes).toBe(7)
  })
})

describe('delivery', () => {
  it('goes around the consumers, in the order of the messages', () => {
    const world = new QueueWorld()
    const [a, b] = [world.consumer('a'), world.consumer('b')]
    world.publish(5)
    world.settleDown()
    expect([a.received, b.received]).toEqual([[1, 3, 5], [2, 4]])
  })

  it('stops at the prefetch and goes on with every ack', () => {
    const world = new QueueWorld()
    const consumer = world.consumer('c', 2)
    world.publish(4)
    world.settleDown()
    expect(consumer.received).toEqual([1, 2])
    world.queue.settle(consumer.take())
    world.settleDown()
    expect(consumer.received).toEqual([1, 2, 3])
  })

  it('is bounded per turn and goes on in the next', () => {
    const world = new QueueWorld()
    const consumer = world.consumer('c')
    world.publish(4_500)
    world.endTurn()
    expect(consumer.received.length).toBe(4_000)
    world.endTurn()
    expect(consumer.received.length).toBe(4_500)
    expect(world.endTurn()).toBe(false)
  })

  it('begins when a consumer comes', () => {
    const world = new QueueWorld()
    world.publish(1)
    const consumer = world.consumer('c')
    world.settleDown()
    expect(consumer.received).toEqual([1])
  })
})

describe('a requeued entry', () => {
  it('returns to its place and says that it was delivered', () => {
    const world = new QueueWorld()
    world.publish(3)
    const first = world.queue.get(false)!
    expect(first.isRedelivered).toBe(false)
    world.queue.requeue(first)
    expect(world.queue.unackedCount).toBe(0)
    const again = world.queue.get(false)!
    expect([again.id, again.isRedelivered, again.deliveryCount]).toEqual([1, true, 1])
    expect(idsOf(world)).toEqual([2, 3])
  })

  it('returns before newer ones whatever the order of requeueing', () => {
    const world = new QueueWorld()
    world.publish(5)
    const [one, two, three] = [world.queue.get(false)!, world.queue.get(false)!, world.queue.get(false)!]
    world.queue.requeue(two)
    world.queue.requeue(three)
    world.queue.requeue(one)
    expect(idsOf(world)).toEqual([1, 2, 3, 4, 5])
  })

  it('stays in the store', () => {
    const world = new QueueWorld()
    world.publish(1)
    world.queue.requeue(world.queue.get(false)!)
    expect([...world.store.kept.keys()]).toEqual([1])
  })

  it('gives its consumer the credit back', () => {
    const world = new QueueWorld()
    const consumer = world.consumer('c', 1)
    world.publish(1)
    world.settleDown()
    world.queue.requeue(consumer.take())
    world.settleDown()
    expect(consumer.received).toEqual([1, 1])
  })
})

describe('get', () => {
  it('takes the oldest and leaves it unacked', () => {
    const world = new QueueWorld()
    world.publish(2)
    expect(world.queue.get(false)?.id).toBe(1)
    expect([world.queue.readyCount, world.queue.unackedCount]).toEqual([1, 1])
  })

  it('is done with the message when it needs no ack', () => {
    const world = new QueueWorld()
    world.publish(1)
    expect(world.queue.get(true)?.id).toBe(1)
    expect([world.queue.unackedCount, world.store.kept.size]).toEqual([0, 0])
  })

  it('finds nothing in an empty queue', () => {
    const world = new QueueWorld()
    expect(world.queue.get(false)).toBeNull()
    expect(world.queue.unackedCount).toBe(0)
  })
})

describe('purge', () => {
  it('drops what is ready and says how much', () => {
    const world = new QueueWorld()
    world.publish(3)
    expect(world.queue.purge()).toBe(3)
    expect([world.queue.readyCount, world.queue.readyBytes, world.store.kept.size]).toEqual([0, 0, 0])
    expect(world.store.log.at(-1)).toBe('purge 7 0 3')
  })

  it('leaves unacked ones with their consumers and in the store', () => {
    const world = new QueueWorld()
    world.publish(3)
    const unacked = world.queue.get(false)!
    expect(world.queue.purge()).toBe(2)
    expect([...world.store.kept.keys()]).toEqual([1])
    world.queue.requeue(unacked)
    expect(idsOf(world)).toEqual([1])
  })

  it('tells the store of a transient queue nothing', () => {
    const world = new QueueWorld({ flags: { isDurable: false } })
    world.publish(2)
    expect(world.queue.purge()).toBe(2)
    expect(world.store.log).toEqual([])
  })
})

describe('delete', () => {
  it('tells the consumers and empties the store', () => {
    const world = new QueueWorld()
    const consumer = world.consumer('c', 1)
    world.publish(3)
    world.settleDown()
    world.queue.delete()
    expect(consumer.isDeleted).toBe(true)
    expect([world.queue.consumers.count, world.queue.readyCount, world.store.kept.size]).toEqual([0, 0, 0])
  })

  it('makes later acks and requeues of its entries do nothing', () => {
    const world = new QueueWorld()
    const consumer = world.consumer('c')
    world.publish(2)
    world.settleDown()
    world.queue.delete()
    const records = world.store.log.length
    world.queue.settle(consumer.take())
    world.queue.requeue(consumer.take())
    world.settleDown()
    expect([world.queue.readyCount, world.queue.unackedCount]).toEqual([0, 0])
    expect(world.store.log.length).toBe(records)
  })
})

describe('an auto-delete queue', () => {
  it('is to be deleted when its last consumer leaves', () => {
    const world = new QueueWorld({ flags: { isAutoDelete: true } })
    const [a, b] = [world.consumer('a'), world.consumer('b')]
    expect(world.queue.removeConsumer(a)).toBe(false)
    expect(world.queue.removeConsumer(b)).toBe(true)
    expect(world.queue.removeConsumer(b)).toBe(false)
  })

  it('is not when somebody leaves who never consumed', () => {
    const world = new QueueWorld({ flags: { isAutoDelete: true } })
    expect(world.queue.removeConsumer(new TestConsumer('stranger'))).toBe(false)
  })

  it('is the only kind that is', () => {
    const world = new QueueWorld()
    expect(world.queue.removeConsumer(world.consumer('a'))).toBe(false)
  })
})

describe('the store', () => {
  it('is given persistent messages of durable queues only', () => {
    const world = new QueueWorld()
    world.publish(1, false)
    world.publish(1, true)
    expect(world.store.log).toEqual(['put 7 2 q'])
    const transient = new QueueWorld({ flags: { isDurable: false } })
    transient.publish(1, true)
    expect(transient.store.log).toEqual([])
    expect(idsOf(transient)).toEqual([1])
    expect(transient.store.log).toEqual([])
  })

  it('is told of a drop with the batch and position of its put', () => {
    const world = new QueueWorld()
    world.publish(1)
    world.turn.begin()
    world.endTurn()
    world.publish(2)
    const entries = [world.queue.get(false)!, world.queue.get(false)!, world.queue.get(false)!]
    for (const entry of entries.toReversed()) world.queue.settle(entry)
    expect(world.store.log.slice(3)).toEqual(['drop 7 3 0 2 3', 'drop 7 2 0 2 2', 'drop 7 1 0 1 1'])
  })

  it('is told the id of a shared body', () => {
    const world = new QueueWorld()
    const message = messageOf('q')
    message.bodyId = 55
    world.queue.publish(message)
    world.queue.settle(world.queue.get(false)!)
    expect(world.store.log.at(-1)).toBe('drop 7 1 55 1 1')
  })

  it('is told once that a message is gone', () => {
    const world = new QueueWorld()
    world.publish(1)
    const entry = world.queue.get(false)!
    world.queue.settle(entry)
    expect(world.store.log.filter((record) => record.startsWith('drop')).length).toBe(1)
    expect(entry.isStored).toBe(false)
  })
})

describe('a restored message', () => {
  it('is ready at its id, and is dropped without batch and position', () => {
    const world = new QueueWorld()
    for (const id of [3, 8]) world.store.recovered(7, id, messageOf('q'), { deliveryCount: id === 8 ? 2 : 0 })
    world.restore()
    world.settleDown()
    const [three, eight] = [world.queue.get(false)!, world.queue.get(false)!]
    expect([three.isRedelivered, eight.isRedelivered, eight.deliveryCount]).toEqual([false, true, 2])
    world.queue.settle(three)
    expect(world.store.log).toEqual(['drop 7 3 0 0 0'])
  })
})

describe('a rejected entry', () => {
  it('is gone from queue and store, and is dead-lettered where the queue says so', () => {
    for (const args of [tableOf({}), tableOf({ 'x-dead-letter-exchange': 'dlx' })]) {
      const world = new QueueWorld({ args })
      world.publish(1)
      world.queue.reject(world.queue.get(false)!)
      expect([world.queue.unackedCount, world.queue.readyCount, world.store.kept.size]).toEqual([0, 0, 0])
      expect(world.deaths).toEqual(args.size === 0 ? [] : ['q rejected'])
    }
  })
})

describe('a queue with priorities', () => {
  it('hands out the highest first, each in the order of arrival, and requeues to the old place', () => {
    const world = new QueueWorld({ args: tableOf({ 'x-max-priority': 5 }) })
    for (const priority of [0, 5, 1, 9, 0]) world.queue.publish(messageOf('q', 1, true, priority))
    const second = world.queue.get(false)!
    expect(second.id).toBe(2)
    world.queue.requeue(second)
    world.queue.checkInvariants()
    expect(idsOf(world)).toEqual([2, 4, 3, 1, 5])
  })
})

describe('a queue with one active consumer', () => {
  it('gives it everything, and the next one what comes after it left', () => {
    const world = new QueueWorld({ args: tableOf({ 'x-single-active-consumer': true }) })
    const [a, b] = [world.consumer('a', 2), world.consumer('b')]
    world.publish(4)
    world.settleDown()
    expect([a.received, b.received]).toEqual([[1, 2], []])
    world.queue.removeConsumer(a)
    world.settleDown()
    expect(b.received).toEqual([3, 4])
  })
})

it('takes nothing in behind others that has no time, nowhere to die, and nobody who waits', () => {
  const world = new QueueWorld()
  const { queue } = world
  world.publish(1)
  queue.applySettings({ ...queue.settings, messageTtlMs: 0 })
  world.publish(1)
  expect([queue.readyCount, world.store.kept.size]).toEqual([1, 1])
  queue.applySettings({ ...queue.settings, deadLetterExchange: '' })
  world.publish(1)
  expect(queue.readyCount).toBe(2)
})

it('remembers deliveries of what is ready and stored before a clean stop', () => {
  const world = new QueueWorld()
  world.publish(1)
  world.publish(1, false)
  world.publish(2)
  const entries = [world.queue.get(false)!, world.queue.get(false)!, world.queue.get(false)!]
  for (const entry of entries) world.queue.requeue(entry)
  world.queue.requeue(world.queue.get(false)!)
  world.queue.rememberDeliveries()
  expect(world.store.log.filter((record) => record.startsWith('touch')))
    .toEqual(['touch 7 1 2', 'touch 7 3 1'])
})
