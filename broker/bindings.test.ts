// Bindings at the vhost: who may bind what, what goes when something is deleted, and which records are
// written.
import { beforeEach, describe, expect, it } from 'vitest'
import { tableOf } from '../protocol/table-encode.ts'
import { BrokerWorld, otherCaller, someCaller } from './broker.contract.ts'
import { deleteExchange } from './exchange-declarations.ts'
import { deleteQueue, removeQueue } from './queue-declarations.ts'

let world: BrokerWorld
beforeEach(async () => { world = await BrokerWorld.start() })

const bindingRecords = async (): Promise<number> =>
  (await world.records()).filter((record) => record.startsWith('binding')).length

describe('bind', () => {
  it('routes to what was bound', () => {
    world.queue('q')
    world.bind('amq.direct', 'q', 'k')
    expect(world.routed('amq.direct', 'k')).toEqual(['q'])
    expect(world.routed('amq.direct', 'other')).toEqual([])
  })

  it('is done once for the same binding', async () => {
    world.queue('q')
    for (let n = 0; n < 3; n++) world.bind('amq.direct', 'q', 'k', tableOf({ a: 1, b: 2 }))
    world.bind('amq.direct', 'q', 'k', tableOf({ b: 2, a: 1 }))
    expect(world.vhost.getExchange('amq.direct').bindings.size).toBe(1)
    expect(await bindingRecords()).toBe(1)
  })

  it('refuses the default exchange on either side', () => {
    world.queue('q')
    for (const [source, destination] of [['', 'q'], ['amq.direct', '']] as const) {
      expect(() => world.bind(source, destination)).toThrow(
        'ACCESS_REFUSED - operation not permitted on the default exchange')
      expect(() => world.unbind(source, destination)).toThrow('ACCESS_REFUSED')
    }
  })

  it('names the source first when both are missing', () => {
    expect(() => world.bind('xnope', 'nope')).toThrow("NOT_FOUND - no exchange 'xnope' in vhost '/'")
    expect(() => world.bind('amq.direct', 'nope')).toThrow("NOT_FOUND - no queue 'nope' in vhost '/'")
    expect(() => world.bind('amq.direct', 'xnope')).toThrow("NOT_FOUND - no exchange 'xnope' in vhost '/'")
  })

  it("refuses another connection's exclusive queue", () => {
    world.queue('q', { exclusive: true })
    expect(() => world.bind('amq.direct', 'q', '', undefined, otherCaller)).toThrow('RESOURCE_LOCKED')
    expect(() => world.bind('amq.direct', 'q')).not.toThrow()
  })

  it("asks the exchange's type", () => {
    world.queue('q')
    expect(() => world.bind('amq.topic', 'q', '#.#.#')).toThrow("uses 3 '#' wildcards")
    expect(() => world.bind('amq.headers', 'q', '', tableOf({ 'x-match': 'none' })))
      .toThrow('Invalid x-match')
    expect(world.vhost.getExchange('amq.topic').bindings.size).toBe(0)
  })

  it('ends remembered routes', () => {
    world.queue('q')
    const before = world.vhost.topologyVersion
    world.bind('amq.direct', 'q')
    const bound = world.vhost.topologyVersion
    expect(bound).toBeGreaterThan(before)
    world.unbind('amq.direct', 'q')
    expect(world.vhost.topologyVersion).toBeGreaterThan(bound)
  })
})

describe('unbind', () => {
  it('takes the binding away, and its record', async () => {
    world.queue('q')
    world.bind('amq.direct', 'q', 'k')
    world.unbind('amq.direct', 'q', 'k')
    expect(world.routed('amq.direct', 'k')).toEqual([])
    expect(await bindingRecords()).toBe(0)
  })

  it('of what is not there is no error', () => {
    world.queue('q')
    world.bind('amq.direct', 'q', 'k')
    world.unbind('amq.direct', 'q', 'other')
    world.unbind('amq.direct', 'q', 'k', tableOf({ a: 1 }))
    world.unbind('xnope', 'q', 'k')
    world.unbind('amq.direct', 'nope', 'k')
    expect(world.routed('amq.direct', 'k')).toEqual(['q'])
  })

  it("refuses an existing binding of another connection's exclusive queue, and no other", () => {
    world.queue('q', { exclusive: true })
    world.bind('amq.direct', 'q', 'k')
    expect(() => world.unbind('amq.direct', 'q', 'k', undefined, otherCaller)).toThrow('RESOURCE_LOCKED')
    expect(() => world.unbind('amq.direct', 'q', 'none', undefined, otherCaller)).not.toThrow()
  })
})

describe('a record', () => {
  it.each([
    [true, true, 1], [true, false, 0], [false, true, 0], [false, false, 0],
  ])('of a binding is written when source (%s) and destination (%s) are durable',
  async (source, queue, count) => {
    world.exchange('x', 'direct', { isDurable: source })
    world.queue('q', { durable: queue })
    world.bind('x', 'q')
    expect(await bindingRecords()).toBe(count)
    world.unbind('x', 'q')
    expect(await bindingRecords()).toBe(0)
  })
})

describe('deleting', () => {
  it('a queue takes its bindings along', async () => {
    world.queue('q')
    for (const key of ['1', '2']) world.bind('amq.direct', 'q', key)
    expect(deleteQueue(world.vhost, 'q', someCaller, false, false)).toBe(0)
    expect(world.vhost.getExchange('amq.direct').bindings.size).toBe(0)
    expect(world.vhost.inbound.size).toBe(0)
    expect(await world.records()).toEqual([])
  })

  it('an exchange takes the bindings from it and to it along', async () => {
    world.queue('q')
    world.exchange('x')
    world.bind('x', 'q')
    world.bind('amq.fanout', 'x')
    deleteExchange(world.vhost, 'x', false, someCaller)
    expect(world.vhost.getExchange('amq.fanout').bindings.size).toBe(0)
    expect(world.vhost.inbound.get(world.vhost.findQueue('q')!)?.size ?? 0).toBe(0)
    expect(await world.records()).toEqual(['queue q'])
  })

  it('an exchange that is bound to itself ends', async () => {
    world.exchange('x')
    world.bind('x', 'x')
    deleteExchange(world.vhost, 'x', false, someCaller)
    expect(world.vhost.findExchange('x')).toBeNull()
    expect(await world.records()).toEqual([])
  })
})

describe('an auto-delete exchange', () => {
  const autoDelete = { isAutoDelete: true }

  it('goes with its last binding', () => {
    world.exchange('x', 'fanout', autoDelete)
    world.queue('q')
    for (const key of ['1', '2']) world.bind('x', 'q', key)
    world.unbind('x', 'q', '1')
    expect(world.vhost.findExchange('x')).not.toBeNull()
    world.unbind('x', 'q', '2')
    expect(world.vhost.findExchange('x')).toBeNull()
  })

  it('stays while it was never bound, and is not kept by being a destination', () => {
    world.exchange('x', 'fanout', autoDelete)
    world.queue('q')
    world.unbind('x', 'q')
    expect(world.vhost.findExchange('x')).not.toBeNull()
    world.bind('amq.fanout', 'x')
    world.bind('x', 'q')
    world.unbind('x', 'q')
    expect(world.vhost.findExchange('x')).toBeNull()
    expect(world.vhost.getExchange('amq.fanout').bindings.size).toBe(0)
  })

  it('goes with the queue that it led to, and takes those before it along', async () => {
    for (const name of ['x1', 'x2', 'x3']) world.exchange(name, 'fanout', autoDelete)
    world.queue('q')
    world.bind('x3', 'q')
    world.bind('x2', 'x3')
    world.bind('x1', 'x2')
    removeQueue(world.vhost, world.vhost.findQueue('q')!)
    expect(['x1', 'x2', 'x3'].map((name) => world.vhost.findExchange(name))).toEqual([null, null, null])
    expect(await world.records()).toEqual([])
  })

  it('in a circle goes, and the deletion ends', async () => {
    for (const name of ['x1', 'x2']) world.exchange(name, 'fanout', autoDelete)
    world.bind('x1', 'x2')
    world.bind('x2', 'x1')
    deleteExchange(world.vhost, 'x1', false, someCaller)
    expect([world.vhost.findExchange('x1'), world.vhost.findExchange('x2')]).toEqual([null, null])
    expect(await world.records()).toEqual([])
  })

  it('that has been declared anew is not taken for the one before', () => {
    world.exchange('x', 'fanout', autoDelete)
    world.queue('q')
    world.bind('x', 'q')
    deleteExchange(world.vhost, 'x', false, someCaller)
    world.exchange('x', 'fanout', autoDelete)
    removeQueue(world.vhost, world.vhost.findQueue('q')!)
    expect(world.vhost.findExchange('x')).not.toBeNull()
  })
})
