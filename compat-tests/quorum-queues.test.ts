// Quorum queues: single active consumers that make room, limits, what a message need not say to be kept.
// Reference: behaviours §5.9, §6.1, §7.6, §8.2, §8.4. Most behaviours that quorum and classic queues share
// are in the other files, written once for both kinds (harness/for-each-kind.ts).

import type { ConfirmChannel, Options } from 'amqplib'
import { expect } from 'vitest'
import { forEachTarget } from './harness/for-each-target.ts'
import { collect, drain, fill, get, outcomes, settled, text, untilCount } from './harness/messages.ts'
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

const single = { 'x-single-active-consumer': true }

const kept = (dead: string): Record<string, unknown> => ({
  'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': dead, 'x-overflow': 'reject-publish',
  'x-dead-letter-strategy': 'at-least-once',
})

forEachTarget((test) => {
  test('what comes back to a full queue goes to a consumer before anything is dropped', async (session) => {
    const { ch, queue } = await queueOf(session, { 'x-max-length': 1 })
    const [leaving, staying] = [await session.channel(), await session.channel()]
    const lost = await collect(leaving, queue)
    await fill(ch, queue, ['a', 'b', 'c'])
    await lost.texts(3)
    const inbox = await collect(staying, queue)
    await leaving.close()
    expect(await inbox.texts(3)).toEqual(['a', 'b', 'c'])
  })

  test('a message that was got is no consumer', async (session) => {
    const { ch, queue } = await queueOf(session)
    await fill(ch, queue, ['a'])
    await get(ch, queue)
    const count = session.differs('quorum-get-consumer') ? 0 : 1
    await until(`${count} consumers`, async () => (await ch.checkQueue(queue)).consumerCount === count)
  })

  test('an idle single active consumer gives way to one of higher priority', async (session) => {
    const { ch, queue } = await queueOf(session, single)
    const [low, high] = [await collect(ch, queue), await collect(ch, queue, { priority: 5 })]
    await fill(ch, queue, ['a'])
    expect(await high.texts(1)).toEqual(['a'])
    expect(low.messages).toEqual([])
  })

  test('one of the same priority does not take over', async (session) => {
    const { ch, queue } = await queueOf(session, single)
    const [first, second] = [await collect(ch, queue), await collect(ch, queue)]
    await fill(ch, queue, ['a'])
    expect(await first.texts(1)).toEqual(['a'])
    expect(second.messages).toEqual([])
  })

  test('a busy single active consumer gives way when it has settled everything', async (session) => {
    const { ch, queue } = await queueOf(session, single)
    const [busy, other] = [await session.channel(), await session.channel()]
    const low = await collect(busy, queue)
    await fill(ch, queue, ['a'])
    const message = await low.message(0)
    const high = await collect(other, queue, { priority: 5 })
    await fill(ch, queue, ['b'])
    await untilCount(ch, queue, 1)
    await settled(other, queue)
    expect([low.messages.length, high.messages.length]).toEqual([1, 0])
    busy.ack(message)
    expect(await high.texts(1)).toEqual(['b'])
  })

  test('one that gives way is gone with its channel', async (session) => {
    const { ch, queue } = await queueOf(session, single)
    const [busy, other, late] = [await session.channel(), await session.channel(), await session.channel()]
    const low = await collect(busy, queue)
    await fill(ch, queue, ['a'])
    await low.message(0)
    const high = await collect(other, queue, { priority: 5 })
    await busy.close()
    await high.message(0)
    await other.close()
    const next = await collect(late, queue)
    await fill(ch, queue, ['b'])
    if (session.older('single-active-gone') || session.differs('single-active-gone')) {
      expect(await next.texts(2)).toEqual(['a', 'b'])
    } else {
      await settled(late, queue)
      expect(next.messages).toEqual([])
      await late.close()
      await settled(ch, queue)
      expect(await ch.checkQueue(queue)).toMatchObject({ messageCount: 0, consumerCount: 1 })
    }
  })

  test('those that wait beside a single active consumer count', async (session) => {
    const { ch, queue } = await queueOf(session, single)
    await collect(ch, queue)
    await collect(ch, queue)
    const count = session.differs('quorum-waiting-consumer') ? 2 : 1
    await until(`${count} consumers`, async () => (await ch.checkQueue(queue)).consumerCount === count)
  })

  test('when the active one is cancelled the next of the highest priority is served', async (session) => {
    const { ch, queue } = await queueOf(session, single)
    const first = await collect(ch, queue, { priority: 9 })
    const [low, high] = [await collect(ch, queue), await collect(ch, queue, { priority: 5 })]
    await ch.cancel(first.tag)
    await fill(ch, queue, ['a'])
    expect(await high.texts(1)).toEqual(['a'])
    expect(low.messages).toEqual([])
  })

  test('a time to live of 0 is over before a message is too much', async (session) => {
    const { ch, queue: dead } = await queueOf(session)
    const { queue } = await queueOf(session, {
      'x-message-ttl': 0, 'x-max-length': 1, 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': dead,
    })
    const bodies = Array.from({ length: 50 }, (_, n) => `${n}`)
    await fill(ch, queue, bodies)
    const letters = await collect(ch, dead)
    await letters.texts(bodies.length)
    const reasons = new Set(letters.messages.map(({ properties }) =>
      properties.headers?.['x-first-death-reason'] as unknown))
    expect([...reasons].toSorted()).toEqual(
      session.differs('quorum-zero-ttl') ? ['expired'] : ['expired', 'maxlen'])
  })

  test('reject-publish begins at the limit', async (session) => {
    const { ch, queue } = await queueOf(session, { 'x-max-length': 2, 'x-overflow': 'reject-publish' })
    const nacks: string[] = []
    for (let n = 0; n < 5; n++) nacks.push(...await outcomes(ch, queue, ['m']))
    const third = session.differs('quorum-reject-publish') ? 'message nacked' : 'ack'
    expect(nacks.slice(0, 3)).toEqual(['ack', 'ack', third])
    expect(nacks[4]).toBe('message nacked')
  })

  test('x-max-length-bytes counts', async (session) => {
    const { ch, queue } = await queueOf(session, { 'x-max-length-bytes': 10 })
    await fill(ch, queue, ['aaaaa', 'bbbbb'], { headers: { large: 'x'.repeat(100) } })
    const isBodyOnly = session.older('quorum-length-bytes') || session.differs('quorum-length-bytes')
    await untilCount(ch, queue, isBodyOnly ? 2 : 0)
    expect(await drain(ch, queue)).toEqual(isBodyOnly ? ['aaaaa', 'bbbbb'] : [])
  })

  test('what waits unacked does not count towards the limit', async (session) => {
    const { ch, queue } = await queueOf(session, { 'x-max-length': 1 })
    const inbox = await collect(ch, queue)
    await fill(ch, queue, ['a', 'b', 'c'])
    expect(await inbox.texts(3)).toEqual(['a', 'b', 'c'])
  })

  for (const reason of ['rejected', 'expired', 'delivery_limit']) {
    test(`at-least-once: the letter arrives and tells of its death: ${reason}`, async (session) => {
      const { ch, queue: dead } = await queueOf(session)
      const { queue } = await queueOf(session, { ...kept(dead), 'x-delivery-limit': 0 })
      await fill(ch, queue, ['m'], reason === 'expired' ? { expiration: 1 } : {})
      if (reason !== 'expired') ch.reject(await get(ch, queue), reason === 'delivery_limit')
      const letter = await get(ch, dead)
      expect([text(letter), letter.properties.headers?.['x-first-death-reason']]).toEqual(['m', reason])
      expect(await ch.purgeQueue(queue)).toEqual({ messageCount: 0 })
    })
  }

  test('at-least-once: a letter that leads nowhere is kept, unseen, until it is purged', async (session) => {
    const { ch, queue } = await queueOf(session, kept(session.name('nowhere')))
    await fill(ch, queue, ['m'])
    ch.reject(await get(ch, queue), false)
    await untilCount(ch, queue, 0)
    expect(await ch.get(queue)).toBe(false)
    expect(await ch.purgeQueue(queue)).toEqual({ messageCount: 1 })
  })

  test('at-least-once with drop-head keeps nothing', async (session) => {
    const { ch, queue } = await queueOf(session,
      { ...kept(session.name('nowhere')), 'x-overflow': 'drop-head' })
    await fill(ch, queue, ['m'])
    ch.reject(await get(ch, queue), false)
    expect(await ch.get(queue)).toBe(false)
    expect(await ch.purgeQueue(queue)).toEqual({ messageCount: 0 })
  })

  test('the delivery mode goes on as published', async (session) => {
    const { ch, queue } = await queueOf(session)
    await fill(ch, queue, ['transient'], { persistent: false })
    await fill(ch, queue, ['persistent'], { persistent: true })
    const inbox = await collect(ch, queue)
    await inbox.texts(2)
    expect(inbox.messages.map(({ properties }) => properties.deliveryMode as unknown)).toEqual([1, 2])
  })
})
