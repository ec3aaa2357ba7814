// queue.declare and queue.delete at the vhost: RabbitMQ's checks, in its order and words (behaviours §4).
import { beforeEach, describe, expect, it } from 'vitest'
import { tableOf } from '../protocol/table-encode.ts'
import { TestConsumer, messageOf } from '../queues/queue.contract.ts'
import { BrokerWorld, otherCaller, someCaller } from './broker.contract.ts'
import { declareQueue, deleteQueue } from './queue-declarations.ts'

let world: BrokerWorld
beforeEach(async () => { world = await BrokerWorld.start() })

const LOCKED = "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'q' in vhost '/'. It could "
  + 'be originally declared on another connection or the exclusive property value does not match that of the '
  + 'original declaration.'

describe('declare', () => {
  it('binds the queue to the default exchange by its name, in no list', () => {
    world.queue('q')
    expect(world.routed('', 'q')).toEqual(['q'])
    expect(world.vhost.defaultExchange.bindings.size).toBe(0)
  })

  it('gives an equal declaration the queue that is there', () => {
    const queue = world.queue('q', { autoDelete: true, args: tableOf({ foo: 1 }) })
    expect(world.queue('q', { autoDelete: true, args: tableOf({ foo: 2 }) })).toBe(queue)
    expect(world.vhost.queues.size).toBe(1)
  })

  it('refuses reserved names but for those it made itself', () => {
    expect(() => world.queue('amq.foo')).toThrow(
      "ACCESS_REFUSED - queue name 'amq.foo' contains reserved prefix 'amq.*'")
    const name = world.broker.generateName('amq.gen-')
    expect(name).toMatch(/^amq\.gen-[\w-]{22}$/)
    const wish = { name, isDurable: false, isExclusive: true, isAutoDelete: false, args: tableOf({}) }
    declareQueue(world.vhost, wish, someCaller, true, () => world.broker.newQueueId())
    expect(world.vhost.findQueue(name)).not.toBeNull()
    expect(() => world.queue(name, { exclusive: true })).toThrow('contains reserved prefix')
  })

  it('names the first property that differs', () => {
    world.queue('q', { durable: true })
    const differs = (name: string, received: boolean): string => 'PRECONDITION_FAILED - inequivalent arg '
      + `'${name}' for queue 'q' in vhost '/': received '${received}' but current is '${!received}'`
    expect(() => world.queue('q', { durable: false, autoDelete: true })).toThrow(differs('durable', false))
    expect(() => world.queue('q', { autoDelete: true })).toThrow(differs('auto_delete', true))
    expect(() => world.queue('q', { args: tableOf({ 'x-queue-version': 2 }) })).toThrow(
      "inequivalent arg 'x-queue-version' for queue 'q' in vhost '/': received the value '2' of type "
      + "'signedint' but current is none")
  })

  it('validates the arguments of a new queue only', () => {
    const args = tableOf({ 'x-quorum-initial-group-size': 1 })
    expect(() => world.queue('q', { args }))
      .toThrow("invalid arg 'x-quorum-initial-group-size' for queue 'q' in vhost '/'")
    expect(world.vhost.findQueue('q')).toBeNull()
    world.queue('q')
    expect(() => world.queue('q', { args })).not.toThrow()
  })

  it('writes a record of what is durable', async () => {
    world.queue('a')
    world.queue('b', { durable: false })
    world.queue('c', { exclusive: true })
    expect(await world.records()).toEqual(['queue a'])
  })

  it('gives every queue an id of its own', () => {
    const ids = ['a', 'b', 'c'].map((name) => world.queue(name).id)
    expect(new Set(ids).size).toBe(3)
  })
})

describe('an exclusive queue', () => {
  it('is locked for every other connection', () => {
    world.queue('q', { exclusive: true })
    expect(() => world.queue('q', { exclusive: true }, otherCaller)).toThrow(LOCKED)
    expect(() => world.queue('q', {}, otherCaller)).toThrow(LOCKED)
    expect(() => world.vhost.getQueue('q', otherCaller.owner)).toThrow(LOCKED)
    expect(() => deleteQueue(world.vhost, 'q', otherCaller, false, false)).toThrow(LOCKED)
    expect(world.vhost.getQueue('q', someCaller.owner).name).toBe('q')
  })

  it('is not the same as a shared one, before anything else differs', () => {
    world.queue('q', { exclusive: true, autoDelete: true })
    expect(() => world.queue('q', { exclusive: false })).toThrow(LOCKED)
    expect(() => world.queue('q', { exclusive: true })).toThrow("inequivalent arg 'auto_delete'")
  })

  it('cannot be made of a shared one', () => {
    world.queue('q', { autoDelete: true })
    expect(() => world.queue('q', { exclusive: true })).toThrow(LOCKED)
  })

  it('is never durable, whatever was asked for', () => {
    const queue = world.queue('q', { exclusive: true, durable: true })
    expect(queue.flags.isDurable).toBe(false)
    expect(world.queue('q', { exclusive: true, durable: false })).toBe(queue)
  })

  it('is known by its owner until it is deleted', () => {
    const queue = world.queue('q', { exclusive: true })
    world.queue('shared')
    expect(world.vhost.queuesOf(someCaller.owner)).toEqual([queue])
    expect(world.vhost.queuesOf(otherCaller.owner)).toEqual([])
    deleteQueue(world.vhost, 'q', someCaller, false, false)
    expect(world.vhost.queuesOf(someCaller.owner)).toEqual([])
  })
})

describe('delete', () => {
  it('of what is missing has no messages', () => {
    expect(deleteQueue(world.vhost, 'nope', someCaller, true, true)).toBe(0)
  })

  it('refuses what is in use, but names first that it is not empty', () => {
    const queue = world.queue('q')
    queue.addConsumer(new TestConsumer('c', 1), false)
    const wish = (): unknown => deleteQueue(world.vhost, 'q', someCaller, true, true)
    expect(wish).toThrow("PRECONDITION_FAILED - queue 'q' in vhost '/' in use")
    queue.publish(messageOf('q'))
    expect(wish).toThrow("PRECONDITION_FAILED - queue 'q' in vhost '/' not empty")
  })

  it('takes name, route and record', async () => {
    const queue = world.queue('q')
    const version = world.vhost.topologyVersion
    deleteQueue(world.vhost, 'q', someCaller, false, false)
    expect(world.vhost.findQueue('q')).toBeNull()
    expect(world.routed('', 'q')).toEqual([])
    expect(queue.isDeleted).toBe(true)
    expect(world.vhost.topologyVersion).toBeGreaterThan(version)
    expect(await world.records()).toEqual([])
    expect(() => world.vhost.getQueue('q', someCaller.owner)).toThrow("NOT_FOUND - no queue 'q' in vhost '/'")
  })

  it('ends remembered routes also for a transient queue', () => {
    world.queue('q', { durable: false })
    const version = world.vhost.topologyVersion
    deleteQueue(world.vhost, 'q', someCaller, false, false)
    expect(world.vhost.topologyVersion).toBeGreaterThan(version)
  })
})
