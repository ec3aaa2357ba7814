// tx.*: what is staged, what a commit and a rollback do, what goes with the channel. amqplib has no
// transactions, so the client is the raw one. Reference: behaviours §6.2.

import { expect } from 'vitest'
import { closed, rawClosure } from './harness/closure.ts'
import { forEachTarget } from './harness/for-each-target.ts'
import { elapse } from './harness/messages.ts'
import { until } from './harness/poll.ts'
import type { RawClient } from './harness/raw-client.ts'
import type { Args } from './harness/wire.ts'

const say = (client: RawClient, queue: string, body: string, properties: Args = {}): void =>
  client.publish(1, { 'routing-key': queue }, properties, Buffer.from(body))

const readyCount = async (client: RawClient, queue: string): Promise<unknown> =>
  (await client.call(1, 'queue.declare', { queue, passive: true }))['message-count']

/** Body and delivery tag of the next message, or null; unacked afterwards. */
async function get(client: RawClient, queue: string): Promise<{ body: string, tag: number } | null> {
  client.send(1, 'basic.get', { queue })
  const frame = await client.nextFrame()
  if (frame.payload.readUInt16BE(2) === 72) return null
  const tag = Number(frame.payload.readBigUInt64BE(4))
  await client.nextFrame()
  return { body: (await client.nextFrame()).payload.toString(), tag }
}

async function bodies(client: RawClient, queue: string): Promise<string[]> {
  const found: string[] = []
  for (let got = await get(client, queue); got !== null; got = await get(client, queue)) found.push(got.body)
  return found
}

/** A transactional channel and its queue. */
async function begin(raw: () => Promise<RawClient>, queue: string, args: Args = {}): Promise<RawClient> {
  const client = await raw()
  await client.call(1, 'queue.declare', { queue, durable: true, ...args })
  await client.call(1, 'tx.select')
  return client
}

forEachTarget((test, target) => {
  test('tx.select may be repeated', async ({ raw, name }) => {
    const queue = name()
    const client = await begin(raw, queue)
    say(client, queue, 'a')
    await client.call(1, 'tx.select')
    await client.call(1, 'tx.commit')
    expect(await bodies(client, queue)).toEqual(['a'])
  })

  test('a commit hands out what it published before what it requeues', async ({ raw, name }) => {
    const queue = name()
    const client = await begin(raw, queue)
    say(client, queue, 'old')
    await client.call(1, 'tx.commit')
    const { tag } = (await get(client, queue))!
    const other = await raw()
    await other.call(1, 'basic.consume', { queue })
    say(client, queue, 'new')
    client.send(1, 'basic.nack', { 'delivery-tag': tag, 'requeue': true })
    await client.call(1, 'tx.commit')
    expect([(await other.nextMessage()).body.toString(), (await other.nextMessage()).body.toString()])
      .toEqual(['new', 'old'])
  })

  for (const method of ['tx.commit', 'tx.rollback'] as const) {
    test(`${method} without tx.select is 406`, async ({ raw }) => {
      const client = await raw()
      client.send(1, method)
      expect(await rawClosure(client, 'channel'))
        .toEqual(closed(406, 'PRECONDITION_FAILED - channel is not transactional', method))
    })
  }

  test('tx.select on a channel with confirms is 406', async ({ raw }) => {
    const client = await raw()
    await client.call(1, 'confirm.select')
    client.send(1, 'tx.select')
    expect(await rawClosure(client, 'channel'))
      .toEqual(closed(406, 'PRECONDITION_FAILED - cannot switch from confirm to tx mode', 'tx.select'))
  })

  test('confirm.select on a transactional channel is 406', async ({ raw }) => {
    const client = await raw()
    await client.call(1, 'tx.select')
    client.send(1, 'confirm.select')
    expect(await rawClosure(client, 'channel'))
      .toEqual(closed(406, 'PRECONDITION_FAILED - cannot switch from tx to confirm mode', 'confirm.select'))
  })

  test('a commit of nothing is answered', async ({ raw, name }) => {
    const client = await begin(raw, name())
    expect(await client.call(1, 'tx.commit')).toEqual({})
    expect(await client.call(1, 'tx.rollback')).toEqual({})
  })

  test('publishes are seen after the commit, in their order, and not before', async ({ raw, name }) => {
    const queue = name()
    const client = await begin(raw, queue)
    for (const body of ['a', 'b', 'c']) say(client, queue, body, { 'delivery-mode': 2 })
    expect(await readyCount(client, queue)).toBe(0)
    await client.call(1, 'tx.commit')
    expect(await bodies(client, queue)).toEqual(['a', 'b', 'c'])
  })

  test('a rollback forgets the publishes, and the next transaction is a new one', async ({ raw, name }) => {
    const queue = name()
    const client = await begin(raw, queue)
    say(client, queue, 'forgotten')
    await client.call(1, 'tx.rollback')
    say(client, queue, 'kept')
    await client.call(1, 'tx.commit')
    expect(await bodies(client, queue)).toEqual(['kept'])
  })

  test('a channel stays transactional after a commit', async ({ raw, name }) => {
    const queue = name()
    const client = await begin(raw, queue)
    await client.call(1, 'tx.commit')
    say(client, queue, 'a')
    expect(await readyCount(client, queue)).toBe(0)
  })

  test('a missing exchange is noticed at the publish', async ({ raw, name }) => {
    const client = await begin(raw, name())
    const exchange = name('missing')
    client.publish(1, { exchange, 'routing-key': 'k' })
    expect(await rawClosure(client, 'channel')).toEqual(closed(
      404, `NOT_FOUND - no exchange '${exchange}' in vhost '${target.vhost}'`, 'basic.publish'))
  })

  test('a binding made before the commit does not help what was published before it', async ({
    raw, name,
  }) => {
    const queue = name()
    const client = await begin(raw, queue)
    client.publish(1, { 'exchange': 'amq.topic', 'routing-key': queue }, {}, Buffer.from('early'))
    await client.call(1, 'queue.bind', { queue, 'exchange': 'amq.topic', 'routing-key': queue })
    client.publish(1, { 'exchange': 'amq.topic', 'routing-key': queue }, {}, Buffer.from('late'))
    await client.call(1, 'tx.commit')
    expect(await bodies(client, queue)).toEqual(['late'])
  })

  test('a queue that is unbound before the commit still gets what was published before', async ({
    raw, name,
  }) => {
    const queue = name()
    const client = await begin(raw, queue)
    const binding = { queue, 'exchange': 'amq.topic', 'routing-key': queue }
    await client.call(1, 'queue.bind', binding)
    client.publish(1, { 'exchange': 'amq.topic', 'routing-key': queue }, {}, Buffer.from('a'))
    await client.call(1, 'queue.unbind', binding)
    await client.call(1, 'tx.commit')
    expect(await bodies(client, queue)).toEqual(['a'])
  })

  test('a queue that is deleted before the commit makes it fail', async ({ raw, name, differs }) => {
    const queue = name()
    const client = await begin(raw, queue)
    client.publish(1, { 'routing-key': queue, 'mandatory': true }, {}, Buffer.from('a'))
    await client.call(1, 'queue.delete', { queue })
    client.send(1, 'tx.commit')
    if (differs('tx-queue-deleted')) {
      expect(await rawClosure(client, 'channel'))
        .toEqual(closed(406, 'PRECONDITION_FAILED - partial tx completion', 'tx.commit'))
    } else {
      const { code, text } = await rawClosure(client, 'connection')
      expect([code, text.split(':')[0]]).toEqual([506, 'RESOURCE_ERROR - failed to deliver message'])
    }
  })

  test('a queue deleted and declared again before the commit is another one', async ({ raw, name }) => {
    const queue = name()
    const client = await begin(raw, queue)
    say(client, queue, 'a')
    await client.call(1, 'queue.delete', { queue })
    await client.call(1, 'queue.declare', { queue, durable: true })
    client.send(1, 'tx.commit')
    expect(await rawClosure(client, 'channel'))
      .toEqual(closed(406, 'PRECONDITION_FAILED - partial tx completion', 'tx.commit'))
  })

  test('a mandatory message without a queue is returned at the commit, before commit-ok', async ({
    raw, name,
  }) => {
    const queue = name()
    const client = await begin(raw, queue)
    client.publish(1, { 'routing-key': name('nowhere'), 'mandatory': true }, {}, Buffer.from('back'))
    expect(await readyCount(client, queue)).toBe(0)
    client.send(1, 'tx.commit')
    const returned = await client.nextMessage()
    expect([returned.method, returned.args['reply-text'], returned.body.toString()])
      .toEqual(['basic.return', 'NO_ROUTE', 'back'])
    await client.expect('tx.commit-ok')
  })

  test('a mandatory message of a rolled back transaction is not returned', async ({ raw, name }) => {
    const client = await begin(raw, name())
    client.publish(1, { 'routing-key': name('nowhere'), 'mandatory': true })
    await client.call(1, 'tx.rollback')
    expect(await client.call(1, 'tx.commit')).toEqual({})
  })

  test('the time to live of a message begins at the commit', async ({ raw, name, confirmChannel }) => {
    const queue = name()
    const client = await begin(raw, queue)
    say(client, queue, 'a', { expiration: '3000' })
    await elapse(await confirmChannel(), name('probe'), 3_200)
    await client.call(1, 'tx.commit')
    expect(await bodies(client, queue)).toEqual(['a'])
  })

  test('a commit into a full queue that rejects is 406; other queues have theirs', async ({ raw, name }) => {
    const [full, other] = [name('full'), name('other')]
    const client = await begin(raw, full, {
      arguments: [['x-max-length', 'I', 1], ['x-overflow', 'S', 'reject-publish']],
    })
    await client.call(1, 'queue.declare', { queue: other })
    for (const body of ['1', '2']) say(client, full, body)
    say(client, other, 'b')
    client.send(1, 'tx.commit')
    expect(await rawClosure(client, 'channel'))
      .toEqual(closed(406, 'PRECONDITION_FAILED - partial tx completion', 'tx.commit'))
    await client.call(1, 'channel.open')
    expect([await bodies(client, full), await bodies(client, other)]).toEqual([['1'], ['b']])
  })

  for (const method of ['basic.ack', 'basic.nack', 'basic.reject'] as const) {
    test(`${method} takes effect at the commit`, async ({ raw, name }) => {
      const queue = name()
      const client = await begin(raw, queue)
      say(client, queue, 'a')
      await client.call(1, 'tx.commit')
      const { tag } = (await get(client, queue))!
      client.send(1, method, { 'delivery-tag': tag, ...method !== 'basic.ack' && { requeue: true } })
      expect(await get(client, queue)).toBeNull()
      await client.call(1, 'tx.commit')
      const again = await get(client, queue)
      expect(again?.body ?? null).toBe(method === 'basic.ack' ? null : 'a')
    })

    test(`${method} of a rolled back transaction can be repeated`, async ({ raw, name }) => {
      const queue = name()
      const client = await begin(raw, queue)
      for (const body of ['a', 'b']) say(client, queue, body)
      await client.call(1, 'tx.commit')
      const tags = [(await get(client, queue))!.tag, (await get(client, queue))!.tag]
      client.send(1, method, { 'delivery-tag': tags[0]! })
      await client.call(1, 'tx.rollback')
      expect(await get(client, queue)).toBeNull()
      for (const tag of tags) client.send(1, method, { 'delivery-tag': tag })
      await client.call(1, 'tx.commit')
      expect(await get(client, queue)).toBeNull()
    })
  }

  test('an ack that is staged makes its tag unknown', async ({ raw, name }) => {
    const queue = name()
    const client = await begin(raw, queue)
    say(client, queue, 'a')
    await client.call(1, 'tx.commit')
    const { tag } = (await get(client, queue))!
    for (let n = 0; n < 2; n++) client.send(1, 'basic.ack', { 'delivery-tag': tag })
    expect(await rawClosure(client, 'channel'))
      .toEqual(closed(406, `PRECONDITION_FAILED - unknown delivery tag ${tag}`, 'basic.ack'))
  })

  test('an ack of several is staged whole', async ({ raw, name }) => {
    const queue = name()
    const client = await begin(raw, queue)
    for (const body of ['a', 'b', 'c']) say(client, queue, body)
    await client.call(1, 'tx.commit')
    for (let n = 0; n < 3; n++) await get(client, queue)
    client.send(1, 'basic.ack', { 'delivery-tag': 2, 'multiple': true })
    await client.call(1, 'tx.commit')
    await client.call(1, 'channel.close', { 'reply-code': 200 })
    await client.call(1, 'channel.open')
    expect(await bodies(client, queue)).toEqual(['c'])
  })

  test('basic.recover returns what is unacked, and not what a staged ack holds', async ({ raw, name }) => {
    const queue = name()
    const client = await begin(raw, queue)
    for (const body of ['a', 'b']) say(client, queue, body)
    await client.call(1, 'tx.commit')
    for (let n = 0; n < 2; n++) await get(client, queue)
    client.send(1, 'basic.ack', { 'delivery-tag': 1 })
    await client.call(1, 'basic.recover', { requeue: true })
    expect(await bodies(client, queue)).toEqual(['b'])
  })

  test('the channel\'s end discards publishes and requeues what staged acks hold', async ({ raw, name }) => {
    const queue = name()
    const client = await begin(raw, queue)
    for (const body of ['a', 'b']) say(client, queue, body)
    await client.call(1, 'tx.commit')
    const { tag } = (await get(client, queue))!
    await get(client, queue)
    client.send(1, 'basic.ack', { 'delivery-tag': tag })
    say(client, queue, 'discarded')
    await client.call(1, 'channel.close', { 'reply-code': 200 })
    await client.call(1, 'channel.open')
    expect(await bodies(client, queue)).toEqual(['a', 'b'])
  })

  test('publishes come before the settlements of the same commit', async ({ raw, name }) => {
    const queue = name()
    const client = await begin(raw, queue)
    say(client, queue, 'a')
    await client.call(1, 'tx.commit')
    const { tag } = (await get(client, queue))!
    client.send(1, 'basic.reject', { 'delivery-tag': tag, 'requeue': true })
    say(client, queue, 'b')
    await client.call(1, 'tx.commit')
    expect(await bodies(client, queue)).toEqual(['a', 'b'])
  })

  test('a prefetch counts what staged acks hold', async ({ raw, name }) => {
    const queue = name()
    const client = await begin(raw, queue)
    for (const body of ['a', 'b']) say(client, queue, body)
    await client.call(1, 'tx.commit')
    await client.call(1, 'basic.qos', { 'prefetch-count': 1 })
    await client.call(1, 'basic.consume', { queue, 'consumer-tag': 'c' })
    const first = await client.nextMessage()
    client.send(1, 'basic.ack', { 'delivery-tag': first.args['delivery-tag'] })
    expect(await readyCount(client, queue)).toBe(1)
    client.send(1, 'tx.commit')
    const frames = [await client.nextFrame(), await client.nextFrame(), await client.nextFrame()]
    frames.push(await client.nextFrame())
    const methods = frames.filter(({ type }) => type === 1).map(({ payload }) => payload.readUInt16BE(0))
    expect(methods.toSorted()).toEqual([60, 90])
  })

  test('a nack to be dead-lettered is dead-lettered at the commit', async ({ raw, name }) => {
    const [dead, queue] = [name('dead'), name()]
    const client = await begin(raw, dead)
    await client.call(1, 'queue.declare', { queue, arguments: [
      ['x-dead-letter-exchange', 'S', ''], ['x-dead-letter-routing-key', 'S', dead],
    ] })
    say(client, queue, 'a')
    await client.call(1, 'tx.commit')
    const { tag } = (await get(client, queue))!
    client.send(1, 'basic.nack', { 'delivery-tag': tag })
    expect(await readyCount(client, dead)).toBe(0)
    await client.call(1, 'tx.commit')
    await until('the dead letter', async () => await readyCount(client, dead) === 1)
  })
})
