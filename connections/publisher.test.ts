// basic.publish from bytes to queues: however the bytes arrive, with the checks in RabbitMQ's order and words
// (behaviours §5.1), and with a remembered route that is never an old one.
import { beforeEach, describe, expect, it } from 'vitest'
import { BrokerWorld } from '../broker/broker.contract.ts'
import { tableOf } from '../protocol/table-encode.ts'
import type { Field } from '../protocol/table.ts'
import { encodeContent, encodeFrame, encodeMethod } from '../test/amqp/client-codec.ts'
import type { Values } from '../test/amqp/client-codec.ts'
import { TestClient } from './connection.contract.ts'

let world: BrokerWorld
let client: TestClient
beforeEach(async () => {
  world = await BrokerWorld.start()
  client = await TestClient.open(world.broker, 4096)
})

const body = Buffer.from('a body with a frame end in it: \xce and more', 'latin1')
const headers = tableOf({ a: 1, b: 'two' })
const properties: Values = { contentType: 'text/plain', headers, deliveryMode: 1 }

const publishBytes = (routingKey: string, content: Buffer, exchange = ''): Buffer => Buffer.concat([
  encodeMethod(1, 'basic.publish', { exchange, routingKey }), encodeContent(1, properties, content, 4096),
])

/** Bodies and routing keys of what is ready, taken out. */
function drain(name: string): string[] {
  const bodies: string[] = []
  const queue = world.queue(name)
  for (let entry = queue.get(true); entry !== null; entry = queue.get(true)) {
    const { message } = entry
    const header = message.buf.subarray(message.propertiesStart, message.propertiesEnd).toString('latin1')
    bodies.push(header + message.buf.toString('latin1', message.bodyStart, message.bodyEnd))
  }
  return bodies
}

describe('a publish', () => {
  it('arrives whole, wherever its bytes are cut', async () => {
    world.queue('q')
    const bytes = publishBytes('q', body)
    client.connection.onData(bytes)
    await client.settle()
    const [whole] = drain('q')
    expect(whole).toContain('text/plain')
    for (let cut = 1; cut < bytes.length; cut++) {
      client.connection.onData(Buffer.from(bytes.subarray(0, cut)))
      client.connection.onData(Buffer.from(bytes.subarray(cut)))
      expect(drain('q'), `cut at ${cut}`).toEqual([whole])
    }
    for (const byte of bytes) client.connection.onData(Buffer.from([byte]))
    expect(drain('q')).toEqual([whole])
    expect(client.names()).toEqual([])
  })

  it('arrives whole in as many body frames as it takes, wherever these are cut', async () => {
    world.queue('q')
    const large = Buffer.from(Array.from({ length: 20_000 }, (_, at) => at % 251))
    const bytes = publishBytes('q', large)
    for (const size of [bytes.length, 4_088, 4_096, 4_097, 1_000, 7]) {
      for (let at = 0; at < bytes.length; at += size) {
        client.connection.onData(Buffer.from(bytes.subarray(at, at + size)))
      }
      await client.settle()
      const { buf, bodyStart, bodyEnd } = world.queue('q').get(true)!.message
      expect(buf.subarray(bodyStart, bodyEnd).equals(large), `chunks of ${size}`).toBe(true)
    }
  })

  it('without a body arrives with its header', async () => {
    world.queue('q')
    client.publish('q', '', { messageId: 'm' })
    const { content } = await client.call(1, 'basic.get', { queue: 'q' })
    expect(content).toMatchObject({ properties: { messageId: 'm' }, body: Buffer.alloc(0) })
  })

  it('is kept though the chunk it came in is over', async () => {
    world.queue('q')
    for (const key of ['one', 'two']) client.publish('q', key)
    await client.settle()
    const bodies = drain('q').map((text) => text.slice(-3))
    expect(bodies).toEqual(['one', 'two'])
  })

  it('that ends with its channel leaves nothing behind', async () => {
    const queue = world.queue('q')
    const frames = publishBytes('q', body)
    client.connection.onData(frames.subarray(0, frames.length - body.length - 8))
    client.raw.send(1, 'channel.close')
    await client.settle()
    expect(queue.readyCount).toBe(0)
    expect(client.closeText()).toMatch(/^connection.close 505 /)
  })
})

describe('a body over the limit', () => {
  const sizeMax = 10_000

  beforeEach(() => Object.assign(world.broker.limits, { messageSizeMax: sizeMax }))

  it('is refused when all of it has come, and none of it was kept', async () => {
    const queue = world.queue('q')
    const bytes = publishBytes('q', Buffer.alloc(sizeMax + 1))
    const publisher = client.connection.channels['byNumber'].get(1)!['publisher']
    client.connection.onData(bytes.subarray(0, -1))
    await client.settle()
    expect([publisher.isExpectingContent, publisher['gathered'], client.names()]).toEqual([true, null, []])
    client.connection.onData(bytes.subarray(-1))
    await client.settle()
    expect(client.closeText()).toBe('channel.close 406 PRECONDITION_FAILED - message size 10001 is larger '
      + 'than configured max size 10000')
    expect(queue.readyCount).toBe(0)
  })

  it('closes its channel only: another goes on', async () => {
    world.queue('q')
    client.connection.onData(publishBytes('q', Buffer.alloc(sizeMax + 1)))
    await client.settle()
    await client.call(2, 'channel.open')
    client.raw.publish(2, { routingKey: 'q' }, {}, Buffer.alloc(sizeMax))
    const { content } = await client.call(2, 'basic.get', { queue: 'q' })
    expect(content?.body.length).toBe(sizeMax)
  })
})

describe('the remembered route', () => {
  const counts = async (): Promise<number[]> => {
    client.publish('k', 'body', {}, { exchange: 'x' })
    await client.settle()
    return ['a', 'b'].map((name) => world.vhost.findQueue(name)?.readyCount ?? 0)
  }

  beforeEach(() => {
    world.exchange('x', 'fanout')
    for (const name of ['a', 'b']) world.queue(name)
  })

  it('follows bindings that come and go between two publishes', async () => {
    expect(await counts()).toEqual([0, 0])
    world.bind('x', 'a')
    expect(await counts()).toEqual([1, 0])
    world.bind('x', 'b')
    expect(await counts()).toEqual([2, 1])
    world.unbind('x', 'a')
    expect(await counts()).toEqual([2, 2])
  })

  it('follows an alternate exchange\'s binding', async () => {
    world.exchange('x-other', 'fanout')
    world.exchange('x-main', 'direct', {}, tableOf({ 'alternate-exchange': 'x-other' }))
    const publish = async (): Promise<number> => {
      client.publish('k', 'body', {}, { exchange: 'x-main' })
      await client.settle()
      return world.vhost.findQueue('a')!.readyCount
    }
    expect(await publish()).toBe(0)
    world.bind('x-other', 'a')
    expect(await publish()).toBe(1)
  })

  it('does not lead into a queue that is gone, nor past one that has come back', async () => {
    world.bind('x', 'a')
    expect(await counts()).toEqual([1, 0])
    await client.call(1, 'queue.delete', { queue: 'a' })
    expect(await counts()).toEqual([0, 0])
    world.queue('a')
    world.bind('x', 'a')
    expect(await counts()).toEqual([1, 0])
  })

  it('does not outlive its exchange', async () => {
    world.bind('x', 'a')
    await counts()
    await client.call(1, 'exchange.delete', { exchange: 'x' })
    client.publish('k', 'body', {}, { exchange: 'x' })
    await client.settle()
    expect(client.closeText()).toBe("channel.close 404 NOT_FOUND - no exchange 'x' in vhost '/'")
  })

  it('is not used for a message with keys of its own, nor is theirs remembered', async () => {
    const copies: Field = { tag: 'A', value: [{ tag: 'S', value: 'b' }] }
    client.publish('a')
    client.publish('a', 'body', { headers: new Map([['CC', copies]]) })
    client.publish('a')
    await client.settle()
    expect([world.queue('a').readyCount, world.queue('b').readyCount]).toEqual([3, 1])
  })

  it('is found anew for each message where headers decide', async () => {
    world.exchange('x-headers', 'headers')
    world.bind('x-headers', 'a', '', tableOf({ to: 'a' }))
    world.bind('x-headers', 'b', '', tableOf({ to: 'b' }))
    for (const to of ['a', 'b', 'b']) {
      client.publish('k', 'body', { headers: tableOf({ to }) }, { exchange: 'x-headers' })
    }
    await client.settle()
    expect([world.queue('a').readyCount, world.queue('b').readyCount]).toEqual([1, 2])
  })
})

describe('a publish is refused', () => {
  const cc = (field: Field): Values => ({ headers: new Map([['CC', field]]) })

  it.each<[string, Values, Values, string]>([
    ['to an exchange that is not there', { exchange: 'none' }, {},
      "channel.close 404 NOT_FOUND - no exchange 'none' in vhost '/'"],
    ['to an internal exchange', { exchange: 'amq.rabbitmq.trace' }, {},
      'channel.close 403 ACCESS_REFUSED - cannot publish to internal exchange '
        + "'amq.rabbitmq.trace' in vhost '/'"],
    ['with immediate, before anything else', { exchange: 'none', immediate: true }, {},
      'connection.close 540 NOT_IMPLEMENTED - immediate=true'],
    ['with another user\'s id', {}, { userId: 'other' },
      'channel.close 406 PRECONDITION_FAILED - user_id property '
        + "set to 'other' but authenticated user was 'guest'"],
    ['with an empty user id', {}, { userId: '' }, 'channel.close 406 PRECONDITION_FAILED - user_id property '
      + "set to '' but authenticated user was 'guest'"],
    ['with an expiration that is none, before the user id', {}, { expiration: '1.5', userId: 'other' },
      "channel.close 406 PRECONDITION_FAILED - invalid expiration '1.5': {leftover_string,\".5\"}"],
    ['with an exchange that is not there, before the expiration', { exchange: 'none' }, { expiration: 'x' },
      "channel.close 404 NOT_FOUND - no exchange 'none' in vhost '/'"],
    ['with a CC header that is no array, before the user id', {},
      { ...cc({ tag: 'S', value: 'k' }), userId: 'other' }, 'channel.close 406 PRECONDITION_FAILED'],
  ])('%s', async (_, args, more, text) => {
    world.queue('q')
    client.publish('q', 'body', more, args)
    await client.settle()
    expect(client.closeText().slice(0, text.length)).toBe(text)
    if (!text.includes('user_id')) expect(client.closeText()).not.toContain('user_id')
    expect(world.queue('q').readyCount).toBe(0)
  })

  it('with more body than its header announced', async () => {
    const [header] = [encodeContent(1, {}, Buffer.alloc(3), 4096).subarray(0, 22)]
    client.connection.onData(Buffer.concat([
      encodeMethod(1, 'basic.publish', {}), header!, encodeFrame(3, 1, Buffer.alloc(4)),
    ]))
    await client.settle()
    expect(client.closeText()).toBe('connection.close 501 FRAME_ERROR - content body frame exceeds remaining '
      + 'content size')
  })
})

describe('a mandatory publish', () => {
  it('comes back when it has no queue, before its confirm', async () => {
    await client.call(1, 'confirm.select')
    client.publish('nowhere', 'body', { messageId: 'm' }, { mandatory: true })
    await client.settle()
    expect(client.names()).toEqual(['basic.return', 'basic.ack'])
    const [returned] = client.heard
    expect(returned?.args).toMatchObject({ replyCode: 312, replyText: 'NO_ROUTE', routingKey: 'nowhere' })
    expect(returned?.content).toMatchObject({ properties: { messageId: 'm' }, body: Buffer.from('body') })
  })

  it('does not come back when its queue is full: it is nacked', async () => {
    world.queue('full', { args: tableOf({ 'x-max-length': 0, 'x-overflow': 'reject-publish' }) })
    await client.call(1, 'confirm.select')
    client.publish('full', 'body', {}, { mandatory: true })
    await client.settle()
    expect(client.names()).toEqual(['basic.nack'])
  })

  it('is no longer mandatory in the next one', async () => {
    client.publish('nowhere', 'body', {}, { mandatory: true })
    client.publish('nowhere')
    await client.settle()
    expect(client.names()).toEqual(['basic.return'])
  })
})
