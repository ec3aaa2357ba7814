// Channels: life cycle, errors that stay on one channel, the order of answers, recover. Reference: behaviours
// §1.12, §2.

import { expect } from 'vitest'
import { channelClosure, closed, rawClosure } from './harness/closure.ts'
import { forEachTarget } from './harness/for-each-target.ts'
import { collect, fill, get, text, untilCount } from './harness/messages.ts'
import { within } from './harness/poll.ts'
import { encodeHeader, encodeProperties, frameType } from './harness/wire.ts'

forEachTarget((test) => {
  test('channel.open is answered with an empty channel id', async ({ raw }) => {
    const client = await raw()
    expect(await client.call(2, 'channel.open')).toEqual({ 'channel-id': '' })
  })

  test('a second channel.open is 504 on the connection', async ({ raw }) => {
    const client = await raw()
    client.send(1, 'channel.open')
    expect(await rawClosure(client, 'connection'))
      .toEqual(closed(504, 'CHANNEL_ERROR - second \'channel.open\' seen', 'channel.open'))
  })

  for (const method of ['queue.declare', 'channel.close', 'basic.ack'] as const) {
    test(`${method} on a channel that is not open is 504 on the connection`, async ({ raw }) => {
      const client = await raw()
      client.send(7, method)
      expect(await rawClosure(client, 'connection'))
        .toEqual(closed(504, 'CHANNEL_ERROR - expected \'channel.open\'', method))
    })
  }

  test('a channel number can be used again after close-ok', async ({ raw }) => {
    const client = await raw()
    for (let n = 0; n < 3; n++) {
      await client.call(1, 'channel.close', { 'reply-code': 200 })
      await client.call(1, 'channel.open')
    }
    await expect(client.call(1, 'basic.qos')).resolves.toEqual({})
  })

  test('a channel number can be used again right after the client\'s close-ok', async ({ raw }) => {
    const client = await raw()
    client.send(1, 'queue.purge', { queue: 'nope' })
    await rawClosure(client, 'channel')
    await expect(client.call(1, 'channel.open')).resolves.toBeDefined()
  })

  test('close-ok when nothing is closing is 503 on the connection', async ({ raw }) => {
    const client = await raw()
    client.send(1, 'channel.close-ok')
    expect(await rawClosure(client, 'connection'))
      .toEqual(closed(503, 'COMMAND_INVALID - unimplemented method', 'channel.close-ok'))
  })

  test('an error closes its channel and leaves the others alone', async ({ channel, name }) => {
    const [first, second] = [await channel(), await channel()]
    const queue = name()
    await second.assertQueue(queue)
    expect(await channelClosure(first, () => first.checkQueue('nope')))
      .toEqual(closed(404, 'NOT_FOUND - no queue \'nope\' in vhost \'/\'', 'queue.declare'))
    await expect(second.checkQueue(queue)).resolves.toMatchObject({ queue })
  })

  test('after an error the channel\'s frames are ignored until close-ok', async ({ raw, name }) => {
    const client = await raw()
    const queue = name()
    client.send(1, 'queue.purge', { queue: 'nope' })
    client.send(1, 'queue.declare', { queue, durable: true })
    client.publish(1, { 'exchange': 'nope', 'routing-key': 'x' }, {}, Buffer.from('ignored'))
    expect(await rawClosure(client, 'channel')).toMatchObject({ code: 404 })
    await client.call(1, 'channel.open')
    client.send(1, 'queue.declare', { queue, passive: true })
    expect(await rawClosure(client, 'channel')).toMatchObject({ code: 404 })
  })

  test('a client\'s close that crosses the broker\'s is answered', async ({ raw }) => {
    const client = await raw()
    client.send(1, 'queue.purge', { queue: 'nope' })
    client.send(1, 'channel.close', { 'reply-code': 200 })
    await client.expect('channel.close')
    await client.expect('channel.close-ok')
    client.send(1, 'channel.close-ok')
    await expect(client.call(1, 'channel.open')).resolves.toBeDefined()
  })

  test('pipelined requests are answered in their order', async ({ raw, name }) => {
    const client = await raw()
    const queue = name()
    client.send(1, 'queue.declare', { queue, exclusive: true })
    client.send(1, 'basic.qos', { 'prefetch-count': 1 })
    client.send(1, 'queue.bind', { queue, 'exchange': 'amq.direct', 'routing-key': queue })
    client.send(1, 'basic.get', { queue })
    client.send(1, 'queue.delete', { queue })
    const answers: string[] = []
    for (let n = 0; n < 5; n++) answers.push((await client.nextMethod()).name)
    expect(answers)
      .toEqual(['queue.declare-ok', 'basic.qos-ok', 'queue.bind-ok', 'basic.get-empty', 'queue.delete-ok'])
  })

  test('no-wait methods are not answered', async ({ raw, name }) => {
    const client = await raw()
    const [queue, exchange] = [name('q'), name('x')]
    client.send(1, 'exchange.declare', { exchange, type: 'direct', nowait: true })
    client.send(1, 'queue.declare', { queue, exclusive: true, nowait: true })
    client.send(1, 'queue.bind', { queue, exchange, 'routing-key': 'k', 'nowait': true })
    client.send(1, 'queue.purge', { queue, nowait: true })
    client.send(1, 'confirm.select', { nowait: true })
    client.send(1, 'basic.qos', {})
    await expect(client.expect('basic.qos-ok')).resolves.toEqual({})
  })

  test('access.request gets ticket 1', async ({ raw }) => {
    const client = await raw()
    expect(await client.call(1, 'access.request', { realm: '/data' })).toEqual({ ticket: 1 })
  })

  test('channel.flow with active=true is answered', async ({ raw }) => {
    const client = await raw()
    expect(await client.call(1, 'channel.flow', { active: true })).toEqual({ active: true })
  })

  test('channel.flow with active=false is 540 on the connection', async ({ raw }) => {
    const client = await raw()
    client.send(1, 'channel.flow', { active: false })
    expect(await rawClosure(client, 'connection'))
      .toEqual(closed(540, 'NOT_IMPLEMENTED - active=false', 'channel.flow'))
  })

  test('a prefetch-size other than 0 is 540 on the connection', async ({ raw }) => {
    const client = await raw()
    client.send(1, 'basic.qos', { 'prefetch-size': 10 })
    expect(await rawClosure(client, 'connection'))
      .toEqual(closed(540, 'NOT_IMPLEMENTED - prefetch_size!=0 (10)', 'basic.qos'))
  })

  test('closing a channel requeues what it had unacked, redelivered', async ({
    channel, confirmChannel, name,
  }) => {
    const [publisher, first, second] = [await confirmChannel(), await channel(), await channel()]
    const { queue } = await publisher.assertQueue(name())
    await fill(publisher, queue, ['a', 'b'])
    await get(first, queue)
    await get(first, queue)
    await first.close()
    const [a, b] = [await get(second, queue), await get(second, queue)]
    expect([text(a), text(b), a.fields.redelivered, b.fields.redelivered]).toEqual(['a', 'b', true, true])
  })

  test('a channel closed for an error requeues as well', async ({ channel, confirmChannel, name }) => {
    const [publisher, first] = [await confirmChannel(), await channel()]
    const { queue } = await publisher.assertQueue(name())
    await fill(publisher, queue, ['a'])
    await get(first, queue)
    await channelClosure(first, () => first.checkQueue('nope'))
    const message = await get(publisher, queue)
    expect([text(message), message.fields.redelivered]).toEqual(['a', true])
  })

  test('closing a channel ends its consumers', async ({ channel, name }) => {
    const [first, second] = [await channel(), await channel()]
    const { queue } = await first.assertQueue(name())
    await collect(first, queue)
    expect((await second.checkQueue(queue)).consumerCount).toBe(1)
    await first.close()
    expect((await second.checkQueue(queue)).consumerCount).toBe(0)
  })

  test('recover brings all unacked messages back, redelivered and with new tags', async (session) => {
    const { channel, confirmChannel, name } = session
    const [publisher, consumer] = [await confirmChannel(), await channel()]
    const { queue } = await publisher.assertQueue(name())
    const inbox = await collect(consumer, queue)
    await fill(publisher, queue, ['a', 'b'])
    expect(await inbox.texts(2)).toEqual(['a', 'b'])
    await consumer.recover()
    expect(await inbox.texts(4)).toEqual(['a', 'b', 'a', 'b'])
    expect(inbox.messages.map(({ fields }) => [fields.deliveryTag, fields.redelivered]))
      .toEqual([[1, false], [2, false], [3, true], [4, true]])
  })

  test('recover also requeues what was got', async ({ confirmChannel, name }) => {
    const channel = await confirmChannel()
    const { queue } = await channel.assertQueue(name())
    await fill(channel, queue, ['a'])
    await get(channel, queue)
    await channel.recover()
    await untilCount(channel, queue, 1)
  })

  test('recover-async does the same without an answer', async ({ raw, name }) => {
    const client = await raw()
    const queue = name()
    await client.call(1, 'queue.declare', { queue, exclusive: true })
    client.publish(1, { 'routing-key': queue }, {}, Buffer.from('a'))
    await client.call(1, 'basic.consume', { queue })
    expect((await client.nextMessage()).args).toMatchObject({ 'delivery-tag': 1, 'redelivered': false })
    client.send(1, 'basic.recover-async', { requeue: true })
    expect((await client.nextMessage()).args).toMatchObject({ 'delivery-tag': 2, 'redelivered': true })
  })

  for (const method of ['basic.recover', 'basic.recover-async'] as const) {
    test(`${method} with requeue=false is 540 on the connection`, async ({ raw }) => {
      const client = await raw()
      client.send(1, method, { requeue: false })
      expect(await rawClosure(client, 'connection'))
        .toEqual(closed(540, 'NOT_IMPLEMENTED - requeue=false', method))
    })
  }

  test('an abrupt end of the socket requeues as a close does', async ({ raw, confirmChannel, name }) => {
    const channel = await confirmChannel()
    const { queue } = await channel.assertQueue(name())
    await fill(channel, queue, ['a'])
    const client = await raw()
    client.send(1, 'basic.get', { queue })
    await client.nextMessage()
    client.destroy()
    const message = await within('the message is back', get(channel, queue))
    expect([text(message), message.fields.redelivered]).toEqual(['a', true])
  })

  test('a heartbeat frame between a channel\'s frames is accepted', async ({ raw }) => {
    const client = await raw()
    client.send(1, 'basic.qos')
    client.frame(frameType.heartbeat, 0, Buffer.alloc(0))
    client.send(1, 'basic.qos')
    await client.expect('basic.qos-ok')
    await expect(client.expect('basic.qos-ok')).resolves.toEqual({})
  })


  for (const [title, type, payload] of [
    ['header', frameType.header, encodeHeader(0, encodeProperties())],
    ['body', frameType.body, Buffer.from('x')],
  ] as const) {
    test(`a ${title} frame on a channel that is not open is 505 on the connection`, async ({ raw }) => {
      const client = await raw()
      client.frame(type, 9, payload)
      expect(await rawClosure(client, 'connection')).toEqual(
        closed(505, 'UNEXPECTED_FRAME - expected method frame, got non method frame instead', 'none'))
    })
  }

  test('channel.open while the broker\'s close waits for its answer is 504', async ({ raw }) => {
    const client = await raw()
    client.send(1, 'queue.purge', { queue: 'nope' })
    await client.expect('channel.close')
    client.send(1, 'channel.open')
    expect(await rawClosure(client, 'connection'))
      .toEqual(closed(504, 'CHANNEL_ERROR - second \'channel.open\' seen', 'channel.open'))
  })

  test('what a closing channel\'s content still brings is ignored', async ({ raw, name }) => {
    const client = await raw()
    const queue = name()
    await client.call(2, 'channel.open')
    await client.call(2, 'queue.declare', { queue })
    client.send(1, 'queue.purge', { queue: 'nope' })
    client.publish(1, { 'routing-key': queue }, {}, Buffer.from('ignored'))
    await client.expect('channel.close')
    client.publish(1, { 'routing-key': queue }, {}, Buffer.from('ignored, too'))
    client.send(1, 'channel.close-ok')
    expect(await client.call(2, 'queue.purge', { queue })).toEqual({ 'message-count': 0 })
  })

  test('cancel-ok from a client is let pass (4.x)', async ({ raw, name, older }) => {
    const client = await raw()
    const queue = name()
    await client.call(1, 'queue.declare', { queue, exclusive: true })
    await client.call(1, 'basic.consume', { queue, 'consumer-tag': 'c' })
    client.send(1, 'basic.cancel-ok', { 'consumer-tag': 'c' })
    if (older('cancel-ok')) {
      expect((await rawClosure(client, 'connection')).code).toBe(503)
      return
    }
    await expect(client.call(1, 'channel.flow', { active: true })).resolves.toEqual({ active: true })
  })

  test('cancel-ok of no consumer', async ({ raw, differs, older }) => {
    const client = await raw()
    client.send(1, 'basic.cancel-ok', { 'consumer-tag': 'nobody' })
    if (differs('cancel-ok-unknown')) {
      expect(await client.call(1, 'channel.flow', { active: true })).toEqual({ active: true })
      return
    }
    expect((await rawClosure(client, 'connection')).code).toBe(older('cancel-ok') ? 503 : 541)
  })

  test('ending a channel discards a publish that is under way', async ({ raw, name }) => {
    const client = await raw()
    const queue = name()
    await client.call(2, 'channel.open')
    await client.call(2, 'queue.declare', { queue })
    client.send(1, 'basic.publish', { 'routing-key': queue })
    client.frame(frameType.header, 1, encodeHeader(10, encodeProperties()))
    client.send(1, 'channel.close', { 'reply-code': 200 })
    expect(await rawClosure(client, 'connection')).toEqual(closed(505,
      'UNEXPECTED_FRAME - expected content body, got non content body frame instead', 'basic.publish'))
  })
})
