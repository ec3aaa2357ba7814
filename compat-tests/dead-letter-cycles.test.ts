// Dead letters that come back to where they died: dropped when nobody rejected them on the way, else a retry.
// Reference: behaviours §7.5.

import { expect } from 'vitest'
import { deaths, lettersTo } from './harness/dead-letters.ts'
import { forEachKind } from './harness/for-each-kind.ts'
import { collect, drain, elapse, fill, get, untilCount } from './harness/messages.ts'

forEachKind((test) => {
  test('cycle: a message that expires into its own queue is dropped', async (session) => {
    const ch = await session.confirmChannel()
    const queue = session.name()
    await ch.assertQueue(queue, { ...lettersTo(queue), messageTtl: 20 })
    await fill(ch, queue, ['x'])
    await untilCount(ch, queue, 0)
    await elapse(ch, session.name('probe'), 60)
    expect(await ch.get(queue)).toBe(false)
  })

  test('cycle: a message that a full queue drops into itself is dropped', async (session) => {
    const ch = await session.confirmChannel()
    const queue = session.name()
    await ch.assertQueue(queue, { ...lettersTo(queue), maxLength: 2 })
    await fill(ch, queue, ['a', 'b', 'c', 'd'])
    await untilCount(ch, queue, 2)
    expect(await drain(ch, queue)).toEqual(['c', 'd'])
  })

  test('cycle: a message that expires back to where it expired is dropped', async (session) => {
    const ch = await session.confirmChannel()
    const [a, b, copies] = [session.name('a'), session.name('b'), session.name('copies')]
    const exchange = session.name('x')
    await ch.assertExchange(exchange, 'fanout')
    await ch.assertQueue(a, { ...lettersTo(b), messageTtl: 10 })
    await ch.assertQueue(b, { deadLetterExchange: exchange, messageTtl: 10 })
    await ch.assertQueue(copies)
    for (const queue of [a, copies]) await ch.bindQueue(queue, exchange, '')
    await fill(ch, a, ['x'])
    expect(deaths(await get(ch, copies))).toEqual([[b, 'expired', 1], [a, 'expired', 1]])
    await elapse(ch, session.name('probe'), 60)
    for (const queue of [a, b, copies]) expect(await ch.get(queue)).toBe(false)
  })

  test('cycle: the queues of the route where it has not died have the message all the same',
    async (session) => {
    const ch = await session.confirmChannel()
    const [queue, other, exchange] = [session.name(), session.name('other'), session.name('x')]
    await ch.assertExchange(exchange, 'fanout')
    await ch.assertQueue(queue, { deadLetterExchange: exchange, messageTtl: 10 })
    await ch.assertQueue(other)
    for (const each of [queue, other]) await ch.bindQueue(each, exchange, '')
    await fill(ch, queue, ['x'])
    expect(deaths(await get(ch, other))).toEqual([[queue, 'expired', 1]])
    expect(await ch.get(queue)).toBe(false)
  })

  test('retry: a loop of reject and expiry goes on, and counts', async (session) => {
    const ch = await session.confirmChannel()
    const [work, wait] = [session.name('work'), session.name('wait')]
    await ch.assertQueue(work, lettersTo(wait))
    await ch.assertQueue(wait, { ...lettersTo(work), messageTtl: 10 })
    await fill(ch, work, ['x'])
    for (let round = 0; round < 4; round++) {
      const message = await get(ch, work)
      expect(deaths(message)).toEqual(round === 0 ? []
        : [[wait, 'expired', round], [work, 'rejected', round]])
      ch.reject(message, false)
    }
  })

  test('retry by the message\'s expiration: it is there for the first round only', async (session) => {
    const ch = await session.confirmChannel()
    const [work, wait] = [session.name('work'), session.name('wait')]
    await ch.assertQueue(work, lettersTo(wait))
    await ch.assertQueue(wait, lettersTo(work))
    await fill(ch, wait, ['x'], { expiration: 10 })
    ch.reject(await get(ch, work), false)
    await untilCount(ch, wait, 1)
    await elapse(ch, session.name('probe'), 40)
    expect(deaths(await get(ch, wait))).toEqual([[work, 'rejected', 1], [wait, 'expired', 1]])
  })

  test('a message that a consumer rejects comes back to the same queue without end', async (session) => {
    const ch = await session.confirmChannel()
    const queue = session.name()
    await ch.assertQueue(queue, { deadLetterExchange: '' })
    await fill(ch, queue, ['x'])
    for (let round = 0; round < 5; round++) {
      const message = await get(ch, queue)
      expect(deaths(message)).toEqual(round === 0 ? [] : [[queue, 'rejected', round]])
      ch.reject(message, false)
    }
  })

  test('two deaths in one queue for two reasons are two entries, the latest first', async (session) => {
    const ch = await session.confirmChannel()
    const [work, wait] = [session.name('work'), session.name('wait')]
    await ch.assertQueue(work, { ...lettersTo(wait), messageTtl: 60 })
    await ch.assertQueue(wait, lettersTo(work))
    // A consumer that waits is in time, however busy the machine.
    const first = await collect(ch, work)
    await fill(ch, work, ['x'])
    ch.reject(await first.message(0), false)
    await ch.cancel(first.tag)
    ch.reject(await get(ch, wait), false)
    const message = await get(ch, wait)
    expect(deaths(message)).toEqual([[work, 'expired', 1], [wait, 'rejected', 1], [work, 'rejected', 1]])
    const last = await collect(ch, work)
    ch.reject(message, false)
    expect(deaths(await last.message(0)))
      .toEqual([[wait, 'rejected', 2], [work, 'expired', 1], [work, 'rejected', 1]])
  })
})
