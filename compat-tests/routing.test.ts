// Which queue a message reaches: tables per exchange type, and sender-selected keys (CC, BCC). Reference:
// §3.6. Each row binds one queue per binding to one exchange and publishes; the queues that got it are
// compared.

import type { ConfirmChannel, Options } from 'amqplib'
import { expect } from 'vitest'
import { channelClosure, closed } from './harness/closure.ts'
import { forEachTarget } from './harness/for-each-target.ts'
import { drain, get } from './harness/messages.ts'
import type { Session } from './harness/session.ts'
import type { Field } from './harness/wire.ts'

interface Binding {
  key: string
  args?: Record<string, unknown>
}

/** Declares an exchange with a queue per binding. */
async function bindAll(
  { name }: Session, ch: ConfirmChannel, type: string, bindings: readonly Binding[],
): Promise<{ exchange: string, queues: string[] }> {
  const exchange = name('x')
  await ch.assertExchange(exchange, type)
  const queues = await Promise.all(bindings.map(async ({ key, args }) => {
    const { queue } = await ch.assertQueue(name('q'), { durable: false, exclusive: true })
    await ch.bindQueue(queue, exchange, key, args)
    return queue
  }))
  return { exchange, queues }
}

/** Publishes one message and tells which of the bindings got it. */
async function reached(
  ch: ConfirmChannel, { exchange, queues }: { exchange: string, queues: string[] },
    bindings: readonly Binding[],
  routingKey: string, options?: Options.Publish,
): Promise<string[]> {
  ch.publish(exchange, routingKey, Buffer.from('x'), options)
  await ch.waitForConfirms()
  const counts = await Promise.all(queues.map(async (queue) => (await drain(ch, queue)).length))
  return bindings.filter((_, index) => counts[index] === 1).map(({ key }) => key)
}

const topicKeys = [
  '#', '*', '*.*', '#.#', 'a.*', 'a.#', '#.a', '#.a.#', '*.#', '#.*', '*.', '.*', '.', 'a.', '.a', '', 'a*',
    'A',
]

const topicTable: [routingKey: string, matches: string[]][] = [
  ['', ['#', '#.#', '']],
  ['a', ['#', '*', '#.#', 'a.#', '#.a', '#.a.#', '*.#', '#.*']],
  ['.', ['#', '#.#', '*.*', '*.#', '#.*', '*.', '.*', '.']],
  ['a.', ['#', '#.#', '*.*', 'a.*', 'a.#', '#.a.#', '*.#', '#.*', '*.', 'a.']],
  ['.a', ['#', '#.#', '*.*', '#.a', '#.a.#', '*.#', '#.*', '.*', '.a']],
  ['a.b.c', ['#', '#.#', 'a.#', '#.a.#', '*.#', '#.*']],
  ['A', ['#', '*', '#.#', '*.#', '#.*', 'A']],
  ['a*', ['#', '*', '#.#', '*.#', '#.*', 'a*']],
  ['a.#', ['#', '#.#', '*.*', 'a.*', 'a.#', '#.a.#', '*.#', '#.*']],
  ['b', ['#', '*', '#.#', '*.#', '#.*']],
]

const int = (value: number): object => ({ '!': 'int', value })

type Table = Record<string, unknown>

type HeaderRow = [title: string, binding: Table, headers: Table, isMatch: boolean]

const headerTable: HeaderRow[] = [
  ['all: both there', { a: 'x', b: 'y' }, { a: 'x', b: 'y', c: 'z' }, true],
  ['all is the default: one is missing', { a: 'x', b: 'y' }, { a: 'x' }, false],
  ['all: one differs', { 'x-match': 'all', 'a': 'x' }, { a: 'y' }, false],
  ['any: one is there', { 'x-match': 'any', 'a': 'x', 'b': 'y' }, { b: 'y' }, true],
  ['any: none is there', { 'x-match': 'any', 'a': 'x' }, { b: 'x' }, false],
  ['all without arguments matches all', { 'x-match': 'all' }, {}, true],
  ['any without arguments matches none', { 'x-match': 'any' }, { a: 1 }, false],
  ['all skips x- names', { 'x-match': 'all', 'x-a': 1, 'b': 2 }, { b: 2 }, true],
  ['any skips x- names', { 'x-match': 'any', 'x-a': 1 }, { 'x-a': 1 }, false],
  ['X- in capitals is not skipped', { 'X-a': 1 }, {}, false],
  ['all-with-x uses x- names', { 'x-match': 'all-with-x', 'x-a': 1 }, {}, false],
  ['all-with-x matches x- names', { 'x-match': 'all-with-x', 'x-a': 1 }, { 'x-a': 1 }, true],
  ['any-with-x matches an x- name', { 'x-match': 'any-with-x', 'x-a': 1, 'b': 2 }, { 'x-a': 1 }, true],
  ['void asks for presence only', { a: null }, { a: 'anything' }, true],
  ['void fails on absence', { a: null }, {}, false],
  ['integers match whatever their width', { a: int(1) }, { a: 1 }, true],
  ['floats match whatever their width', { a: { '!': 'float', 'value': 1.5 } }, { a: 1.5 }, true],
  ['a string matches the same bytes', { a: 'x' }, { a: Buffer.from('x') }, true],
  ['a boolean is no integer', { a: true }, { a: 1 }, false],
  ['a string is no integer', { a: '1' }, { a: 1 }, false],
  ['equal tables match', { a: { b: [1, 'x'] } }, { a: { b: [1, 'x'] } }, true],
  ['different tables do not', { a: { b: 1 } }, { a: { b: 2 } }, false],
  ['header names are case sensitive', { a: 1 }, { A: 1 }, false],
]

forEachTarget((test) => {
  test('direct: the key must be equal byte for byte', async (session) => {
    const ch = await session.confirmChannel()
    const bindings = ['k', 'K', 'k.', '', '#', 'é'].map((key) => ({ key }))
    const bound = await bindAll(session, ch, 'direct', bindings)
    for (const key of ['k', 'K', '', '#', 'é']) {
      expect(await reached(ch, bound, bindings, key)).toEqual([key])
    }
    expect(await reached(ch, bound, bindings, 'other')).toEqual([])
  })

  test('direct: several queues bound with one key all get it', async (session) => {
    const ch = await session.confirmChannel()
    const bindings = [{ key: 'k' }, { key: 'k' }, { key: 'k' }]
    const bound = await bindAll(session, ch, 'direct', bindings)
    expect(await reached(ch, bound, bindings, 'k')).toEqual(['k', 'k', 'k'])
  })

  test('fanout: the key does not matter', async (session) => {
    const ch = await session.confirmChannel()
    const bindings = ['', 'k', '#'].map((key) => ({ key }))
    const bound = await bindAll(session, ch, 'fanout', bindings)
    expect(await reached(ch, bound, bindings, 'whatever')).toEqual(['', 'k', '#'])
  })

  test('default: the key is the queue\'s name', async ({ confirmChannel, name }) => {
    const ch = await confirmChannel()
    const { queue } = await ch.assertQueue(name())
    ch.publish('', queue, Buffer.from('x'))
    expect((await get(ch, queue)).fields).toMatchObject({ exchange: '', routingKey: queue })
  })

  test('a queue bound twice gets one copy', async ({ confirmChannel, name }) => {
    const [ch, exchange] = [await confirmChannel(), name()]
    const { queue } = await ch.assertQueue(name())
    await ch.assertExchange(exchange, 'topic')
    for (const key of ['a.*', 'a.#', 'a.b', 'a.b']) await ch.bindQueue(queue, exchange, key)
    ch.publish(exchange, 'a.b', Buffer.from('once'))
    await ch.waitForConfirms()
    expect(await drain(ch, queue)).toEqual(['once'])
  })

  test('bindings that differ only in arguments are two', async ({ confirmChannel, name }) => {
    const [ch, exchange] = [await confirmChannel(), name()]
    const { queue } = await ch.assertQueue(name())
    await ch.assertExchange(exchange, 'direct')
    await ch.bindQueue(queue, exchange, 'k', { n: 1 })
    await ch.bindQueue(queue, exchange, 'k', { n: 2 })
    await ch.unbindQueue(queue, exchange, 'k', { n: 1 })
    ch.publish(exchange, 'k', Buffer.from('still bound'))
    await ch.waitForConfirms()
    expect(await drain(ch, queue)).toEqual(['still bound'])
  })

  for (const [routingKey, matches] of topicTable) {
    test(`topic: the key '${routingKey}' matches ${matches.map((key) => `'${key}'`).join(' ')}`,
      async (session) => {
      const ch = await session.confirmChannel()
      const bindings = topicKeys.map((key) => ({ key }))
      const bound = await bindAll(session, ch, 'topic', bindings)
      expect((await reached(ch, bound, bindings, routingKey)).toSorted()).toEqual(matches.toSorted())
    })
  }

  test('topic: unbinding one pattern leaves the others', async ({ confirmChannel, name }) => {
    const [ch, exchange] = [await confirmChannel(), name()]
    const { queue } = await ch.assertQueue(name())
    await ch.assertExchange(exchange, 'topic')
    for (const key of ['a.#', 'a.b', '#']) await ch.bindQueue(queue, exchange, key)
    await ch.unbindQueue(queue, exchange, '#')
    await ch.unbindQueue(queue, exchange, 'a.#')
    for (const key of ['a.b', 'a.c', 'z']) ch.publish(exchange, key, Buffer.from(key))
    await ch.waitForConfirms()
    expect(await drain(ch, queue)).toEqual(['a.b'])
  })

  test('topic: three # words in a binding: 406 in 4.x, accepted in 3.x', async ({ channel, name, older }) => {
    const ch = await channel()
    const { queue } = await ch.assertQueue(name())
    const bind = (): Promise<unknown> => ch.bindQueue(queue, 'amq.topic', 'a.#.#.#')
    if (older('topic-wildcards')) {
      await expect(bind()).resolves.toEqual({})
      return
    }
    expect(await channelClosure(ch, bind)).toEqual(closed(406,
      'PRECONDITION_FAILED - Topic binding key \'a.#.#.#\' uses 3 \'#\' wildcards, at most 2 are allowed',
        'queue.bind'))
  })

  for (const [title, binding, headers, isMatch] of headerTable) {
    test(`headers: ${title}`, async (session) => {
      const ch = await session.confirmChannel()
      const bindings = [{ key: 'bound', args: binding }]
      const bound = await bindAll(session, ch, 'headers', bindings)
      expect(await reached(ch, bound, bindings, '', { headers })).toEqual(isMatch ? ['bound'] : [])
    })
  }

  test('headers: an integer and a float of the same value match in 3.x, not in 4.x', async (session) => {
    const ch = await session.confirmChannel()
    const bindings = [{ key: 'bound', args: { a: int(1) } }]
    const bound = await bindAll(session, ch, 'headers', bindings)
    expect(await reached(ch, bound, bindings, '', { headers: { a: { '!': 'double', 'value': 1 } } }))
      .toEqual(session.older('header-number-match') ? ['bound'] : [])
  })

  test('headers: the same timestamp in binding and message', async (session) => {
    const ch = await session.confirmChannel()
    const stamp = { '!': 'timestamp', 'value': 1_700_000_000 }
    const bindings = [{ key: 'bound', args: { a: stamp } }]
    const bound = await bindAll(session, ch, 'headers', bindings)
    expect(await reached(ch, bound, bindings, '', { headers: { a: stamp } }))
      .toEqual(session.older('timestamp-match') || session.differs('timestamp-match') ? ['bound'] : [])
  })

  for (const [title, value, message] of [
    ['an unknown value', 'foo',
      'Invalid x-match field value <<"foo">>; expected all, any, all-with-x, or any-with-x'],
    ['an integer', int(5), 'Invalid x-match field type signedint (value 5); expected longstr'],
  ] as const) {
    test(`headers: x-match with ${title} is 406`, async ({ channel, name }) => {
      const ch = await channel()
      const { queue } = await ch.assertQueue(name())
      expect(await channelClosure(ch, () => ch.bindQueue(queue, 'amq.headers', '', { 'x-match': value })))
        .toEqual(closed(406, `PRECONDITION_FAILED - ${message}`, 'queue.bind'))
    })
  }

  for (const type of ['direct', 'topic']) {
    test(`${type}: CC and BCC add keys`, async (session) => {
      const ch = await session.confirmChannel()
      const bindings = ['to', 'cc1', 'cc2', 'bcc', 'other'].map((key) => ({ key }))
      const bound = await bindAll(session, ch, type, bindings)
      expect(await reached(ch, bound, bindings, 'to', { CC: ['cc1', 'cc2'], BCC: ['bcc'] }))
        .toEqual(['to', 'cc1', 'cc2', 'bcc'])
    })
  }

  test('default: CC and BCC name further queues', async ({ confirmChannel, name }) => {
    const ch = await confirmChannel()
    const queues = [name('to'), name('cc'), name('bcc')]
    for (const queue of queues) await ch.assertQueue(queue)
    ch.sendToQueue(queues[0]!, Buffer.from('x'), { CC: [queues[1]!], BCC: [queues[2]!] })
    await ch.waitForConfirms()
    for (const queue of queues) expect(await drain(ch, queue)).toEqual(['x'])
  })

  test('a queue reached by key and CC gets one copy', async ({ confirmChannel, name }) => {
    const ch = await confirmChannel()
    const { queue } = await ch.assertQueue(name())
    ch.sendToQueue(queue, Buffer.from('once'), { CC: [queue], BCC: [queue] })
    await ch.waitForConfirms()
    expect(await drain(ch, queue)).toEqual(['once'])
  })

  test('CC stays in the message, BCC does not, and the routing key is the primary one', async (session) => {
    const ch = await session.confirmChannel()
    const { queue } = await ch.assertQueue(session.name())
    ch.publish('', 'nowhere', Buffer.from('x'), { CC: ['none'], BCC: [queue], headers: { a: 1 } })
    const message = await get(ch, queue)
    expect(message.fields.routingKey).toBe('nowhere')
    expect(message.properties.headers).toEqual({ a: 1, CC: ['none'] })
  })

  test('BCC alone leaves an empty header table', async ({ raw, name }) => {
    const [client, queue] = [await raw(), name()]
    await client.call(1, 'queue.declare', { queue, exclusive: true })
    const headers: Field[] = [['BCC', 'A', [['S', queue]]]]
    client.publish(1, { 'routing-key': 'nowhere' }, { headers }, Buffer.from('x'))
    await client.call(1, 'basic.consume', { queue, 'no-ack': true })
    expect((await client.nextMessage()).properties.toString('hex')).toBe('200000000000')
  })

  for (const key of ['CC', 'BCC']) {
    test(`${key} that is no array is 406`, async ({ channel }) => {
      const ch = await channel()
      expect(await channelClosure(ch, () => ch.publish('', 'k', Buffer.from('x'),
        { headers: { [key]: 'one' } })))
        .toEqual(closed(406, 'PRECONDITION_FAILED - invalid message: ' +
          `{unacceptable_type_in_header,"${key}",longstr}`, 'basic.publish'))
    })
  }

  test('items of CC that are no strings are skipped', async ({ confirmChannel, name }) => {
    const ch = await confirmChannel()
    const { queue } = await ch.assertQueue(name())
    ch.publish('', 'nowhere', Buffer.from('x'), { headers: { CC: [1, queue, true] } })
    await ch.waitForConfirms()
    expect(await drain(ch, queue)).toEqual(['x'])
  })

  test('a binding argument that comes twice', async ({ raw, name, differs }) => {
    const client = await raw()
    const [exchange, queue] = [name(), name()]
    await client.call(1, 'exchange.declare', { exchange, type: 'headers' })
    await client.call(1, 'queue.declare', { queue, exclusive: true })
    const both: Field[] = [['a', 'I', 1], ['a', 'I', 2]]
    await client.call(1, 'queue.bind', { queue, exchange, arguments: both })
    client.publish(1, { exchange, mandatory: true }, { headers: [['a', 'I', 2]] })
    if (differs('duplicate-arguments')) {
      expect((await client.call(1, 'queue.purge', { queue }))['message-count']).toBe(1)
      return
    }
    await client.expect('basic.return')
  })
})
