// Time to live of messages and queues: the expiration property, x-message-ttl, x-expires. Reference:
// behaviours §4.10, §5.1, §7.1. Time is the broker's own: short TTLs, polled, and `elapse` where some must
// have passed.

import type { ConfirmChannel, Options } from 'amqplib'
import { expect } from 'vitest'
import { channelClosure, closed } from './harness/closure.ts'
import { forEachKind } from './harness/for-each-kind.ts'
import { collect, drain, elapse, fill, get, outcomes, settled, text, untilCount } from './harness/messages.ts'
import { until } from './harness/poll.ts'
import type { Session } from './harness/session.ts'

const tenYearsMs = 315_360_000_000
/** The x-expires of a queue that a test has to use before: more than a busy machine lets a test wait. */
const usedInTimeMs = 1_500

async function open(
  { confirmChannel, name }: Session, options?: Options.AssertQueue,
): Promise<{ ch: ConfirmChannel, queue: string }> {
  const ch = await confirmChannel()
  const { queue } = await ch.assertQueue(name(), options)
  return { ch, queue }
}

/**
 * Asks without using the queue: a mandatory message comes back once the queue is gone. (One that meets the
 * queue's end may be nacked instead.)
 */
async function isGone(ch: ConfirmChannel, queue: string): Promise<boolean> {
  let isReturned = false
  const notice = (): void => {
    isReturned = true
  }
  ch.on('return', notice)
  await outcomes(ch, queue, ['x'], { mandatory: true })
  ch.off('return', notice)
  return isReturned
}

forEachKind((test) => {
  for (const [expiration, why] of [
    ['abc', 'no_integer'], ['', 'no_integer'], [' 5', 'no_integer'],
    ['1.5', '{leftover_string,".5"}'], ['5 ', '{leftover_string," "}'], ['1e3', '{leftover_string,"e3"}'],
    ['-1', '{value_negative,-1}'], ['315360000001', '{value_too_large,315360000001}'],
  ] as const) {
    test(`the expiration '${expiration}' is 406`, async ({ channel }) => {
      const ch = await channel()
      expect(await channelClosure(ch, () => ch.publish('', 'k', Buffer.from('x'), { expiration })))
        .toEqual(closed(406, `PRECONDITION_FAILED - invalid expiration '${expiration}': ${why}`,
          'basic.publish'))
    })
  }

  for (const expiration of ['5000', '+5000', '0005000', `${tenYearsMs}`]) {
    test(`the expiration '${expiration}' is accepted`, async (session) => {
      const { ch, queue } = await open(session)
      await fill(ch, queue, ['x'], { expiration })
      const got = (await get(ch, queue)).properties.expiration as string
      const isKept = session.older('expiration-text') || session.differs('expiration-text')
      expect(got).toBe(isKept ? expiration : `${Number(expiration)}`)
    })
  }

  test('a missing exchange is noticed before a bad expiration', async ({ channel, name }) => {
    const ch = await channel()
    expect((await channelClosure(ch, () => ch.publish(name(), 'k', Buffer.from('x'), { expiration: 'abc' })))
      .code).toBe(404)
  })

  for (const [title, options] of [
    ['a user-id of somebody else', { userId: 'other' }], ['a bad CC', { headers: { CC: 'k' } }],
  ] as const) {
    test(`a bad expiration is noticed before ${title}`, async ({ channel }) => {
      const ch = await channel()
      const act = (): unknown => ch.publish('', 'k', Buffer.from('x'), { ...options, expiration: 'abc' })
      expect((await channelClosure(ch, act)).text)
        .toBe('PRECONDITION_FAILED - invalid expiration \'abc\': no_integer')
    })
  }

  test('a message expires by its own expiration', async (session) => {
    const { ch, queue } = await open(session)
    await fill(ch, queue, ['x'], { expiration: 50 })
    await untilCount(ch, queue, 0)
  })

  test('a message expires by its queue\'s x-message-ttl', async (session) => {
    const { ch, queue } = await open(session, { messageTtl: 50 })
    await fill(ch, queue, ['x'])
    await untilCount(ch, queue, 0)
  })

  for (const [title, messageTtl, expiration] of [
    ['the queue\'s', 50, 60_000], ['the message\'s', 60_000, 50],
  ] as const) {
    test(`the shorter time to live counts: ${title}`, async (session) => {
      const { ch, queue } = await open(session, { messageTtl })
      await fill(ch, queue, ['x'], { expiration })
      await untilCount(ch, queue, 0)
    })
  }

  test('before its time a message is delivered, with its expiration', async (session) => {
    const { ch, queue } = await open(session, { messageTtl: 50_000 })
    await fill(ch, queue, ['x'], { expiration: 60_000 })
    expect((await get(ch, queue)).properties.expiration).toBe('60000')
  })

  test('messages expire in their order, and what has no end stays', async (session) => {
    const { ch, queue } = await open(session)
    await fill(ch, queue, ['a', 'b', 'c'], { expiration: 50 })
    await fill(ch, queue, ['stays'])
    await untilCount(ch, queue, 1)
    expect(await drain(ch, queue)).toEqual(['stays'])
  })

  for (const [title, options, properties] of [
    ['x-message-ttl 0', { messageTtl: 0 }, {}], ['the expiration 0', {}, { expiration: 0 }],
  ] as [string, Options.AssertQueue, Options.Publish][]) {
    test(`${title}: a consumer that waits is given the message`, async (session) => {
      const { ch, queue } = await open(session, options)
      const inbox = await collect(ch, queue)
      await fill(ch, queue, ['x'], properties)
      expect(await inbox.texts(1)).toEqual(['x'])
    })

    test(`${title}: without a consumer the message is gone, and acked`, async (session) => {
      const { ch, queue } = await open(session, options)
      expect(await outcomes(ch, queue, ['x'], properties)).toEqual(['ack'])
      expect(await drain(ch, queue)).toEqual([])
    })

    test(`${title}: for a consumer at its limit nothing is kept`, async (session) => {
      const { ch, queue } = await open(session, options)
      const consumer = await session.channel()
      await consumer.prefetch(1)
      const inbox = await collect(consumer, queue)
      await fill(ch, queue, ['first', 'second'], properties)
      consumer.ack(await inbox.message(0))
      await settled(consumer, queue)
      expect(await inbox.texts(1)).toEqual(['first'])
      await untilCount(ch, queue, 0)
    })
  }

  test('a persistent message expires, and is acked', async (session) => {
    const { ch, queue } = await open(session)
    expect(await outcomes(ch, queue, ['x'], { expiration: 1, persistent: true })).toEqual(['ack'])
    await untilCount(ch, queue, 0)
  })

  test('behind one that lasts an expired message is still counted', async (session) => {
    const { ch, queue } = await open(session)
    await fill(ch, queue, ['lasts'])
    await fill(ch, queue, ['short'], { expiration: 20 })
    await elapse(ch, session.name('probe'), 60)
    expect((await ch.checkQueue(queue)).messageCount).toBe(2)
  })

  test('when it reaches the head an expired message is gone', async (session) => {
    const { ch, queue } = await open(session)
    await fill(ch, queue, ['lasts'])
    await fill(ch, queue, ['short'], { expiration: 20 })
    await fill(ch, queue, ['last'])
    await elapse(ch, session.name('probe'), 60)
    expect(await drain(ch, queue)).toEqual(['lasts', 'last'])
  })

  test('a consumer is not given what expired behind another', async (session) => {
    const { ch, queue } = await open(session)
    await fill(ch, queue, ['lasts'])
    await fill(ch, queue, ['short'], { expiration: 20 })
    await fill(ch, queue, ['last'])
    await elapse(ch, session.name('probe'), 60)
    expect(await (await collect(ch, queue)).texts(2)).toEqual(['lasts', 'last'])
  })

  test.classic('in a priority queue each priority has a head of its own', async (session) => {
    const { ch, queue } = await open(session, { maxPriority: 5 })
    await fill(ch, queue, ['high'], { priority: 5 })
    await fill(ch, queue, ['low'], { priority: 1, expiration: 20 })
    await elapse(ch, session.name('probe'), 60)
    expect((await ch.checkQueue(queue)).messageCount).toBe(2)
    expect(await drain(ch, queue)).toEqual(['high'])
  })

  test.classic('an expired message of high priority that came after a lower one', async (session) => {
    const { ch, queue } = await open(session, { maxPriority: 5 })
    await fill(ch, queue, ['low'], { priority: 1 })
    await fill(ch, queue, ['high'], { priority: 5, expiration: 20 })
    await elapse(ch, session.name('probe'), 60)
    expect(await drain(ch, queue)).toEqual(session.differs('priority-expiry') ? ['low'] : ['high', 'low'])
  })

  test('an unacked message does not expire: it can be acked late', async (session) => {
    const { ch, queue } = await open(session, { messageTtl: 40 })
    const inbox = await collect(ch, queue)
    await fill(ch, queue, ['x'])
    const message = await inbox.message(0)
    await elapse(ch, session.name('probe'), 80)
    ch.ack(message)
    await expect(settled(ch, queue)).resolves.toBeUndefined()
  })

  for (const [title, giveBack] of [
    ['nack', (ch, message) => ch.nack(message)],
    ['reject', (ch, message) => ch.reject(message, true)],
    ['recover', async (ch) => ch.recover()],
  ] as [string, (ch: ConfirmChannel, message: Parameters<ConfirmChannel['nack']>[0]) => unknown][]) {
    test(`time spent unacked counts: a message that ${title} brings back too late expires`,
      async (session) => {
      const { ch, queue } = await open(session)
      const consumer = await session.confirmChannel()
      const inbox = await collect(consumer, queue)
      await fill(ch, queue, ['x'], { expiration: 40 })
      const message = await inbox.message(0)
      await consumer.cancel(inbox.tag)
      await elapse(ch, session.name('probe'), 80)
      await giveBack(consumer, message)
      await untilCount(ch, queue, 0)
      await settled(consumer, queue)
      expect(await ch.get(queue)).toBe(false)
    })
  }

  test('a message that is requeued in time expires at its first time', async (session) => {
    const { ch, queue } = await open(session)
    await fill(ch, queue, ['x'], { expiration: 2_000 })
    ch.nack(await get(ch, queue))
    await untilCount(ch, queue, 1)
    await untilCount(ch, queue, 0)
  })

  test('an unused queue expires', async (session) => {
    const { ch, queue } = await open(session, { expires: 60 })
    await until(`${queue} is gone`, () => isGone(ch, queue))
    expect(await channelClosure(ch, () => ch.checkQueue(queue)))
      .toEqual(closed(404, `NOT_FOUND - no queue '${queue}' in vhost '/'`, 'queue.declare'))
  })

  test('publishing does not keep a queue from expiring', async (session) => {
    const { ch, queue } = await open(session, { expires: 80 })
    await until(`${queue} is gone though published to`, () => isGone(ch, queue))
  })

  test('binding does not keep a queue from expiring', async (session) => {
    const { ch, queue } = await open(session, { expires: 80 })
    // A connection of its own: a bind that meets the queue's end may cost RabbitMQ 4.3 the connection.
    const binder = await session.channel(await session.connect())
    await until('a bind is refused', () =>
      binder.bindQueue(queue, 'amq.direct', 'k').then(() => false, () => true))
    await until(`${queue} is gone though bound`, () => isGone(ch, queue))
  })

  test.classic.concurrent('a message held unacked by get keeps no queue from expiring', async (session) => {
    const { ch, queue } = await open(session, { expires: usedInTimeMs })
    await fill(ch, queue, ['x'])
    const held = await get(ch, queue)
    await until(`${queue} is gone`, () => isGone(ch, queue))
    ch.ack(held)
    await expect(ch.prefetch(1)).resolves.toEqual({})
  })

  for (const [title, use] of [
    ['get, even when it is empty', (ch, queue) => ch.get(queue)],
    ['a passive declare', (ch, queue) => ch.checkQueue(queue)],
    ['a declare', (ch, queue) => ch.assertQueue(queue, { expires: usedInTimeMs })],
  ] as [string, (ch: ConfirmChannel, queue: string) => Promise<unknown>][]) {
    test.concurrent(`${title} begins the time of a queue anew`, async (session) => {
      const { ch, queue } = await open(session, { expires: usedInTimeMs })
      const [prober, probe] = [await session.confirmChannel(), session.name('probe')]
      await prober.assertQueue(probe)
      await fill(prober, probe, ['probe'], { expiration: 2 * usedInTimeMs })
      await until('twice the time in use', async () => {
        await use(ch, queue)
        return (await prober.checkQueue(probe)).messageCount === 0
      })
      expect(await isGone(ch, queue)).toBe(false)
      await until(`${queue} is gone once unused`, () => isGone(ch, queue))
    })
  }

  test.classic.concurrent('a queue with a consumer expires only when that is gone', async (session) => {
    const { ch, queue } = await open(session, { expires: usedInTimeMs })
    const inbox = await collect(ch, queue)
    await elapse(ch, session.name('probe'), 2 * usedInTimeMs)
    expect(await isGone(ch, queue)).toBe(false)
    await ch.cancel(inbox.tag)
    await until(`${queue} is gone`, () => isGone(ch, queue))
  })

  test.concurrent('the time of a queue begins when the last of its consumers goes', async (session) => {
    const { ch, queue } = await open(session, { expires: usedInTimeMs })
    const [first] = [await collect(ch, queue), await collect(ch, queue)]
    await ch.cancel(first.tag)
    await elapse(ch, session.name('probe'), 2 * usedInTimeMs)
    expect(await isGone(ch, queue)).toBe(false)
  })

  test.concurrent('a consumer\'s lost channel begins the time, too', async (session) => {
    const { ch, queue } = await open(session, { expires: usedInTimeMs })
    const consumer = await session.channel()
    await collect(consumer, queue)
    await consumer.close()
    await until(`${queue} is gone`, () => isGone(ch, queue))
  })

  test('an expired queue may be declared again, with other arguments', async (session) => {
    const { ch, queue } = await open(session, { expires: 60 })
    await outcomes(ch, queue, ['lost'])
    await until(`${queue} is gone`, () => isGone(ch, queue))
    expect(await ch.assertQueue(queue)).toEqual({ queue, messageCount: 0, consumerCount: 0 })
  })

  test.classic('an exclusive queue expires, too', async (session) => {
    const { ch, queue } = await open(session, { expires: 40, exclusive: true })
    await until(`${queue} is gone`, () => isGone(ch, queue))
    expect(text(await (async () => {
      await ch.assertQueue(queue, { exclusive: true })
      await fill(ch, queue, ['new'])
      return get(ch, queue)
    })())).toBe('new')
  })
})
