// Dead letters: when a message becomes one, and where it goes. Reference: behaviours §7.2, §7.3. What changes
// in it is in dead-letter-history.test.ts, its coming back in dead-letter-cycles.test.ts.

import { expect } from 'vitest'
import { deaths, lettersTo, pair } from './harness/dead-letters.ts'
import type { Pair } from './harness/dead-letters.ts'
import { forEachKind } from './harness/for-each-kind.ts'
import { collect, drain, elapse, fill, get, outcomes, text, untilCount } from './harness/messages.ts'
import { until } from './harness/poll.ts'

forEachKind((test) => {
  test('a message of several frames dies whole', async (session) => {
    const { ch, source, dead } = await pair(session)
    await fill(ch, source, ['leveret '.repeat(60_000)], { persistent: true })
    ch.reject(await get(ch, source), false)
    expect(text(await get(ch, dead))).toBe('leveret '.repeat(60_000))
  })

  for (const [title, hasKey] of [['without', false], ['with', true]] as const) {
    test(`CC: ${title} x-dead-letter-routing-key ${hasKey ? 'not used' : 'used again'} for routing`,
      async (session) => {
      const ch = await session.confirmChannel()
      const [dlx, byKey, byCopy] = [session.name('dlx'), session.name('byKey'), session.name('byCopy')]
      await ch.assertExchange(dlx, 'direct')
      const { queue } = await ch.assertQueue(session.name(),
        { deadLetterExchange: dlx, ...hasKey && { deadLetterRoutingKey: 'k' } })
      for (const each of [byKey, byCopy]) await ch.assertQueue(each)
      await ch.bindQueue(byKey, dlx, hasKey ? 'k' : queue)
      await ch.bindQueue(byCopy, dlx, 'copy')
      await fill(ch, queue, ['x'], { CC: 'copy', expiration: 1 })
      await untilCount(ch, byKey, 1)
      await untilCount(ch, byCopy, hasKey ? 0 : 1)
    })
  }

  test('BCC: without x-dead-letter-routing-key used again for routing, where it is', async (session) => {
    const ch = await session.confirmChannel()
    const [dlx, byKey, byCopy] = [session.name('dlx'), session.name('byKey'), session.name('byCopy')]
    await ch.assertExchange(dlx, 'direct')
    const { queue } = await ch.assertQueue(session.name(), { deadLetterExchange: dlx })
    for (const each of [byKey, byCopy]) await ch.assertQueue(each)
    await ch.bindQueue(byKey, dlx, queue)
    await ch.bindQueue(byCopy, dlx, 'copy')
    await fill(ch, queue, ['x'], { BCC: 'copy', expiration: 1 })
    await untilCount(ch, byKey, 1)
    await untilCount(ch, byCopy, session.differs('dead-letter-bcc') ? 0 : 1)
  })

  test('without a dead-letter exchange a rejected message is gone', async (session) => {
    const ch = await session.confirmChannel()
    const { queue } = await ch.assertQueue(session.name())
    await fill(ch, queue, ['a', 'b'])
    ch.reject(await get(ch, queue), false)
    expect(await drain(ch, queue)).toEqual(['b'])
  })

  test('with a dead-letter exchange that is missing a dead letter is dropped, the channel stays',
    async (session) => {
    const ch = await session.confirmChannel()
    const { queue } = await ch.assertQueue(session.name(), { deadLetterExchange: session.name('missing') })
    await fill(ch, queue, ['a', 'b'])
    ch.reject(await get(ch, queue), false)
    expect(await drain(ch, queue)).toEqual(['b'])
  })

  test('the dead-letter exchange may be declared later', async (session) => {
    const ch = await session.confirmChannel()
    const [dlx, dead] = [session.name('dlx'), session.name('dead')]
    const { queue } = await ch.assertQueue(session.name(), { deadLetterExchange: dlx })
    await fill(ch, queue, ['lost', 'kept'])
    ch.reject(await get(ch, queue), false)
    const next = await get(ch, queue)
    await ch.assertExchange(dlx, 'fanout')
    await ch.assertQueue(dead)
    await ch.bindQueue(dead, dlx, '')
    ch.reject(next, false)
    expect(text(await get(ch, dead))).toBe('kept')
  })

  test('the dead-letter exchange may be internal', async (session) => {
    const ch = await session.confirmChannel()
    const [dlx, dead] = [session.name('dlx'), session.name('dead')]
    await ch.assertExchange(dlx, 'fanout', { internal: true })
    await ch.assertQueue(dead)
    await ch.bindQueue(dead, dlx, '')
    const { queue } = await ch.assertQueue(session.name(), { deadLetterExchange: dlx })
    await fill(ch, queue, ['x'], { expiration: 1 })
    expect(text(await get(ch, dead))).toBe('x')
  })

  test('a topic exchange routes dead letters by their own key', async (session) => {
    const ch = await session.confirmChannel()
    const [exchange, dlx] = [session.name('x'), session.name('dlx')]
    const [queue, errors, others] = [session.name(), session.name('errors'), session.name('others')]
    for (const each of [exchange, dlx]) await ch.assertExchange(each, 'topic')
    await ch.assertQueue(queue, { deadLetterExchange: dlx, messageTtl: 1 })
    for (const each of [errors, others]) await ch.assertQueue(each)
    await ch.bindQueue(queue, exchange, '#')
    await ch.bindQueue(errors, dlx, '*.error')
    await ch.bindQueue(others, dlx, '*.info')
    for (const level of ['error', 'info']) ch.publish(exchange, `shop.${level}`, Buffer.from(level))
    expect([text(await get(ch, errors)), text(await get(ch, others))]).toEqual(['error', 'info'])
  })

  test('a headers exchange can route dead letters by their history', async (session) => {
    const ch = await session.confirmChannel()
    const [dlx, dead] = [session.name('dlx'), session.name('dead')]
    await ch.assertExchange(dlx, 'headers')
    const { queue } = await ch.assertQueue(session.name(), { deadLetterExchange: dlx })
    await ch.assertQueue(dead)
    await ch.bindQueue(dead, dlx, '', { 'x-match': 'all-with-x', 'x-first-death-reason': 'expired' })
    await fill(ch, queue, ['rejected'])
    ch.reject(await get(ch, queue), false)
    await fill(ch, queue, ['expired'], { expiration: 1 })
    expect(text(await get(ch, dead))).toBe('expired')
    expect(await drain(ch, dead)).toEqual([])
  })

  test('a dead letter without a queue goes to the alternate exchange', async (session) => {
    const ch = await session.confirmChannel()
    const [dlx, alternate, dead] = [session.name('dlx'), session.name('alternate'), session.name('dead')]
    await ch.assertExchange(alternate, 'fanout')
    await ch.assertExchange(dlx, 'direct', { alternateExchange: alternate })
    await ch.assertQueue(dead)
    await ch.bindQueue(dead, alternate, '')
    const { queue } = await ch.assertQueue(session.name(), { deadLetterExchange: dlx })
    await fill(ch, queue, ['x'], { expiration: 1 })
    expect((await get(ch, dead)).fields.exchange).toBe(dlx)
  })

  test('a dead letter goes to every queue of its route', async (session) => {
    const ch = await session.confirmChannel()
    const dlx = session.name('dlx')
    await ch.assertExchange(dlx, 'fanout')
    const dead = [session.name(), session.name(), session.name()]
    for (const each of dead) {
      await ch.assertQueue(each)
      await ch.bindQueue(each, dlx, '')
    }
    const { queue } = await ch.assertQueue(session.name(), { deadLetterExchange: dlx })
    await fill(ch, queue, ['x'], { expiration: 1, persistent: true })
    for (const each of dead) expect(text(await get(ch, each))).toBe('x')
  })

  test('a message in two queues dies in each on its own', async (session) => {
    const ch = await session.confirmChannel()
    const [exchange, dead] = [session.name('x'), session.name('dead')]
    await ch.assertExchange(exchange, 'fanout')
    await ch.assertQueue(dead)
    const queues = [session.name('a'), session.name('b')]
    for (const each of queues) {
      await ch.assertQueue(each, lettersTo(dead))
      await ch.bindQueue(each, exchange, '')
    }
    ch.publish(exchange, '', Buffer.from('x'), { headers: { own: 1 } })
    for (const each of queues) ch.reject(await get(ch, each), false)
    const letters = [await get(ch, dead), await get(ch, dead)]
    expect(letters.map((letter) => deaths(letter)).toSorted())
      .toEqual(queues.map((each) => [[each, 'rejected', 1]]))
  })

  test('nack multiple dead-letters in the order of publishing', async (session) => {
    const { ch, source, dead } = await pair(session)
    await fill(ch, source, ['a', 'b', 'c', 'd'])
    const messages = []
    for (let n = 0; n < 3; n++) messages.push(await get(ch, source))
    ch.nack(messages[2]!, true, false)
    await untilCount(ch, dead, 3)
    expect(await drain(ch, dead)).toEqual(['a', 'b', 'c'])
    expect(await drain(ch, source)).toEqual(['d'])
  })

  test('300 messages expire into the dead-letter queue in their order', async (session) => {
    const { ch, source, dead } = await pair(session, { messageTtl: 30 })
    const texts = Array.from({ length: 300 }, (_, n) => `${n}`)
    await fill(ch, source, texts, { persistent: true })
    await untilCount(ch, dead, 300)
    expect(await drain(ch, dead)).toEqual(texts)
  })

  test('what a full queue drops is dead-lettered from the oldest on, and acked', async (session) => {
    const { ch, source, dead } = await pair(session, { maxLength: 2 })
    expect(await outcomes(ch, source, ['a', 'b', 'c', 'd', 'e'])).toEqual(Array(5).fill('ack'))
    await untilCount(ch, dead, 3)
    expect(await drain(ch, dead)).toEqual(['a', 'b', 'c'])
  })

  test('a message larger than the whole queue may be is dead-lettered', async (session) => {
    const { ch, source, dead } = await pair(session, { arguments: { 'x-max-length-bytes': 5 } })
    await fill(ch, source, ['six by'])
    expect(deaths(await get(ch, dead))).toEqual([[source, 'maxlen', 1]])
  })

  test.classic('a time to live of 0 is over before the next message is too much', async (session) => {
    const { ch, source, dead } = await pair(session, { messageTtl: 0, maxLength: 1 })
    await fill(ch, source, ['a', 'b'])
    await untilCount(ch, dead, 2)
    for (const body of ['a', 'b']) {
      const letter = await get(ch, dead)
      expect([text(letter), deaths(letter)]).toEqual([body, [[source, 'expired', 1]]])
    }
  })

  test('a requeued message that is too old is dead-lettered as expired', async (session) => {
    const { ch, source, dead } = await pair(session, { messageTtl: 30 })
    const inbox = await collect(ch, source)
    await fill(ch, source, ['x'])
    const message = await inbox.message(0)
    await elapse(ch, session.name('probe'), 60)
    ch.nack(message)
    expect(deaths(await get(ch, dead))).toEqual([[source, 'expired', 1]])
  })

  test('a dead letter does not expire by the expiration it had', async (session) => {
    const { ch, source, dead } = await pair(session)
    await fill(ch, source, ['x'], { expiration: 20 })
    await untilCount(ch, dead, 1)
    await elapse(ch, session.name('probe'), 60)
    expect(await drain(ch, dead)).toEqual(['x'])
  })

  test('in a dead-letter queue that queue\'s own time to live counts, from the death on', async (session) => {
    const { ch, source, dead } = await pair(session, { messageTtl: 1_200 }, { messageTtl: 1_200 })
    await fill(ch, source, ['x'])
    await untilCount(ch, dead, 1)
    await untilCount(ch, dead, 0)
  })

  test.classic('a dead letter keeps its priority', async (session) => {
    const { ch, source, dead } = await pair(session, {}, { maxPriority: 5 })
    for (const priority of [1, 5, 3]) await fill(ch, source, [`${priority}`], { priority })
    for (let n = 0; n < 3; n++) ch.reject(await get(ch, source), false)
    await untilCount(ch, dead, 3)
    expect(await drain(ch, dead)).toEqual(['5', '3', '1'])
  })

  test('a dead-letter queue may be full: drop-head', async (session) => {
    const { ch, source, dead } = await pair(session, {}, { maxLength: 1 })
    await fill(ch, source, ['a', 'b'])
    for (let n = 0; n < 2; n++) ch.reject(await get(ch, source), false)
    await until('the newer letter is there', async () => {
      const message = await ch.get(dead)
      if (message === false) return false
      ch.nack(message)
      return text(message) === 'b'
    })
  })

  test.classic('a dead-letter queue that rejects loses the letter without a word', async (session) => {
    const { ch, source, dead } = await pair(session, {},
      { maxLength: 1, arguments: { 'x-overflow': 'reject-publish' } })
    await fill(ch, dead, ['first'])
    expect(await outcomes(ch, source, ['x'], { expiration: 1 })).toEqual(['ack'])
    await untilCount(ch, source, 0)
    expect(await drain(ch, dead)).toEqual(['first'])
  })

  for (const [title, kill] of [
    ['purge', async ({ ch, source }) => {
      await ch.purgeQueue(source)
    }],
    ['delete', async ({ ch, source }) => {
      await ch.deleteQueue(source)
    }],
    ['an auto-delete queue\'s end', async ({ ch, source }) => {
      await ch.prefetch(1)
      const inbox = await collect(ch, source)
      await inbox.texts(1)
      await ch.cancel(inbox.tag)
    }],
  ] as [string, (pair: Pair) => Promise<void>][]) {
    const write = title.startsWith('an') ? test.classic : test
    write(`${title} dead-letters nothing`, async (session) => {
      const all = await pair(session, { autoDelete: title.startsWith('an') })
      await fill(all.ch, all.source, ['a', 'b'])
      await kill(all)
      await elapse(all.ch, session.name('probe'), 50)
      expect((await all.ch.checkQueue(all.dead)).messageCount).toBe(0)
    })
  }

  test.classic('an expiring queue dead-letters nothing', async (session) => {
    const { ch, source, dead } = await pair(session, { expires: 40 })
    await fill(ch, source, ['a', 'b'])
    await elapse(ch, session.name('probe'), 120)
    expect((await ch.checkQueue(dead)).messageCount).toBe(0)
    await expect(ch.assertQueue(source)).resolves.toMatchObject({ messageCount: 0 })
  })

  test('a lost channel dead-letters nothing', async (session) => {
    const { ch, source, dead } = await pair(session)
    const consumer = await session.channel()
    await fill(ch, source, ['a'])
    await get(consumer, source)
    await consumer.close()
    await untilCount(ch, source, 1)
    expect((await ch.checkQueue(dead)).messageCount).toBe(0)
  })

  test('acking, and getting with no-ack, dead-letter nothing', async (session) => {
    const { ch, source, dead } = await pair(session)
    await fill(ch, source, ['a', 'b'])
    ch.ack(await get(ch, source))
    await get(ch, source, { noAck: true })
    await untilCount(ch, source, 0)
    expect((await ch.checkQueue(dead)).messageCount).toBe(0)
  })

  for (const [verb, isRedelivered4] of [['reject', true], ['nack', false]] as const) {
    test(`redelivered at a letter's first delivery after ${verb}`, async (session) => {
      const { ch, source, dead } = await pair(session)
      await fill(ch, source, ['x'])
      const message = await get(ch, source)
      if (verb === 'reject') ch.reject(message, false)
      else ch.nack(message, false, false)
      const isRedelivered = isRedelivered4 && !session.older('dead-letter-redelivered')
        && !session.differs('dead-letter-redelivered')
      expect((await get(ch, dead)).fields.redelivered).toBe(isRedelivered)
    })
  }

  test('an expired message is not redelivered at its first delivery as a letter', async (session) => {
    const { ch, source, dead } = await pair(session)
    await fill(ch, source, ['x'], { expiration: 1 })
    expect((await get(ch, dead)).fields.redelivered).toBe(false)
  })
})
