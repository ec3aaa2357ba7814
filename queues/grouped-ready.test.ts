// A queue with groups, each rule by itself; grouped.model.test.ts has them all together. Routing keys are
// `<group><number>`, or a number alone for what is in no group.
import { describe, expect, it } from 'vitest'
import { encodeProperties } from '../protocol/properties.ts'
import type { Field } from '../protocol/table.ts'
import { tableOf } from '../protocol/table-encode.ts'
import { Browser, EVERY, FIRST } from './browser.ts'
import type { Entry } from './entry.ts'
import { Group, groupKeyOf } from './group.ts'
import { Message } from './message.ts'
import { messageOf, messageWith, QueueWorld } from './queue.contract.ts'
import type { TestConsumer } from './queue.contract.ts'

const MIB = 1024 * 1024

function worldWith(args: Record<string, string | number> = {}, window = {}): QueueWorld {
  return new QueueWorld({ args: tableOf({ 'x-group-header': 'g', ...args }), ...window })
}

function publish(world: QueueWorld, ...keys: string[]): void {
  for (const key of keys) {
    const group = key.replace(/\d+/, '')
    world.queue.publish(messageWith(key, tableOf(group === '' ? { other: 'a' } : { g: group })))
  }
  world.settleDown()
}

const unackedOf = (consumer: TestConsumer): string =>
  consumer.unacked.map(({ message }) => message.routingKey).join(' ')

function take(consumer: TestConsumer, key: string): Entry {
  return consumer.take(consumer.unacked.findIndex(({ message }) => message.routingKey === key))
}

function settle(world: QueueWorld, consumer: TestConsumer, ...keys: string[]): void {
  for (const key of keys) world.queue.settle(take(consumer, key))
  world.settleDown()
}

/** Of 1 MiB, each in a group of its own; they share one body. */
function largeMessages(count: number): Message[] {
  const lists = Array.from({ length: count }, (_, n) => encodeProperties({ headers: tableOf({ g: n }) }))
  const buf = Buffer.concat([...lists, Buffer.alloc(MIB)])
  let end = 0
  return lists.map(({ length }, n) => {
    const { envelope, ...traits } = messageOf(String(n))
    end += length
    return new Message(envelope, buf, end - length, end, buf.length - MIB, buf.length, traits)
  })
}

/** What is got without acks until nothing more comes. */
function drained(world: QueueWorld): string {
  const keys: string[] = []
  for (let entry = world.queue.get(true); entry !== null; entry = world.queue.get(true)) {
    keys.push(entry.message.routingKey)
  }
  return keys.join(' ')
}

describe('the group of a message', () => {
  const header = Buffer.from('g')
  const groupOf = (field: Field): string | null =>
    groupKeyOf(messageWith('q', new Map([['other', { tag: 'S', value: 'x' }], ['g', field]])), header)

  it('is a text or an integer of any width, and the number 5 is not the text', () => {
    expect(groupOf({ tag: 'S', value: '5' })).toBe("'5")
    for (const tag of ['b', 'B', 's', 'u', 'I', 'i', 'l'] as const) {
      expect(groupOf({ tag, value: 5 })).toBe('5')
    }
    expect(groupOf({ tag: 'S', value: 'ä'.repeat(40_000) })).toBe(`'${'ä'.repeat(40_000)}`)
  })

  it('is none for any other type, and without the header', () => {
    for (const field of [
      { tag: 't', value: true }, { tag: 'd', value: 5 }, { tag: 'T', value: 5 }, { tag: 'V', value: null },
    ] as const) expect(groupOf(field)).toBeNull()
    expect(groupKeyOf(messageOf('q'), header)).toBeNull()
  })

  it('begins free', () => {
    expect(new Group('a').isFree).toBe(true)
  })
})

describe('in a queue with groups', () => {
  it('one message of each group is out, and all that are in none', () => {
    const world = worldWith()
    const consumer = world.consumer('c')
    publish(world, 'a1', 'a2', 'b1', '1', 'a3', 'b2', '2')
    expect(unackedOf(consumer)).toBe('a1 b1 1 2')
    settle(world, consumer, 'b1', 'a1')
    expect(unackedOf(consumer)).toBe('1 2 b2 a2')
    expect(world.queue.readyCount).toBe(1)
  })

  it('a consumer of another channel gets the next of the group when the first is acked', () => {
    const world = worldWith()
    const [one, other] = [world.consumer('one', 1), world.consumer('other', 1)]
    publish(world, 'a1', 'a2', 'a3')
    expect([unackedOf(one), unackedOf(other)]).toEqual(['a1', ''])
    settle(world, one, 'a1')
    expect([unackedOf(one), unackedOf(other)].toSorted()).toEqual(['', 'a2'])
  })

  it('an ack of what was got lets the consumers go on', () => {
    const world = worldWith()
    publish(world, 'a1', 'a2')
    const entry = world.queue.get(false)!
    const consumer = world.consumer('c')
    world.settleDown()
    expect(unackedOf(consumer)).toBe('')
    world.queue.settle(entry)
    world.settleDown()
    expect(unackedOf(consumer)).toBe('a2')
  })

  it('basic.get finds nothing while every group is out', () => {
    const world = worldWith()
    publish(world, 'a1', 'b1', 'a2')
    expect([world.queue.get(false), world.queue.get(false)].map((entry) => entry?.message.routingKey))
      .toEqual(['a1', 'b1'])
    expect(world.queue.get(false)).toBeNull()
    const { isPaging, readyCount, traffic: { gotEmpty } } = world.queue
    expect([isPaging, readyCount, gotEmpty]).toEqual([false, 1, 1])
  })

  it('basic.get waits while what is blocked is being passed over, and nobody does so for long', () => {
    const world = worldWith()
    const message = messageWith('a', tableOf({ g: 'a' }))
    for (let n = 0; n < 9_000; n++) world.queue.publish(message)
    world.queue.publish(messageOf('1'))
    world.queue.get(false)
    let paged = 0
    const found: string[] = []
    for (;;) {
      const entry = world.queue.get(true)
      if (!world.queue.isPaging) {
        found.push(entry?.message.routingKey ?? 'nothing')
        break
      }
      world.queue.awaitPage({ paged: () => { paged++ } })
      world.endTurn()
    }
    expect([found, paged, world.queue.traffic.gotEmpty]).toEqual([['1'], 2, 0])
  })

  it('who acks nothing gets all in order, and nothing of a group that is out elsewhere', () => {
    const world = worldWith()
    publish(world, 'a1', 'a2', 'b1')
    const out = world.queue.get(false)!
    publish(world, 'b2', 'a3', '1')
    expect(drained(world)).toBe('b1 b2 1')
    world.queue.settle(out)
    expect(drained(world)).toBe('a2 a3')
  })

  it('what is returned is the first of its group again', () => {
    const world = worldWith()
    const consumer = world.consumer('c', 2)
    publish(world, 'a1', 'a2', 'b1', 'a3')
    world.queue.requeue(take(consumer, 'a1'))
    world.settleDown()
    expect(unackedOf(consumer)).toBe('b1 a1')
    settle(world, consumer, 'a1')
    expect(unackedOf(consumer)).toBe('b1 a2')
  })

  it('priorities do not count, in a quorum queue', () => {
    const world = worldWith({ 'x-queue-type': 'quorum' })
    for (const [key, priority] of [['1', 0], ['2', 9]] as const) {
      world.queue.publish(messageOf(key, 10, true, priority))
    }
    expect(drained(world)).toBe('1 2')
  })

  it('a message that is given up lets its group go on', () => {
    const world = worldWith({ 'x-dead-letter-exchange': 'dlx' })
    const consumer = world.consumer('c')
    publish(world, 'a1', 'a2')
    world.queue.reject(take(consumer, 'a1'))
    world.settleDown()
    expect([unackedOf(consumer), world.deaths]).toEqual(['a2', ['a1 rejected']])
  })

  it('what is delayed joins its group when it is due', () => {
    const world = worldWith()
    const consumer = world.consumer('c')
    world.queue.publish(messageWith('a1', tableOf({ g: 'a' })), world.clock.nowMs + 100)
    publish(world, 'a2', 'a3')
    world.clock.travel(100)
    world.timers.advance(world.clock.monotonicMs)
    world.settleDown()
    settle(world, consumer, 'a2')
    settle(world, consumer, 'a3')
    expect(unackedOf(consumer)).toBe('a1')
  })

  it('a parked message expires when it would go out, and not before', () => {
    const world = worldWith({ 'x-message-ttl': 100, 'x-dead-letter-exchange': 'dlx' })
    const consumer = world.consumer('c')
    publish(world, 'a1', 'a2', 'b1')
    world.clock.travel(200)
    world.timers.advance(world.clock.monotonicMs)
    world.settleDown()
    expect([world.deaths, world.queue.readyCount]).toEqual([[], 1])
    settle(world, consumer, 'a1')
    expect(world.deaths).toEqual(['a2 expired'])
  })

  it('a limit drops the oldest of the group that is blocked for longest, before anything that could go out',
    () => {
      const world = worldWith({ 'x-max-length': 3, 'x-dead-letter-exchange': 'dlx' })
      publish(world, 'a1', 'b1')
      world.queue.get(false)
      world.queue.get(false)
      publish(world, 'b2', 'a2', 'b3')
      expect(world.queue.get(false)).toBeNull() // by now it has looked at all of them
      publish(world, '1', '2')
      expect(world.deaths).toEqual(['b2 maxlen', 'b3 maxlen'])
      expect(drained(world)).toBe('1 2')
    })

  it('a limit holds although everything is blocked', () => {
    const world = worldWith({ 'x-max-length': 2, 'x-dead-letter-exchange': 'dlx' })
    const consumer = world.consumer('c')
    publish(world, 'a1', 'a2', 'a3', 'a4', 'a5')
    expect([unackedOf(consumer), world.deaths]).toEqual(['a1', ['a2 maxlen', 'a3 maxlen']])
  })

  it('a purge takes what is parked, and what is out still keeps its group', () => {
    const world = worldWith()
    const consumer = world.consumer('c')
    publish(world, 'a1', 'a2', 'a3')
    expect([world.queue.purge(), world.queue.readyBytes, world.residence.bytes]).toEqual([2, 0, 0])
    publish(world, 'a4')
    expect(unackedOf(consumer)).toBe('a1')
    settle(world, consumer, 'a1')
    expect(unackedOf(consumer)).toBe('a4')
  })

  it('one that is deleted forgets them, and acks that come later', () => {
    const world = worldWith()
    publish(world, 'a1', 'a2')
    const entry = world.queue.get(false)!
    world.queue.get(false)
    world.queue.delete()
    world.queue.settle(entry)
    expect([world.store.kept.size, world.queue.readyCount, world.queue.groups!.outCount]).toEqual([0, 0, 0])
  })

  it('who looks sees what is parked, first and by id', () => {
    const world = worldWith()
    publish(world, 'b1', 'a1', 'b2', 'a2', 'b3', '1', '2')
    world.queue.get(false)
    world.queue.get(false)
    world.queue.get(false)
    const seen: string[] = []
    new Browser(world.store).look(
      world.queue, { from: FIRST, filter: EVERY, limit: 9, bytesMax: 1e9, lastId: Infinity }, {
        browsed: ({ items }) => seen.push(...items.map(({ entry }) => entry.message.routingKey)),
        browseFailed(cause) {
          throw cause
        },
      })
    expect(seen.join(' ')).toBe('b2 a2 b3')
  })

  it('nobody looks beyond 65,536 parked messages, and goes on when there are fewer', () => {
    const world = worldWith()
    const consumer = world.consumer('c')
    const message = messageWith('a', tableOf({ g: 'a' }))
    for (let n = 0; n < 65_538; n++) world.queue.publish(message)
    publish(world, '1')
    world.settleDown()
    const { groups } = world.queue
    expect([unackedOf(consumer), groups!.parkedCount, groups!.isLookAheadFull]).toEqual(['a', 65_536, true])
    settle(world, consumer, 'a')
    settle(world, consumer, 'a')
    expect([unackedOf(consumer), groups!.isLookAheadFull]).toEqual(['1 a', false])
  })

  it('nor beyond 64 MiB of bodies', () => {
    const world = worldWith()
    const consumer = world.consumer('c')
    const large = messageOf('a', MIB)
    const message = large.withProperties(messageWith('a', tableOf({ g: 'a' })).buf.subarray(0, -10))
    for (let n = 0; n < 67; n++) world.queue.publish(message)
    publish(world, '1')
    expect([unackedOf(consumer), world.queue.groups!.parkedBytes]).toEqual(['a', 64 * MIB])
    settle(world, consumer, 'a')
    expect(unackedOf(consumer)).toBe('a')
    settle(world, consumer, 'a')
    expect(unackedOf(consumer)).toBe('a 1')
  })
})

describe('a message of a group that is to be tried again', () => {
  const RETRIED = { 'x-retry-delay': '100,200', 'x-dead-letter-exchange': 'dlx' }

  function pass(world: QueueWorld, ms: number): void {
    world.clock.travel(ms)
    world.timers.advance(world.clock.monotonicMs)
    world.settleDown()
  }

  function fail(world: QueueWorld, consumer: TestConsumer, key: string): void {
    world.queue.reject(take(consumer, key), 'nacked-for-good')
    world.settleDown()
  }

  it.each(['classic', 'quorum'])('keeps its place, and only its group waits: %s', (type) => {
    const world = worldWith({ ...RETRIED, 'x-queue-type': type })
    const consumer = world.consumer('c')
    publish(world, 'a1', 'a2', 'b1', 'b2', '1')
    fail(world, consumer, 'a1')
    settle(world, consumer, 'b1')
    expect([unackedOf(consumer), world.queue.groups!.waitingCount, world.queue.heldCount]).toEqual(
      ['1 b2', 1, 0])
    pass(world, 99)
    expect(unackedOf(consumer)).toBe('1 b2')
    pass(world, 1)
    expect(unackedOf(consumer)).toBe('1 b2 a1')
    settle(world, consumer, 'a1')
    expect(unackedOf(consumer)).toBe('1 b2 a2')
  })

  it('is in the store once, as it is now, with its count', () => {
    const world = worldWith(RETRIED)
    const consumer = world.consumer('c')
    publish(world, 'a1')
    const [{ id }] = consumer.unacked as [Entry]
    fail(world, consumer, 'a1')
    expect(world.store.log.slice(1)).toEqual(
      [`drop 7 ${id} 0 1 1`, `put 7 ${id} a1`, `touch 7 ${id} 4295032833`])
  })

  it('lets its group go on after the last attempt', () => {
    const world = worldWith(RETRIED)
    const consumer = world.consumer('c')
    publish(world, 'a1', 'a2')
    for (const ms of [100, 200]) {
      fail(world, consumer, 'a1')
      pass(world, ms)
    }
    fail(world, consumer, 'a1')
    expect([unackedOf(consumer), world.deaths]).toEqual(['a2', ['a1 delivery_limit']])
  })

  it('lets its group go on when it is parked for somebody to look at it', () => {
    const world = worldWith({ 'x-retry-attempts': 0, 'x-retry-delay': '100', 'x-retry-then': 'park' })
    const consumer = world.consumer('c')
    publish(world, 'a1', 'a2')
    fail(world, consumer, 'a1')
    expect([unackedOf(consumer), world.queue.heldCount]).toEqual(['a2', 1])
  })

  it('does not age meanwhile', () => {
    const world = worldWith({ ...RETRIED, 'x-message-ttl': 50 })
    const consumer = world.consumer('c')
    publish(world, 'a1')
    fail(world, consumer, 'a1')
    pass(world, 100)
    expect([unackedOf(consumer), world.deaths]).toEqual(['a1', []])
  })

  it('takes its wait with it when it is taken out', () => {
    const world = worldWith(RETRIED)
    const consumer = world.consumer('c')
    publish(world, 'a1', 'a2')
    fail(world, consumer, 'a1')
    const [waiting] = world.queue.ready
    const taken = world.queue.ready.extract([waiting!], world.store.durableBatch)
    expect(taken).toEqual([waiting])
    world.queue.forget(waiting!)
    world.settleDown()
    expect([unackedOf(consumer), world.queue.groups!.waitingCount]).toEqual(['a2', 0])
  })

  it('lets nothing more of any group out when too much waits', () => {
    const world = worldWith({
      'x-queue-type': 'quorum', 'x-delayed-retry-type': 'all', 'x-delayed-retry-min': 100,
    })
    const consumer = world.consumer('c')
    for (const message of largeMessages(128)) world.queue.publish(message)
    world.settleDown()
    while (consumer.unacked.length > 0) world.queue.requeue(consumer.take(), 'rejected')
    publish(world, '1', 'a1', '2')
    expect([unackedOf(consumer), world.queue.groups!.waitingCount]).toEqual(['1', 128])
    pass(world, 100)
    expect(unackedOf(consumer).split(' ').slice(-3)).toEqual(['127', 'a1', '2'])
  })

  it('waits in its place where RabbitMQ\'s own delayed retry is asked for', () => {
    const world = worldWith({
      'x-queue-type': 'quorum', 'x-delayed-retry-type': 'all', 'x-delayed-retry-min': 100,
    })
    const consumer = world.consumer('c')
    publish(world, 'a1', 'a2', '1')
    world.queue.requeue(take(consumer, 'a1'), 'rejected')
    world.settleDown()
    expect(unackedOf(consumer)).toBe('1')
    pass(world, 100)
    expect(unackedOf(consumer)).toBe('1 a1')
  })
})
