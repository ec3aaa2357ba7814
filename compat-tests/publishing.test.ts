// Publishing: mandatory returns, refused properties, confirms and their order. Reference: behaviours §5.1,
// §6.1.

import { expect } from 'vitest'
import { channelClosure, closed, rawClosure } from './harness/closure.ts'
import { confirmedTags } from './harness/confirms.ts'
import { forEachKind } from './harness/for-each-kind.ts'
import { drain, fill, text } from './harness/messages.ts'
import { until, within } from './harness/poll.ts'

const oneTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1)

forEachKind((test) => {
  test('a mandatory message without a queue is returned whole with 312 NO_ROUTE', async ({ channel }) => {
    const ch = await channel()
    const returned = new Promise<unknown>((resolve) => {
      ch.once('return', resolve)
    })
    ch.publish('amq.direct', 'nowhere', Buffer.from('back'), { mandatory: true, messageId: 'm1',
      headers: { a: 1 } })
    expect(await within('the return', returned)).toMatchObject({
      fields: { replyCode: 312, replyText: 'NO_ROUTE', exchange: 'amq.direct', routingKey: 'nowhere' },
      properties: { messageId: 'm1', headers: { a: 1 } },
      content: Buffer.from('back'),
    })
  })

  test('a mandatory message with a queue is not returned', async ({ confirmChannel, name }) => {
    const ch = await confirmChannel()
    const { queue } = await ch.assertQueue(name())
    const returned: string[] = []
    ch.on('return', (message) => returned.push(text(message)))
    await fill(ch, queue, ['a'], { mandatory: true })
    expect(returned).toEqual([])
  })

  test('a message without a queue that is not mandatory is dropped and confirmed', async ({
    confirmChannel,
  }) => {
    const ch = await confirmChannel()
    ch.publish('amq.direct', 'nowhere', Buffer.from('x'))
    await expect(within('the confirm', ch.waitForConfirms())).resolves.toBeDefined()
  })

  test('the return comes before the confirm', async ({ raw }) => {
    const client = await raw()
    await client.call(1, 'confirm.select')
    client.publish(1, { 'routing-key': 'nowhere', 'mandatory': true }, {}, Buffer.from('x'))
    const returned = await client.nextMessage()
    expect([returned.method, returned.args]).toEqual(['basic.return', {
      'reply-code': 312, 'reply-text': 'NO_ROUTE', 'exchange': '', 'routing-key': 'nowhere',
    }])
    expect(await client.expect('basic.ack')).toMatchObject({ 'delivery-tag': 1 })
  })

  test('immediate is 540 on the connection', async ({ raw }) => {
    const client = await raw()
    client.publish(1, { 'routing-key': 'k', 'immediate': true })
    expect(await rawClosure(client, 'connection'))
      .toEqual(closed(540, 'NOT_IMPLEMENTED - immediate=true', 'basic.publish'))
  })

  test('a user-id that is the connection\'s own is accepted', async ({ confirmChannel, name, target }) => {
    const ch = await confirmChannel()
    const { queue } = await ch.assertQueue(name())
    await fill(ch, queue, ['a'], { userId: target.user })
    expect(await drain(ch, queue)).toEqual(['a'])
  })

  test('a user-id of somebody else is 406', async ({ channel, target }) => {
    const ch = await channel()
    const act = (): unknown => ch.publish('', 'k', Buffer.from('x'), { userId: 'other' })
    const text = `user_id property set to 'other' but authenticated user was '${target.user}'`
    expect(await channelClosure(ch, act))
      .toEqual(closed(406, `PRECONDITION_FAILED - ${text}`, 'basic.publish'))
  })

  test('a bad CC is noticed before a user-id of somebody else', async ({ channel }) => {
    const ch = await channel()
    const options = { userId: 'other', headers: { CC: 'k' } }
    const act = (): unknown => ch.publish('', 'k', Buffer.from('x'), options)
    expect((await channelClosure(ch, act)).text)
      .toBe('PRECONDITION_FAILED - invalid message: {unacceptable_type_in_header,"CC",longstr}')
  })

  test('confirm.select may be repeated', async ({ raw }) => {
    const client = await raw()
    await client.call(1, 'confirm.select')
    await client.call(1, 'confirm.select')
    client.publish(1, { 'routing-key': 'nowhere' })
    expect(await client.expect('basic.ack')).toMatchObject({ 'delivery-tag': 1 })
  })

  test('the first publish after confirm.select has the number 1', async ({ raw }) => {
    const client = await raw()
    for (let n = 0; n < 3; n++) client.publish(1, { 'routing-key': 'nowhere' })
    await client.call(1, 'confirm.select')
    client.publish(1, { 'routing-key': 'nowhere' })
    expect(await client.expect('basic.ack')).toMatchObject({ 'delivery-tag': 1 })
  })

  test('each channel numbers its own publishes', async ({ raw }) => {
    const client = await raw()
    await client.call(2, 'channel.open')
    for (const channel of [1, 2]) await client.call(channel, 'confirm.select')
    for (const channel of [1, 2]) client.publish(channel, { 'routing-key': 'nowhere' })
    const acks = [await client.nextMethod(), await client.nextMethod()]
    expect(acks.map(({ channel, args }) => [channel, args['delivery-tag']]).toSorted())
      .toEqual([[1, 1], [2, 1]])
  })

  for (const [title, deliveryMode] of [['persistent', 2], ['transient', 1]] as const) {
    test(`1000 ${title} messages in flight are each confirmed once`, async ({ raw, name }) => {
      const [client, queue] = [await raw(), name()]
      await client.call(1, 'queue.declare', { queue, durable: true })
      await client.call(1, 'confirm.select')
      for (let n = 0; n < 1000; n++) {
        client.publish(1, { 'routing-key': queue }, { 'delivery-mode': deliveryMode }, Buffer.from(`m${n}`))
      }
      expect(await confirmedTags(client, 1000)).toEqual({ acked: oneTo(1000), nacked: [] })
      expect(await client.call(1, 'queue.purge', { queue })).toEqual({ 'message-count': 1000 })
    })
  }

  test('routed and unroutable messages mixed are each confirmed once', async ({ raw, name }) => {
    const [client, queue] = [await raw(), name()]
    await client.call(1, 'queue.declare', { queue, durable: true })
    await client.call(1, 'confirm.select')
    for (let n = 0; n < 100; n++) {
      client.publish(1, { 'routing-key': n % 3 === 0 ? 'nowhere' : queue }, { 'delivery-mode': 2 },
        Buffer.from('x'))
    }
    expect(await confirmedTags(client, 100)).toEqual({ acked: oneTo(100), nacked: [] })
  })

  test('a message for several queues is confirmed once', async ({ raw, name }) => {
    const client = await raw()
    const exchange = name('x')
    await client.call(1, 'exchange.declare', { exchange, type: 'fanout', durable: true })
    for (let n = 0; n < 3; n++) {
      const queue = name()
      await client.call(1, 'queue.declare', { queue, durable: true })
      await client.call(1, 'queue.bind', { queue, exchange })
    }
    await client.call(1, 'confirm.select')
    for (let n = 0; n < 5; n++) client.publish(1, { exchange }, { 'delivery-mode': 2 }, Buffer.from('x'))
    expect(await confirmedTags(client, 5)).toEqual({ acked: oneTo(5), nacked: [] })
  })

  test('a confirmed message can be got at once', async ({ confirmChannel, channel, name }) => {
    const [publisher, other] = [await confirmChannel(), await channel()]
    const { queue } = await publisher.assertQueue(name())
    for (let n = 0; n < 20; n++) {
      await fill(publisher, queue, [`m${n}`], { persistent: true })
      expect(text(await other.get(queue, { noAck: true }))).toBe(`m${n}`)
    }
  })

  test('a publish that closes the channel is not confirmed', async ({ confirmChannel, name }) => {
    const ch = await confirmChannel()
    const outcomes: unknown[] = []
    ch.publish(name(), 'k', Buffer.from('x'), {}, (error) => outcomes.push(error))
    await until('the publish is answered', () => outcomes.length > 0)
    expect(String(outcomes[0])).toContain('channel closed')
  })

  test('the order of one channel to one queue is kept', async ({ confirmChannel, name }) => {
    const ch = await confirmChannel()
    const { queue } = await ch.assertQueue(name())
    const texts = Array.from({ length: 300 }, (_, n) => `m${n}`)
    await fill(ch, queue, texts)
    expect(await drain(ch, queue)).toEqual(texts)
  })
})
