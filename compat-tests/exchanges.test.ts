// Exchanges: declare, re-declare, delete, bind; auto-delete, internal, alternate, exchange-to-exchange.
// Reference: behaviours §3.1–§3.5. Which queue a message reaches by type is in routing.test.ts.

import type { Channel, Options } from 'amqplib'
import { expect } from 'vitest'
import { channelClosure, closed, connectionClosure } from './harness/closure.ts'
import { forEachTarget } from './harness/for-each-target.ts'
import { drain, get, text } from './harness/messages.ts'
import { until } from './harness/poll.ts'

const onDefault = 'ACCESS_REFUSED - operation not permitted on the default exchange'

const mismatch = (key: string, exchange: string, received: string, current: string): string =>
  `PRECONDITION_FAILED - inequivalent arg '${key}' for exchange '${exchange}' in vhost '/': ` +
  `received ${received} but current is ${current}`

async function untilGone(ch: () => Promise<Channel>, exchange: string): Promise<void> {
  await until(`${exchange} is deleted`, async () => {
    const probe = await ch()
    try {
      await probe.checkExchange(exchange)
      return false
    } catch (error) {
      return (error as { code?: number }).code === 404
    }
  })
}

forEachTarget((test) => {
  for (const [name, type] of [
    ['amq.direct', 'direct'], ['amq.fanout', 'fanout'], ['amq.topic', 'topic'], ['amq.headers', 'headers'],
    ['amq.match', 'headers'],
  ] as const) {
    test(`${name} is there, durable, of type ${type}`, async ({ channel }) => {
      await expect((await channel()).assertExchange(name, type, { durable: true })).resolves.toBeDefined()
    })
  }

  test('amq.rabbitmq.trace is there, durable, internal, of type topic', async ({ channel }) => {
    await expect((await channel()).assertExchange('amq.rabbitmq.trace', 'topic', { internal: true }))
      .resolves.toBeDefined()
  })

  for (const type of ['direct', 'fanout', 'topic', 'headers']) {
    test(`a ${type} exchange can be declared, twice the same, and passively`, async ({ channel, name }) => {
      const [ch, exchange] = [await channel(), name()]
      await ch.assertExchange(exchange, type)
      await ch.assertExchange(exchange, type)
      await expect(ch.checkExchange(exchange)).resolves.toEqual({})
    })
  }

  const base: [string, Options.AssertExchange] = ['direct', { durable: true }]
  for (const [key, [type, options], received, current] of [
    ['type', ['fanout', {}], 'fanout', 'direct'],
    ['durable', ['direct', { durable: false }], 'false', 'true'],
    ['auto_delete', ['direct', { autoDelete: true }], 'true', 'false'],
    ['internal', ['direct', { internal: true }], 'true', 'false'],
    ['type', ['topic', { durable: false, autoDelete: true }], 'topic', 'direct'],
    ['durable', ['direct', { durable: false, autoDelete: true }], 'false', 'true'],
  ] as [string, [string, Options.AssertExchange], string, string][]) {
    const changed = [type, ...Object.keys(options)].join(', ')
    test(`re-declaring with another ${key} is 406 (${changed})`, async ({ channel, name }) => {
      const [ch, exchange] = [await channel(), name()]
      await ch.assertExchange(exchange, ...base)
      expect(await channelClosure(ch, () => ch.assertExchange(exchange, type, options)))
        .toEqual(closed(406, mismatch(key, exchange, `'${received}'`, `'${current}'`), 'exchange.declare'))
    })
  }

  for (const [title, first, second, received, current] of [
    ['another', { alternateExchange: 'foo' }, { alternateExchange: 'bar' }, '\'bar\'', '\'foo\''],
    ['no', { alternateExchange: 'foo' }, {}, 'none', 'the value \'foo\' of type \'longstr\''],
    ['a new', {}, { alternateExchange: 'foo' }, 'the value \'foo\' of type \'longstr\'', 'none'],
  ] as const) {
    test(`re-declaring with ${title} alternate exchange is 406`, async ({ channel, name }) => {
      const [ch, exchange] = [await channel(), name()]
      await ch.assertExchange(exchange, 'direct', first)
      expect(await channelClosure(ch, () => ch.assertExchange(exchange, 'direct',
        second)))
        .toEqual(closed(406, mismatch('alternate-exchange', exchange, received, current), 'exchange.declare'))
    })
  }

  test('re-declaring with other arguments nobody knows is allowed', async ({ channel, name }) => {
    const [ch, exchange] = [await channel(), name()]
    await ch.assertExchange(exchange, 'direct', { arguments: { colour: 'red' } })
    await expect(ch.assertExchange(exchange, 'direct', { arguments: { shape: 1 } })).resolves.toBeDefined()
  })

  test('an alternate exchange that is no string is 406', async ({ channel, name }) => {
    const [ch, exchange] = [await channel(), name()]
    const declare = (): unknown =>
      ch.assertExchange(exchange, 'direct', { arguments: { 'alternate-exchange': { '!': 'int',
        'value': 1 } } })
    expect(await channelClosure(ch, declare)).toEqual(closed(406, 'PRECONDITION_FAILED - invalid type ' +
      `'signedint' for arg 'alternate-exchange' in exchange '${exchange}' in vhost '/'`, 'exchange.declare'))
  })

  test('an unknown type is refused: 406 on the channel in 4.x, 503 on the connection in 3.x',
    async (session) => {
    const [connection, exchange] = [await session.connect(), session.name()]
    const ch = await session.channel(connection)
    const declare = (): unknown => ch.assertExchange(exchange, 'x-nosuch-type')
    // The broker says "unknown" or "invalid", as its atom table happens to know the word or not.
    const about = /(unknown|invalid) exchange type 'x-nosuch-type'$/
    const isOlder = session.older('unknown-exchange-type')
    const closure = isOlder
      ? await connectionClosure(connection, declare)
      : await channelClosure(ch, declare)
    expect(closure.code).toBe(isOlder ? 503 : 406)
    expect(closure.text).toMatch(about)
    expect(closure.text.split(' - ')[0]).toBe(isOlder ? 'COMMAND_INVALID' : 'PRECONDITION_FAILED')
  })

  test('a passive declare of a missing exchange is 404', async ({ channel, name }) => {
    const [ch, exchange] = [await channel(), name()]
    expect(await channelClosure(ch, () => ch.checkExchange(exchange)))
      .toEqual(closed(404, `NOT_FOUND - no exchange '${exchange}' in vhost '/'`, 'exchange.declare'))
  })

  test('a passive declare ignores type and flags', async ({ raw, name }) => {
    const [client, exchange] = [await raw(), name()]
    await client.call(1, 'exchange.declare', { exchange, type: 'direct', durable: true })
    const declare = { exchange, 'type': 'no-type', 'passive': true, 'auto-delete': true, 'internal': true }
    await expect(client.call(1, 'exchange.declare', declare)).resolves.toEqual({})
  })

  test('a new name with the prefix amq. is 403', async ({ channel }) => {
    const ch = await channel()
    expect(await channelClosure(ch, () => ch.assertExchange('amq.compat', 'direct'))).toEqual(closed(403,
      'ACCESS_REFUSED - exchange name \'amq.compat\' contains reserved prefix \'amq.*\'', 'exchange.declare'))
  })

  test('line breaks are removed from a declared name', async ({ channel, name }) => {
    const [ch, exchange] = [await channel(), name()]
    await ch.assertExchange(`${exchange.slice(0, 5)}\r\n${exchange.slice(5)}`, 'direct')
    await expect(ch.checkExchange(exchange)).resolves.toEqual({})
  })

  for (const [title, method, act] of [
    ['declare', 'exchange.declare', (ch) => ch.assertExchange('', 'direct')],
    ['passive declare', 'exchange.declare', (ch) => ch.checkExchange('')],
    ['delete', 'exchange.delete', (ch) => ch.deleteExchange('')],
    ['bind to a queue', 'queue.bind', (ch, queue) => ch.bindQueue(queue, '', 'k')],
    ['unbind from a queue', 'queue.unbind', (ch, queue) => ch.unbindQueue(queue, '', queue)],
    ['bind to an exchange', 'exchange.bind', (ch) => ch.bindExchange('amq.direct', '', 'k')],
  ] as [string, 'exchange.declare', (ch: Channel, queue: string) => unknown][]) {
    test(`${title} of the default exchange is 403`, async ({ channel, name }) => {
      const ch = await channel()
      const { queue } = await ch.assertQueue(name())
      expect(await channelClosure(ch, () => act(ch, queue))).toEqual(closed(403, onDefault, method))
    })
  }

  test('deleting a missing exchange succeeds', async ({ channel, name }) => {
    await expect((await channel()).deleteExchange(name())).resolves.toEqual({})
  })

  for (const exchange of ['amq.direct', 'amq.never-was']) {
    test(`deleting ${exchange} is 403`, async ({ channel }) => {
      const ch = await channel()
      expect(await channelClosure(ch, () => ch.deleteExchange(exchange))).toEqual(closed(403,
        `ACCESS_REFUSED - deletion of system exchange '${exchange}' in vhost '/' not allowed`,
          'exchange.delete'))
    })
  }

  test('delete if-unused is 406 while it is the source of a binding', async ({ channel, name }) => {
    const [ch, exchange] = [await channel(), name()]
    await ch.assertExchange(exchange, 'fanout')
    const { queue } = await ch.assertQueue(name())
    await ch.bindQueue(queue, exchange, '')
    expect(await channelClosure(ch, () => ch.deleteExchange(exchange, { ifUnused: true }))).toEqual(
      closed(406, `PRECONDITION_FAILED - exchange '${exchange}' in vhost '/' in use`, 'exchange.delete'))
  })

  test('delete if-unused succeeds while it is only a destination', async ({ channel, name }) => {
    const [ch, exchange] = [await channel(), name()]
    await ch.assertExchange(exchange, 'fanout')
    await ch.bindExchange(exchange, 'amq.fanout', '')
    await expect(ch.deleteExchange(exchange, { ifUnused: true })).resolves.toEqual({})
  })

  test('publishing to a missing exchange is 404', async ({ channel, name }) => {
    const [ch, exchange] = [await channel(), name()]
    expect(await channelClosure(ch, () => ch.publish(exchange, 'k', Buffer.from('x'))))
      .toEqual(closed(404, `NOT_FOUND - no exchange '${exchange}' in vhost '/'`, 'basic.publish'))
  })

  test('publishing to an internal exchange is 403', async ({ channel, name }) => {
    const [ch, exchange] = [await channel(), name()]
    await ch.assertExchange(exchange, 'fanout', { internal: true })
    expect(await channelClosure(ch, () => ch.publish(exchange, 'k', Buffer.from('x')))).toEqual(closed(403,
      `ACCESS_REFUSED - cannot publish to internal exchange '${exchange}' in vhost '/'`, 'basic.publish'))
  })

  test('binding a missing queue is 404, naming the queue', async ({ channel, name }) => {
    const [ch, queue] = [await channel(), name()]
    expect(await channelClosure(ch, () => ch.bindQueue(queue, 'amq.direct', 'k')))
      .toEqual(closed(404, `NOT_FOUND - no queue '${queue}' in vhost '/'`, 'queue.bind'))
  })

  test('binding to a missing exchange is 404, naming the exchange', async ({ channel, name }) => {
    const [ch, exchange] = [await channel(), name()]
    const { queue } = await ch.assertQueue(name())
    expect(await channelClosure(ch, () => ch.bindQueue(queue, exchange, 'k')))
      .toEqual(closed(404, `NOT_FOUND - no exchange '${exchange}' in vhost '/'`, 'queue.bind'))
  })

  test('binding a missing queue to a missing exchange names the exchange', async ({ channel, name }) => {
    const [ch, queue, exchange] = [await channel(), name(), name()]
    expect(await channelClosure(ch, () => ch.bindQueue(queue, exchange, 'k')))
      .toEqual(closed(404, `NOT_FOUND - no exchange '${exchange}' in vhost '/'`, 'queue.bind'))
  })

  test('unbinding what is not bound, or not there, succeeds', async ({ channel, name }) => {
    const ch = await channel()
    const { queue } = await ch.assertQueue(name())
    await expect(ch.unbindQueue(queue, 'amq.direct', 'never')).resolves.toEqual({})
    await expect(ch.unbindQueue(name(), name(), 'never')).resolves.toEqual({})
    await expect(ch.unbindExchange(name(), name(), 'never')).resolves.toEqual({})
  })

  test('deleting a bound exchange unbinds it', async ({ confirmChannel, name }) => {
    const [ch, exchange] = [await confirmChannel(), name()]
    const { queue } = await ch.assertQueue(name())
    await ch.assertExchange(exchange, 'fanout')
    await ch.bindQueue(queue, exchange, '')
    await ch.deleteExchange(exchange)
    await ch.assertExchange(exchange, 'fanout')
    ch.publish(exchange, '', Buffer.from('lost'))
    await ch.waitForConfirms()
    expect(await drain(ch, queue)).toEqual([])
  })

  test('an auto-delete exchange goes with its last binding', async ({ channel, name }) => {
    const [ch, exchange] = [await channel(), name()]
    const { queue } = await ch.assertQueue(name())
    await ch.assertExchange(exchange, 'direct', { autoDelete: true })
    await ch.bindQueue(queue, exchange, 'a')
    await ch.bindQueue(queue, exchange, 'b')
    await ch.unbindQueue(queue, exchange, 'a')
    await ch.checkExchange(exchange)
    await ch.unbindQueue(queue, exchange, 'b')
    await untilGone(channel, exchange)
  })

  test('an auto-delete exchange that was never bound stays, also as a destination', async ({
    channel, name,
  }) => {
    const [ch, exchange] = [await channel(), name()]
    await ch.assertExchange(exchange, 'direct', { autoDelete: true })
    await ch.bindExchange(exchange, 'amq.fanout', '')
    await ch.unbindExchange(exchange, 'amq.fanout', '')
    await expect(ch.checkExchange(exchange)).resolves.toEqual({})
  })

  test('deleting a queue takes a chain of auto-delete exchanges along', async ({ channel, name }) => {
    const [ch, first, second] = [await channel(), name('first'), name('second')]
    const { queue } = await ch.assertQueue(name())
    for (const exchange of [first, second]) await ch.assertExchange(exchange, 'fanout', { autoDelete: true })
    await ch.bindExchange(second, first, '')
    await ch.bindQueue(queue, second, '')
    await ch.deleteQueue(queue)
    await untilGone(channel, second)
    await untilGone(channel, first)
  })

  test('the alternate exchange takes what the exchange routes nowhere', async ({ confirmChannel, name }) => {
    const [ch, main, alternate] = [await confirmChannel(), name('main'), name('ae')]
    const [{ queue: routed }, { queue: rest }] = [await ch.assertQueue(name()), await ch.assertQueue(name())]
    await ch.assertExchange(alternate, 'fanout')
    await ch.assertExchange(main, 'direct', { alternateExchange: alternate })
    await ch.bindQueue(routed, main, 'known')
    await ch.bindQueue(rest, alternate, '')
    for (const key of ['known', 'unknown']) ch.publish(main, key, Buffer.from(key))
    await ch.waitForConfirms()
    expect([await drain(ch, routed), await drain(ch, rest)]).toEqual([['known'], ['unknown']])
  })

  test('a message by way of the alternate exchange keeps the exchange it was sent to', async (session) => {
    const [ch, main, alternate] = [await session.confirmChannel(), session.name('main'), session.name('ae')]
    const { queue } = await ch.assertQueue(session.name())
    await ch.assertExchange(alternate, 'fanout')
    await ch.assertExchange(main, 'direct', { alternateExchange: alternate })
    await ch.bindQueue(queue, alternate, '')
    ch.publish(main, 'key', Buffer.from('x'))
    expect((await get(ch, queue)).fields).toMatchObject({ exchange: main, routingKey: 'key' })
  })

  for (const [title, bind, returned] of [
    ['is not returned when the alternate exchange routes it', true, 0],
    ['is returned when the alternate exchange does not route it', false, 1],
  ] as const) {
    test(`a mandatory message ${title}`, async ({ confirmChannel, name }) => {
      const [ch, main, alternate] = [await confirmChannel(), name('main'), name('ae')]
      const { queue } = await ch.assertQueue(name())
      await ch.assertExchange(alternate, 'fanout')
      await ch.assertExchange(main, 'direct', { alternateExchange: alternate })
      if (bind) await ch.bindQueue(queue, alternate, '')
      let returns = 0
      ch.on('return', () => returns++)
      ch.publish(main, 'key', Buffer.from('x'), { mandatory: true })
      await ch.waitForConfirms()
      expect(returns).toBe(returned)
    })
  }

  test('an alternate exchange that is missing, or the exchange itself, routes nowhere', async (session) => {
    const ch = await session.confirmChannel()
    const exchange = session.name()
    await ch.assertExchange(exchange, 'direct', { alternateExchange: exchange })
    const other = session.name()
    await ch.assertExchange(other, 'direct', { alternateExchange: session.name('missing') })
    const returned: string[] = []
    ch.on('return', (message) => returned.push(text(message)))
    ch.publish(exchange, 'k', Buffer.from('self'), { mandatory: true })
    ch.publish(other, 'k', Buffer.from('missing'), { mandatory: true })
    await ch.waitForConfirms()
    expect(returned).toEqual(['self', 'missing'])
  })

  test('an exchange-to-exchange binding routes on, with the fields as published', async (session) => {
    const [ch, source, destination] = [await session.confirmChannel(), session.name('src'),
      session.name('dst')]
    const { queue } = await ch.assertQueue(session.name())
    await ch.assertExchange(source, 'direct')
    await ch.assertExchange(destination, 'topic')
    await ch.bindExchange(destination, source, 'a.b')
    await ch.bindQueue(queue, destination, 'a.*')
    ch.publish(source, 'a.b', Buffer.from('x'))
    expect((await get(ch, queue)).fields).toMatchObject({ exchange: source, routingKey: 'a.b' })
  })

  test('unbinding an exchange from an exchange stops the routing', async ({ confirmChannel, name }) => {
    const [ch, source, destination] = [await confirmChannel(), name('src'), name('dst')]
    const { queue } = await ch.assertQueue(name())
    for (const exchange of [source, destination]) await ch.assertExchange(exchange, 'fanout')
    await ch.bindExchange(destination, source, '')
    await ch.bindQueue(queue, destination, '')
    await ch.unbindExchange(destination, source, '')
    ch.publish(source, '', Buffer.from('x'))
    await ch.waitForConfirms()
    expect(await drain(ch, queue)).toEqual([])
  })

  test('a cycle of exchanges gives each queue one copy', async ({ confirmChannel, name }) => {
    const [ch, one, two] = [await confirmChannel(), name('one'), name('two')]
    const { queue } = await ch.assertQueue(name())
    for (const exchange of [one, two]) await ch.assertExchange(exchange, 'fanout')
    await ch.bindExchange(two, one, '')
    await ch.bindExchange(one, two, '')
    await ch.bindExchange(one, one, '')
    await ch.bindQueue(queue, one, '')
    await ch.bindQueue(queue, two, '')
    ch.publish(one, '', Buffer.from('once'))
    await ch.waitForConfirms()
    expect(await drain(ch, queue)).toEqual(['once'])
  })

  test('an internal exchange routes what other exchanges give it', async ({ confirmChannel, name }) => {
    const [ch, source, internal] = [await confirmChannel(), name('src'), name('int')]
    const { queue } = await ch.assertQueue(name())
    await ch.assertExchange(source, 'fanout')
    await ch.assertExchange(internal, 'fanout', { internal: true })
    await ch.bindExchange(internal, source, '')
    await ch.bindQueue(queue, internal, '')
    ch.publish(source, '', Buffer.from('x'))
    await ch.waitForConfirms()
    expect(await drain(ch, queue)).toEqual(['x'])
  })


  test('binding twice is one binding', async ({ channel, name }) => {
    const ch = await channel()
    const { queue } = await ch.assertQueue(name())
    const { exchange } = await ch.assertExchange(name(), 'fanout')
    for (let n = 0; n < 2; n++) await ch.bindQueue(queue, exchange, 'k')
    await ch.unbindQueue(queue, exchange, 'k')
    await expect(ch.deleteExchange(exchange, { ifUnused: true })).resolves.toBeDefined()
  })

  test('a durable queue may be bound to a transient exchange', async ({ confirmChannel, name }) => {
    const ch = await confirmChannel()
    const { queue } = await ch.assertQueue(name())
    const { exchange } = await ch.assertExchange(name(), 'fanout', { durable: false })
    await ch.bindQueue(queue, exchange, '')
    ch.publish(exchange, '', Buffer.from('x'))
    await ch.waitForConfirms()
    expect(text(await ch.get(queue))).toBe('x')
  })

  test('line breaks are removed from both names of a binding', async ({ confirmChannel, name }) => {
    const ch = await confirmChannel()
    const { queue } = await ch.assertQueue(name())
    const { exchange } = await ch.assertExchange(name(), 'fanout')
    await ch.bindQueue(`${queue}\r\n`, `\n${exchange}`, '')
    ch.publish(exchange, '', Buffer.from('x'))
    await ch.waitForConfirms()
    expect(text(await ch.get(queue))).toBe('x')
    await ch.unbindQueue(`\r${queue}`, `${exchange}\n`, '')
    await expect(ch.deleteExchange(exchange, { ifUnused: true })).resolves.toBeDefined()
  })

  test('line breaks are not removed from the exchange of a publish', async ({ channel, name }) => {
    const ch = await channel()
    const { exchange } = await ch.assertExchange(name(), 'fanout')
    const closure = await channelClosure(ch, () => ch.publish(`${exchange}\n`, '', Buffer.from('x')))
    expect(closure).toEqual(closed(
      404, `NOT_FOUND - no exchange '${exchange}\n' in vhost '/'`, 'basic.publish'))
  })

  test('an exchange may be bound to itself', async ({ confirmChannel, name }) => {
    const ch = await confirmChannel()
    const { queue } = await ch.assertQueue(name())
    const { exchange } = await ch.assertExchange(name(), 'fanout')
    await ch.bindExchange(exchange, exchange, '')
    await ch.bindQueue(queue, exchange, '')
    ch.publish(exchange, '', Buffer.from('x'))
    await ch.waitForConfirms()
    expect((await ch.checkQueue(queue)).messageCount).toBe(1)
  })

  for (const kind of ['bind', 'unbind'] as const) {
    test(`${kind} of a queue and the default exchange is 403`, async ({ channel, name }) => {
      const ch = await channel()
      const { queue } = await ch.assertQueue(name())
      const act = (): unknown =>
        (kind === 'bind' ? ch.bindQueue(queue, '', 'k') : ch.unbindQueue(queue, '', 'k'))
      expect(await channelClosure(ch, act)).toEqual(closed(
        403, 'ACCESS_REFUSED - operation not permitted on the default exchange', `queue.${kind}`))
    })
  }
})
