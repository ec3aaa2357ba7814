// What makes a queue let go of messages, and who is served first: time to live, length limits, single active
// consumer and priorities (behaviours §5.9, §7.1, §8.1, §8.2).
import { describe, expect, it } from 'vitest'
import { tableOf } from '../protocol/table-encode.ts'
import { messageOf, QueueWorld, TestConsumer } from './queue.contract.ts'
import type { Message } from './message.ts'

type Arguments = Parameters<typeof tableOf>[0]

const worldOf = (args: Arguments): QueueWorld =>
  new QueueWorld({ args: tableOf({ 'x-dead-letter-exchange': 'dlx', ...args }) })

/** A message with an expiration of its own. */
function expiring(world: QueueWorld, routingKey: string, ttlMs: number): Message {
  return Object.assign(messageOf(routingKey), { expiresAtMs: world.clock.nowMs + ttlMs })
}

/** Lets time pass in steps of the wheel's tick, and ends the turns that it causes. */
function pass(world: QueueWorld, ms: number): void {
  world.settleDown()
  for (let passed = 0; passed < ms; passed += 100) {
    world.clock.travel(100)
    world.timers.advance(world.clock.monotonicMs)
    world.settleDown()
  }
}

/** Routing keys of what is ready, in the order of going out. */
function drained({ queue }: QueueWorld): string[] {
  const keys: string[] = []
  for (let entry = queue.get(true); entry !== null; entry = queue.get(true)) {
    keys.push(entry.message.routingKey)
  }
  return keys
}

describe('a time to live of 0', () => {
  it('lets a message reach a consumer that waits', () => {
    const world = worldOf({ 'x-message-ttl': 0 })
    const consumer = world.consumer('c')
    world.publish(2)
    world.settleDown()
    expect([consumer.received, world.deaths]).toEqual([[1, 2], []])
  })

  it('ends a message in its turn when nobody waits', () => {
    const world = worldOf({ 'x-message-ttl': 0 })
    world.publish(1)
    world.settleDown()
    expect([world.queue.readyCount, world.store.kept.size, world.deaths]).toEqual([0, 0, ['q expired']])
  })

  it('ends a message when every consumer is at its prefetch', () => {
    const world = worldOf({ 'x-message-ttl': 0 })
    const consumer = world.consumer('c', 1)
    world.publish(2)
    world.settleDown()
    expect([consumer.received, world.deaths]).toEqual([[1], ['q expired']])
  })

  it('leaves nothing for basic.get, not even in the same turn', () => {
    const world = worldOf({})
    world.queue.publish(expiring(world, 'now', 0))
    expect(world.queue.get(false)).toBeNull()
    expect(world.deaths).toEqual(['now expired'])
  })
})

describe('a time to live', () => {
  it('ends a message by itself, in queue and store, when nothing else happens', () => {
    const world = worldOf({ 'x-message-ttl': 1_000 })
    world.publish(2)
    pass(world, 900)
    expect([world.queue.readyCount, world.deaths]).toEqual([2, []])
    pass(world, 200)
    expect([world.queue.readyCount, world.store.kept.size]).toEqual([0, 0])
    expect(world.deaths).toEqual(['q expired', 'q expired'])
  })

  it('is the smaller of the queue\'s and the message\'s own', () => {
    for (const [ofQueue, ofMessage] of [[500, 2_000], [2_000, 500]] as const) {
      const world = worldOf({ 'x-message-ttl': ofQueue })
      world.queue.publish(expiring(world, 'm', ofMessage))
      pass(world, 400)
      expect(world.deaths).toEqual([])
      pass(world, 200)
      expect(world.deaths).toEqual(['m expired'])
    }
  })

  it('counts at the head only: a short one behind a long one waits, and is counted', () => {
    const world = worldOf({})
    world.queue.publish(expiring(world, 'long', 1_000))
    world.queue.publish(expiring(world, 'short', 200))
    pass(world, 800)
    expect([world.queue.readyCount, world.deaths]).toEqual([2, []])
    pass(world, 300)
    expect(world.deaths).toEqual(['long expired', 'short expired'])
  })

  it('that has passed keeps a message from a consumer that comes late', () => {
    const world = worldOf({ 'x-message-ttl': 50 })
    world.publish(1)
    world.settleDown()
    world.clock.travel(60)
    const consumer = world.consumer('late')
    world.settleDown()
    expect([consumer.received, world.deaths]).toEqual([[], ['q expired']])
  })

  it('that has passed keeps a message from basic.get, which finds the next one', () => {
    const world = worldOf({})
    world.queue.publish(expiring(world, 'old', 50))
    world.queue.publish(messageOf('fresh'))
    world.clock.travel(60)
    expect(world.queue.get(true)?.message.routingKey).toBe('fresh')
    expect(world.deaths).toEqual(['old expired'])
  })

  it('runs on while a message is unacked, and ends it on its return', () => {
    const world = worldOf({ 'x-message-ttl': 500 })
    const consumer = world.consumer('c', 1)
    world.publish(1)
    pass(world, 1_000)
    expect([world.queue.unackedCount, world.deaths]).toEqual([1, []])
    world.queue.requeue(consumer.take())
    world.settleDown()
    expect([consumer.received, world.deaths, world.store.kept.size]).toEqual([[1], ['q expired'], 0])
  })

  it('begins to count for the message that a taken head leaves behind', () => {
    const world = worldOf({})
    world.queue.publish(messageOf('for ever'))
    world.queue.publish(expiring(world, 'short', 200))
    world.settleDown()
    expect(world.queue.get(false)?.message.routingKey).toBe('for ever')
    pass(world, 400)
    expect([world.queue.readyCount, world.deaths]).toEqual([0, ['short expired']])
  })

  it('begins to count for the message that a dropped head leaves behind', () => {
    const world = worldOf({ 'x-max-length': 2 })
    world.queue.publish(messageOf('for ever'))
    world.queue.publish(expiring(world, 'short', 200))
    world.settleDown()
    world.queue.publish(messageOf('last'))
    pass(world, 400)
    expect(world.deaths).toEqual(['for ever maxlen', 'short expired'])
  })

  it('goes on after a restart where it was', () => {
    const world = worldOf({ 'x-message-ttl': 60_000 })
    world.store.recovered(7, 3, messageOf('m'), { expiresAtMs: world.clock.nowMs + 300 })
    world.restore()
    pass(world, 200)
    expect(world.deaths).toEqual([])
    pass(world, 200)
    expect([world.deaths, world.store.kept.size]).toEqual([['m expired'], 0])
  })

  it('is told to the store with the message', () => {
    const world = worldOf({ 'x-message-ttl': 700 })
    const stored: unknown[] = []
    const put = world.store.put.bind(world.store)
    Object.assign(world.store, {
      put: (...args: [...Parameters<typeof put>, number]) => {
        stored.push(args[3])
        return put(args[0], args[1], args[2])
      },
    })
    world.publish(1)
    world.queue.publish(expiring(world, 'm', 300))
    expect(stored).toEqual([world.clock.nowMs + 700, world.clock.nowMs + 300])
  })

  it('wakes the queue once for all that expire together', () => {
    const world = worldOf({ 'x-message-ttl': 1_000 })
    world.publish(50)
    world.settleDown()
    let pumps = 0
    const pump = world.queue.pump.bind(world.queue)
    world.queue.pump = () => {
      pumps++
      return pump()
    }
    pass(world, 5_000)
    expect([pumps, world.deaths.length]).toEqual([1, 50])
  })

  it('is not dead-lettered by purge or delete', () => {
    const world = worldOf({ 'x-message-ttl': 100 })
    world.publish(2)
    world.queue.purge()
    world.publish(1)
    world.queue.delete()
    pass(world, 500)
    expect(world.deaths).toEqual([])
  })
})

describe('x-max-length', () => {
  it('drops the oldest, from the store too, before anything else is done', () => {
    const world = worldOf({ 'x-max-length': 2 })
    for (const key of ['a', 'b', 'c', 'd']) world.queue.publish(messageOf(key))
    expect(world.deaths).toEqual(['a maxlen', 'b maxlen'])
    expect([...world.store.kept.keys()]).toEqual([3, 4])
    expect(drained(world)).toEqual(['c', 'd'])
  })

  it('holds in the turn of the publish, also for messages that expire', () => {
    const world = worldOf({ 'x-max-length': 1, 'x-message-ttl': 5_000 })
    for (const key of ['a', 'b']) world.queue.publish(messageOf(key))
    expect(world.queue.readyCount).toBe(1)
    expect(world.queue.get(true)?.message.routingKey).toBe('b')
  })

  it('counts ready messages only', () => {
    const world = worldOf({ 'x-max-length': 1 })
    const consumer = world.consumer('c', 2)
    world.publish(3)
    world.settleDown()
    expect([consumer.received, world.queue.readyCount, world.deaths]).toEqual([[1, 2], 1, []])
  })

  it('drops what is requeued first, because it is older', () => {
    const world = worldOf({ 'x-max-length': 2 })
    for (const key of ['a', 'b']) world.queue.publish(messageOf(key))
    const taken = world.queue.get(false)!
    world.queue.publish(messageOf('c'))
    world.queue.requeue(taken)
    world.settleDown()
    expect(world.deaths).toEqual(['a maxlen'])
    expect(drained(world)).toEqual(['b', 'c'])
  })

  it('of 0 keeps nothing, but a consumer that waits gets each message', () => {
    const world = worldOf({ 'x-max-length': 0 })
    world.publish(1)
    expect([world.queue.readyCount, world.deaths]).toEqual([0, ['q maxlen']])
    const consumer = world.consumer('c', 1)
    world.publish(2)
    world.settleDown()
    expect([consumer.received, world.deaths]).toEqual([[2], ['q maxlen', 'q maxlen']])
  })

  it('with priorities drops the highest, of these the oldest', () => {
    const world = worldOf({ 'x-max-length': 2, 'x-max-priority': 10 })
    for (const priority of [5, 1, 3, 0]) world.queue.publish(messageOf(`p${priority}`, 1, true, priority))
    expect(world.deaths).toEqual(['p5 maxlen', 'p3 maxlen'])
    expect(drained(world)).toEqual(['p1', 'p0'])
  })
})

describe('x-max-length-bytes', () => {
  it('counts bodies, and drops as many of the oldest as it takes', () => {
    const world = worldOf({ 'x-max-length-bytes': 100 })
    for (const [key, bytes] of [['a', 40], ['b', 40], ['c', 20], ['d', 70]] as const) {
      world.queue.publish(messageOf(key, bytes))
    }
    expect(world.deaths).toEqual(['a maxlen', 'b maxlen'])
    expect([world.queue.readyBytes, drained(world)]).toEqual([90, ['c', 'd']])
  })

  it('drops a message that is too large by itself, after all that is older', () => {
    const world = worldOf({ 'x-max-length-bytes': 100 })
    world.queue.publish(messageOf('a', 10))
    world.queue.publish(messageOf('huge', 101))
    expect(world.deaths).toEqual(['a maxlen', 'huge maxlen'])
  })

  it('rejects a message that would be too much, and keeps what is there', () => {
    const world = worldOf({ 'x-max-length-bytes': 100, 'x-overflow': 'reject-publish' })
    const taken = [60, 41, 40].map((bytes) => world.queue.publish(messageOf('q', bytes)))
    expect(taken).toEqual([true, false, true])
    expect(world.queue.readyBytes).toBe(100)
  })
})

describe('reject-publish', () => {
  it('takes what a waiting consumer gets at once, however much arrives in one turn', () => {
    const world = worldOf({ 'x-max-length': 2, 'x-overflow': 'reject-publish' })
    const consumer = world.consumer('c', 3)
    const taken = ['a', 'b', 'c', 'd', 'e', 'f'].map((key) => world.queue.publish(messageOf(key)))
    world.settleDown()
    expect(taken).toEqual([true, true, true, true, true, false])
    expect([consumer.received, world.queue.readyCount]).toEqual([[1, 2, 3], 2])
  })

  it('refuses the newest, keeps it from the store, and dead-letters nothing', () => {
    const world = worldOf({ 'x-max-length': 1, 'x-overflow': 'reject-publish' })
    expect([world.queue.publish(messageOf('a')), world.queue.publish(messageOf('b'))]).toEqual([true, false])
    expect([world.deaths, world.store.log]).toEqual([[], ['put 7 1 a']])
  })

  it('with -dlx dead-letters what it refuses', () => {
    const world = worldOf({ 'x-max-length': 1, 'x-overflow': 'reject-publish-dlx' })
    expect([world.queue.publish(messageOf('a')), world.queue.publish(messageOf('b'))]).toEqual([true, false])
    expect(world.deaths).toEqual(['b maxlen'])
  })

  it('refuses everything at a length of 0, even while a consumer waits', () => {
    const world = worldOf({ 'x-max-length': 0, 'x-overflow': 'reject-publish' })
    const consumer = world.consumer('c')
    expect(world.queue.publish(messageOf('a'))).toBe(false)
    world.settleDown()
    expect(consumer.received).toEqual([])
  })

  it('drops nothing when a requeue puts it over its limit', () => {
    const world = worldOf({ 'x-max-length': 1, 'x-overflow': 'reject-publish' })
    world.publish(1)
    const taken = world.queue.get(false)!
    world.publish(1)
    world.queue.requeue(taken)
    world.settleDown()
    expect([world.queue.readyCount, world.deaths]).toEqual([2, []])
  })
})

describe('a single active consumer', () => {
  const single = (): QueueWorld => worldOf({ 'x-single-active-consumer': true })

  it('keeps everybody else waiting while it has no credit', () => {
    const world = single()
    const [a, b] = [world.consumer('a', 1), world.consumer('b')]
    world.publish(3)
    world.settleDown()
    expect([a.received, b.received, world.queue.readyCount]).toEqual([[1], [], 2])
    world.queue.settle(a.take())
    world.settleDown()
    expect([a.received, b.received]).toEqual([[1, 2], []])
  })

  it('that is cancelled may still ack, while the next one gets what comes', () => {
    const world = single()
    const [a, b] = [world.consumer('a', 1), world.consumer('b')]
    world.publish(2)
    world.settleDown()
    world.queue.removeConsumer(a)
    world.settleDown()
    expect([a.received, b.received, world.queue.unackedCount]).toEqual([[1], [2], 2])
    world.queue.settle(a.take())
    world.settleDown()
    expect([a.received, b.received, world.queue.unackedCount]).toEqual([[1], [2], 1])
  })

  it('whose channel ends leaves its messages to the next one, in their old order', () => {
    const world = single()
    const [a, b] = [world.consumer('a', 2), world.consumer('b')]
    world.publish(3)
    world.settleDown()
    world.queue.removeConsumer(a)
    for (const entry of a.unacked.splice(0)) world.queue.requeue(entry)
    world.settleDown()
    expect(b.received).toEqual([1, 2, 3])
  })

  it('stays when one of higher priority comes, who is next before those of lower', () => {
    const world = single()
    const [first, low] = [world.consumer('first', 1), world.consumer('low')]
    const high = world.consumer('high', 0, false, 10)
    world.publish(2)
    world.settleDown()
    expect([first.received, high.received]).toEqual([[1], []])
    world.queue.removeConsumer(first)
    world.settleDown()
    expect([low.received, high.received]).toEqual([[], [2]])
  })

  it('is the first that comes after all have left', () => {
    const world = single()
    world.queue.removeConsumer(world.consumer('a'))
    const [b, c] = [world.consumer('b'), world.consumer('c')]
    world.publish(2)
    world.settleDown()
    expect([b.received, c.received]).toEqual([[1, 2], []])
  })

  it('is unmoved when one who waits leaves', () => {
    const world = single()
    const a = world.consumer('a')
    world.queue.removeConsumer(world.consumer('b'))
    expect(world.queue.removeConsumer(new TestConsumer('stranger'))).toBe(false)
    world.publish(1)
    world.settleDown()
    expect(a.received).toEqual([1])
  })
})

describe('x-max-priority', () => {
  it('serves 9 5 255 3 1 none 0 in this order, when 5 is the highest', () => {
    const world = worldOf({ 'x-max-priority': 5 })
    const published = [['none', 0], ['0', 0], ['3', 3], ['9', 9], ['5', 5], ['1', 1], ['255', 255]] as const
    for (const [key, priority] of published) world.queue.publish(messageOf(key, 1, true, priority))
    expect(drained(world)).toEqual(['9', '5', '255', '3', '1', 'none', '0'])
  })

  it('may be 255, and 0 is taken for 1', () => {
    for (const [max, order] of [[255, ['254', '7', '1', '0']], [0, ['1', '254', '7', '0']]] as const) {
      const world = worldOf({ 'x-max-priority': max })
      for (const p of [0, 1, 254, 7]) world.queue.publish(messageOf(String(p), 1, true, p))
      expect(drained(world)).toEqual(order)
    }
  })

  it('lets a requeued message return to the head of its own level', () => {
    const world = worldOf({ 'x-max-priority': 5 })
    for (const [key, p] of [['low', 1], ['low2', 1], ['high', 4]] as const) {
      world.queue.publish(messageOf(key, 1, true, p))
    }
    const [high, low] = [world.queue.get(false)!, world.queue.get(false)!]
    expect([high.message.routingKey, low.message.routingKey]).toEqual(['high', 'low'])
    world.queue.requeue(low)
    world.queue.publish(messageOf('high2', 1, true, 4))
    world.queue.requeue(high)
    world.queue.checkInvariants()
    expect(drained(world)).toEqual(['high', 'high2', 'low', 'low2'])
  })

  it('keeps an expired message of low priority, counted, until those above are gone', () => {
    const world = worldOf({ 'x-max-priority': 5 })
    world.queue.publish(Object.assign(expiring(world, 'low', 200), { priority: 0 }))
    world.queue.publish(messageOf('high', 1, true, 4))
    pass(world, 600)
    expect([world.queue.readyCount, world.deaths]).toEqual([2, []])
    expect(world.queue.get(true)?.message.routingKey).toBe('high')
    pass(world, 100)
    expect([world.queue.readyCount, world.deaths]).toEqual([0, ['low expired']])
  })

  it('finds the message of low priority in the store again, under its id', () => {
    const world = worldOf({ 'x-max-priority': 5 })
    for (const p of [0, 3]) world.queue.publish(messageOf(String(p), 1, true, p))
    world.queue.settle(world.queue.get(false)!)
    expect([...world.store.kept.keys()]).toEqual([1])
  })
})
