// Priority queues: order, levels, requeue. Reference: behaviours §8.1. What priorities do to limits and
// expiry is in limits.test.ts and expiry.test.ts.

import type { ConfirmChannel } from 'amqplib'
import { expect } from 'vitest'
import { forEachTarget } from './harness/for-each-target.ts'
import { collect, drain, fill, get, text, untilCount } from './harness/messages.ts'
import type { Session } from './harness/session.ts'

async function levels(
  { confirmChannel, name }: Session, maxPriority: number | null,
): Promise<{ ch: ConfirmChannel, queue: string }> {
  const ch = await confirmChannel()
  const { queue } = await ch.assertQueue(name(), maxPriority === null ? {} : { maxPriority })
  return { ch, queue }
}

/** Publishes one message per priority, named after it. */
async function publish(
  ch: ConfirmChannel, queue: string, priorities: readonly (number | 'none')[],
): Promise<void> {
  for (const priority of priorities) {
    await fill(ch, queue, [`${priority}`], priority === 'none' ? {} : { priority })
  }
}

forEachTarget((test) => {
  test('higher priorities come first; above the maximum counts as the maximum, none as 0',
    async (session) => {
    const { ch, queue } = await levels(session, 5)
    await publish(ch, queue, ['none', 0, 3, 9, 5, 1, 255])
    expect(await drain(ch, queue)).toEqual(['9', '5', '255', '3', '1', 'none', '0'])
  })

  test('inside a priority the order is that of publishing', async (session) => {
    const { ch, queue } = await levels(session, 2)
    for (const round of ['a', 'b', 'c']) {
      for (const priority of [0, 1, 2]) await fill(ch, queue, [`${priority}${round}`], { priority })
    }
    expect(await drain(ch, queue)).toEqual(['2a', '2b', '2c', '1a', '1b', '1c', '0a', '0b', '0c'])
  })

  test('255 priorities', async (session) => {
    const { ch, queue } = await levels(session, 255)
    await publish(ch, queue, [0, 254, 255, 1])
    expect(await drain(ch, queue)).toEqual(['255', '254', '1', '0'])
  })

  test('a maximum of 1 has two levels', async (session) => {
    const { ch, queue } = await levels(session, 1)
    await publish(ch, queue, [0, 1, 5, 'none'])
    expect(await drain(ch, queue)).toEqual(['1', '5', '0', 'none'])
  })

  test('a maximum of 0 is taken for 1 (4.x)', async (session) => {
    const { ch, queue } = await levels(session, 0)
    await publish(ch, queue, [0, 1, 5, 'none'])
    expect(await drain(ch, queue)).toEqual(['1', '5', '0', 'none'])
  })

  test('without x-max-priority the priority is not looked at', async (session) => {
    const { ch, queue } = await levels(session, null)
    await publish(ch, queue, [0, 9, 3])
    expect(await drain(ch, queue)).toEqual(['0', '9', '3'])
  })

  test('the property keeps its value above the maximum', async (session) => {
    const { ch, queue } = await levels(session, 5)
    await publish(ch, queue, [200])
    expect((await get(ch, queue)).properties.priority).toBe(200)
  })

  test('all priorities are counted and purged together', async (session) => {
    const { ch, queue } = await levels(session, 5)
    await publish(ch, queue, [0, 3, 5])
    await untilCount(ch, queue, 3)
    expect(await ch.purgeQueue(queue)).toEqual({ messageCount: 3 })
  })

  test('get counts what is left in all priorities', async (session) => {
    const { ch, queue } = await levels(session, 5)
    await publish(ch, queue, [0, 3, 5])
    expect((await get(ch, queue)).fields.messageCount).toBe(2)
  })

  test('a requeued message returns to its place in its own priority', async (session) => {
    const { ch, queue } = await levels(session, 5)
    for (const body of ['1a', '1b', '3a', '3b']) await fill(ch, queue, [body], { priority: Number(body[0]) })
    const held = [await get(ch, queue), await get(ch, queue), await get(ch, queue)]
    expect(held.map(text)).toEqual(['3a', '3b', '1a'])
    ch.nack(held[1]!)
    ch.nack(held[2]!)
    ch.nack(held[0]!)
    expect(await drain(ch, queue)).toEqual(['3a', '3b', '1a', '1b'])
  })

  test('a requeued message of low priority stays behind a higher one that came meanwhile',
    async (session) => {
    const { ch, queue } = await levels(session, 5)
    await publish(ch, queue, [1])
    const held = await get(ch, queue)
    await publish(ch, queue, [4])
    ch.nack(held)
    expect(await drain(ch, queue)).toEqual(['4', '1'])
  })

  test('a consumer with prefetch 1 is given the highest that is there each time', async (session) => {
    const { ch, queue } = await levels(session, 5)
    const consumer = await session.channel()
    await consumer.prefetch(1)
    await publish(ch, queue, [1, 2])
    const inbox = await collect(consumer, queue)
    const first = await inbox.message(0)
    await publish(ch, queue, [5])
    consumer.ack(first)
    consumer.ack(await inbox.message(1))
    expect(await inbox.texts(3)).toEqual(['2', '5', '1'])
  })

  test('what is delivered already is not overtaken', async (session) => {
    const { ch, queue } = await levels(session, 5)
    const inbox = await collect(await session.channel(), queue)
    await publish(ch, queue, [1, 5])
    expect(await inbox.texts(2)).toEqual(['1', '5'])
  })

  test('a lost channel\'s messages return to their priorities', async (session) => {
    const { ch, queue } = await levels(session, 5)
    await publish(ch, queue, [1, 2, 3])
    const consumer = await session.channel()
    await (await collect(consumer, queue)).texts(3)
    await consumer.close()
    await untilCount(ch, queue, 3)
    expect(await drain(ch, queue)).toEqual(['3', '2', '1'])
  })
})
