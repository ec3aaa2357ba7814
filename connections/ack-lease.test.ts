// Leases (x-ack-timeout): a delivery that is not settled in time returns to its queue; the channel, the
// consumer and whoever settles it after all are left alone. Retries over AMQP are in here as well, because a
// lease is what begins one.
import { beforeEach, describe, expect, it } from 'vitest'
import { BrokerWorld } from '../broker/broker.contract.ts'
import { tableOf } from '../protocol/table-encode.ts'
import type { FieldTable } from '../protocol/table.ts'
import { TestClient } from './connection.contract.ts'

const LEASE_MS = 3_200
/** A lease is up to a 32nd longer. */
const OVER_MS = LEASE_MS * 1.1

let world: BrokerWorld
let client: TestClient
beforeEach(async () => {
  world = await BrokerWorld.start()
  client = await TestClient.open(world.broker)
})

async function pass(ms: number): Promise<void> {
  await client.settle()
  world.clock.travel(ms)
  world.broker.timers.advance(world.clock.monotonicMs)
  await client.settle()
}

/** Bodies and tags that consumers got, oldest first. */
const delivered = (): string[] => client.heard.filter(({ name }) => name === 'basic.deliver')
  .map(({ args: { deliveryTag, redelivered }, content }) =>
    `${content!.body.toString()} ${String(deliveryTag)}${redelivered === true ? ' again' : ''}`)

const settle = async (name: 'basic.ack' | 'basic.nack' | 'basic.reject', deliveryTag: number,
  more: Record<string, boolean> = {}): Promise<void> => {
  client.raw.send(1, name, { deliveryTag, ...more })
  await client.settle()
}

describe.each(['classic', 'quorum'])('a lease of a %s queue', (type) => {
  beforeEach(() => {
    world.queue('q', { args: tableOf({ 'x-queue-type': type, 'x-ack-timeout': LEASE_MS }) })
  })

  it('returns a delivery to the queue, and leaves the channel and the consumer alone', async () => {
    await client.call(1, 'basic.consume', { queue: 'q' })
    client.publish('q', 'm')
    await pass(LEASE_MS - 200)
    expect(delivered()).toEqual(['m 1'])
    await pass(OVER_MS)
    expect([delivered(), client.closeText()]).toEqual([['m 1', 'm 2 again'], ''])
    expect(client.names()).not.toContain('basic.cancel')
    await settle('basic.ack', 2)
    expect(world.vhost.findQueue('q')).toMatchObject({ readyCount: 0, unackedCount: 0 })
  })

  it('is over in vain for what was settled', async () => {
    await client.call(1, 'basic.consume', { queue: 'q' })
    client.publish('q', 'm')
    await client.settle()
    await settle('basic.ack', 1)
    await pass(OVER_MS)
    expect(delivered()).toEqual(['m 1'])
  })

  it.each(['basic.ack', 'basic.nack', 'basic.reject'] as const)(
    'that is over makes a late %s nothing, once', async (name) => {
      await client.call(1, 'basic.qos', { prefetchCount: 1 })
      await client.call(1, 'basic.consume', { queue: 'q' })
      client.publish('q', 'm')
      await pass(OVER_MS)
      await settle(name, 1)
      expect([client.closeText(), world.vhost.findQueue('q')!.unackedCount]).toEqual(['', 1])
      await settle(name, 1)
      expect(client.closeText()).toContain('406 PRECONDITION_FAILED - unknown delivery tag 1')
    })

  it('that is over does not keep a multiple ack from what was delivered before', async () => {
    await client.call(1, 'basic.consume', { queue: 'q', arguments: tableOf({ 'x-ack-timeout': 1_000_000 }) })
    client.publish('q', 'kept')
    await client.settle()
    world.queue('other', { args: tableOf({ 'x-queue-type': type, 'x-ack-timeout': LEASE_MS }) })
    client.publish('other', 'late')
    await client.settle()
    expect((await client.call(1, 'basic.get', { queue: 'other' })).args['deliveryTag']).toBe(2)
    await pass(OVER_MS)
    await settle('basic.ack', 2, { multiple: true })
    expect([client.closeText(), world.vhost.findQueue('q')!.unackedCount]).toEqual(['', 0])
    expect(world.vhost.findQueue('other')!.readyCount).toBe(1)
  })

  it('holds for basic.get, too', async () => {
    client.publish('q', 'm')
    await client.settle()
    await client.call(1, 'basic.get', { queue: 'q' })
    await pass(OVER_MS)
    expect([world.vhost.findQueue('q')!.readyCount, client.closeText()]).toEqual([1, ''])
    await settle('basic.ack', 1)
    expect(client.closeText()).toBe('')
  })

  it('of a consumer goes before its queue\'s', async () => {
    await client.call(1, 'basic.consume', { queue: 'q', arguments: tableOf({ 'x-ack-timeout': 640 }) })
    client.publish('q', 'm')
    await pass(800)
    expect(delivered()).toEqual(['m 1', 'm 2 again'])
  })
})

describe('a lease that is extended', () => {
  const extend = (tag: number, ms: number): boolean =>
    [...client.connection.channelViews()][0]!.timeouts.extend(tag, ms)

  it('lasts so long from then on, and those delivered with it as long as they did', async () => {
    world.queue('q', { args: tableOf({ 'x-ack-timeout': LEASE_MS }) })
    await client.call(1, 'basic.consume', { queue: 'q' })
    for (const body of ['a', 'b']) client.publish('q', body)
    await client.settle()
    expect(extend(1, 3 * LEASE_MS)).toBe(true)
    await pass(OVER_MS)
    expect(delivered()).toEqual(['a 1', 'b 2', 'b 3 again'])
    await settle('basic.ack', 3)
    await pass(2 * LEASE_MS + 100)
    expect(delivered().at(-1)).toBe('a 4 again')
    expect(client.closeText()).toBe('')
  })

  it('can be extended again, or cut short, and is over in vain when it is settled', async () => {
    world.queue('q', { args: tableOf({ 'x-ack-timeout': LEASE_MS }) })
    for (const body of ['a', 'b']) client.publish('q', body)
    await client.settle()
    for (let n = 0; n < 2; n++) await client.call(1, 'basic.get', { queue: 'q' })
    expect([extend(1, 10 * LEASE_MS), extend(1, 500), extend(2, 500)]).toEqual([true, true, true])
    await settle('basic.ack', 2)
    await pass(600)
    expect(world.vhost.findQueue('q')).toMatchObject({ readyCount: 1, unackedCount: 0 })
    await settle('basic.ack', 1)
    expect(client.closeText()).toBe('')
  })

  it('ends with its channel', async () => {
    world.queue('q', { args: tableOf({ 'x-ack-timeout': LEASE_MS }) })
    client.publish('q', 'm')
    await client.settle()
    await client.call(1, 'basic.get', { queue: 'q' })
    extend(1, LEASE_MS)
    await client.call(1, 'channel.close', { replyCode: 200 })
    await pass(OVER_MS)
    expect(world.vhost.findQueue('q')).toMatchObject({ readyCount: 1, unackedCount: 0 })
  })

  it.each(['classic', 'quorum'])('must be there: not of what a %s queue gives without one', async (type) => {
    world.queue('q', { args: tableOf({ 'x-queue-type': type }) })
    for (const body of ['a', 'b']) client.publish('q', body)
    await client.settle()
    await client.call(1, 'basic.get', { queue: 'q' })
    await client.call(1, 'basic.consume', { queue: 'q' })
    await client.settle()
    expect([1, 2, 3].map((tag) => extend(tag, 1_000))).toEqual([false, false, false])
  })
})

it('a policy gives leases to consumers that start from then on', async () => {
  world.queue('q')
  world.vhost.policies.put('policy', {
    name: 'p', pattern: '', applyTo: 'queues', priority: 0, definition: { 'ack-timeout': LEASE_MS },
  })
  const queue = world.queue('later')
  expect([queue.settings.ackTimeoutMs, queue.settings.consumerTimeoutMs]).toEqual([LEASE_MS, null])
})

it('a lease that is over is a failure, where there is a retry policy, and the next try says so', async () => {
  world.queue('q', { args: tableOf({ 'x-ack-timeout': LEASE_MS, 'x-retry-delay': '5s,5s' }) })
  await client.call(1, 'basic.consume', { queue: 'q' })
  client.publish('q', 'm')
  await pass(OVER_MS)
  expect([delivered(), world.vhost.findQueue('q')!.heldCount]).toEqual([['m 1'], 1])
  await pass(5_000)
  expect(delivered()).toEqual(['m 1', 'm 2 again'])
  const { content } = client.heard.findLast(({ name }) => name === 'basic.deliver')!
  expect([...(content!.properties['headers'] as FieldTable)].map(([name, { value }]) =>
    (typeof value === 'object' ? name : `${name} ${String(value)}`))).toEqual([
    'x-retry-attempt 1', `x-retry-next-at ${world.clock.nowMs}`, 'x-retry-reason timeout', 'x-retry-history',
    'x-acquired-count 1', 'x-delivery-count 1',
  ])
})
