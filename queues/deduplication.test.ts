// A queue that deduplicates: what it refuses, how long a key is known, what of it is in the store, and what
// passes although its key is known. The clock is moved by hand.
import { describe, expect, it } from 'vitest'
import { tableOf } from '../protocol/table-encode.ts'
import { keysNumber } from './deduplication.ts'
import type { Message } from './message.ts'
import { messageOf, messageWith, QueueWorld } from './queue.contract.ts'
import { resolveQueueSettings } from './settings.ts'

type Arguments = Parameters<typeof tableOf>[0]

const KEYS = keysNumber(8)

function worldOf(args: Arguments = {}, isDurable = true): QueueWorld {
  const all = tableOf({ 'x-message-deduplication': true, 'x-dead-letter-exchange': 'dlx', ...args })
  return new QueueWorld({ args: all, flags: { isDurable }, keysId: isDurable ? 8 : 0 })
}

const keyed = (key: string | number, name = 'm', headers: Arguments = {}, isPersistent = true): Message =>
  messageWith(name, tableOf({ 'x-deduplication-header': key, ...headers }), isPersistent)

/** Publishes one for each key; returns how many are ready then. */
function publish({ queue }: QueueWorld, ...keys: readonly (string | number)[]): number {
  for (const key of keys) expect(queue.publish(keyed(key))).toBe(true)
  return queue.readyCount
}

function pass(world: QueueWorld, ms: number): void {
  world.clock.travel(ms)
  world.timers.advance(world.clock.monotonicMs)
  world.settleDown()
}

/** Keys in the store, as they lie there. */
function storedKeys({ store }: QueueWorld): string[] {
  return [...store.kept.values()].filter(({ queue }) => queue === KEYS)
    .map(({ stored: { buf, bodyStart, bodyEnd } }) => buf.toString('utf8', bodyStart, bodyEnd))
}

function copyStore(from: QueueWorld, to: QueueWorld): void {
  for (const { queue, stored } of from.store.kept.values()) {
    to.store.recovered(queue, stored.id, stored, stored)
  }
}

/** Another process over what the store has. */
function restarted(world: QueueWorld, args: Arguments = {}): QueueWorld {
  world.settleDown()
  const after = worldOf(args)
  after.clock.travel(world.clock.nowMs - after.clock.nowMs)
  after.ids.skipTo(world.ids.last)
  copyStore(world, after)
  if (after.store.restored(after.queue.id).count > 0) after.restore()
  let isLoaded = false
  after.queue.deduplication!.restore(() => { isLoaded = true })
  after.settleDown()
  expect(isLoaded).toBe(true)
  return after
}

describe('without a window', () => {
  it('a key is known while its message is ready, and a duplicate is taken, counted and not stored', () => {
    const world = worldOf()
    expect(publish(world, 'a', 'b', 'a', 'a')).toBe(2)
    expect([world.queue.traffic.duplicates, world.queue.traffic.published]).toEqual([2, 2])
    expect(world.queue.deduplication!.keyCount).toBe(2)
  })

  it('a number and the text of it are two keys, and a message without a key passes', () => {
    const world = worldOf()
    expect(publish(world, 5, '5', 5, '5')).toBe(2)
    world.publish(2)
    expect(world.queue.readyCount).toBe(4)
  })

  it('a key is known while its message is unacked, and not after its ack', () => {
    const world = worldOf()
    publish(world, 'a')
    const entry = world.queue.get(false)!
    expect(publish(world, 'a')).toBe(0)
    world.queue.settle(entry)
    expect(publish(world, 'a')).toBe(1)
  })

  it('a key is known while its message comes back', () => {
    const world = worldOf()
    publish(world, 'a')
    world.queue.requeue(world.queue.get(false)!)
    expect(publish(world, 'a')).toBe(1)
  })

  it('a key goes with a delivery that needs no ack', () => {
    const world = worldOf()
    publish(world, 'a')
    world.queue.get(true)
    expect(publish(world, 'a')).toBe(1)
    world.consumer('c', 0, true)
    world.settleDown()
    expect(publish(world, 'a')).toBe(1)
  })

  it.each([['reject', {}], ['expiry', { 'x-message-ttl': 100 }], ['overflow', { 'x-max-length': 1 }]])(
    'a key goes when its message dies of %s', (how, args) => {
      const world = worldOf(args)
      publish(world, 'a')
      if (how === 'reject') world.queue.reject(world.queue.get(false)!)
      else if (how === 'overflow') publish(world, 'b')
      else pass(world, 200)
      expect(world.deaths).toHaveLength(1)
      expect(world.queue.deduplication!.knows('"a"')).toBe(false)
    })

  it('a letter that comes back to its own queue with its key is not its own duplicate', () => {
    const world = worldOf({ 'x-message-ttl': 100 })
    publish(world, 'a')
    world.onDeath = () => world.queue.publish(Object.assign(keyed('a', 'letter'), { isDeadLetter: true }))
    pass(world, 200)
    expect([world.queue.readyCount, world.queue.deduplication!.keyCount]).toEqual([1, 1])
    expect(storedKeys(world)).toEqual(['"a"'])
  })

  it('a key is known while its message waits to be tried again, and while it is delayed', () => {
    const world = worldOf({ 'x-retry-delay': '1s' })
    publish(world, 'a')
    world.queue.reject(world.queue.get(false)!)
    expect([publish(world, 'a'), world.queue.heldCount]).toEqual([0, 1])
    pass(world, 1_000)
    expect([publish(world, 'a'), world.queue.traffic.duplicates]).toEqual([1, 2])

    world.queue.publish(keyed('later'), world.clock.nowMs + 500)
    world.queue.publish(keyed('later'), world.clock.nowMs + 100)
    expect(world.queue.heldCount).toBe(1)
    pass(world, 500)
    expect(world.queue.readyCount).toBe(2)
  })

  it('a key goes with a delayed message that is told off', () => {
    const world = worldOf()
    world.queue.publish(keyed('a'), world.clock.nowMs + 500)
    world.queue.left(world.queue.held.take(world.queue.held.inMemory[0]!.id)!.message)
    expect(publish(world, 'a')).toBe(1)
  })

  it('what a full queue rejects leaves no key, so that it can be published again', () => {
    const world = worldOf({ 'x-max-length': 1, 'x-overflow': 'reject-publish' })
    publish(world, 'a')
    expect([world.queue.publish(keyed('b')), world.queue.publish(keyed('a'))]).toEqual([false, true])
    world.queue.get(true)
    expect(publish(world, 'b')).toBe(1)
  })

  it('what stays out, without time behind others, leaves no key', () => {
    const world = new QueueWorld({ args: tableOf({ 'x-message-deduplication': true }) })
    world.queue.publish(messageOf('first'))
    world.queue.applySettings({ ...world.queue.settings, messageTtlMs: 0 })
    expect(publish(world, 'a', 'a')).toBe(1)
    expect([world.queue.deduplication!.keyCount, world.queue.traffic.duplicates]).toEqual([0, 0])
  })

  it('a purge forgets every key', () => {
    const world = worldOf()
    publish(world, 'a', 'b')
    const unacked = world.queue.get(false)!
    world.queue.purge()
    world.settleDown()
    expect([world.queue.deduplication!.keyCount, storedKeys(world)]).toEqual([0, []])
    expect(publish(world, 'a', 'b')).toBe(2)
    world.queue.settle(unacked)
  })

  it('what somebody moves there passes, and its key is known afterwards', () => {
    const world = worldOf()
    publish(world, 'a')
    world.queue.publish(keyed('a', 'moved'), 0, true)
    world.queue.publish(keyed('b', 'moved'), 0, true)
    expect([world.queue.readyCount, publish(world, 'b')]).toEqual([3, 3])
  })
})

describe('with a window', () => {
  it('a key is known that long after its publish, whether its message is there or not', () => {
    const world = worldOf({ 'x-cache-ttl': 1_000 })
    publish(world, 'a', 'b')
    world.queue.get(true)
    pass(world, 999)
    expect(publish(world, 'a', 'b')).toBe(1)
    pass(world, 1)
    expect(publish(world, 'a', 'b')).toBe(3)
  })

  it('of its own a message says how long its key is known, in a queue of any kind', () => {
    for (const args of [{}, { 'x-cache-ttl': 1_000 }]) {
      const world = worldOf(args)
      world.queue.publish(keyed('a', 'm', { 'x-cache-ttl': 300 }))
      expect(publish(world, 'a')).toBe(1)
      pass(world, 300)
      expect(publish(world, 'a')).toBe(2)
    }
  })

  it('memory and store are given back at the ends of keys, though nothing is published', () => {
    const world = worldOf({ 'x-cache-ttl': 5_000 })
    publish(world, 'a')
    world.queue.publish(keyed('b', 'm', { 'x-cache-ttl': 60_000 }))
    world.queue.publish(keyed('c', 'm', { 'x-cache-ttl': 100 }))
    pass(world, 200)
    expect([world.queue.deduplication!.keyCount, storedKeys(world)]).toEqual([2, ['"a"', '"b"']])
    pass(world, 5_000)
    pass(world, 60_000)
    expect([world.queue.deduplication!.keyCount, storedKeys(world)]).toEqual([0, []])
  })

  it('a purge forgets no key, a settled message neither', () => {
    const world = worldOf({ 'x-cache-ttl': 1_000 })
    publish(world, 'a', 'b')
    world.queue.settle(world.queue.get(false)!)
    world.queue.purge()
    expect([publish(world, 'a', 'b'), storedKeys(world)]).toEqual([0, ['"a"', '"b"']])
  })

  it('a dead letter passes: it would be lost in a circle of retries', () => {
    const world = worldOf({ 'x-cache-ttl': 1_000 })
    publish(world, 'a')
    world.queue.get(true)
    world.queue.publish(Object.assign(keyed('a', 'letter'), { isDeadLetter: true }))
    expect([world.queue.readyCount, publish(world, 'a')]).toEqual([1, 1])
  })

  it('a policy changes it for the keys to come', () => {
    const world = worldOf({ 'x-cache-ttl': 1_000 })
    publish(world, 'a')
    world.queue.applySettings(resolveQueueSettings(world.queue.args, new Map([['cache-ttl', 50]])))
    publish(world, 'b')
    expect(world.queue.settings.keyWindowMs).toBe(1_000)
    const other = worldOf()
    other.queue.applySettings(resolveQueueSettings(other.queue.args, new Map([['cache-ttl', 50]])))
    publish(other, 'a')
    other.queue.get(true)
    expect(publish(other, 'a')).toBe(0)
    pass(other, 50)
    expect(publish(other, 'a')).toBe(1)
  })
})

describe('the number of keys', () => {
  it('has a limit: the oldest is forgotten first', () => {
    const world = worldOf({ 'x-cache-size': 2 })
    publish(world, 'a', 'b', 'c')
    expect([world.queue.deduplication!.keyCount, storedKeys(world)]).toEqual([2, ['"b"', '"c"']])
    expect(publish(world, 'b', 'c')).toBe(3)
    expect(publish(world, 'a')).toBe(4)
  })

  it('that is too many after a limit was lowered leaves with the next ones', () => {
    const world = worldOf()
    for (let n = 0; n < 250; n++) publish(world, n)
    world.queue.applySettings(resolveQueueSettings(world.queue.args, new Map([['cache-size', 10]])))
    publish(world, 'x', 'y', 'z')
    expect(world.queue.deduplication!.keyCount).toBe(10)
  })
})

describe('in the store', () => {
  it('a key is put in the batch of its message, with its end, and dropped with it', () => {
    const world = worldOf()
    publish(world, 'a')
    expect(world.store.log).toEqual([`put ${KEYS} 1 `, 'put 7 2 m'])
    world.settleDown()
    world.queue.settle(world.queue.get(false)!)
    expect(world.store.log.slice(2)).toEqual([`drop ${KEYS} 1 0 1 1`, 'drop 7 2 0 1 2'])
  })

  it('a duplicate writes nothing, and is in a batch that is reported after the first one', () => {
    const world = worldOf()
    publish(world, 'a', 'a')
    expect(world.store.log).toHaveLength(2)
    world.settleDown()
    const { openBatch } = world.store
    publish(world, 'a')
    expect(storedKeys(world)).toHaveLength(1)
    world.store.seal()
    expect(world.store.openBatch).toBe(openBatch + 1)
  })

  it('there is no key of a transient message, nor of a transient queue', () => {
    const world = worldOf()
    for (let n = 0; n < 2; n++) world.queue.publish(keyed('a', 'm', {}, false))
    expect([world.queue.readyCount, world.store.log]).toEqual([1, []])
    const transient = worldOf({}, false)
    expect([publish(transient, 'a', 'a'), transient.store.log]).toEqual([1, []])
  })

  it('a key outlives a restart: while its message is there, or until its end', () => {
    const first = worldOf()
    publish(first, 'a', 'b')
    first.queue.get(true)
    const world = restarted(first)
    expect(publish(world, 'a', 'b')).toBe(2)
    world.queue.settle(world.queue.get(false)!)
    expect(publish(world, 'b')).toBe(2)

    const windowed = worldOf({ 'x-cache-ttl': 1_000 })
    publish(windowed, 'a')
    windowed.queue.get(true)
    const after = restarted(windowed, { 'x-cache-ttl': 1_000 })
    expect(publish(after, 'a')).toBe(0)
    pass(after, 1_000)
    expect([publish(after, 'a'), storedKeys(after)]).toEqual([1, ['"a"']])
  })

  it('a key that ended while nobody ran is given back', () => {
    const first = worldOf({ 'x-cache-ttl': 1_000 })
    publish(first, 'a')
    first.clock.travel(2_000)
    const world = restarted(first, { 'x-cache-ttl': 1_000 })
    pass(world, 100)
    expect([world.queue.deduplication!.keyCount, storedKeys(world)]).toEqual([0, []])
  })

  it('what leaves the queue before its key was loaded takes the key with it', () => {
    const first = worldOf()
    publish(first, 'a', 'b')
    first.settleDown()
    const world = worldOf()
    world.ids.skipTo(first.ids.last)
    copyStore(first, world)
    world.queue.deduplication!.restore(() => {})
    world.queue.left(keyed('a'))
    world.settleDown()
    expect([world.queue.deduplication!.keyCount, storedKeys(world)]).toEqual([1, ['"b"']])
  })

  it('a deleted queue takes its keys with it', () => {
    const world = worldOf()
    publish(world, 'a')
    world.settleDown()
    world.queue.delete()
    expect(world.store.kept.size).toBe(0)
  })
})

it('a queue without the argument takes what comes', () => {
  const world = new QueueWorld()
  expect([publish(world, 'a', 'a'), world.queue.deduplication]).toEqual([2, null])
  world.queue.publish(messageOf('q'))
  expect(world.queue.traffic.duplicates).toBe(0)
})
