// Consumer priorities: who is served first, and which consumer arguments are refused. Reference: behaviours
// §5.3, §5.9.

import type { Channel } from 'amqplib'
import { expect } from 'vitest'
import { closed, rawClosure } from './harness/closure.ts'
import { forEachKind } from './harness/for-each-kind.ts'
import { collect, fill, untilCount } from './harness/messages.ts'
import type { Inbox } from './harness/messages.ts'
import type { Session } from './harness/session.ts'
import type { Field } from './harness/wire.ts'

interface Consuming {
  channel: Channel
  inbox: Inbox
}

/** A consumer on a channel of its own; priority null: without the argument. */
async function consume(
  session: Session, queue: string, priority: number | null, prefetch = 0,
): Promise<Consuming> {
  const channel = await session.channel()
  await channel.prefetch(prefetch)
  const inbox = await collect(channel, queue, priority === null ? {} : { priority })
  return { channel, inbox }
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, n) => `${n}`)

forEachKind((test) => {
  test('the higher priority gets everything while it has room', async (session) => {
    const ch = await session.confirmChannel()
    const { queue } = await ch.assertQueue(session.name())
    const low = await consume(session, queue, 1)
    const high = await consume(session, queue, 10)
    await fill(ch, queue, numbers(20))
    expect(await high.inbox.texts(20)).toEqual(numbers(20))
    expect(low.inbox.messages).toEqual([])
  })

  test('the lower priority gets what the higher has no room for', async (session) => {
    const ch = await session.confirmChannel()
    const { queue } = await ch.assertQueue(session.name())
    const low = await consume(session, queue, 1)
    const high = await consume(session, queue, 10, 2)
    await fill(ch, queue, numbers(5))
    expect([await high.inbox.texts(2), await low.inbox.texts(3)]).toEqual([['0', '1'], ['2', '3', '4']])
  })

  test('an ack of the higher priority makes it first again', async (session) => {
    const ch = await session.confirmChannel()
    const { queue } = await ch.assertQueue(session.name())
    const low = await consume(session, queue, 1)
    const high = await consume(session, queue, 10, 1)
    await fill(ch, queue, ['0', '1'])
    await low.inbox.texts(1)
    high.channel.ack(await high.inbox.message(0))
    await high.channel.checkQueue(queue)
    await fill(ch, queue, ['2'])
    expect(await high.inbox.texts(2)).toEqual(['0', '2'])
    expect(low.inbox.messages).toHaveLength(1)
  })

  test('three priorities are filled from above', async (session) => {
    const ch = await session.confirmChannel()
    const { queue } = await ch.assertQueue(session.name())
    const b = await consume(session, queue, 5, 2)
    const c = await consume(session, queue, 1, 2)
    const a = await consume(session, queue, 9, 2)
    await fill(ch, queue, numbers(7))
    expect([await a.inbox.texts(2), await b.inbox.texts(2), await c.inbox.texts(2)])
      .toEqual([['0', '1'], ['2', '3'], ['4', '5']])
    await untilCount(ch, queue, 1)
  })

  test('consumers of the same priority take turns', async (session) => {
    const ch = await session.confirmChannel()
    const { queue } = await ch.assertQueue(session.name())
    const low = await consume(session, queue, 0)
    const [first, second] = [await consume(session, queue, 3), await consume(session, queue, 3)]
    await fill(ch, queue, numbers(10))
    const got = [await first.inbox.texts(5), await second.inbox.texts(5)]
    expect(got.map((texts) => texts.map((each) => Number(each) % 2)))
      .toEqual(got.map(([each]) => Array.from({ length: 5 }, () => Number(each) % 2)))
    expect(low.inbox.messages).toEqual([])
  })

  for (const [title, priority, isServed] of [
    ['above a negative one', -1, true], ['below a positive one', 1, false],
  ] as const) {
    test(`without the argument the priority is 0: ${title}`, async (session) => {
      const ch = await session.confirmChannel()
      const { queue } = await ch.assertQueue(session.name())
      const other = await consume(session, queue, priority)
      const plain = await consume(session, queue, null)
      await fill(ch, queue, numbers(4))
      const [served, waiting] = isServed ? [plain, other] : [other, plain]
      expect(await served.inbox.texts(4)).toEqual(numbers(4))
      expect(waiting.inbox.messages).toEqual([])
    })
  }

  test('when the higher one is cancelled the lower one is served', async (session) => {
    const ch = await session.confirmChannel()
    const { queue } = await ch.assertQueue(session.name())
    const low = await consume(session, queue, 1)
    const high = await consume(session, queue, 10)
    await fill(ch, queue, ['0'])
    await high.inbox.texts(1)
    await high.channel.cancel(high.inbox.tag)
    await fill(ch, queue, ['1'])
    expect(await low.inbox.texts(1)).toEqual(['1'])
  })

  test('a lost higher consumer\'s messages go to the lower one, redelivered', async (session) => {
    const ch = await session.confirmChannel()
    const { queue } = await ch.assertQueue(session.name())
    const low = await consume(session, queue, 1)
    const high = await consume(session, queue, 10)
    await fill(ch, queue, ['0', '1'])
    await high.inbox.texts(2)
    await high.channel.close()
    expect(await low.inbox.texts(2)).toEqual(['0', '1'])
    expect(low.inbox.messages.map(({ fields }) => fields.redelivered)).toEqual([true, true])
  })

  test('a backlog is given to the newcomer of any priority first come', async (session) => {
    const ch = await session.confirmChannel()
    const { queue } = await ch.assertQueue(session.name())
    await fill(ch, queue, numbers(5))
    const low = await consume(session, queue, 1, 2)
    await low.inbox.texts(2)
    const high = await consume(session, queue, 10, 2)
    expect(await high.inbox.texts(2)).toEqual(['2', '3'])
    await untilCount(ch, queue, 1)
    expect(low.inbox.messages).toHaveLength(2)
  })

  test('a requeued message goes to the higher priority', async (session) => {
    const ch = await session.confirmChannel()
    const { queue } = await ch.assertQueue(session.name())
    const low = await consume(session, queue, 1)
    await fill(ch, queue, ['0'])
    const message = await low.inbox.message(0)
    const high = await consume(session, queue, 10)
    low.channel.nack(message)
    expect(await high.inbox.texts(1)).toEqual(['0'])
  })

  for (const tag of ['b', 'B', 's', 'u', 'I', 'i', 'l']) {
    test(`a priority may be an integer of tag ${tag}`, async ({ raw }) => {
      const client = await raw()
      const { queue } = await client.call(1, 'queue.declare', { exclusive: true })
      expect(await client.call(1, 'basic.consume', {
        queue, 'consumer-tag': 'c', 'arguments': [['x-priority', tag, 5]],
      })).toEqual({ 'consumer-tag': 'c' })
    })
  }

  for (const [title, field, got] of [
    ['a string', ['x-priority', 'S', '5'], 'longstr'], ['a double', ['x-priority', 'd', 5], 'double'],
    ['a boolean', ['x-priority', 't', true], 'bool'],
  ] as [string, Field, string][]) {
    test(`a priority that is ${title} is 406`, async ({ raw }) => {
      const client = await raw()
      const { queue } = await client.call(1, 'queue.declare', { exclusive: true })
      client.send(1, 'basic.consume', { queue, arguments: [field] })
      expect(await rawClosure(client, 'channel')).toEqual(closed(406,
        `PRECONDITION_FAILED - invalid arg 'x-priority' for queue '${String(queue)}' in vhost '/': ` +
        `"expected integer, got ${got}"`, 'basic.consume'))
    })
  }

  for (const field of [
    ['x-stream-offset', 'S', 'first'], ['x-stream-filter', 'S', 'f'],
    ['x-stream-match-unfiltered', 't', true], ['x-consumer-timeout', 'I', 10_000],
  ] as const) {
    test(`a consumer of a classic queue may not give ${field[0]}: 406`, async ({ raw }) => {
      const client = await raw()
      const { queue } = await client.call(1, 'queue.declare', { exclusive: true })
      client.send(1, 'basic.consume', { queue, arguments: [field] })
      expect(await rawClosure(client, 'channel')).toEqual(closed(406,
        `PRECONDITION_FAILED - invalid arg '${field[0]}' for queue '${String(queue)}' in vhost '/' ` +
        'of queue type rabbit_classic_queue', 'basic.consume'))
    })
  }
})
