// Quorum queues: what a redelivery says, when a failed one is the last, where what came back stands, in which
// order priorities are served. Reference: behaviours §5.7, §5.8, §8.4; what changed with 4.x is asked of 4.x.

import type { Channel, ConfirmChannel, Message, Options } from 'amqplib'
import { expect } from 'vitest'
import { forEachTarget } from './harness/for-each-target.ts'
import { collect, drain, fill, get, text, untilCount } from './harness/messages.ts'
import { until } from './harness/poll.ts'
import type { Session } from './harness/session.ts'

const quorum = (args: Record<string, unknown> = {}): Options.AssertQueue =>
  ({ arguments: { 'x-queue-type': 'quorum', ...args } })

async function queueOf(
  { confirmChannel, name }: Session, args: Record<string, unknown> = {},
): Promise<{ ch: ConfirmChannel, queue: string }> {
  const ch = await confirmChannel()
  const { queue } = await ch.assertQueue(name(), quorum(args))
  return { ch, queue }
}

/** redelivered, x-acquired-count, x-delivery-count; the latter two null when they are not there. */
function tries(message: Message): [boolean, number | null, number | null] {
  const headers = message.properties.headers ?? {}
  const { 'x-acquired-count': acquired = null, 'x-delivery-count': failed = null } = headers
  return [message.fields.redelivered, acquired as number | null, failed as number | null]
}

type Return = (ch: Channel, message: Message) => unknown

const returns: [title: string, back: Return, failures: number][] = [
  ['basic.reject', (ch, message) => ch.reject(message, true), 1],
  ['basic.nack', (ch, message) => ch.nack(message, false, true), 0],
  ['basic.recover', (ch) => ch.recover(), 0],
  ['the close of its channel', (ch) => ch.close(), 1],
]

forEachTarget((test) => {
  test('a first delivery says nothing of tries', async (session) => {
    const { ch, queue } = await queueOf(session)
    await fill(ch, queue, ['m'])
    const message = await get(ch, queue)
    expect([message.fields.redelivered, message.properties.headers]).toEqual([false, {}])
  })

  for (const [title, back, failures] of returns) {
    test(`after ${title} it says what was counted`, async (session) => {
      const { ch, queue } = await queueOf(session)
      await fill(ch, queue, ['m'])
      const other = await session.channel()
      await back(other, await get(other, queue))
      expect(tries(await get(ch, queue))).toEqual([true, 1, failures === 0 ? null : failures])
    })
  }

  test('the counts add up', async (session) => {
    const { ch, queue } = await queueOf(session)
    await fill(ch, queue, ['m'])
    ch.reject(await get(ch, queue), true)
    ch.nack(await get(ch, queue), false, true)
    ch.reject(await get(ch, queue), true)
    expect(tries(await get(ch, queue))).toEqual([true, 3, 2])
  })

  test('a consumer is told as basic.get is', async (session) => {
    const { ch, queue } = await queueOf(session)
    await fill(ch, queue, ['m'])
    const inbox = await collect(ch, queue)
    ch.reject(await inbox.message(0), true)
    expect(tries(await inbox.message(1))).toEqual([true, 1, 1])
  })

  test('the loss of a connection counts as a failure', async (session) => {
    const { ch, queue } = await queueOf(session)
    await fill(ch, queue, ['m'])
    const connection = await session.connect()
    await get(await session.channel(connection), queue)
    await connection.close()
    expect(tries(await get(ch, queue))).toEqual([true, 1, 1])
  })

  test('the rest of a redelivered message is as it was published', async (session) => {
    const { ch, queue } = await queueOf(session)
    const body = Buffer.alloc(300_000, 'large')
    const properties = { contentType: 'a/b', headers: { own: 1 }, priority: 3, messageId: 'id', type: 't' }
    ch.sendToQueue(queue, body, properties)
    await ch.waitForConfirms()
    ch.nack(await get(ch, queue), false, true)
    const message = await get(ch, queue)
    expect(message.content.equals(body)).toBe(true)
    expect(message.properties).toMatchObject({ ...properties, headers: { 'own': 1, 'x-acquired-count': 1 } })
  })

  test('counts that a client publishes are left alone, until the message comes back', async (session) => {
    const { ch, queue } = await queueOf(session)
    await fill(ch, queue, ['m'], { headers: { 'x-delivery-count': 7, 'x-acquired-count': 'own' } })
    const first = await get(ch, queue)
    expect(first.properties.headers).toEqual({ 'x-delivery-count': 7, 'x-acquired-count': 'own' })
    ch.reject(first, true)
    expect((await get(ch, queue)).properties.headers)
      .toEqual({ 'x-delivery-count': 1, 'x-acquired-count': 1 })
  })

  for (const [title, args, deliveries] of [
    ['3', { 'x-delivery-limit': 3 }, 4], ['0', { 'x-delivery-limit': 0 }, 1],
    ['not given', {}, 21], ['no integer', { 'x-delivery-limit': 'x' }, 21],
  ] as [string, Record<string, unknown>, number][]) {
    test(`a message that is rejected again and again is gone: x-delivery-limit ${title}`, async (session) => {
      const { ch, queue } = await queueOf(session, args)
      await fill(ch, queue, ['m'])
      const seen: (number | null)[] = []
      for (let n = 0; n < deliveries; n++) {
        const message = await get(ch, queue)
        seen.push(tries(message)[2])
        ch.reject(message, true)
      }
      expect(seen).toEqual([null, ...Array.from({ length: deliveries - 1 }, (_, n) => n + 1)])
      expect(await ch.get(queue)).toBe(false)
    })
  }

  test('a negative x-delivery-limit is none', async (session) => {
    const { ch, queue } = await queueOf(session, { 'x-delivery-limit': -1 })
    await fill(ch, queue, ['m'])
    for (let n = 0; n < 25; n++) ch.reject(await get(ch, queue), true)
    expect(tries(await get(ch, queue))).toEqual([true, 25, 25])
  })

  test('basic.nack goes on without end under the default limit', async (session) => {
    const { ch, queue } = await queueOf(session)
    await fill(ch, queue, ['m'])
    for (let n = 0; n < 30; n++) ch.nack(await get(ch, queue), false, true)
    expect(tries(await get(ch, queue))).toEqual([true, 30, null])
  })

  test('basic.nack under a limit that was asked for', async (session) => {
    const { ch, queue } = await queueOf(session, { 'x-delivery-limit': 3 })
    await fill(ch, queue, ['m'])
    const isCounted = session.differs('delivery-limit-nack')
    for (let n = 0; n < 4; n++) {
      const message = await get(ch, queue)
      expect(tries(message)[2]).toBe(isCounted && n > 0 ? n : null)
      ch.nack(message, false, true)
    }
    await untilCount(ch, queue, isCounted ? 0 : 1)
  })

  test('what exceeded its limit is dead-lettered with the reason delivery_limit', async (session) => {
    const { ch, queue: dead } = await queueOf(session)
    const { queue } = await queueOf(session, {
      'x-delivery-limit': 1, 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': dead,
    })
    await fill(ch, queue, ['m'])
    for (let n = 0; n < 2; n++) ch.reject(await get(ch, queue), true)
    const letter = await get(ch, dead)
    expect(letter.properties.headers).toMatchObject({
      'x-first-death-queue': queue, 'x-first-death-reason': 'delivery_limit', 'x-first-death-exchange': '',
      'x-death': [{ 'count': 1, 'reason': 'delivery_limit', queue, 'routing-keys': [queue] }],
    })
    expect(tries(letter)).toEqual(session.differs('dead-letter-counts') ? [false, null, null] : [true, 2, 2])
  })

  test('what came back is served before the rest, in the order of coming back', async (session) => {
    const { ch, queue } = await queueOf(session)
    await fill(ch, queue, ['0', '1', '2', '3'])
    const [first, second] = [await get(ch, queue), await get(ch, queue)]
    ch.nack(second, false, true)
    ch.nack(first, false, true)
    expect(await drain(ch, queue)).toEqual(['1', '0', '2', '3'])
  })

  test('what a closed channel held comes back in the order of delivery', async (session) => {
    const { ch, queue } = await queueOf(session)
    await fill(ch, queue, ['0', '1', '2', '3'])
    const other = await session.channel()
    for (let n = 0; n < 3; n++) await get(other, queue)
    await other.close()
    expect(await drain(ch, queue)).toEqual(['0', '1', '2', '3'])
  })

  test('with a prefetch of 1 what is nacked comes straight back', async (session) => {
    const { ch, queue } = await queueOf(session)
    const consumer = await session.channel()
    await consumer.prefetch(1)
    await fill(ch, queue, ['0', '1'])
    const inbox = await collect(consumer, queue)
    consumer.nack(await inbox.message(0), false, true)
    expect(await inbox.texts(2)).toEqual(['0', '0'])
  })

  test('priorities are served strictly, 4 when there is none, 31 for everything above', async (session) => {
    const { ch, queue } = await queueOf(session)
    for (const priority of [0, 1, 4, 5, 9, 40, 255, 31]) await fill(ch, queue, [`${priority}`], { priority })
    await fill(ch, queue, ['none', '3'])
    expect(await drain(ch, queue)).toEqual(['40', '255', '31', '9', '5', '4', 'none', '3', '1', '0'])
  })

  test('what came back is served before what has a higher priority', async (session) => {
    const { ch, queue } = await queueOf(session)
    await fill(ch, queue, ['low'], { priority: 0 })
    const low = await get(ch, queue)
    await fill(ch, queue, ['high'], { priority: 9 })
    ch.nack(low, false, true)
    await untilCount(ch, queue, 2)
    expect(await drain(ch, queue)).toEqual(['low', 'high'])
  })

  test('drop-head drops what would be served next, the highest priority included', async (session) => {
    const { ch, queue } = await queueOf(session, { 'x-max-length': 2 })
    for (const priority of [5, 1, 3, 0]) await fill(ch, queue, [`${priority}`], { priority })
    await untilCount(ch, queue, 2)
    expect(await drain(ch, queue)).toEqual(['1', '0'])
  })

  for (const overflow of ['drop-head', 'reject-publish-dlx']) {
    test(`a full queue drops its head and acks: x-overflow ${overflow}`, async (session) => {
      const { ch, queue: dead } = await queueOf(session)
      const { queue } = await queueOf(session, {
        'x-max-length': 2, 'x-overflow': overflow, 'x-dead-letter-exchange': '',
        'x-dead-letter-routing-key': dead,
      })
      await fill(ch, queue, ['a', 'b', 'c'])
      expect(text(await get(ch, dead))).toBe('a')
      expect(await drain(ch, queue)).toEqual(['b', 'c'])
    })
  }

  test('a full queue with reject-publish nacks, and takes messages again when it is drained',
    async (session) => {
      const { ch, queue } = await queueOf(session, { 'x-max-length': 2, 'x-overflow': 'reject-publish' })
      const publish = (): Promise<string> => new Promise((resolve) => {
        ch.sendToQueue(queue, Buffer.from('m'), {}, (error: Error | null) => {
          resolve(error === null ? 'ack' : 'nack')
        })
      })
      // 4.x learns of it with the next message, so that a third one gets in; Leveret counts.
      expect([await publish(), await publish()]).toEqual(['ack', 'ack'])
      await until('the queue rejects', async () => await publish() === 'nack')
      await drain(ch, queue)
      await until('the queue accepts', async () => await publish() === 'ack')
    })
})
