// Exchange types beyond the four of AMQP: x-consistent-hash, x-modulus-hash, x-random, x-local-random,
// x-recent-history. Where a message goes is each broker's own affair: what is compared is that it goes to
// exactly one queue, and that the same key goes the same way. Reference: behaviours §3.7.

import type { ConfirmChannel } from 'amqplib'
import { expect } from 'vitest'
import { channelClosure, closed, rawClosure } from './harness/closure.ts'
import { forEachTarget } from './harness/for-each-target.ts'
import { drain, untilCount } from './harness/messages.ts'
import { within } from './harness/poll.ts'
import type { Session } from './harness/session.ts'

/** How a queue is bound to each type, and whether the same key always goes the same way. */
const choosing = [
  { type: 'x-consistent-hash', bindingKey: '1', isByKey: true },
  { type: 'x-modulus-hash', bindingKey: '', isByKey: true },
  { type: 'x-random', bindingKey: '', isByKey: false },
  { type: 'x-local-random', bindingKey: '', isByKey: false },
] as const

interface Fan {
  ch: ConfirmChannel
  exchange: string
  queues: string[]
}

async function fan({ confirmChannel, name }: Session, type: string, bindingKeys: readonly string[],
  args: Record<string, unknown> = {}): Promise<Fan> {
  const ch = await confirmChannel()
  const { exchange } = await ch.assertExchange(name('x'), type, { arguments: args })
  const queues: string[] = []
  for (const key of bindingKeys) {
    const { queue } = await ch.assertQueue(name(`q${queues.length}`))
    await ch.bindQueue(queue, exchange, key)
    queues.push(queue)
  }
  return { ch, exchange, queues }
}

/** What each queue got, as texts. */
const shares = ({ ch, queues }: Fan): Promise<string[][]> =>
  Promise.all(queues.map((queue) => drain(ch, queue)))

async function publish({ ch, exchange }: Fan, keys: readonly string[], options = {}): Promise<void> {
  keys.forEach((key, at) => ch.publish(exchange, key, Buffer.from(`${at}`), options))
  await within('confirms', ch.waitForConfirms())
}

const hasEachTwice = (share: readonly string[]): boolean =>
  share.every((text) => share.lastIndexOf(text) > share.indexOf(text))

const manyKeys = Array.from({ length: 300 }, (_, n) => `key ${n}`)

forEachTarget((test, target) => {
  for (const { type, bindingKey, isByKey } of choosing) {
    test(`${type}: each message goes to exactly one queue, and all queues get some`, async (session) => {
      const made = await fan(session, type, [bindingKey, bindingKey, bindingKey])
      await publish(made, manyKeys)
      const got = await shares(made)
      expect(got.flat().map(Number).toSorted((a, b) => a - b)).toEqual(manyKeys.map((_, at) => at))
      expect(got.every((share) => share.length > 20)).toBe(true)
    })

    test(`${type}: the same key goes ${isByKey ? 'the same way' : 'several ways'}`, async (session) => {
      const made = await fan(session, type, [bindingKey, bindingKey, bindingKey])
      await publish(made, Array<string>(100).fill('always this'))
      const used = (await shares(made)).filter((share) => share.length > 0)
      expect(used.length).toBe(isByKey ? 1 : 3)
    })

    test(`${type}: a message with CC goes to one queue`, async (session) => {
      const made = await fan(session, type, [bindingKey, bindingKey, bindingKey])
      await publish(made, ['one'], { CC: ['two', 'three', 'four', 'five'] })
      expect((await shares(made)).flat()).toEqual(['0'])
    })

    test(`${type}: without bindings a message is unroutable`, async (session) => {
      const made = await fan(session, type, [])
      const returned = new Promise((resolve) => made.ch.once('return', resolve))
      await publish(made, ['k'], { mandatory: true })
      await within('the return', returned)
    })

    test(`${type}: after the last unbind a message is unroutable`, async (session) => {
      const made = await fan(session, type, [bindingKey])
      await made.ch.unbindQueue(made.queues[0]!, made.exchange, bindingKey)
      const returned = new Promise((resolve) => made.ch.once('return', resolve))
      await publish(made, ['k'], { mandatory: true })
      await within('the return', returned)
    })

    test(`${type}: the queues that stay get what a deleted one would have`, async (session) => {
      const made = await fan(session, type, [bindingKey, bindingKey, bindingKey])
      await made.ch.deleteQueue(made.queues.shift()!)
      await publish(made, manyKeys)
      expect((await shares(made)).flat().length).toBe(manyKeys.length)
    })

    test(`${type}: declaring it again is fine, as another type it is 406`, async (session) => {
      const { ch, exchange } = await fan(session, type, [])
      await ch.assertExchange(exchange, type)
      expect((await channelClosure(ch, () => ch.assertExchange(exchange, 'direct'))).text).toBe(
        `PRECONDITION_FAILED - inequivalent arg 'type' for exchange '${exchange}' in vhost `
        + `'${target.vhost}': received 'direct' but current is ''${type}''`)
    })
  }

  for (const { type, bindingKey } of choosing.filter((each) => each.type !== 'x-local-random')) {
    test(`${type}: an exchange may be bound to it`, async (session) => {
      const made = await fan(session, type, [])
      const { exchange } = await made.ch.assertExchange(session.name('next'), 'fanout')
      const { queue } = await made.ch.assertQueue(session.name('q'))
      await made.ch.bindExchange(exchange, made.exchange, bindingKey)
      await made.ch.bindQueue(queue, exchange, '')
      await publish(made, ['a', 'b'])
      expect(await drain(made.ch, queue)).toEqual(['0', '1'])
    })
  }

  test('x-consistent-hash: weights share the keys', async (session) => {
    const made = await fan(session, 'x-consistent-hash', ['1', '3'])
    await publish(made, manyKeys)
    const [light, heavy] = (await shares(made)).map((share) => share.length)
    expect(heavy! / light!).toBeGreaterThan(1.7)
  })

  for (const [key, text] of [
    ['abc', 'The binding key must be an integer: <<"abc">>'],
    ['', 'The binding key must be an integer: <<>>'],
    ['1.5', 'The binding key must be an integer: <<"1.5">>'],
    ['0', 'The binding key must be greater than 0'],
    ['-1', 'The binding key must be greater than 0'],
    ['10001', 'The binding key must not exceed 10000'],
  ] as const) {
    test(`x-consistent-hash: the binding key '${key}' is 406`, async (session) => {
      const { ch, exchange } = await fan(session, 'x-consistent-hash', [])
      const { queue } = await ch.assertQueue(session.name('q'))
      expect(await channelClosure(ch, () => ch.bindQueue(queue, exchange, key)))
        .toEqual(closed(406, `PRECONDITION_FAILED - ${text}`, 'queue.bind'))
    })
  }

  test('x-consistent-hash: by a header, the same value goes the same way', async (session) => {
    const made = await fan(session, 'x-consistent-hash', ['1', '1', '1'], { 'hash-header': 'user' })
    for (const user of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j']) {
      await publish(made, ['k1', 'k2', 'k3'], { headers: { user } })
      const used = (await shares(made)).filter((share) => share.length > 0)
      expect(used).toEqual([['0', '1', '2']])
    }
  })

  test('x-consistent-hash: by a header, other values go other ways', async (session) => {
    const made = await fan(session, 'x-consistent-hash', ['1', '1', '1'], { 'hash-header': 'user' })
    for (let n = 0; n < 60; n++) await publish(made, ['k'], { headers: { user: `user ${n}` } })
    expect((await shares(made)).every((share) => share.length > 0)).toBe(true)
  })

  test('x-consistent-hash: by a header, messages without it go one way', async (session) => {
    const made = await fan(session, 'x-consistent-hash', ['1', '1', '1'], { 'hash-header': 'user' })
    await publish(made, manyKeys)
    const used = (await shares(made)).filter((share) => share.length > 0)
    expect(used.map((share) => share.length)).toEqual([manyKeys.length])
  })

  for (const [property, option] of [
    ['correlation_id', 'correlationId'], ['message_id', 'messageId'], ['timestamp', 'timestamp'],
  ] as const) {
    test(`x-consistent-hash: by ${property}, values spread, and each goes one way`, async (session) => {
      const made = await fan(session, 'x-consistent-hash', ['1', '1', '1'], { 'hash-property': property })
      for (const key of ['one', 'two']) {
        for (let n = 1; n <= 60; n++) {
          made.ch.publish(made.exchange, key, Buffer.from(`${n}`),
            { [option]: option === 'timestamp' ? n : `id ${n}` })
        }
      }
      await within('confirms', made.ch.waitForConfirms())
      const got = await shares(made)
      expect(got.every(hasEachTwice)).toBe(true)
      expect(got.every((share) => share.length > 0)).toBe(true)
    })
  }

  for (const [title, args, text] of [
    ['a property that is not offered', { 'hash-property': 'foo' }, 'Unsupported property: foo'],
    ['a header and a property', { 'hash-property': 'message_id', 'hash-header': 'h' },
      'hash-header and hash-property are mutually exclusive'],
  ] as const) {
    test(`x-consistent-hash: ${title} is 406`, async ({ channel, name }) => {
      const ch = await channel()
      expect(await channelClosure(ch, () =>
        ch.assertExchange(name('x'), 'x-consistent-hash', { arguments: args })))
        .toEqual(closed(406, `PRECONDITION_FAILED - ${text}`, 'exchange.declare'))
    })
  }

  test('x-consistent-hash: a hash-header that is no string is refused', async ({ raw, name, differs }) => {
    const [client, exchange] = [await raw(), name('x')]
    client.send(1, 'exchange.declare', {
      exchange, type: 'x-consistent-hash', arguments: [['hash-header', 'I', 5]],
    })
    if (differs('hash-header-type')) {
      const text = `invalid type 'signedint' for arg 'hash-header' in exchange '${exchange}' in vhost '/'`
      expect(await rawClosure(client, 'channel'))
        .toEqual(closed(406, `PRECONDITION_FAILED - ${text}`, 'exchange.declare'))
    } else {
      expect(await rawClosure(client, 'connection')).toEqual(closed(541, 'INTERNAL_ERROR', 'none'))
    }
  })

  test('x-consistent-hash: a queue that is bound twice loses one binding', async (session) => {
    const made = await fan(session, 'x-consistent-hash', ['5'])
    const [queue] = made.queues as [string]
    await made.ch.bindQueue(queue, made.exchange, '1')
    await made.ch.unbindQueue(queue, made.exchange, '5')
    await publish(made, ['a'])
    expect(await drain(made.ch, queue)).toEqual(session.differs('hash-rebound') ? ['0'] : [])
    await made.ch.bindQueue(queue, made.exchange, '2')
    await publish(made, ['a'])
    expect(await drain(made.ch, queue)).toEqual(['0'])
  })

  test('x-local-random: a binding key is 406', async (session) => {
    const { ch, exchange } = await fan(session, 'x-local-random', [])
    const { queue } = await ch.assertQueue(session.name('q'))
    expect(await channelClosure(ch, () => ch.bindQueue(queue, exchange, 'abc')))
      .toEqual(closed(406, 'PRECONDITION_FAILED - Non empty binding \'abc\' key not permitted', 'queue.bind'))
  })

  test('x-local-random: a quorum queue cannot be bound to it', async (session) => {
    const { ch, exchange } = await fan(session, 'x-local-random', [])
    const quorum = { 'x-queue-type': 'quorum' }
    const { queue } = await ch.assertQueue(session.name('q'), { arguments: quorum })
    expect(await channelClosure(ch, () => ch.bindQueue(queue, exchange, ''))).toEqual(closed(406,
      'PRECONDITION_FAILED - Queue type rabbit_quorum_queue not valid for this exchange type', 'queue.bind'))
  })

  test('x-local-random: an exchange cannot be bound to it', async (session) => {
    const { ch, exchange } = await fan(session, 'x-local-random', [])
    const { exchange: next } = await ch.assertExchange(session.name('next'), 'fanout')
    expect(await channelClosure(ch, () => ch.bindExchange(next, exchange, '')))
      .toEqual(closed(406, 'PRECONDITION_FAILED - Destination not found', 'exchange.bind'))
  })

  test('x-recent-history: routes to every queue, whatever the keys', async (session) => {
    const made = await fan(session, 'x-recent-history', ['a', 'b'])
    await publish(made, ['x', 'y'])
    expect(await shares(made)).toEqual([['0', '1'], ['0', '1']])
  })

  test('x-recent-history: a new binding gets the last 20, oldest first', async (session) => {
    const made = await fan(session, 'x-recent-history', [])
    await publish(made, manyKeys.slice(0, 25))
    const { queue } = await made.ch.assertQueue(session.name('late'))
    await made.ch.bindQueue(queue, made.exchange, '')
    await untilCount(made.ch, queue, 20)
    expect(await drain(made.ch, queue)).toEqual(Array.from({ length: 20 }, (_, n) => `${n + 5}`))
  })

  test('x-recent-history: keeps as many as x-recent-history-length says', async (session) => {
    const made = await fan(session, 'x-recent-history', [], { 'x-recent-history-length': 3 })
    await publish(made, manyKeys.slice(0, 10))
    const { queue } = await made.ch.assertQueue(session.name('late'))
    await made.ch.bindQueue(queue, made.exchange, '')
    await untilCount(made.ch, queue, 3)
    expect(await drain(made.ch, queue)).toEqual(['7', '8', '9'])
  })

  test('x-recent-history: what is kept comes as it was published', async (session) => {
    const made = await fan(session, 'x-recent-history', [])
    await publish(made, ['the.key'], { messageId: 'm1', persistent: true })
    const { queue } = await made.ch.assertQueue(session.name('late'))
    await made.ch.bindQueue(queue, made.exchange, 'other')
    await untilCount(made.ch, queue, 1)
    expect(await made.ch.get(queue)).toMatchObject({
      fields: { exchange: made.exchange, routingKey: 'the.key', redelivered: false },
      properties: { messageId: 'm1', deliveryMode: 2 },
    })
  })

  test('x-recent-history: the same binding again gives nothing, another one gives all', async (session) => {
    const made = await fan(session, 'x-recent-history', [])
    await publish(made, ['k'])
    const { queue } = await made.ch.assertQueue(session.name('late'))
    for (const key of ['', '', 'another']) await made.ch.bindQueue(queue, made.exchange, key)
    await untilCount(made.ch, queue, 2)
  })

  test('x-recent-history: a message that says so is not kept', async (session) => {
    const made = await fan(session, 'x-recent-history', ['a'])
    await publish(made, ['k'], { headers: { 'x-recent-history-no-store': true } })
    await publish(made, ['k', 'k'], { headers: { 'x-recent-history-no-store': false } })
    const { queue } = await made.ch.assertQueue(session.name('late'))
    await made.ch.bindQueue(queue, made.exchange, '')
    await untilCount(made.ch, queue, 2)
    expect((await shares(made)).flat()).toEqual(['0', '0', '1'])
  })

  test('x-recent-history: an exchange that is bound gets what is kept, too', async (session) => {
    const made = await fan(session, 'x-recent-history', [])
    await publish(made, ['a', 'b'])
    const { exchange } = await made.ch.assertExchange(session.name('next'), 'direct')
    const { queue } = await made.ch.assertQueue(session.name('q'))
    for (const key of ['a', 'b']) await made.ch.bindQueue(queue, exchange, key)
    await made.ch.bindExchange(exchange, made.exchange, '')
    await untilCount(made.ch, queue, 2)
    const order = session.differs('history-order') ? ['0', '1'] : ['1', '0']
    expect(await drain(made.ch, queue)).toEqual(order)
  })

  for (const [shown, field] of [
    ['<<"a">>', ['S', 'a']], ['0', ['I', 0]], ['-1', ['I', -1]], ['true', ['t', true]],
  ] as const) {
    test(`x-recent-history: a length of ${shown} is 406`, async ({ raw, name }) => {
      const client = await raw()
      client.send(1, 'exchange.declare', {
        exchange: name('x'), type: 'x-recent-history',
        arguments: [['x-recent-history-length', ...field]],
      })
      const text = `Invalid argument ${shown}, 'x-recent-history-length' must be a positive integer`
      expect(await rawClosure(client, 'channel'))
        .toEqual(closed(406, `PRECONDITION_FAILED - ${text}`, 'exchange.declare'))
    })
  }

  test('x-delayed-message is an unknown type without its plugin', async (session) => {
    const { name } = session
    const ch = await session.channel()
    if (session.differs('delayed-exchange')) {
      await ch.assertExchange(name('x'), 'x-delayed-message', { arguments: { 'x-delayed-type': 'direct' } })
      return
    }
    expect(await channelClosure(ch, () => ch.assertExchange(name('x'), 'x-delayed-message',
      { arguments: { 'x-delayed-type': 'direct' } })))
      .toEqual(closed(406, 'PRECONDITION_FAILED - unknown exchange type \'x-delayed-message\'',
        'exchange.declare'))
  })

  test('x-message-deduplication is an unknown type without its plugin', async (session) => {
    const { name } = session
    const ch = await session.channel()
    const declare = (): Promise<unknown> =>
      ch.assertExchange(name('x'), 'x-message-deduplication', { arguments: { 'x-cache-size': 5 } })
    if (session.differs('deduplication')) {
      await declare()
      return
    }
    expect(await channelClosure(ch, declare)).toEqual(
      closed(406, 'PRECONDITION_FAILED - unknown exchange type \'x-message-deduplication\'',
        'exchange.declare'))
  })

  test('x-message-deduplication as an argument means nothing without its plugin', async (session) => {
    const { name } = session
    const ch = await session.confirmChannel()
    const { queue } = await ch.assertQueue(name('q'), { arguments: { 'x-message-deduplication': true } })
    const options = { headers: { 'x-deduplication-header': 'a' } }
    for (let n = 0; n < 2; n++) ch.sendToQueue(queue, Buffer.from('x'), options)
    await ch.waitForConfirms()
    const expected = session.differs('deduplication') ? 1 : 2
    expect((await ch.checkQueue(queue)).messageCount).toBe(expected)
  })
})
