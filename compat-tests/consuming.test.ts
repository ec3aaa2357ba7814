// Consuming: get, consume, cancel, prefetch, distribution, settling, requeue. Reference: behaviours §2.3,
// §5.3–§5.9.

import type { Channel, ConfirmChannel } from 'amqplib'
import { expect } from 'vitest'
import { channelClosure, closed, rawClosure } from './harness/closure.ts'
import { forEachKind } from './harness/for-each-kind.ts'
import { collect, drain, fill, get, settled, text, untilCount } from './harness/messages.ts'
import { until } from './harness/poll.ts'
import type { Session } from './harness/session.ts'
import type { Args } from './harness/wire.ts'

const inUse = (queue: string): string => `ACCESS_REFUSED - queue '${queue}' in vhost '/' in exclusive use`

async function filled(
  { confirmChannel, name }: Session, texts: readonly string[],
): Promise<{ ch: ConfirmChannel, queue: string }> {
  const ch = await confirmChannel()
  const { queue } = await ch.assertQueue(name())
  await fill(ch, queue, texts)
  return { ch, queue }
}

/** Settles with a tag of the test's choosing. */
function settle(ch: Channel, verb: 'ack' | 'nack' | 'reject', deliveryTag: number, flag?: boolean): void {
  const message = { fields: { deliveryTag } } as Parameters<Channel['ack']>[0]
  if (verb === 'reject') ch.reject(message, flag)
  else ch[verb](message, flag)
}

forEachKind((test) => {
  test('get counts what is left', async (session) => {
    const { ch, queue } = await filled(session, ['a', 'b', 'c'])
    const counts = [await get(ch, queue), await get(ch, queue), await get(ch, queue)]
    expect(counts.map(({ fields }) => fields.messageCount)).toEqual([2, 1, 0])
  })

  test('get of an empty queue is get-empty with an empty cluster id', async ({ raw }) => {
    const client = await raw()
    await client.call(1, 'queue.declare', { exclusive: true })
    client.send(1, 'basic.get')
    expect(await client.expect('basic.get-empty')).toEqual({ 'cluster-id': '' })
  })

  test('get with no-ack forgets the message', async (session) => {
    const { ch, queue } = await filled(session, ['a'])
    await get(ch, queue, { noAck: true })
    await ch.close()
    expect(await drain(await session.channel(), queue)).toEqual([])
  })

  test('delivery tags count from 1 per channel over get and deliver, no-ack too', async (session) => {
    const { ch, queue } = await filled(session, ['a', 'b', 'c', 'd'])
    const first = await get(ch, queue)
    const second = await get(ch, queue, { noAck: true })
    const inbox = await collect(ch, queue)
    await inbox.texts(2)
    expect([first, second, ...inbox.messages].map(({ fields }) => fields.deliveryTag)).toEqual([1, 2, 3, 4])
  })

  test('consume-ok comes before the first delivery, and names the tag', async ({ raw, name }) => {
    const [client, queue] = [await raw(), name()]
    await client.call(1, 'queue.declare', { queue, exclusive: true })
    client.publish(1, { 'routing-key': queue }, {}, Buffer.from('x'))
    client.send(1, 'basic.consume', { queue, 'consumer-tag': 'mine' })
    expect(await client.expect('basic.consume-ok')).toEqual({ 'consumer-tag': 'mine' })
    expect((await client.nextMessage()).args).toEqual({
      'consumer-tag': 'mine', 'delivery-tag': 1, 'redelivered': false, 'exchange': '', 'routing-key': queue,
    })
  })

  test('an empty tag is generated: amq.ctag- and 22 characters', async ({ channel, name }) => {
    const ch = await channel()
    const { queue } = await ch.assertQueue(name())
    expect((await collect(ch, queue)).tag).toMatch(/^amq\.ctag-[A-Za-z0-9_-]{22}$/)
  })

  test('a tag generated for a no-wait consume is first seen in the delivery', async ({ raw, name }) => {
    const [client, queue] = [await raw(), name()]
    await client.call(1, 'queue.declare', { queue, exclusive: true })
    client.send(1, 'basic.consume', { queue, nowait: true })
    client.publish(1, { 'routing-key': queue }, {}, Buffer.from('x'))
    expect((await client.nextMessage()).args['consumer-tag']).toMatch(/^amq\.ctag-/)
  })

  test('a tag already used on the channel is 530 on the connection', async ({ raw }) => {
    const client = await raw()
    await client.call(1, 'queue.declare', { exclusive: true })
    await client.call(1, 'basic.consume', { 'consumer-tag': 'twice' })
    client.send(1, 'basic.consume', { 'consumer-tag': 'twice' })
    expect(await rawClosure(client, 'connection'))
      .toEqual(closed(530, 'NOT_ALLOWED - attempt to reuse consumer tag \'twice\'', 'basic.consume'))
  })

  for (const [what, args] of [
    ['a queue that is not there', { queue: 'no.such.queue' }],
    ['bad arguments', { arguments: [['x-priority', 'S', 'high']] }],
    ['exclusive use', { exclusive: true }],
    ['a reply consumer that acknowledges', { queue: 'amq.rabbitmq.reply-to' }],
    ['a name like a requester\'s', { queue: 'amq.rabbitmq.reply-to.nobody' }],
  ] as const satisfies readonly (readonly [string, Args])[]) {
    test.classic(`a tag already used goes before ${what}`, async ({ raw }) => {
      const client = await raw()
      await client.call(1, 'queue.declare', { exclusive: true })
      await client.call(1, 'basic.consume', { 'consumer-tag': 'twice' })
      client.send(1, 'basic.consume', { 'consumer-tag': 'twice', ...args })
      expect(await rawClosure(client, 'connection'))
        .toEqual(closed(530, 'NOT_ALLOWED - attempt to reuse consumer tag \'twice\'', 'basic.consume'))
    })
  }

  test('a tag may be used on two channels, and again after its cancel', async ({ channel, name }) => {
    const [first, second] = [await channel(), await channel()]
    const { queue } = await first.assertQueue(name())
    await collect(first, queue, { consumerTag: 'same' })
    await collect(second, queue, { consumerTag: 'same' })
    await first.cancel('same')
    await expect(collect(first, queue, { consumerTag: 'same' })).resolves.toBeDefined()
  })

  test.classic('an exclusive consumer is refused where there is another: 403', async ({ channel, name }) => {
    const ch = await channel()
    const { queue } = await ch.assertQueue(name())
    await collect(ch, queue)
    expect(await channelClosure(ch, () => collect(ch, queue, { exclusive: true })))
      .toEqual(closed(403, inUse(queue), 'basic.consume'))
  })

  test.classic('beside an exclusive consumer any other is refused: 403', async ({ channel, name }) => {
    const [first, second] = [await channel(), await channel()]
    const { queue } = await first.assertQueue(name())
    await collect(first, queue, { exclusive: true })
    expect(await channelClosure(second, () => collect(second, queue)))
      .toEqual(closed(403, inUse(queue), 'basic.consume'))
  })

  test.classic('bad arguments go before exclusive use', async ({ raw }) => {
    const client = await raw()
    const { queue } = await client.call(1, 'queue.declare', { exclusive: true })
    await client.call(1, 'basic.consume', { exclusive: true })
    client.send(1, 'basic.consume', { arguments: [['x-priority', 'S', 'high']] })
    expect(await rawClosure(client, 'channel')).toEqual(closed(406,
      `PRECONDITION_FAILED - invalid arg 'x-priority' for queue '${String(queue)}' in vhost '/': `
      + '"expected integer, got longstr"', 'basic.consume'))
  })

  test('beside an exclusive consumer get is allowed', async (session) => {
    const [first, second] = [await session.channel(), await session.channel()]
    const { queue } = await first.assertQueue(session.name())
    await collect(first, queue, { exclusive: true })
    await expect(second.get(queue)).resolves.toBe(false)
  })

  test('after an exclusive consumer\'s cancel another may come', async ({ channel, name }) => {
    const ch = await channel()
    const { queue } = await ch.assertQueue(name())
    const { tag } = await collect(ch, queue, { exclusive: true })
    await ch.cancel(tag)
    await expect(collect(ch, queue)).resolves.toBeDefined()
  })

  test('no-local is ignored', async ({ confirmChannel, name }) => {
    const ch = await confirmChannel()
    const { queue } = await ch.assertQueue(name())
    const inbox = await collect(ch, queue, { noLocal: true })
    await fill(ch, queue, ['own'])
    expect(await inbox.texts(1)).toEqual(['own'])
  })

  test('unknown consumer arguments are ignored', async ({ channel, name }) => {
    const ch = await channel()
    const { queue } = await ch.assertQueue(name())
    await expect(collect(ch, queue, { arguments: { 'x-foo': 1 } })).resolves.toBeDefined()
  })

  test('cancel of an unknown tag is answered', async ({ raw }) => {
    const client = await raw()
    expect(await client.call(1, 'basic.cancel', { 'consumer-tag': 'never' }))
      .toEqual({ 'consumer-tag': 'never' })
  })

  test('after cancel nothing is delivered, and what was can still be acked', async (session) => {
    const { ch, queue } = await filled(session, ['a'])
    const inbox = await collect(ch, queue)
    const message = await inbox.message(0)
    await ch.cancel(inbox.tag)
    await fill(ch, queue, ['b'])
    ch.ack(message)
    await settled(ch, queue)
    expect(inbox.messages).toHaveLength(1)
    expect(await drain(ch, queue)).toEqual(['b'])
  })

  test('no-ack consumers are given everything and nothing comes back', async (session) => {
    const { ch, queue } = await filled(session, ['a', 'b', 'c'])
    const consumer = await session.channel()
    await consumer.prefetch(1)
    const inbox = await collect(consumer, queue, { noAck: true })
    expect(await inbox.texts(3)).toEqual(['a', 'b', 'c'])
    await consumer.close()
    expect(await drain(ch, queue)).toEqual([])
  })

  test('consumers take turns', async ({ confirmChannel, channel, name }) => {
    const [publisher, consumer] = [await confirmChannel(), await channel()]
    const { queue } = await publisher.assertQueue(name())
    const inboxes = []
    for (let n = 0; n < 3; n++) inboxes.push(await collect(consumer, queue, { noAck: true }))
    await fill(publisher, queue, Array.from({ length: 9 }, (_, n) => `${n}`))
    const got = await Promise.all(inboxes.map((inbox) => inbox.texts(3)))
    expect(got.map((texts) => texts.map((each) => Number(each) % 3)))
      .toEqual(got.map(([first]) => Array.from({ length: 3 }, () => Number(first) % 3)))
  })

  test('prefetch limits each consumer on its own', async (session) => {
    const { ch, queue } = await filled(session, Array.from({ length: 10 }, (_, n) => `${n}`))
    const consumer = await session.channel()
    await consumer.prefetch(2)
    const [first, second] = [await collect(consumer, queue), await collect(consumer, queue)]
    await Promise.all([first.texts(2), second.texts(2)])
    await untilCount(ch, queue, 6)
    expect([first.messages.length, second.messages.length]).toEqual([2, 2])
  })

  test('an ack makes room for the next', async (session) => {
    const { queue } = await filled(session, ['a', 'b', 'c'])
    const consumer = await session.channel()
    await consumer.prefetch(1)
    const inbox = await collect(consumer, queue)
    consumer.ack(await inbox.message(0))
    consumer.ack(await inbox.message(1))
    expect(await inbox.texts(3)).toEqual(['a', 'b', 'c'])
  })

  test('a changed prefetch holds for later consumers only', async (session) => {
    const { ch, queue } = await filled(session, Array.from({ length: 10 }, (_, n) => `${n}`))
    const consumer = await session.channel()
    await consumer.prefetch(1)
    const early = await collect(consumer, queue)
    await consumer.prefetch(3)
    const late = await collect(consumer, queue)
    await Promise.all([early.texts(1), late.texts(3)])
    await untilCount(ch, queue, 6)
    expect([early.messages.length, late.messages.length]).toEqual([1, 3])
  })

  test('prefetch 0 is no limit', async (session) => {
    const { queue } = await filled(session, Array.from({ length: 50 }, (_, n) => `${n}`))
    const consumer = await session.channel()
    await consumer.prefetch(1)
    await consumer.prefetch(0)
    expect(await (await collect(consumer, queue)).texts(50)).toHaveLength(50)
  })

  test('what was got does not count against the prefetch', async (session) => {
    const { queue } = await filled(session, ['a', 'b', 'c'])
    const consumer = await session.channel()
    await consumer.prefetch(1)
    await get(consumer, queue)
    expect(await (await collect(consumer, queue)).texts(1)).toEqual(['b'])
  })

  test('a global prefetch limits the channel, where it does', async (session) => {
    const { ch, queue } = await filled(session, Array.from({ length: 10 }, (_, n) => `${n}`))
    const consumer = await session.channel()
    await consumer.prefetch(3, true)
    const inboxes = [await collect(consumer, queue), await collect(consumer, queue)]
    const isChannelWide = session.older('global-qos') || session.differs('global-qos')
    const delivered = isChannelWide ? 3 : 6
    const arrived = (): number => inboxes.reduce((sum, inbox) => sum + inbox.messages.length, 0)
    await until(`${delivered} deliveries`, () => arrived() >= delivered)
    await untilCount(ch, queue, 10 - delivered)
    expect(arrived()).toBe(delivered)
  })

  test('a consumer at its limit is passed over', async ({ confirmChannel, channel, name }) => {
    const [publisher, busy, free] = [await confirmChannel(), await channel(), await channel()]
    const { queue } = await publisher.assertQueue(name())
    await busy.prefetch(1)
    const [busyInbox, freeInbox] = [await collect(busy, queue), await collect(free, queue)]
    await fill(publisher, queue, ['a', 'b', 'c', 'd', 'e'])
    await Promise.all([freeInbox.texts(4), busyInbox.texts(1)])
    expect(busyInbox.messages).toHaveLength(1)
  })

  test('ack of one message leaves the others unacked', async (session) => {
    const { ch, queue } = await filled(session, ['a', 'b', 'c'])
    const messages = [await get(ch, queue), await get(ch, queue), await get(ch, queue)]
    ch.ack(messages[1]!)
    await ch.close()
    expect(await drain(await session.channel(), queue)).toEqual(['a', 'c'])
  })

  test('ack multiple settles all up to the tag', async (session) => {
    const { ch, queue } = await filled(session, ['a', 'b', 'c'])
    const messages = [await get(ch, queue), await get(ch, queue), await get(ch, queue)]
    ch.ack(messages[1]!, true)
    await ch.close()
    expect(await drain(await session.channel(), queue)).toEqual(['c'])
  })

  test('ack of tag 0 with multiple settles all, also when there is none', async (session) => {
    const { ch, queue } = await filled(session, ['a', 'b'])
    await get(ch, queue)
    await get(ch, queue)
    ch.ackAll()
    ch.ackAll()
    await ch.close()
    expect(await drain(await session.channel(), queue)).toEqual([])
  })

  for (const [verb, method] of [
    ['ack', 'basic.ack'], ['nack', 'basic.nack'], ['reject', 'basic.reject'],
  ] as const) {
    for (const tag of [0, 5]) {
      test(`${verb} of the unknown tag ${tag} is 406`, async ({ channel }) => {
        const ch = await channel()
        expect(await channelClosure(ch, () => settle(ch, verb, tag, false)))
          .toEqual(closed(406, `PRECONDITION_FAILED - unknown delivery tag ${tag}`, method))
      })
    }
  }

  test('a tag is unknown the second time', async (session) => {
    const { ch, queue } = await filled(session, ['a'])
    const message = await get(ch, queue)
    ch.ack(message)
    expect(await channelClosure(ch, () => ch.ack(message)))
      .toEqual(closed(406, 'PRECONDITION_FAILED - unknown delivery tag 1', 'basic.ack'))
  })

  test('a settled tag is unknown with multiple too, though earlier ones are open', async (session) => {
    const { ch, queue } = await filled(session, ['a', 'b'])
    await get(ch, queue)
    const second = await get(ch, queue)
    ch.ack(second)
    expect(await channelClosure(ch, () => ch.ack(second, true)))
      .toEqual(closed(406, 'PRECONDITION_FAILED - unknown delivery tag 2', 'basic.ack'))
  })

  test('a no-ack delivery\'s tag is unknown', async (session) => {
    const { ch, queue } = await filled(session, ['a'])
    const message = await get(ch, queue, { noAck: true })
    expect(await channelClosure(ch, () => ch.ack(message)))
      .toEqual(closed(406, 'PRECONDITION_FAILED - unknown delivery tag 1', 'basic.ack'))
  })

  test('a tag of another channel is unknown', async (session) => {
    const { ch, queue } = await filled(session, ['a'])
    const other = await session.channel()
    const message = await get(ch, queue)
    expect(await channelClosure(other, () => other.ack(message)))
      .toEqual(closed(406, 'PRECONDITION_FAILED - unknown delivery tag 1', 'basic.ack'))
  })

  test('the largest tag is printed unsigned', async ({ raw }) => {
    const client = await raw()
    client.send(1, 'basic.ack', { 'delivery-tag': 0xffff_ffff_ffff_ffffn })
    expect(await rawClosure(client, 'channel')).toEqual(
      closed(406, 'PRECONDITION_FAILED - unknown delivery tag 18446744073709551615', 'basic.ack'))
  })

  test.classic('requeued message returns to its place', async (session) => {
    const { ch, queue } = await filled(session, ['m0', 'm1', 'm2', 'm3'])
    const messages = [await get(ch, queue), await get(ch, queue), await get(ch, queue)]
    ch.reject(messages[2]!, true)
    ch.reject(messages[1]!, true)
    expect(await drain(ch, queue)).toEqual(['m1', 'm2', 'm3'])
  })

  test('requeued messages are marked redelivered, the others are not', async (session) => {
    const { ch, queue } = await filled(session, ['a', 'b'])
    ch.nack(await get(ch, queue))
    const [again, next] = [await get(ch, queue), await get(ch, queue)]
    expect([again, next].map((message) => [text(message), message.fields.redelivered]))
      .toEqual([['a', true], ['b', false]])
  })

  test('nack multiple requeues all up to the tag, in order', async (session) => {
    const { ch, queue } = await filled(session, ['a', 'b', 'c'])
    await get(ch, queue)
    ch.nack(await get(ch, queue), true)
    expect(await drain(ch, queue)).toEqual(['a', 'b', 'c'])
  })

  test('nack of tag 0 with multiple requeues all', async (session) => {
    const { ch, queue } = await filled(session, ['a', 'b'])
    await get(ch, queue)
    await get(ch, queue)
    ch.nackAll()
    expect(await drain(ch, queue)).toEqual(['a', 'b'])
  })

  for (const verb of ['nack', 'reject'] as const) {
    test(`${verb} without requeue drops the message`, async (session) => {
      const { ch, queue } = await filled(session, ['a', 'b'])
      const message = await get(ch, queue)
      if (verb === 'nack') ch.nack(message, false, false)
      else ch.reject(message, false)
      await ch.close()
      expect(await drain(await session.channel(), queue)).toEqual(['b'])
    })
  }

  test('nack multiple without requeue drops all up to the tag', async (session) => {
    const { ch, queue } = await filled(session, ['a', 'b', 'c'])
    await get(ch, queue)
    ch.nack(await get(ch, queue), true, false)
    expect(await drain(ch, queue)).toEqual(['c'])
  })

  test('with prefetch 1 a requeued message comes straight back', async (session) => {
    const { queue } = await filled(session, ['a', 'b'])
    const consumer = await session.channel()
    await consumer.prefetch(1)
    const inbox = await collect(consumer, queue)
    consumer.nack(await inbox.message(0))
    const again = await inbox.message(1)
    expect([text(again), again.fields.redelivered, again.fields.deliveryTag]).toEqual(['a', true, 2])
  })

  test('a requeued message may go to another consumer', async (session) => {
    const { queue } = await filled(session, ['a'])
    const [first, second] = [await session.channel(), await session.channel()]
    const firstInbox = await collect(first, queue)
    const message = await firstInbox.message(0)
    const secondInbox = await collect(second, queue)
    await first.cancel(firstInbox.tag)
    first.nack(message)
    expect((await secondInbox.message(0)).fields).toMatchObject({ redelivered: true, deliveryTag: 1 })
  })

  test('what a closed connection had unacked comes back in order', async (session) => {
    const { ch, queue } = await filled(session, ['a', 'b', 'c', 'd'])
    const connection = await session.connect()
    const consumer = await session.channel(connection)
    await consumer.prefetch(3)
    await (await collect(consumer, queue)).texts(3)
    await connection.close()
    expect(await drain(ch, queue)).toEqual(['a', 'b', 'c', 'd'])
  })
})
