// What changes in a message that dies: exchange, key, properties, x-death and its kin. Reference: behaviours
// §7.3, §7.4. Raw frames, because tags and order are the matter.

import { expect } from 'vitest'
import { lettersTo, pair } from './harness/dead-letters.ts'
import { forEachKind } from './harness/for-each-kind.ts'
import { elapse, fill, get } from './harness/messages.ts'
import type { RawClient, RawMessage } from './harness/raw-client.ts'
import type { Session } from './harness/session.ts'
import { decodeProperties, encodeTable } from './harness/wire.ts'
import type { Args, Field, Item } from './harness/wire.ts'

interface Stage {
  client: RawClient
  /** Where messages are published to, with the key 'k'. */
  exchange: string
  source: string
  /** A fanout that leads to `dead`. */
  dlx: string
  dead: string
  publish(properties?: Args, body?: string): void
  /** Gets and rejects the next message of the source. */
  rejectNext(): Promise<void>
  letter(): Promise<RawMessage>
}

/** What a message needs to die: exchange → source ⇒ dlx → dead, which is consumed on channel 2. */
async function stage({ raw, name }: Session, sourceArguments: Field[] = []): Promise<Stage> {
  const client = await raw()
  const [exchange, source, dlx, dead] = [name('x'), name('source'), name('dlx'), name('dead')]
  await client.call(1, 'exchange.declare', { exchange, type: 'direct', durable: true })
  await client.call(1, 'exchange.declare', { exchange: dlx, type: 'fanout', durable: true })
  await client.call(1, 'queue.declare', { queue: source, durable: true,
    arguments: [['x-dead-letter-exchange', 'S', dlx], ...sourceArguments] })
  await client.call(1, 'queue.declare', { queue: dead, durable: true })
  await client.call(1, 'queue.bind', { queue: source, exchange, 'routing-key': 'k' })
  await client.call(1, 'queue.bind', { queue: dead, exchange: dlx })
  await client.call(2, 'channel.open')
  await client.call(2, 'basic.consume', { 'queue': dead, 'no-ack': true })
  return {
    client, exchange, source, dlx, dead,
    publish: (properties, body = 'x') =>
      client.publish(1, { exchange, 'routing-key': 'k' }, properties, Buffer.from(body)),
    async rejectNext() {
      client.send(1, 'basic.get', { queue: source })
      const { args } = await client.nextMessage()
      client.send(1, 'basic.reject', { 'delivery-tag': args['delivery-tag'] })
    },
    letter: () => client.nextMessage(),
  }
}

function headersOf(message: RawMessage): Record<string, Item> {
  const fields = (decodeProperties(message.properties)['headers'] ?? []) as Field[]
  return Object.fromEntries(fields.map(([name, ...item]) => [name, item]))
}

interface Death {
  queue: string
  reason: string
  exchange: string
  routingKeys?: readonly string[]
  count?: bigint
  expiration?: string
}

/** One entry of x-death, its fields in order, with their tags. */
function entry({ queue, reason, exchange, routingKeys = ['k'], count = 1n, expiration }: Death): Item {
  return ['F', [
    ...expiration === undefined ? [] : [['original-expiration', 'S', expiration]],
    ['count', 'l', count], ['reason', 'S', reason], ['queue', 'S', queue],
    ['time', 'T', expect.any(BigInt)], ['exchange', 'S', exchange],
    ['routing-keys', 'A', routingKeys.map((key) => ['S', key])],
  ]]
}

/** All headers of a letter: x-death latest first. */
function history(...deaths: readonly [Death, ...Death[]]): Record<string, Item> {
  const [last, first] = [deaths[0], deaths.at(-1)!]
  return {
    'x-death': ['A', deaths.map(entry)],
    'x-first-death-exchange': ['S', first.exchange], 'x-first-death-queue': ['S', first.queue],
    'x-first-death-reason': ['S', first.reason],
    'x-last-death-exchange': ['S', last.exchange], 'x-last-death-queue': ['S', last.queue],
    'x-last-death-reason': ['S', last.reason],
  }
}

forEachKind((test, target) => {
  test('a rejected message carries its history: tags, fields, order (4.x)', async (session) => {
    const { source, exchange, publish, rejectNext, letter } = await stage(session)
    publish()
    await rejectNext()
    expect(headersOf(await letter())).toEqual(history({ queue: source, reason: 'rejected', exchange }))
  })

  test('a message nacked without requeue was rejected, too (4.x)', async (session) => {
    const { client, source, exchange, publish, letter } = await stage(session)
    publish()
    client.send(1, 'basic.get', { queue: source })
    await client.nextMessage()
    client.send(1, 'basic.nack', { 'delivery-tag': 1 })
    expect(headersOf(await letter())).toEqual(history({ queue: source, reason: 'rejected', exchange }))
  })

  test('a message expired by its own expiration: original-expiration comes first (4.x)',
    async (session) => {
    const { source, exchange, publish, letter } = await stage(session)
    publish({ expiration: '5' })
    expect(headersOf(await letter()))
      .toEqual(history({ queue: source, reason: 'expired', exchange, expiration: '5' }))
  })

  test('a message expired by its queue\'s time to live has no original-expiration (4.x)',
    async (session) => {
    const { source, exchange, publish, letter } = await stage(session, [['x-message-ttl', 'I', 5]])
    publish()
    expect(headersOf(await letter())).toEqual(history({ queue: source, reason: 'expired', exchange }))
  })

  test('a rejected message that had an expiration keeps it as original-expiration (4.x)',
    async (session) => {
    const { source, exchange, publish, rejectNext, letter } = await stage(session)
    publish({ expiration: '60000' })
    await rejectNext()
    const message = await letter()
    expect(headersOf(message))
      .toEqual(history({ queue: source, reason: 'rejected', exchange, expiration: '60000' }))
    expect(decodeProperties(message.properties)).not.toHaveProperty('expiration')
  })

  test('a message dropped from the head of a full queue: maxlen (4.x)', async (session) => {
    const { source, exchange, publish, letter } = await stage(session, [['x-max-length', 'I', 1]])
    publish({}, 'old')
    publish({}, 'new')
    const message = await letter()
    expect(message.body.toString()).toBe('old')
    expect(headersOf(message)).toEqual(history({ queue: source, reason: 'maxlen', exchange }))
  })

  test('a message rejected by reject-publish-dlx: maxlen (4.x)', async (session) => {
    const { source, exchange, publish, letter } = await stage(session,
      [['x-max-length', 'I', 1], ['x-overflow', 'S', 'reject-publish-dlx']])
    publish({}, 'old')
    publish({}, 'new')
    const message = await letter()
    expect(message.body.toString()).toBe('new')
    expect(headersOf(message)).toEqual(history({ queue: source, reason: 'maxlen', exchange }))
  })

  test('the order of the headers: the message\'s own and the history', async (session) => {
    const { source, exchange, publish, rejectNext, letter } = await stage(session)
    publish({ headers: [['y', 'I', 1], ['a', 'I', 2]] })
    await rejectNext()
    const headers = headersOf(await letter())
    expect(headers).toEqual({
      ...history({ queue: source, reason: 'rejected', exchange }), y: ['I', 1], a: ['I', 2],
    })
    const names = Object.keys(headers)
    if (session.differs('header-order')) expect(names.slice(0, 3)).toEqual(['y', 'a', 'x-death'])
    else expect(names).toEqual(names.toSorted())
  })

  test('routing-keys are the message\'s key and its CC keys, without BCC (4.x)', async (session) => {
    const { client, source, exchange, letter, rejectNext } = await stage(session)
    client.publish(1, { exchange, 'routing-key': 'k' },
      { headers: [['CC', 'A', [['S', 'c1'], ['S', 'c2']]], ['BCC', 'A', [['S', 'b']]]] }, Buffer.from('x'))
    await rejectNext()
    expect(headersOf(await letter())).toEqual({
      ...history({ queue: source, reason: 'rejected', exchange, routingKeys: ['k', 'c1', 'c2'] }),
      CC: ['A', [['S', 'c1'], ['S', 'c2']]],
    })
  })

  test('with x-dead-letter-routing-key the CC header stays, too (4.x)', async (session) => {
    const { source, exchange, publish, rejectNext, letter } = await stage(session,
      [['x-dead-letter-routing-key', 'S', 'new']])
    publish({ headers: [['CC', 'A', [['S', 'c']]]] })
    await rejectNext()
    expect(headersOf(await letter())).toEqual({
      ...history({ queue: source, reason: 'rejected', exchange, routingKeys: ['k', 'c'] }),
      CC: ['A', [['S', 'c']]],
    })
  })

  test('a client\'s own history arrives untouched, and gives way at the first death (4.x)',
    async (session) => {
    const { client, source, exchange, publish, letter } = await stage(session)
    const headers: Field[] = [
      ['x-death', 'A', [['F', [['count', 'l', 7n], ['reason', 'S', 'rejected'], ['queue', 'S', source]]]]],
      ['x-first-death-queue', 'S', 'made up'], ['x-first-death-reason', 'S', 'boredom'],
    ]
    publish({ headers })
    client.send(1, 'basic.get', { queue: source })
    const got = await client.nextMessage()
    const arrived = decodeProperties(got.properties)['headers'] as Field[]
    expect(encodeTable(arrived)).toEqual(encodeTable(headers))
    client.send(1, 'basic.reject', { 'delivery-tag': got.args['delivery-tag'] })
    expect(headersOf(await letter())).toEqual(history({ queue: source, reason: 'rejected', exchange }))
  })

  test('an x-death of a client that is no array gives way, too (4.x)', async (session) => {
    const { source, exchange, publish, rejectNext, letter } = await stage(session)
    publish({ headers: [['x-death', 'S', 'nonsense']] })
    await rejectNext()
    expect(headersOf(await letter())).toEqual(history({ queue: source, reason: 'rejected', exchange }))
  })

  test('a letter that a client publishes again begins a new history (4.x)', async (session) => {
    const { source, exchange, publish, rejectNext, letter } = await stage(session)
    publish()
    await rejectNext()
    publish(decodeProperties((await letter()).properties))
    await rejectNext()
    expect(headersOf(await letter())).toEqual(history({ queue: source, reason: 'rejected', exchange }))
  })

  test('a second death elsewhere comes first; x-first-death stays, x-last-death follows (4.x)',
    async (session) => {
    const { client, source, exchange, dlx, publish, rejectNext, letter } = await stage(session)
    const [second, last, dlx2] = [session.name('second'), session.name('last'), session.name('dlx2')]
    await client.call(1, 'exchange.declare', { exchange: dlx2, type: 'topic', durable: true })
    await client.call(1, 'queue.declare', { queue: last, durable: true })
    await client.call(1, 'queue.declare', { queue: second, durable: true, arguments: [
      ['x-dead-letter-exchange', 'S', dlx2], ['x-dead-letter-routing-key', 'S', 'k2'],
      ['x-message-ttl', 'I', 5],
    ] })
    await client.call(1, 'queue.bind', { queue: second, exchange: dlx })
    await client.call(1, 'queue.bind', { queue: last, exchange: dlx2, 'routing-key': '#' })
    publish({ expiration: '60000' })
    await rejectNext()
    await letter()
    await client.call(2, 'basic.consume', { 'queue': last, 'no-ack': true })
    const message = await letter()
    expect(message.args).toMatchObject({ 'exchange': dlx2, 'routing-key': 'k2' })
    expect(headersOf(message)).toEqual(history(
      { queue: second, reason: 'expired', exchange: dlx },
      { queue: source, reason: 'rejected', exchange, expiration: '60000' },
    ))
  })

  test('dying again in the same queue for the same reason counts up, and keeps the first values (4.x)',
    async ({
    raw, name,
  }) => {
    const [client, exchange, queue] = [await raw(), name('x'), name()]
    await client.call(1, 'exchange.declare', { exchange, type: 'direct', durable: true })
    await client.call(1, 'queue.declare', { queue, durable: true, arguments: [
      ['x-dead-letter-exchange', 'S', ''], ['x-dead-letter-routing-key', 'S', queue],
    ] })
    await client.call(1, 'queue.bind', { queue, exchange, 'routing-key': 'k' })
    await client.call(1, 'basic.consume', { queue })
    client.publish(1, { exchange, 'routing-key': 'k' }, { expiration: '60000' }, Buffer.from('x'))
    for (let n = 1; n <= 3; n++) client.send(1, 'basic.reject', {
      'delivery-tag': (await client.nextMessage()).args['delivery-tag'],
    })
    const message = await client.nextMessage()
    expect(message.args).toMatchObject({ 'exchange': '', 'routing-key': queue })
    expect(headersOf(message)).toEqual({
      ...history({ queue, reason: 'rejected', exchange, count: 3n, expiration: '60000' }),
      'x-last-death-exchange': ['S', ''],
    })
  })

  test('time is in seconds, of the first death', async (session) => {
    const { ch, source, dead } = await pair(session)
    await fill(ch, source, ['x'])
    const before = Math.floor(Date.now() / 1000)
    ch.reject(await get(ch, source), false)
    const message = await get(ch, dead)
    const [first] = message.properties.headers!['x-death'] as { time: { '!': string, value: number } }[]
    expect(first!.time['!']).toBe('timestamp')
    expect(Math.abs(first!.time.value - before)).toBeLessThan(10)
  })

  test('a later death in the same queue does not change the time', async (session) => {
    const ch = await session.confirmChannel()
    const queue = session.name()
    await ch.assertQueue(queue, lettersTo(queue))
    await fill(ch, queue, ['x'])
    ch.reject(await get(ch, queue), false)
    const timeOf = async (): Promise<unknown> => {
      const message = await get(ch, queue)
      ch.reject(message, false)
      return (message.properties.headers!['x-death'] as { time: unknown }[])[0]!.time
    }
    const first = await timeOf()
    await elapse(ch, session.name('probe'), 1100)
    expect(await timeOf()).toEqual(first)
  })

  test('exchange is the dead-letter exchange, the key the message\'s own', async (session) => {
    const { dlx, publish, rejectNext, letter } = await stage(session)
    publish()
    await rejectNext()
    expect((await letter()).args).toMatchObject({ 'exchange': dlx, 'routing-key': 'k' })
  })

  test('x-dead-letter-routing-key replaces the key', async (session) => {
    const { dlx, publish, rejectNext, letter } = await stage(session,
      [['x-dead-letter-routing-key', 'S', 'new']])
    publish()
    await rejectNext()
    expect((await letter()).args).toMatchObject({ 'exchange': dlx, 'routing-key': 'new' })
  })

  test('an empty x-dead-letter-routing-key replaces it, too', async (session) => {
    const { publish, rejectNext, letter } = await stage(session, [['x-dead-letter-routing-key', 'S', '']])
    publish()
    await rejectNext()
    expect((await letter()).args).toMatchObject({ 'routing-key': '' })
  })

  test('all other properties and the body stay', async (session) => {
    const { publish, rejectNext, letter } = await stage(session)
    const properties = {
      'content-type': 't', 'content-encoding': 'e', 'delivery-mode': 2, 'priority': 3, 'correlation-id': 'c',
      'reply-to': 'r', 'message-id': 'm', 'timestamp': 1_700_000_000, 'type': 'y', 'user-id': target.user,
      'app-id': 'a', 'cluster-id': 'l',
    }
    publish(properties, 'the body')
    await rejectNext()
    const message = await letter()
    const { headers, ...others } = decodeProperties(message.properties)
    expect(headers).toBeDefined()
    expect([others, message.body.toString()]).toEqual([properties, 'the body'])
  })

  test('the delivery mode is not invented', async (session) => {
    const { publish, rejectNext, letter } = await stage(session)
    publish()
    await rejectNext()
    expect(Object.keys(decodeProperties((await letter()).properties))).toEqual(['headers'])
  })
})
