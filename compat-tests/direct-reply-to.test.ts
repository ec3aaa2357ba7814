// Direct reply-to: the pseudo-queue amq.rabbitmq.reply-to. Reference: behaviours §6.3. Raw frames, because
// amqplib hides what a reply is delivered with.

import { expect } from 'vitest'
import { closed, rawClosure } from './harness/closure.ts'
import { forEachTarget } from './harness/for-each-target.ts'
import { collect, fill, text } from './harness/messages.ts'
import { until } from './harness/poll.ts'
import type { RawClient } from './harness/raw-client.ts'
import type { Session } from './harness/session.ts'
import { decodeProperties } from './harness/wire.ts'

const pseudo = 'amq.rabbitmq.reply-to'

const consumeReplies = { 'queue': pseudo, 'consumer-tag': 'replies', 'no-ack': true }

/** A requester on its own connection, and the name that a responder was told to answer to. */
async function request({ raw, name }: Session): Promise<{ requester: RawClient, replyTo: string }> {
  const [requester, queue] = [await raw(), name('requests')]
  await requester.call(1, 'queue.declare', { queue, durable: true })
  await requester.call(1, 'basic.consume', consumeReplies)
  requester.publish(1, { 'routing-key': queue }, { 'reply-to': pseudo }, Buffer.from('question'))
  requester.send(1, 'basic.get', { queue, 'no-ack': true })
  const message = await requester.nextMessage()
  return { requester, replyTo: decodeProperties(message.properties)['reply-to'] as string }
}

forEachTarget((test) => {
  test('consuming with acks is 406', async ({ raw }) => {
    const client = await raw()
    client.send(1, 'basic.consume', { queue: pseudo })
    expect(await rawClosure(client, 'channel'))
      .toEqual(closed(406, 'PRECONDITION_FAILED - reply consumer cannot acknowledge', 'basic.consume'))
  })

  test('a second consumer on the channel is 406', async ({ raw }) => {
    const client = await raw()
    await client.call(1, 'basic.consume', consumeReplies)
    client.send(1, 'basic.consume', { ...consumeReplies, 'consumer-tag': 'other' })
    expect(await rawClosure(client, 'channel'))
      .toEqual(closed(406, 'PRECONDITION_FAILED - reply consumer already set', 'basic.consume'))
  })

  test('after its cancel there may be another', async ({ raw }) => {
    const client = await raw()
    await client.call(1, 'basic.consume', consumeReplies)
    expect(await client.call(1, 'basic.cancel', { 'consumer-tag': 'replies' }))
      .toEqual({ 'consumer-tag': 'replies' })
    expect(await client.call(1, 'basic.consume', { ...consumeReplies, 'consumer-tag': 'other' }))
      .toEqual({ 'consumer-tag': 'other' })
  })

  test('each channel may have its own', async ({ raw }) => {
    const client = await raw()
    await client.call(2, 'channel.open')
    await client.call(1, 'basic.consume', consumeReplies)
    expect(await client.call(2, 'basic.consume', consumeReplies)).toEqual({ 'consumer-tag': 'replies' })
  })

  test('an empty tag is generated', async ({ raw }) => {
    const client = await raw()
    const { 'consumer-tag': tag } = await client.call(1, 'basic.consume', { 'queue': pseudo, 'no-ack': true })
    expect(tag).toMatch(/^amq\.ctag-[A-Za-z0-9_-]{22}$/)
  })

  test('the exclusive flag is accepted', async ({ raw }) => {
    const client = await raw()
    expect(await client.call(1, 'basic.consume', { ...consumeReplies, exclusive: true }))
      .toEqual({ 'consumer-tag': 'replies' })
  })

  test('a no-wait consume is not answered, and works', async ({ raw, name }) => {
    const [client, queue] = [await raw(), name()]
    await client.call(1, 'queue.declare', { queue, durable: true })
    client.send(1, 'basic.consume', { ...consumeReplies, nowait: true })
    client.publish(1, { 'routing-key': queue }, { 'reply-to': pseudo })
    client.send(1, 'basic.get', { queue, 'no-ack': true })
    expect((await client.nextMessage()).method).toBe('basic.get-ok')
  })

  test('a queue\'s consumer with the tag of the reply consumer', async ({ raw, name, differs }) => {
    const [client, queue] = [await raw(), name()]
    await client.call(1, 'queue.declare', { queue, durable: true })
    await client.call(1, 'basic.consume', consumeReplies)
    client.send(1, 'basic.consume', { queue, 'consumer-tag': 'replies' })
    if (differs('reply-tag-reuse')) {
      expect(await rawClosure(client, 'connection')).toEqual(closed(530,
        'NOT_ALLOWED - attempt to reuse consumer tag \'replies\'', 'basic.consume'))
    } else {
      expect(await client.expect('basic.consume-ok')).toEqual({ 'consumer-tag': 'replies' })
    }
  })

  test('as the last queue that was declared it is consumed by the empty name (4.x)', async ({ raw }) => {
    const client = await raw()
    await client.call(1, 'queue.declare', { queue: pseudo, passive: true })
    expect(await client.call(1, 'basic.consume', { ...consumeReplies, queue: '' }))
      .toEqual({ 'consumer-tag': 'replies' })
  })

  test('publishing with it before consuming is 406', async ({ raw }) => {
    const client = await raw()
    client.publish(1, { 'routing-key': 'k' }, { 'reply-to': pseudo })
    expect(await rawClosure(client, 'channel'))
      .toEqual(closed(406, 'PRECONDITION_FAILED - fast reply consumer does not exist', 'basic.publish'))
  })

  test('a consumer on another channel does not count', async ({ raw }) => {
    const client = await raw()
    await client.call(2, 'channel.open')
    await client.call(2, 'basic.consume', consumeReplies)
    client.publish(1, { 'routing-key': 'k' }, { 'reply-to': pseudo })
    expect(await rawClosure(client, 'channel'))
      .toEqual(closed(406, 'PRECONDITION_FAILED - fast reply consumer does not exist', 'basic.publish'))
  })

  test('after the cancel publishing with it is 406', async ({ raw }) => {
    const client = await raw()
    await client.call(1, 'basic.consume', consumeReplies)
    await client.call(1, 'basic.cancel', { 'consumer-tag': 'replies' })
    client.publish(1, { 'routing-key': 'k' }, { 'reply-to': pseudo })
    expect((await rawClosure(client, 'channel')).text)
      .toBe('PRECONDITION_FAILED - fast reply consumer does not exist')
  })

  test('a missing exchange is noticed before the missing consumer, and that before a bad expiration', async ({
    raw, name,
  }) => {
    const client = await raw()
    client.publish(1, { exchange: name() }, { 'reply-to': pseudo })
    expect((await rawClosure(client, 'channel')).code).toBe(404)
    await client.call(2, 'channel.open')
    client.publish(2, { 'routing-key': 'k' }, { 'reply-to': pseudo, 'expiration': 'abc' })
    expect((await rawClosure(client, 'channel')).text)
      .toBe('PRECONDITION_FAILED - fast reply consumer does not exist')
  })

  test('the responder sees a reply-to made for the requester', async (session) => {
    const { replyTo } = await request(session)
    expect(replyTo).toMatch(/^amq\.rabbitmq\.reply-to\..+/)
    expect(Buffer.byteLength(replyTo)).toBeLessThanOrEqual(255)
  })

  test('the other properties of a request arrive as sent', async ({ raw, name }) => {
    const [client, queue] = [await raw(), name()]
    await client.call(1, 'queue.declare', { queue, durable: true })
    await client.call(1, 'basic.consume', consumeReplies)
    const rest = { 'content-type': 't', 'headers': [['a', 'I', 1]], 'correlation-id': 'c', 'message-id': 'm' }
    client.publish(1, { 'routing-key': queue }, { ...rest, 'reply-to': pseudo }, Buffer.from('question'))
    client.send(1, 'basic.get', { queue, 'no-ack': true })
    const message = await client.nextMessage()
    expect(decodeProperties(message.properties))
      .toEqual({ ...rest, 'reply-to': expect.stringContaining(`${pseudo}.`) as string })
    expect(message.body.toString()).toBe('question')
  })

  test('all requests of a channel have the same reply-to, each channel another', async ({ raw, name }) => {
    const [client, queue] = [await raw(), name()]
    await client.call(2, 'channel.open')
    await client.call(1, 'queue.declare', { queue, durable: true })
    const names: unknown[] = []
    for (const channel of [1, 2]) await client.call(channel, 'basic.consume', consumeReplies)
    for (const channel of [1, 1, 2]) {
      client.publish(channel, { 'routing-key': queue }, { 'reply-to': pseudo })
      client.send(channel, 'basic.get', { queue, 'no-ack': true })
      names.push(decodeProperties((await client.nextMessage()).properties)['reply-to'])
    }
    expect([names[0] === names[1], names[0] === names[2]]).toEqual([true, false])
  })

  test('a reply from another connection is delivered with the default exchange and its name',
    async (session) => {
    const { requester, replyTo } = await request(session)
    const responder = await session.raw()
    responder.publish(1, { 'routing-key': replyTo }, { 'correlation-id': 'c' }, Buffer.from('answer'))
    const reply = await requester.nextMessage()
    expect([reply.method, reply.args]).toEqual(['basic.deliver', {
      'consumer-tag': 'replies', 'delivery-tag': 2, 'redelivered': false, 'exchange': '',
      'routing-key': replyTo,
    }])
    expect([decodeProperties(reply.properties), reply.body.toString()])
      .toEqual([{ 'correlation-id': 'c' }, 'answer'])
  })

  test('a requester may answer itself', async (session) => {
    const { requester, replyTo } = await request(session)
    requester.publish(1, { 'routing-key': replyTo }, {}, Buffer.from('own'))
    expect((await requester.nextMessage()).body.toString()).toBe('own')
  })

  test('several replies come in their order', async (session) => {
    const { requester, replyTo } = await request(session)
    const responder = await session.raw()
    for (const body of ['a', 'b', 'c']) {
      responder.publish(1, { 'routing-key': replyTo }, {}, Buffer.from(body))
    }
    const bodies: string[] = []
    for (let n = 0; n < 3; n++) bodies.push((await requester.nextMessage()).body.toString())
    expect(bodies).toEqual(['a', 'b', 'c'])
  })

  test('a large reply arrives whole', async (session) => {
    const { requester, replyTo } = await request(session)
    const ch = await session.confirmChannel()
    await fill(ch, replyTo, ['leveret '.repeat(40_000)])
    expect((await requester.nextMessage()).body.length).toBe(320_000)
  })

  test('a reply is acked in confirm mode, though the requester is gone', async (session) => {
    const { requester, replyTo } = await request(session)
    const responder = await session.raw()
    await responder.call(1, 'confirm.select')
    responder.publish(1, { 'routing-key': replyTo })
    expect(await responder.expect('basic.ack')).toMatchObject({ 'delivery-tag': 1 })
    await requester.end()
    responder.publish(1, { 'routing-key': replyTo })
    expect(await responder.expect('basic.ack')).toMatchObject({ 'delivery-tag': 2 })
  })

  test('a mandatory reply counts as routed, even when the requester is gone (4.x)', async (session) => {
    const { requester, replyTo } = await request(session)
    const responder = await session.raw()
    await responder.call(1, 'confirm.select')
    await requester.end()
    responder.publish(1, { 'routing-key': replyTo, 'mandatory': true })
    expect((await responder.nextMethod()).name).toBe('basic.ack')
  })

  test('after the cancel a reply is dropped', async (session) => {
    const { requester, replyTo } = await request(session)
    await requester.call(1, 'basic.cancel', { 'consumer-tag': 'replies' })
    const ch = await session.confirmChannel()
    await fill(ch, replyTo, ['late'])
    expect(await requester.call(1, 'basic.qos')).toEqual({})
  })

  for (const passive of [true, false]) {
    const declare = passive ? 'a passive declare' : 'a declare'
    test(`${declare} of the reply name tells that the requester lives: 0 messages, 1 consumer`,
      async (session) => {
      const { replyTo } = await request(session)
      const responder = await session.raw()
      expect(await responder.call(1, 'queue.declare', { queue: replyTo, passive }))
        .toEqual({ 'queue': replyTo, 'message-count': 0, 'consumer-count': 1 })
    })

    test(`${declare} of the reply name is 404 once the requester is gone`, async (session) => {
      const { requester, replyTo } = await request(session)
      await requester.end()
      const ch = await session.channel()
      const probe = async (): Promise<string | null> => {
        const other = await session.raw()
        other.send(1, 'queue.declare', { queue: replyTo, passive })
        const { name, args } = await other.nextMethod()
        if (name === 'queue.declare-ok') return null
        other.send(1, 'channel.close-ok')
        return args['reply-text'] as string
      }
      expect(await until('the requester is known to be gone', probe))
        .toBe(`NOT_FOUND - no queue '${replyTo}' in vhost '/'`)
      await ch.close()
    })

    test(`${declare} of ${pseudo} itself: 0 messages, 1 consumer`, async ({ raw }) => {
      const client = await raw()
      expect(await client.call(1, 'queue.declare', { queue: pseudo, passive }))
        .toEqual({ 'queue': pseudo, 'message-count': 0, 'consumer-count': 1 })
    })
  }

  test('declaring a reply name that is nobody\'s', async ({ raw, differs, older }) => {
    const client = await raw()
    client.send(1, 'queue.declare', { queue: `${pseudo}.none`, passive: true })
    if (older('malformed-reply-name') || differs('malformed-reply-name')) {
      expect(await rawClosure(client, 'channel'))
        .toEqual(closed(404, `NOT_FOUND - no queue '${pseudo}.none' in vhost '/'`, 'queue.declare'))
      return
    }
    expect(await rawClosure(client, 'connection')).toEqual(closed(541, 'INTERNAL_ERROR', 'none'))
  })

  test('the reply name is 404 after the consumer\'s cancel', async (session) => {
    const { requester, replyTo } = await request(session)
    await requester.call(1, 'basic.cancel', { 'consumer-tag': 'replies' })
    requester.send(1, 'queue.declare', { queue: replyTo, passive: true })
    expect(await rawClosure(requester, 'channel'))
      .toEqual(closed(404, `NOT_FOUND - no queue '${replyTo}' in vhost '/'`, 'queue.declare'))
  })

  test('getting from it is 404', async ({ raw }) => {
    const client = await raw()
    client.send(1, 'basic.get', { queue: pseudo })
    expect(await rawClosure(client, 'channel'))
      .toEqual(closed(404, `NOT_FOUND - no queue '${pseudo}' in vhost '/'`, 'basic.get'))
  })

  for (const isRequesterGone of [false, true]) {
    const title = isRequesterGone ? 'whose requester is gone' : 'of another connection'
    test(`consuming a reply name ${title} is 406 (4.x)`, async (session) => {
      const { requester, replyTo } = await request(session)
      const client = await session.raw()
      if (isRequesterGone) await requester.end()
      client.send(1, 'basic.consume', { 'queue': replyTo, 'no-ack': true })
      expect(await rawClosure(client, 'channel')).toEqual(closed(406,
        `PRECONDITION_FAILED - only creator channel may consume from queue '${replyTo}' in vhost '/'`,
        'basic.consume'))
    })
  }

  test('consuming one\'s own reply name is 406 (4.x)', async (session) => {
    const { requester, replyTo } = await request(session)
    requester.send(1, 'basic.consume', { 'queue': replyTo, 'no-ack': true, 'consumer-tag': 'second' })
    expect(await rawClosure(requester, 'channel')).toEqual(closed(406,
      `PRECONDITION_FAILED - multiple consumers are unsupported for queue '${replyTo}' in vhost '/'`,
      'basic.consume'))
  })

  for (const isRequesterGone of [false, true]) {
    const title = isRequesterGone ? 'whose requester is gone' : 'whose requester lives'
    test(`getting from a reply name ${title} is 540 on the connection (4.x)`, async (session) => {
      const { requester, replyTo } = await request(session)
      const client = await session.raw()
      if (isRequesterGone) await requester.end()
      client.send(1, 'basic.get', { queue: replyTo })
      expect(await rawClosure(client, 'connection')).toEqual(closed(540,
        `NOT_IMPLEMENTED - basic.get not supported by volatile queue '${replyTo}' in vhost '/'`,
        'basic.get'))
    })
  }

  for (const method of ['queue.purge', 'queue.delete'] as const) {
    test(`${method} of a reply name finds 0 messages (4.x)`, async (session) => {
      const { requester, replyTo } = await request(session)
      expect(await requester.call(1, method, { queue: replyTo })).toEqual({ 'message-count': 0 })
    })
  }

  test('binding a reply name is 403 (4.x)', async (session) => {
    const { requester, replyTo } = await request(session)
    requester.send(1, 'queue.bind', { 'queue': replyTo, 'exchange': 'amq.direct', 'routing-key': 'k' })
    expect(await rawClosure(requester, 'channel')).toEqual(closed(403,
      'ACCESS_REFUSED - cannot bind or unbind to a volatile (direct reply-to) queue', 'queue.bind'))
  })

  test('a mandatory message to the bare name is returned', async ({ raw }) => {
    const client = await raw()
    await client.call(1, 'basic.consume', consumeReplies)
    client.publish(1, { 'routing-key': pseudo, 'mandatory': true }, {}, Buffer.from('x'))
    expect((await client.nextMessage()).args).toMatchObject({ 'reply-code': 312, 'reply-text': 'NO_ROUTE' })
  })

  test('another exchange does not route to a reply name', async (session) => {
    const { replyTo } = await request(session)
    const responder = await session.raw()
    responder.publish(1, { 'exchange': 'amq.direct', 'routing-key': replyTo, 'mandatory': true })
    expect((await responder.nextMessage()).args).toMatchObject({ 'reply-text': 'NO_ROUTE' })
  })

  test('request and reply with amqplib', async ({ channel, connect, name }) => {
    const [server, client] = [await channel(), await channel(await connect())]
    const { queue } = await server.assertQueue(name())
    await server.consume(queue, (message) => {
      const { replyTo, correlationId } = message!.properties as { replyTo: string, correlationId: string }
      server.sendToQueue(replyTo, Buffer.from(text(message).toUpperCase()), { correlationId })
      server.ack(message!)
    })
    const replies = await collect(client, pseudo, { noAck: true })
    for (const word of ['one', 'two', 'three']) {
      client.sendToQueue(queue, Buffer.from(word), { replyTo: pseudo, correlationId: word })
    }
    await replies.texts(3)
    expect(replies.messages.map((reply) => [reply.properties.correlationId, text(reply)]))
      .toEqual([['one', 'ONE'], ['two', 'TWO'], ['three', 'THREE']])
  })
})
