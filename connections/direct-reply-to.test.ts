// Direct reply-to between two clients: who may ask, what the responder sees, how the answer arrives, and what
// becomes of it when nobody waits any more (behaviours §6.3).
import { beforeEach, describe, expect, it } from 'vitest'
import { BrokerWorld } from '../broker/broker.contract.ts'
import { TestClient } from './connection.contract.ts'

const REPLY_TO = 'amq.rabbitmq.reply-to'

let world: BrokerWorld
let requester: TestClient
let responder: TestClient
beforeEach(async () => {
  world = await BrokerWorld.start()
  requester = await TestClient.open(world.broker)
  responder = await TestClient.open(world.broker)
  world.queue('work')
})

const consumeReplies = (consumerTag = ''): ReturnType<TestClient['call']> =>
  requester.call(1, 'basic.consume', { queue: REPLY_TO, noAck: true, consumerTag })

/** Sends a request; returns the name that the responder is to answer to. */
async function request(): Promise<string> {
  requester.publish('work', 'question', { replyTo: REPLY_TO, correlationId: 'c-1' })
  await requester.settle()
  const { content } = await responder.call(1, 'basic.get', { queue: 'work', noAck: true })
  expect(content?.properties['correlationId']).toBe('c-1')
  return String(content?.properties['replyTo'])
}

async function reply(to: string, args = {}): Promise<void> {
  responder.publish(to, 'answer', { correlationId: 'c-1' }, args)
  await responder.settle()
  await requester.settle()
}

describe('a request', () => {
  it('carries a name of the requester\'s own, the same each time', async () => {
    await consumeReplies()
    const name = await request()
    expect(name.startsWith(`${REPLY_TO}.`)).toBe(true)
    expect(name.length).toBeGreaterThan(REPLY_TO.length + 20)
    expect(await request()).toBe(name)
  })

  it('is refused when nobody would hear the answer', async () => {
    requester.publish('work', 'question', { replyTo: REPLY_TO })
    await requester.settle()
    expect(requester.closeText())
      .toBe('channel.close 406 PRECONDITION_FAILED - fast reply consumer does not exist')
    expect(world.queue('work').readyCount).toBe(0)
  })

  it('is refused on another channel than the consumer\'s', async () => {
    await consumeReplies()
    await requester.call(2, 'channel.open')
    requester.raw.publish(2, { routingKey: 'work' }, { replyTo: REPLY_TO }, Buffer.alloc(0))
    await requester.settle()
    expect(requester.closeText()).toContain('fast reply consumer does not exist')
  })

  it('with another reply-to goes as it came', async () => {
    await consumeReplies()
    requester.publish('work', 'question', { replyTo: 'my.queue' })
    const { content } = await responder.call(1, 'basic.get', { queue: 'work', noAck: true })
    expect(content?.properties['replyTo']).toBe('my.queue')
  })
})

describe('a reply', () => {
  it('goes straight to the requester, with the next tag of its channel', async () => {
    const { args } = await consumeReplies('replies')
    expect(args['consumerTag']).toBe('replies')
    const name = await request()
    await reply(name)
    await reply(name)
    const [first, second] = requester.heard
    expect(first).toMatchObject({
      name: 'basic.deliver', channel: 1,
      args: { consumerTag: 'replies', deliveryTag: 1, redelivered: false, exchange: '', routingKey: name },
      content: { properties: { correlationId: 'c-1' }, body: Buffer.from('answer') },
    })
    expect(second?.args['deliveryTag']).toBe(2)
  })

  it('is routed, for mandatory and for confirms, also when the requester has gone', async () => {
    await consumeReplies()
    const name = await request()
    await requester.call(1, 'channel.close')
    await responder.call(1, 'confirm.select')
    await reply(name, { mandatory: true })
    expect(responder.names()).toEqual(['basic.ack'])
    expect(requester.names()).toEqual([])
  })

  it('by way of another exchange goes nowhere', async () => {
    await consumeReplies()
    const name = await request()
    await reply(name, { exchange: 'amq.direct' })
    expect(requester.names()).toEqual([])
  })

  it('to the bare name comes back when it is mandatory', async () => {
    await consumeReplies()
    await reply(REPLY_TO, { mandatory: true })
    expect([responder.names(), requester.names()]).toEqual([['basic.return'], []])
  })

  it('does not arrive after the reply consumer was cancelled', async () => {
    await consumeReplies('replies')
    const name = await request()
    await requester.call(1, 'basic.cancel', { consumerTag: 'replies' })
    await reply(name)
    expect(requester.names()).toEqual([])
    expect(world.vhost.replyPorts.size).toBe(0)
  })
})

describe('the reply consumer', () => {
  it('cannot acknowledge', async () => {
    requester.raw.send(1, 'basic.consume', { queue: REPLY_TO })
    await requester.settle()
    expect(requester.closeText())
      .toBe('channel.close 406 PRECONDITION_FAILED - reply consumer cannot acknowledge')
  })

  it('is one per channel, and may be set again after its cancel', async () => {
    await consumeReplies('one')
    await requester.call(1, 'basic.cancel', { consumerTag: 'one' })
    await consumeReplies('two')
    requester.raw.send(1, 'basic.consume', { queue: REPLY_TO, noAck: true })
    await requester.settle()
    expect(requester.closeText()).toBe('channel.close 406 PRECONDITION_FAILED - reply consumer already set')
  })

  it('is gone with its channel and with its connection', async () => {
    await consumeReplies()
    expect(world.vhost.replyPorts.size).toBe(1)
    requester.destroy()
    expect(world.vhost.replyPorts.size).toBe(0)
  })
})

describe('declaring the name', () => {
  it('tells that the requester is there, as a queue with one consumer', async () => {
    await consumeReplies()
    const name = await request()
    for (const passive of [true, false]) {
      const { args } = await responder.call(1, 'queue.declare', { queue: name, passive })
      expect(args).toEqual({ queue: name, messageCount: 0, consumerCount: 1 })
    }
    const bare = await responder.call(1, 'queue.declare', { queue: REPLY_TO })
    expect(bare.args).toMatchObject({ messageCount: 0, consumerCount: 1 })
  })

  it('is an error when the requester is not', async () => {
    await consumeReplies()
    const name = await request()
    await requester.call(1, 'channel.close')
    responder.raw.send(1, 'queue.declare', { queue: name, passive: true })
    await responder.settle()
    expect(responder.closeText()).toBe(`channel.close 404 NOT_FOUND - no queue '${name}' in vhost '/'`)
  })
})
