// Length limits: x-max-length, x-max-length-bytes, and what x-overflow makes of what is too much. Reference:
// behaviours §6.1, §8.2. The headers of what is dead-lettered are in dead-letter-history.test.ts.

import type { ConfirmChannel, Message, Options } from 'amqplib'
import { expect } from 'vitest'
import { confirmedTags } from './harness/confirms.ts'
import { forEachKind } from './harness/for-each-kind.ts'
import { collect, drain, fill, get, outcomes, settled, text, untilCount } from './harness/messages.ts'
import type { Session } from './harness/session.ts'

const overflow = (value: string): Options.AssertQueue => ({ arguments: { 'x-overflow': value } })

async function limited(
  { confirmChannel, name }: Session, options: Options.AssertQueue, value?: string,
): Promise<{ ch: ConfirmChannel, queue: string }> {
  const ch = await confirmChannel()
  const { queue } = await ch.assertQueue(name(), { ...options, ...value !== undefined && overflow(value) })
  return { ch, queue }
}

const nack = 'message nacked'

const numbers = (count: number): string[] => Array.from({ length: count }, (_, n) => `${n}`)

forEachKind((test) => {
  for (const value of [undefined, 'drop-head']) {
    test(`x-max-length keeps the newest, acks all: overflow ${value ?? 'not given'}`, async (session) => {
      const { ch, queue } = await limited(session, { maxLength: 3 }, value)
      expect(await outcomes(ch, queue, numbers(6))).toEqual(Array(6).fill('ack'))
      await untilCount(ch, queue, 3)
      expect(await drain(ch, queue)).toEqual(['3', '4', '5'])
    })
  }

  test('only ready messages count', async (session) => {
    const { ch, queue } = await limited(session, { maxLength: 2 })
    await fill(ch, queue, ['held', 'held, too'])
    const held = [await get(ch, queue), await get(ch, queue)]
    await fill(ch, queue, ['a', 'b', 'c'])
    expect(held.map(text)).toEqual(['held', 'held, too'])
    expect(await drain(ch, queue)).toEqual(['b', 'c'])
  })

  test('messages given back to a full queue are dropped first, being older', async (session) => {
    const { ch, queue } = await limited(session, { maxLength: 2 })
    await fill(ch, queue, ['a', 'b'])
    await get(ch, queue)
    await get(ch, queue)
    await fill(ch, queue, ['c', 'd'])
    ch.nackAll()
    await settled(ch, queue)
    expect(await drain(ch, queue)).toEqual(['c', 'd'])
  })

  test('of messages given back as many stay as there is room for', async (session) => {
    const { ch, queue } = await limited(session, { maxLength: 2 })
    await fill(ch, queue, ['a', 'b'])
    await get(ch, queue)
    await get(ch, queue)
    await fill(ch, queue, ['c'])
    ch.nackAll()
    await settled(ch, queue)
    expect(await drain(ch, queue)).toEqual(['b', 'c'])
  })

  for (const [title, giveBack] of [
    ['basic.nack of several', (ch, last) => ch.nack(last, true)],
    ['basic.recover', (ch) => ch.recover()],
    ['a lost channel', (ch) => ch.close()],
  ] as [string, (ch: ConfirmChannel, last: Message) => unknown][]) {
    test.classic(`what ${title} brings back is all there before anything is dropped`, async (session) => {
      const dead = session.name('dead')
      const { ch, queue } = await limited(session,
        { arguments: { 'x-max-length-bytes': 2 }, deadLetterExchange: '', deadLetterRoutingKey: dead })
      await ch.assertQueue(dead)
      const holder = await session.confirmChannel()
      await fill(ch, queue, ['a1'])
      const first = await get(ch, queue)
      const inbox = await collect(holder, queue)
      for (const [at, body] of ['bbbb', 'cccc'].entries()) {
        await fill(ch, queue, [body])
        await inbox.texts(at + 1)
      }
      ch.nack(first)
      // By their tags a1 is the last, and would fit alone; by its place it is the first to go.
      expect(await inbox.texts(3)).toEqual(['bbbb', 'cccc', 'a1'])
      await holder.cancel(inbox.tag)
      await giveBack(holder, inbox.messages[2]!)
      await untilCount(ch, dead, 3)
      expect(await drain(ch, dead)).toEqual(['a1', 'bbbb', 'cccc'])
    })
  }

  test('a consumer takes what would be too much for the queue alone', async (session) => {
    const { ch, queue } = await limited(session, { maxLength: 1 })
    const inbox = await collect(ch, queue, { noAck: true })
    for (const body of numbers(5)) await fill(ch, queue, [body])
    expect(await inbox.texts(5)).toEqual(numbers(5))
  })

  test.classic('bytes are those of the bodies, not of the headers', async (session) => {
    const { ch, queue } = await limited(session, { arguments: { 'x-max-length-bytes': 10 } })
    await fill(ch, queue, ['aaaaa', 'bbbbb'], { headers: { large: 'x'.repeat(1000) }, messageId: 'id' })
    expect(await drain(ch, queue)).toEqual(['aaaaa', 'bbbbb'])
  })

  test.classic('x-max-length-bytes drops from the head until the rest fits', async (session) => {
    const { ch, queue } = await limited(session, { arguments: { 'x-max-length-bytes': 10 } })
    await fill(ch, queue, ['a', 'b', 'cccccccc', 'dd'])
    expect(await drain(ch, queue)).toEqual(['cccccccc', 'dd'])
  })

  test('a message larger than x-max-length-bytes is gone at once, and acked', async (session) => {
    const { ch, queue } = await limited(session, { arguments: { 'x-max-length-bytes': 10 } })
    expect(await outcomes(ch, queue, ['eleven byte'])).toEqual(['ack'])
    expect(await drain(ch, queue)).toEqual([])
  })

  test('a message larger than x-max-length-bytes takes with it what is before it', async (session) => {
    const { ch, queue } = await limited(session, { arguments: { 'x-max-length-bytes': 10 } })
    await fill(ch, queue, ['a', 'b', 'eleven byte'])
    expect(await drain(ch, queue)).toEqual([])
  })

  test.classic('of two limits the one that is reached first counts', async (session) => {
    const { ch, queue } = await limited(session, { maxLength: 3, arguments: { 'x-max-length-bytes': 10 } })
    await fill(ch, queue, ['a', 'b', 'c', 'd'])
    await untilCount(ch, queue, 3)
    await fill(ch, queue, ['eeeeeeeee'])
    expect(await drain(ch, queue)).toEqual(['d', 'eeeeeeeee'])
  })

  test.classic('with x-max-length-bytes 0 only empty messages stay', async (session) => {
    const { ch, queue } = await limited(session, { arguments: { 'x-max-length-bytes': 0 } })
    await fill(ch, queue, ['', '', 'x'])
    expect(await drain(ch, queue)).toEqual([])
    await fill(ch, queue, ['', ''])
    expect(await drain(ch, queue)).toEqual(['', ''])
  })

  test.classic('with priorities the highest and oldest is dropped', async (session) => {
    const { ch, queue } = await limited(session, { maxLength: 2, maxPriority: 5 })
    for (const priority of [5, 1, 3, 0]) await fill(ch, queue, [`${priority}`], { priority })
    expect(await drain(ch, queue)).toEqual(['1', '0'])
  })

  test('x-max-length 0 keeps nothing, and acks', async (session) => {
    const { ch, queue } = await limited(session, { maxLength: 0 })
    expect(await outcomes(ch, queue, ['a', 'b'])).toEqual(['ack', 'ack'])
    expect(await drain(ch, queue)).toEqual([])
  })

  test('x-max-length 0: a consumer that waits is given each message', async (session) => {
    const { ch, queue } = await limited(session, { maxLength: 0 })
    const inbox = await collect(ch, queue)
    for (const body of ['a', 'b', 'c']) await fill(ch, queue, [body])
    expect(await inbox.texts(3)).toEqual(['a', 'b', 'c'])
  })

  test.classic('x-max-length 0 with reject-publish nacks everything, even for a consumer that waits',
    async (session) => {
    const { ch, queue } = await limited(session, { maxLength: 0 }, 'reject-publish')
    const inbox = await collect(ch, queue)
    expect(await outcomes(ch, queue, ['a', 'b'])).toEqual([nack, nack])
    await settled(ch, queue)
    expect(inbox.messages).toEqual([])
  })

  test('1000 persistent messages over x-max-length are each acked once, the last 10 stay', async ({
    raw, confirmChannel, name,
  }) => {
    const client = await raw()
    const { ch, queue } = { ch: await confirmChannel(), queue: name() }
    await ch.assertQueue(queue, { maxLength: 10 })
    await client.call(1, 'confirm.select')
    for (let n = 0; n < 1000; n++) {
      client.publish(1, { 'routing-key': queue }, { 'delivery-mode': 2 }, Buffer.from(`${n}`))
    }
    const { acked, nacked } = await confirmedTags(client, 1000)
    expect([acked.length, nacked]).toEqual([1000, []])
    expect(await drain(ch, queue)).toEqual(numbers(1000).slice(990))
  })

  for (const value of ['reject-publish', 'reject-publish-dlx']) {
    test.classic(`${value} nacks what is too much and keeps the oldest`, async (session) => {
      const { ch, queue } = await limited(session, { maxLength: 2 }, value)
      expect(await outcomes(ch, queue, ['a', 'b', 'c', 'd'])).toEqual(['ack', 'ack', nack, nack])
      expect(await drain(ch, queue)).toEqual(['a', 'b'])
    })
  }

  for (const [title, deliveryMode] of [['persistent', 2], ['transient', 1]] as const) {
    test.classic(`100 ${title} messages to a reject-publish queue of 10 are each answered once`, async ({
      raw, channel, name,
    }) => {
      const [client, ch, queue] = [await raw(), await channel(), name()]
      await ch.assertQueue(queue, { maxLength: 10, ...overflow('reject-publish') })
      await client.call(1, 'confirm.select')
      for (let n = 0; n < 100; n++) {
        client.publish(1, { 'routing-key': queue }, { 'delivery-mode': deliveryMode }, Buffer.from(`${n}`))
      }
      const all = Array.from({ length: 100 }, (_, n) => n + 1)
      expect(await confirmedTags(client, 100)).toEqual({ acked: all.slice(0, 10), nacked: all.slice(10) })
      expect(await drain(ch, queue)).toEqual(numbers(10))
    })
  }

  test('the broker\'s nack has the requeue bit set', async ({ raw, name }) => {
    const [client, queue] = [await raw(), name()]
    await client.call(1, 'queue.declare', {
      queue, durable: true, arguments: [['x-max-length', 'I', 0], ['x-overflow', 'S', 'reject-publish']],
    })
    await client.call(1, 'confirm.select')
    client.publish(1, { 'routing-key': queue })
    expect(await client.expect('basic.nack')).toMatchObject({ 'delivery-tag': 1, 'requeue': true })
  })

  test.classic('without confirms a rejected message is dropped without a word', async (session) => {
    const { ch, queue } = await limited(session, { maxLength: 1 }, 'reject-publish')
    await fill(ch, queue, ['a'])
    const plain = await session.channel()
    plain.sendToQueue(queue, Buffer.from('b'))
    await settled(plain, queue)
    expect(await drain(plain, queue)).toEqual(['a'])
  })

  test.classic('a mandatory message that a full queue rejects is not returned', async (session) => {
    const { ch, queue } = await limited(session, { maxLength: 0 }, 'reject-publish')
    const returned: string[] = []
    ch.on('return', (message) => returned.push(text(message)))
    expect(await outcomes(ch, queue, ['a'], { mandatory: true })).toEqual([nack])
    expect(returned).toEqual([])
  })

  test.classic('one full queue of several makes it a nack; the others have the message',
    async ({ raw, channel, name }) => {
    const [client, ch, exchange] = [await raw(), await channel(), name('x')]
    await ch.assertExchange(exchange, 'fanout')
    const full = await ch.assertQueue(name('full'), { maxLength: 0, ...overflow('reject-publish') })
    const others = [await ch.assertQueue(name()), await ch.assertQueue(name())]
    for (const { queue } of [others[0]!, full, others[1]!]) await ch.bindQueue(queue, exchange, '')
    await client.call(1, 'confirm.select')
    client.publish(1, { exchange }, { 'delivery-mode': 2 }, Buffer.from('x'))
    expect(await confirmedTags(client, 1)).toEqual({ acked: [], nacked: [1] })
    for (const { queue } of others) expect(text(await get(ch, queue))).toBe('x')
  })

  test.classic('messages to a full queue and to others in turn get their own answers',
    async ({ raw, channel, name }) => {
    const [client, ch] = [await raw(), await channel()]
    const full = await ch.assertQueue(name('full'), { maxLength: 0, ...overflow('reject-publish') })
    const { queue } = await ch.assertQueue(name())
    await client.call(1, 'confirm.select')
    for (let n = 1; n <= 90; n++) {
      const routingKey = [queue, full.queue, 'nowhere'][n % 3]!
      client.publish(1, { 'routing-key': routingKey }, { 'delivery-mode': 2 }, Buffer.from('x'))
    }
    const all = Array.from({ length: 90 }, (_, n) => n + 1)
    expect(await confirmedTags(client, 90)).toEqual({
      acked: all.filter((n) => n % 3 !== 1), nacked: all.filter((n) => n % 3 === 1),
    })
  })

  test.classic('a message taken from a full queue makes room', async (session) => {
    const { ch, queue } = await limited(session, { maxLength: 1 }, 'reject-publish')
    expect(await outcomes(ch, queue, ['a', 'b'])).toEqual(['ack', nack])
    await get(ch, queue)
    expect(await outcomes(ch, queue, ['c', 'd'])).toEqual(['ack', nack])
  })

  test('an expired message makes room', async (session) => {
    const { ch, queue } = await limited(session, { maxLength: 1 }, 'reject-publish')
    await fill(ch, queue, ['a'], { expiration: 30 })
    await untilCount(ch, queue, 0)
    expect(await outcomes(ch, queue, ['b'])).toEqual(['ack'])
  })

  test('what is requeued is never rejected: the queue is over its limit then', async (session) => {
    const { ch, queue } = await limited(session, { maxLength: 1 }, 'reject-publish')
    await fill(ch, queue, ['a'])
    const held = await get(ch, queue)
    await fill(ch, queue, ['b'])
    ch.nack(held)
    await untilCount(ch, queue, 2)
    expect(await outcomes(ch, queue, ['c'])).toEqual([nack])
    expect(await drain(ch, queue)).toEqual(['a', 'b'])
  })

  test.classic('reject-publish by bytes rejects what does not fit and takes what does', async (session) => {
    const { ch, queue } = await limited(session, { arguments: { 'x-max-length-bytes': 10,
      'x-overflow': 'reject-publish' } })
    expect(await outcomes(ch, queue, ['aaaaaa', 'bbbbb', 'cccc', 'd'])).toEqual(['ack', nack, 'ack', nack])
    expect(await drain(ch, queue)).toEqual(['aaaaaa', 'cccc'])
  })

  test.classic('reject-publish dead-letters nothing', async ({ confirmChannel, name }) => {
    const ch = await confirmChannel()
    const { queue: dead } = await ch.assertQueue(name('dead'))
    const { queue } = await ch.assertQueue(name(), {
      maxLength: 1, deadLetterExchange: '', deadLetterRoutingKey: dead, ...overflow('reject-publish'),
    })
    expect(await outcomes(ch, queue, ['a', 'b'])).toEqual(['ack', nack])
    await fill(ch, dead, ['probe'])
    expect(await drain(ch, dead)).toEqual(['probe'])
  })

  test.classic('reject-publish-dlx dead-letters what it nacks', async ({ confirmChannel, name }) => {
    const ch = await confirmChannel()
    const { queue: dead } = await ch.assertQueue(name('dead'))
    const { queue } = await ch.assertQueue(name(), { maxLength: 1,
      arguments: { 'x-overflow': 'reject-publish-dlx', 'x-dead-letter-exchange': '',
        'x-dead-letter-routing-key': dead } })
    expect(await outcomes(ch, queue, ['a', 'b', 'c'])).toEqual(['ack', nack, nack])
    await untilCount(ch, dead, 2)
    expect(await drain(ch, dead)).toEqual(['b', 'c'])
    expect(await drain(ch, queue)).toEqual(['a'])
  })
})
