// Quorum queues that hold what comes back for a while (x-delayed-retry-…): what is held, for how long at
// least, where it stands then. Reference: behaviours §5.8, as of 4.3. Times are lower bounds only; where
// something is to be held, or not, and no time matters, it would be held for an hour.

import type { Channel, ConfirmChannel, Message } from 'amqplib'
import { expect } from 'vitest'
import { forEachTarget } from './harness/for-each-target.ts'
import { Management } from './harness/management.ts'
import { drain, fill, get, text, untilCount } from './harness/messages.ts'
import { until } from './harness/poll.ts'
import type { Session } from './harness/session.ts'

const HOUR_MS = 3_600_000
/** Clocks that are read at two ends of a socket. */
const TOLERANCE_MS = 20

async function queueOf(
  session: Session, args: Record<string, unknown>,
): Promise<{ ch: ConfirmChannel; queue: string }> {
  const [ch, queue] = [await session.confirmChannel(), session.name()]
  await ch.assertQueue(queue, { arguments: { 'x-queue-type': 'quorum', ...args } })
  return { ch, queue }
}

const delayed = (type: string, min: number, max: number): Record<string, unknown> =>
  ({ 'x-delayed-retry-type': type, 'x-delayed-retry-min': min, 'x-delayed-retry-max': max })

type Return = (ch: Channel, message: Message) => unknown

const reject: Return = (ch, message) => ch.reject(message, true)
const nack: Return = (ch, message) => ch.nack(message, false, true)
const recover: Return = (ch) => ch.recover()
const close: Return = (ch) => ch.close()

forEachTarget((test, target) => {
  test.concurrent('the management API counts what is held, apart', async (session) => {
    const { ch, queue } = await queueOf(session, delayed('all', HOUR_MS, HOUR_MS))
    await fill(ch, queue, ['held', 'ready'])
    ch.reject(await get(ch, queue), true)
    const http = new Management(target)
    await until('one is held and one is ready', async () => {
      const row = await http.read(`/queues/%2F/${queue}`) as Record<string, unknown>
      return row['messages_delayed'] === 1 && row['messages_ready'] === 1
    })
  }, 45_000)

  for (const [title, back, minimaMs] of [
    ['basic.reject waits longer each time, up to the maximum', reject, [200, 400, 500, 500]],
    ['basic.nack waits the minimum each time', nack, [200, 200, 200]],
  ] as const) {
    test.concurrent(title, async (session) => {
      const { ch, queue } = await queueOf(session, delayed('all', 200, 500))
      await fill(ch, queue, ['m'])
      for (const minimumMs of minimaMs) {
        const message = await get(ch, queue)
        const startMs = performance.now()
        await back(ch, message)
        await get(ch, queue).then((again) => ch.nack(again, false, true))
        expect(performance.now() - startMs).toBeGreaterThanOrEqual(minimumMs - TOLERANCE_MS)
      }
    })
  }

  for (const [type, title, back, isHeld] of [
    ['all', 'basic.reject', reject, true], ['all', 'basic.nack', nack, true],
    ['all', 'basic.recover', recover, true], ['all', 'the loss of a channel', close, true],
    ['failed', 'basic.reject', reject, true], ['failed', 'basic.nack', nack, false],
    ['failed', 'basic.recover', recover, false], ['failed', 'the loss of a channel', close, true],
    ['returned', 'basic.reject', reject, false], ['returned', 'basic.nack', nack, true],
    ['returned', 'basic.recover', recover, true], ['returned', 'the loss of a channel', close, false],
    ['disabled', 'basic.reject', reject, false],
    ['nonsense', 'basic.reject', reject, false],
  ] as const) {
    test.concurrent(`type ${type}: ${title} ${isHeld ? 'is held' : 'is ready at once'}`, async (session) => {
      const { ch, queue } = await queueOf(session, delayed(type, HOUR_MS, HOUR_MS))
      await fill(ch, queue, ['m'])
      const other = await session.channel()
      await back(other, await get(other, queue))
      if (isHeld) {
        await until('a purge finds what is held', async () => (await ch.purgeQueue(queue)).messageCount === 1)
        await untilCount(ch, queue, 0)
      } else {
        expect(text(await get(ch, queue))).toBe('m')
      }
    })
  }

  for (const [title, args, isHeld] of [
    ['without a minimum', { 'x-delayed-retry-type': 'all', 'x-delayed-retry-max': HOUR_MS }, false],
    ['without a maximum', { 'x-delayed-retry-type': 'all', 'x-delayed-retry-min': HOUR_MS }, true],
    ['without a type', { 'x-delayed-retry-min': HOUR_MS, 'x-delayed-retry-max': HOUR_MS }, false],
    ['with a minimum of 0', delayed('all', 0, HOUR_MS), false],
    ['with a negative minimum', delayed('all', -5, HOUR_MS), false],
    ['with a minimum above the maximum', delayed('all', HOUR_MS, 1), true],
    ['with a maximum of 0', delayed('all', HOUR_MS, 0), true],
    ['with a minimum that is text', { ...delayed('all', 0, HOUR_MS), 'x-delayed-retry-min': '1h' }, false],
    ['with a maximum that is text', { ...delayed('all', HOUR_MS, 0), 'x-delayed-retry-max': '1h' }, true],
  ] as const) {
    test.concurrent(`arguments ${title} hold ${isHeld ? 'what came back' : 'nothing'}`, async (session) => {
      const { ch, queue } = await queueOf(session, args)
      await fill(ch, queue, ['m'])
      ch.reject(await get(ch, queue), true)
      const state = await until('held or ready', async () => {
        if (await ch.get(queue) !== false) return 'ready'
        return (await ch.purgeQueue(queue)).messageCount === 1 ? 'held' : null
      })
      expect(state).toBe(isHeld ? 'held' : 'ready')
    })
  }

  test.concurrent('what is held does not hold up what is behind it', async (session) => {
    const { ch, queue } = await queueOf(session, delayed('all', 300, 300))
    await fill(ch, queue, ['m', 'next'])
    ch.reject(await get(ch, queue), true)
    expect(text(await get(ch, queue))).toBe('next')
    expect(text(await get(ch, queue))).toBe('m')
  })

  test.concurrent('it says how often it failed', async (session) => {
    const { ch, queue } = await queueOf(session, delayed('all', 100, 100))
    await fill(ch, queue, ['m'])
    ch.reject(await get(ch, queue), true)
    const again = await get(ch, queue)
    expect([again.fields.redelivered, again.properties.headers])
      .toEqual([true, { 'x-acquired-count': 1, 'x-delivery-count': 1 }])
  })

  test.concurrent('when it is due it is served before what is ready', async (session) => {
    const { ch, queue } = await queueOf(session, delayed('all', 200, 200))
    await fill(ch, queue, ['m'])
    ch.reject(await get(ch, queue), true)
    await fill(ch, queue, ['a', 'b'])
    await untilCount(ch, queue, 3)
    expect(await drain(ch, queue)).toEqual(['m', 'a', 'b'])
  })
})
