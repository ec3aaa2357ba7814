// Single active consumer: who is served, who comes next, what becomes of unacked messages. Reference:
// behaviours §5.3, §5.5, §5.9.

import type { ConfirmChannel } from 'amqplib'
import { expect } from 'vitest'
import { channelClosure, closed } from './harness/closure.ts'
import { forEachKind } from './harness/for-each-kind.ts'
import { collect, fill, get, settled, text, untilCount } from './harness/messages.ts'
import type { Session } from './harness/session.ts'

async function single({ confirmChannel, name }: Session): Promise<{ ch: ConfirmChannel, queue: string }> {
  const ch = await confirmChannel()
  const { queue } = await ch.assertQueue(name(), { arguments: { 'x-single-active-consumer': true } })
  return { ch, queue }
}

forEachKind((test) => {
  test('the first consumer gets everything, the others wait', async (session) => {
    const { ch, queue } = await single(session)
    const consumer = await session.channel()
    const inboxes = [await collect(consumer, queue), await collect(consumer, queue), await collect(ch, queue)]
    await fill(ch, queue, ['a', 'b', 'c', 'd'])
    expect(await inboxes[0]!.texts(4)).toEqual(['a', 'b', 'c', 'd'])
    await Promise.all([settled(consumer, queue), settled(ch, queue)])
    expect([inboxes[1]!.messages, inboxes[2]!.messages]).toEqual([[], []])
  })

  test.classic('all consumers are counted', async (session) => {
    const { ch, queue } = await single(session)
    await collect(ch, queue)
    await collect(ch, queue)
    expect((await ch.checkQueue(queue)).consumerCount).toBe(2)
  })

  test('the others wait too while the active one is at its prefetch limit', async (session) => {
    const { ch, queue } = await single(session)
    const [active, next] = [await session.channel(), await session.channel()]
    await active.prefetch(1)
    const first = await collect(active, queue)
    const second = await collect(next, queue)
    await fill(ch, queue, ['a', 'b', 'c'])
    const message = await first.message(0)
    await untilCount(ch, queue, 2)
    await settled(next, queue)
    expect(second.messages).toEqual([])
    active.ack(message)
    expect(await first.texts(2)).toEqual(['a', 'b'])
  })

  test('when the active one is cancelled the next is served at once', async (session) => {
    const { ch, queue } = await single(session)
    const consumer = await session.channel()
    await consumer.prefetch(1)
    const [first, second] = [await collect(consumer, queue), await collect(consumer, queue)]
    await fill(ch, queue, ['a', 'b'])
    await first.texts(1)
    await consumer.cancel(first.tag)
    expect(await second.texts(1)).toEqual(['b'])
  })

  test.classic('a cancelled active one may still ack', async (session) => {
    const { ch, queue } = await single(session)
    const consumer = await session.channel()
    const first = await collect(consumer, queue)
    await fill(ch, queue, ['a'])
    const message = await first.message(0)
    await consumer.cancel(first.tag)
    consumer.ack(message)
    await consumer.close()
    expect(await (await session.channel()).get(queue)).toBe(false)
  })

  test('what a cancelled active one gives back goes to the next', async (session) => {
    const { ch, queue } = await single(session)
    const consumer = await session.channel()
    const [first, second] = [await collect(consumer, queue), await collect(consumer, queue)]
    await fill(ch, queue, ['a'])
    const message = await first.message(0)
    await consumer.cancel(first.tag)
    consumer.nack(message)
    expect((await second.message(0)).fields.redelivered).toBe(true)
  })

  test('when the active one\'s channel closes its messages go to the next, redelivered', async (session) => {
    const { ch, queue } = await single(session)
    const [active, next] = [await session.channel(), await session.channel()]
    const first = await collect(active, queue)
    const second = await collect(next, queue)
    await fill(ch, queue, ['a', 'b'])
    await first.texts(2)
    await active.close()
    expect(await second.texts(2)).toEqual(['a', 'b'])
    expect(second.messages.map(({ fields }) => fields.redelivered)).toEqual([true, true])
  })

  test('when the active one\'s connection is lost the next is served', async (session) => {
    const { ch, queue } = await single(session)
    const client = await session.raw()
    await client.call(1, 'basic.consume', { queue })
    const second = await collect(await session.channel(), queue)
    client.destroy()
    await fill(ch, queue, ['a'])
    expect(await second.texts(1)).toEqual(['a'])
  })

  test('they follow in the order in which they came', async (session) => {
    const { ch, queue } = await single(session)
    const inboxes = [await collect(ch, queue), await collect(ch, queue), await collect(ch, queue)]
    for (const [at, inbox] of inboxes.entries()) {
      await fill(ch, queue, [`${at}`])
      expect(await inbox.texts(1)).toEqual([`${at}`])
      await ch.cancel(inbox.tag)
    }
  })

  test('one that comes back after its cancel is the last', async (session) => {
    const { ch, queue } = await single(session)
    const [first, second] = [await collect(ch, queue), await collect(ch, queue)]
    await ch.cancel(first.tag)
    const again = await collect(ch, queue)
    await fill(ch, queue, ['a'])
    expect(await second.texts(1)).toEqual(['a'])
    await settled(ch, queue)
    expect(again.messages).toEqual([])
  })

  test('when one that waits is cancelled the active one stays', async (session) => {
    const { ch, queue } = await single(session)
    const [first, second] = [await collect(ch, queue), await collect(ch, queue)]
    await ch.cancel(second.tag)
    await fill(ch, queue, ['a'])
    expect(await first.texts(1)).toEqual(['a'])
  })

  test.classic('a newcomer of higher priority does not take over', async (session) => {
    const { ch, queue } = await single(session)
    const first = await collect(ch, queue, { priority: 1 })
    const second = await collect(ch, queue, { priority: 10 })
    await fill(ch, queue, ['a', 'b'])
    expect(await first.texts(2)).toEqual(['a', 'b'])
    await settled(ch, queue)
    expect(second.messages).toEqual([])
  })

  test('of those that wait the one of the highest priority is next', async (session) => {
    const { ch, queue } = await single(session)
    const first = await collect(ch, queue)
    const low = await collect(ch, queue, { priority: 1 })
    const high = await collect(ch, queue, { priority: 10 })
    await ch.cancel(first.tag)
    await fill(ch, queue, ['a'])
    expect(await high.texts(1)).toEqual(['a'])
    await settled(ch, queue)
    expect(low.messages).toEqual([])
  })

  test.classic('an exclusive consumer is 403, even the first', async (session) => {
    const { ch, queue } = await single(session)
    expect(await channelClosure(ch, () => collect(ch, queue, { exclusive: true }))).toEqual(closed(403,
      `ACCESS_REFUSED - queue '${queue}' in vhost '/' in exclusive use`, 'basic.consume'))
  })

  test.classic('get is allowed beside the active one', async (session) => {
    const { ch, queue } = await single(session)
    const consumer = await session.channel()
    await consumer.prefetch(1)
    await fill(ch, queue, ['a', 'b'])
    await (await collect(consumer, queue)).texts(1)
    expect(text(await get(ch, queue))).toBe('b')
  })

  test('x-single-active-consumer false is an ordinary queue', async ({ confirmChannel, name }) => {
    const ch = await confirmChannel()
    const { queue } = await ch.assertQueue(name(), { arguments: { 'x-single-active-consumer': false } })
    const [first, second] = [await collect(ch, queue), await collect(ch, queue)]
    await fill(ch, queue, ['a', 'b'])
    expect([await first.texts(1), await second.texts(1)].map((texts) => texts.length)).toEqual([1, 1])
  })
})
