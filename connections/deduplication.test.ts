// Deduplication as a client of the AMQP door meets it: confirms, returns, transactions, refusals, and what is
// known after a restart, of queues and of exchanges.
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { BrokerWorld, someCaller } from '../broker/broker.contract.ts'
import { deduplicationOf } from '../broker/exchange-deduplication.ts'
import { deleteExchange } from '../broker/exchange-declarations.ts'
import { tableOf } from '../protocol/table-encode.ts'
import type { Field } from '../protocol/table.ts'
import type { Values } from '../test/amqp/client-codec.ts'
import { TestClient } from './connection.contract.ts'

type Arguments = Parameters<typeof tableOf>[0]

const KEY = 'x-deduplication-header'
const ONCE = { 'x-message-deduplication': true }

let world: BrokerWorld
let client: TestClient
beforeEach(async () => {
  world = await BrokerWorld.start()
  client = await TestClient.open(world.broker)
})

const keyed = (key: string, headers: Arguments = {}): Values =>
  ({ deliveryMode: 2, headers: tableOf({ [KEY]: key, ...headers }) })

function publish(routingKey: string, key: string, args: Values = {}): void {
  client.publish(routingKey, `${key} body`, keyed(key), args)
}

const ready = (name: string): number => world.vhost.findQueue(name)!.readyCount

async function restart(): Promise<void> {
  await client.settle()
  await world.restart()
  client = await TestClient.open(world.broker)
}

/** Tags that were confirmed, negative ones that were not; `multiple` is written out. */
function answered(of = client): number[] {
  const tags: number[] = []
  for (const { name, args } of of.heard) {
    if (name !== 'basic.ack' && name !== 'basic.nack') continue
    const last = Number(args['deliveryTag'])
    for (let tag = args['multiple'] === true ? tags.length + 1 : last; tag <= last; tag++) {
      tags.push(name === 'basic.ack' ? tag : -tag)
    }
  }
  return tags
}

describe('a deduplicating queue', () => {
  beforeEach(() => { world.queue('q', { args: tableOf(ONCE) }) })

  it('confirms a duplicate, whether its first is on disk already or not', async () => {
    await client.call(1, 'confirm.select')
    for (let n = 0; n < 3; n++) publish('q', 'a')
    await client.settle()
    publish('q', 'a')
    await client.settle()
    expect([answered(), ready('q')]).toEqual([[1, 2, 3, 4], 1])
  })

  it('confirms no duplicate before its first is on disk', async () => {
    const release = holdCommits()
    await client.call(1, 'confirm.select')
    publish('q', 'a')
    await client.settle()
    publish('q', 'a')
    await client.settle()
    expect(answered()).toEqual([])
    release()
    await client.settle()
    expect(answered()).toEqual([1, 2])
  })

  it('knows keys after a restart, and those of a transaction', async () => {
    publish('q', 'a')
    await client.call(1, 'tx.select')
    publish('q', 'b')
    publish('q', 'b')
    await client.call(1, 'tx.commit')
    publish('q', 'c')
    await restart()
    for (const key of ['a', 'b', 'c']) publish('q', key)
    await client.settle()
    expect(ready('q')).toBe(3)
  })

  it('is the same to whoever declares it with the same arguments, and to nobody else', async () => {
    const declare = { queue: 'q', durable: true, arguments: tableOf(ONCE) }
    expect((await client.call(1, 'queue.declare', declare)).name).toBe('queue.declare-ok')
    client.raw.send(1, 'queue.declare', { ...declare, arguments: tableOf({}) })
    await client.settle()
    expect(client.closeText()).toContain("inequivalent arg 'x-message-deduplication' for queue 'q'")
  })

  it.each<[string, Field, string]>([
    [KEY, { tag: 'F', value: new Map() }, `406 PRECONDITION_FAILED - invalid ${KEY} of type F: expected`],
    ['x-cache-ttl', { tag: 'S', value: 'soon' },
      `406 PRECONDITION_FAILED - invalid x-cache-ttl 'soon': expected`],
  ])('a malformed %s closes the channel', async (name, field, text) => {
    const headers = new Map<string, Field>([[KEY, { tag: 'S', value: 'a' }], [name, field]])
    client.publish('q', 'body', { headers })
    await client.settle()
    expect(client.closeText()).toContain(text)
  })
})

it.each<[Arguments, string]>([
  [{ 'x-message-deduplication': 'yes' },
    "invalid arg 'x-message-deduplication' for queue 'q' in vhost '/': {unacceptable_type,longstr}"],
  [{ ...ONCE, 'x-cache-ttl': 0 }, "invalid arg 'x-cache-ttl' for queue 'q' in vhost '/': {value_zero,0}"],
  [{ ...ONCE, 'x-cache-size': 0 }, "invalid arg 'x-cache-size' for queue 'q' in vhost '/': {value_zero,0}"],
  [{ ...ONCE, 'x-cache-size': 20_000_000 },
    "invalid arg 'x-cache-size' for queue 'q' in vhost '/': {value_too_large,20000000}"],
])('a queue with %j is refused', async (args, text) => {
  client.raw.send(1, 'queue.declare', { queue: 'q', durable: true, arguments: tableOf(args) })
  await client.settle()
  expect(client.closeText()).toBe(`channel.close 406 PRECONDITION_FAILED - ${text}`)
})

describe('a deduplicating exchange', () => {
  beforeEach(() => {
    world.exchange('x', 'direct', {}, tableOf({ ...ONCE, 'x-cache-ttl': 60_000 }))
    world.queue('q')
    world.bind('x', 'q', 'k')
  })

  it('routes a message once, counts and confirms the others, and returns none of them', async () => {
    await client.call(1, 'confirm.select')
    for (let n = 0; n < 3; n++) publish('k', 'a', { exchange: 'x', mandatory: true })
    await client.settle()
    expect([answered(), client.names().includes('basic.return'), ready('q')]).toEqual([[1, 2, 3], false, 1])
    const { traffic } = world.vhost.getExchange('x')
    expect([traffic.publishedIn, traffic.publishedOut, traffic.duplicates]).toEqual([3, 1, 2])
  })

  it.each([
    'disk', 'memory',
  ])('with keys on %s confirms no duplicate before its first is on disk', async (where) => {
    const args = { ...ONCE, 'x-cache-persistence': where }
    world.exchange('x1', 'fanout', { isDurable: where === 'disk' }, tableOf(args))
    world.bind('x1', 'q')
    const other = await TestClient.open(world.broker)
    await other.call(1, 'confirm.select')
    const release = holdCommits()
    const durable = vi.spyOn(world.store, 'durableBatch', 'get').mockReturnValue(0)
    publish('', 'a', { exchange: 'x1' })
    await client.settle()
    other.publish('', 'body', keyed('a'), { exchange: 'x1' })
    await other.settle()
    expect([answered(other), ready('q')]).toEqual([[], 1])
    durable.mockRestore()
    release()
    await other.settle()
    expect(answered(other)).toEqual([1])
  })

  it('remembers beyond the message, and to the end of the window', async () => {
    publish('k', 'a', { exchange: 'x' })
    await client.settle()
    world.vhost.findQueue('q')!.get(true)
    publish('k', 'a', { exchange: 'x' })
    await client.settle()
    expect(ready('q')).toBe(0)
    world.clock.travel(60_000)
    publish('k', 'a', { exchange: 'x' })
    await client.settle()
    expect(ready('q')).toBe(1)
  })

  it('lets a message say how long it counts', async () => {
    client.publish('k', 'body', keyed('a', { 'x-cache-ttl': 10 }), { exchange: 'x' })
    await client.settle()
    world.clock.travel(10)
    publish('k', 'a', { exchange: 'x' })
    await client.settle()
    expect(ready('q')).toBe(2)
  })

  it('forgets nothing over a restart, and is deleted with what it knew', async () => {
    publish('k', 'a', { exchange: 'x' })
    await restart()
    publish('k', 'a', { exchange: 'x' })
    await client.settle()
    expect(ready('q')).toBe(1)
    const { keysId } = deduplicationOf(world.vhost.getExchange('x'))!
    deleteExchange(world.vhost, 'x', false, someCaller)
    await restart()
    const { queues } = await world.store.recover()
    expect(queues.map(({ queue }) => queue)).not.toContain(-keysId)
    expect(world.vhost.newId()).toBeGreaterThan(keysId)
  })

  it('knows nothing of what led nowhere, or was rejected: it may be published again', async () => {
    world.queue('full', { args: tableOf({ 'x-max-length': 1, 'x-overflow': 'reject-publish' }) })
    world.bind('x', 'full', 'full')
    await client.call(1, 'confirm.select')
    publish('nowhere', 'a', { exchange: 'x' })
    publish('full', 'b', { exchange: 'x' })
    publish('full', 'c', { exchange: 'x' })
    await client.settle()
    expect(answered()).toEqual([1, 2, -3])
    for (const key of ['a', 'c']) publish('k', key, { exchange: 'x' })
    await client.settle()
    expect(ready('q')).toBe(2)
  })

  it('sees the second of two in one transaction', async () => {
    await client.call(1, 'tx.select')
    for (let n = 0; n < 2; n++) publish('k', 'a', { exchange: 'x' })
    await client.call(1, 'tx.commit')
    expect([ready('q'), world.vhost.getExchange('x').traffic.duplicates]).toEqual([1, 1])
  })

  it('behind another exchange stops what goes on from there, and nothing else', async () => {
    world.exchange('x0', 'fanout')
    world.queue('beside')
    world.bind('x0', 'x', 'any')
    world.bind('x0', 'beside')
    for (let n = 0; n < 2; n++) publish('k', 'a', { exchange: 'x0' })
    await client.settle()
    expect([ready('q'), ready('beside')]).toEqual([1, 2])
  })

  it('does not send a duplicate to its alternate', async () => {
    world.exchange('xa', 'fanout')
    world.queue('stray')
    world.bind('xa', 'stray')
    world.exchange('xb', 'direct', {}, tableOf({ ...ONCE, 'alternate-exchange': 'xa' }))
    for (let n = 0; n < 2; n++) publish('k', 'a', { exchange: 'xb' })
    await client.settle()
    expect(ready('stray')).toBe(1)
  })

  it('lets a dead letter come back through it', async () => {
    const args = tableOf({ 'x-dead-letter-exchange': 'x', 'x-dead-letter-routing-key': 'k' })
    world.queue('work', { args })
    world.bind('x', 'work', 'work')
    publish('work', 'a', { exchange: 'x' })
    const got = await client.call(1, 'basic.get', { queue: 'work' })
    client.raw.send(1, 'basic.reject', { deliveryTag: got.args['deliveryTag']!, requeue: false })
    await client.settle()
    expect(ready('q')).toBe(1)
  })
})

/** Nothing gets durable until it is released. */
function holdCommits(): () => void {
  const { store } = world
  const held: number[] = []
  const { onDurable } = store
  store.onDurable = (batch) => held.push(batch)
  return () => {
    store.onDurable = onDurable
    for (const batch of held) onDurable(batch)
  }
}
