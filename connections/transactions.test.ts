// Transactions inside: one batch per commit, an answer only when it is durable, a bound on what is staged.
// What a client sees of them is in compat-tests/transactions.test.ts.
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { BrokerWorld } from '../broker/broker.contract.ts'
import { tableOf } from '../protocol/table-encode.ts'
import type { MessageTracer } from '../queues/message-tracer.ts'
import { TestClient } from './connection.contract.ts'

const persistent = { deliveryMode: 2 }

let world: BrokerWorld
let client: TestClient
beforeEach(async () => {
  world = await BrokerWorld.start()
  client = await TestClient.open(world.broker)
  world.queue('q')
  await client.call(1, 'tx.select')
})

/** Appends of the store, each as its name and the batch that was open. */
function watchStore(): Set<string> {
  const { store } = world
  const seen = new Set<string>()
  for (const name of ['put', 'drop'] as const) {
    const append = store[name].bind(store) as (...args: unknown[]) => never
    vi.spyOn(store, name).mockImplementation((...args: unknown[]) => {
      seen.add(`${name} ${store.openBatch}`)
      return append(...args)
    })
  }
  return seen
}

describe('a commit', () => {
  it('is one batch, however much it holds: all of it survives a crash or nothing', async () => {
    for (let n = 0; n < 700; n++) client.publish('q', `${n}`, persistent)
    await client.call(1, 'tx.commit')
    for (let n = 0; n < 700; n++) await client.call(1, 'basic.get', { queue: 'q' })
    client.raw.send(1, 'basic.ack', { deliveryTag: 700, multiple: true })
    for (let n = 0; n < 700; n++) {
      client.publish('q', Buffer.alloc(2_000), persistent)
      if (n % 100 === 0) await client.settle()
    }
    const seen = watchStore()
    await client.call(1, 'tx.commit')
    const [put, drop, ...more] = [...seen]
    expect([put!.replace('put', ''), more]).toEqual([drop!.replace('drop', ''), []])
  })

  it('is when whoever traces messages hears of its publishes', async () => {
    const seen: unknown[] = []
    const published = (...[{ routingKey }, count, outcome]: Parameters<MessageTracer['published']>): void => {
      seen.push([routingKey, count, outcome])
    }
    world = await BrokerWorld.start(undefined, { published, delivered() {} })
    client = await TestClient.open(world.broker)
    world.queue('q')
    await client.call(1, 'tx.select')
    client.publish('q', 'a')
    client.publish('nobody', 'b')
    await client.settle()
    expect(seen).toEqual([])
    await client.call(1, 'tx.commit')
    expect(seen).toEqual([['q', 1, 'routed'], ['nobody', 0, 'dropped']])
  })

  it('is answered when its batch is durable, and nothing is read from the client until then', async () => {
    const { store } = world
    client.publish('q', 'a', persistent)
    await client.settle()
    const durable = store.onDurable
    const reported: number[] = []
    store.onDurable = (batch) => reported.push(batch)
    client.raw.send(1, 'tx.commit')
    await client.settle()
    expect([client.names(), client.connection.isReading]).toEqual([[], false])
    store.onDurable = durable
    durable(reported.at(-1)!)
    await client.settle()
    expect([client.names(), client.connection.isReading]).toEqual([['tx.commit-ok'], true])
  })

  it('of transient messages is answered at once', async () => {
    world.store.onDurable = () => { throw new Error('nothing was to be stored') }
    client.publish('q', 'a')
    expect((await client.call(1, 'tx.commit')).name).toBe('tx.commit-ok')
  })

  it('of an ack waits for its drop to be durable', async () => {
    client.publish('q', 'a', persistent)
    await client.call(1, 'tx.commit')
    await client.call(1, 'basic.get', { queue: 'q' })
    client.raw.send(1, 'basic.ack', { deliveryTag: 1 })
    world.store.onDurable = () => {}
    client.raw.send(1, 'tx.commit')
    await client.settle()
    expect(client.names()).toEqual([])
  })

  it('leaves what was staged on another channel alone', async () => {
    await client.call(2, 'channel.open')
    await client.call(2, 'tx.select')
    client.raw.publish(2, { routingKey: 'q' }, {}, Buffer.from('other'))
    await client.call(1, 'tx.commit')
    expect(world.queue('q').readyCount).toBe(0)
    await client.call(2, 'tx.commit')
    expect(world.queue('q').readyCount).toBe(1)
  })

  it('answers direct replies then, and not before', async () => {
    const requester = await TestClient.open(world.broker)
    await requester.call(1, 'basic.consume', { queue: 'amq.rabbitmq.reply-to', noAck: true })
    requester.publish('q', 'ask', { replyTo: 'amq.rabbitmq.reply-to' })
    await requester.settle()
    const { content } = await client.call(1, 'basic.get', { queue: 'q', noAck: true })
    client.publish(String(content!.properties['replyTo']), 'answer')
    await client.settle()
    await requester.settle()
    expect(requester.names()).toEqual([])
    await client.call(1, 'tx.commit')
    await requester.settle()
    expect(requester.heard.map((heard) => heard.content?.body.toString())).toEqual(['answer'])
  })
})

describe('what is staged', () => {
  it('is bounded: more closes the channel and forgets all of it', async () => {
    Object.assign(world.broker.limits, { transactionSizeMax: 3_000 })
    await client.call(2, 'channel.open')
    await client.call(2, 'tx.select')
    for (let n = 0; n < 2; n++) client.raw.publish(2, { routingKey: 'q' }, {}, Buffer.alloc(1_000))
    await client.settle()
    expect(client.closeText()).toBe('channel.close 406 PRECONDITION_FAILED - '
      + 'transaction of 3028 bytes is larger than configured max size 3000')
    expect(world.queue('q').readyCount).toBe(0)
  })

  it('counts from nothing again after a commit and after a rollback', async () => {
    Object.assign(world.broker.limits, { transactionSizeMax: 2_000 })
    await client.call(2, 'channel.open')
    await client.call(2, 'tx.select')
    for (const end of ['tx.commit', 'tx.rollback', 'tx.commit']) {
      client.raw.publish(2, { routingKey: 'q' }, {}, Buffer.alloc(1_000))
      expect((await client.call(2, end)).name).toBe(`${end}-ok`)
    }
    expect(world.queue('q').readyCount).toBe(2)
  })

  it('of acks counts under a channel-wide prefetch until the commit', async () => {
    for (const body of ['a', 'b']) client.publish('q', body)
    await client.call(1, 'tx.commit')
    await client.call(1, 'basic.qos', { prefetchCount: 1, global: true })
    await client.call(1, 'basic.consume', { queue: 'q', consumerTag: 'c' })
    await client.settle()
    client.raw.send(1, 'basic.ack', { deliveryTag: 1 })
    await client.settle()
    expect(client.names()).toEqual(['basic.deliver'])
    await client.call(1, 'tx.commit')
    await client.settle()
    expect(client.names()).toEqual(['basic.deliver', 'basic.deliver'])
  })

  it('goes back to its queue in order when the connection is lost', async () => {
    for (const body of ['a', 'b', 'c']) client.publish('q', body)
    await client.call(1, 'tx.commit')
    for (let n = 0; n < 3; n++) await client.call(1, 'basic.get', { queue: 'q' })
    for (const deliveryTag of [3, 1]) client.raw.send(1, 'basic.ack', { deliveryTag })
    await client.settle()
    client.destroy()
    const queue = world.queue('q')
    const bodies = [1, 2, 3].map(() => queue.get(true)!.message)
      .map(({ buf, bodyStart, bodyEnd }) => buf.toString('latin1', bodyStart, bodyEnd))
    expect(bodies).toEqual(['a', 'b', 'c'])
  })
})

it('a message with an expiration expires that long after its commit', async () => {
  world.queue('kept', { args: tableOf({ 'x-message-ttl': 60_000 }) })
  client.publish('kept', 'a', { expiration: '1000' })
  await client.settle()
  world.clock.travel(5_000)
  await client.call(1, 'tx.commit')
  expect(world.queue('kept', { args: tableOf({ 'x-message-ttl': 60_000 }) }).get(true)).not.toBeNull()
})
