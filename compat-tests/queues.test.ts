// Queues: names, declare and re-declare, exclusive and auto-delete, purge, delete, counts. Reference:
// behaviours §2.1, §4.

import type { Channel, Options } from 'amqplib'
import { expect } from 'vitest'
import { channelClosure, closed, rawClosure } from './harness/closure.ts'
import { forEachTarget } from './harness/for-each-target.ts'
import { collect, drain, fill, get, untilCount } from './harness/messages.ts'
import { until } from './harness/poll.ts'
import { RawClient } from './harness/raw-client.ts'

const locked = (queue: string): string =>
  `RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '${queue}' in vhost '/'. ` +
  'It could be originally declared on another connection or the exclusive property value ' +
  'does not match that of the original declaration.'

const mismatch = (key: string, queue: string, rest: string): string =>
  `PRECONDITION_FAILED - inequivalent arg '${key}' for queue '${queue}' in vhost '/': ${rest}`

const int = (value: number): object => ({ '!': 'int', value })

async function untilGone(ch: () => Promise<Channel>, queue: string): Promise<void> {
  await until(`${queue} is deleted`, async () => {
    const probe = await ch()
    try {
      await probe.checkQueue(queue)
      return false
    } catch (error) {
      return (error as { code?: number }).code === 404
    }
  })
}

forEachTarget((test, target) => {
  test('a new queue has no messages and no consumers', async ({ channel, name }) => {
    const [ch, queue] = [await channel(), name()]
    expect(await ch.assertQueue(queue)).toEqual({ queue, messageCount: 0, consumerCount: 0 })
  })

  test('declaring again with the same properties succeeds and counts', async ({ confirmChannel, name }) => {
    const [ch, queue] = [await confirmChannel(), name()]
    await ch.assertQueue(queue)
    await fill(ch, queue, ['a', 'b'])
    await collect(ch, (await ch.assertQueue(name())).queue)
    await untilCount(ch, queue, 2)
    expect(await ch.assertQueue(queue)).toEqual({ queue, messageCount: 2, consumerCount: 0 })
  })

  test('the counts are ready messages, not unacked ones, and consumers', async ({
    channel, confirmChannel, name,
  }) => {
    const [ch, consumer] = [await confirmChannel(), await channel()]
    const { queue } = await ch.assertQueue(name())
    await consumer.prefetch(1)
    const inbox = await collect(consumer, queue)
    await fill(ch, queue, ['a', 'b', 'c'])
    await inbox.texts(1)
    await untilCount(ch, queue, 2)
    expect(await ch.checkQueue(queue)).toEqual({ queue, messageCount: 2, consumerCount: 1 })
  })

  test('a server-named queue is amq.gen- and 22 characters of URL-safe base64', async ({ channel }) => {
    const { queue } = await (await channel()).assertQueue('', { exclusive: true })
    expect(queue).toMatch(/^amq\.gen-[A-Za-z0-9_-]{22}$/)
  })

  test('declaring a name with the prefix amq. is 403, one\'s own server-named queue too', async ({
    channel,
  }) => {
    const ch = await channel()
    const { queue } = await ch.assertQueue('', { exclusive: true })
    expect(await channelClosure(ch, () => ch.assertQueue(queue, { exclusive: true }))).toEqual(closed(403,
      `ACCESS_REFUSED - queue name '${queue}' contains reserved prefix 'amq.*'`, 'queue.declare'))
  })

  test('a passive declare of a server-named queue is allowed', async ({ channel }) => {
    const ch = await channel()
    const { queue } = await ch.assertQueue('', { exclusive: true })
    await expect(ch.checkQueue(queue)).resolves.toMatchObject({ queue })
  })

  test('a name of 255 bytes is accepted', async ({ channel, name }) => {
    const ch = await channel()
    const queue = name().padEnd(255, 'x')
    await expect(ch.assertQueue(queue, { exclusive: true })).resolves.toMatchObject({ queue })
  })

  test('line breaks are removed from a declared name', async ({ channel, name }) => {
    const [ch, queue] = [await channel(), name()]
    expect((await ch.assertQueue(`${queue.slice(0, 5)}\r\n${queue.slice(5)}`)).queue).toBe(queue)
  })

  test('names are not escaped in texts', async ({ channel }) => {
    const ch = await channel()
    expect((await channelClosure(ch, () => ch.checkQueue('it\'s "é"'))).text)
      .toBe('NOT_FOUND - no queue \'it\'s "é"\' in vhost \'/\'')
  })

  test('a text longer than 255 characters is cut to 252 and three dots', async ({ channel }) => {
    const ch = await channel()
    const { text } = await channelClosure(ch, () => ch.checkQueue('q'.repeat(255)))
    expect(text).toBe(`${`NOT_FOUND - no queue '${'q'.repeat(255)}`.slice(0, 252)}...`)
  })

  for (const [title, method, act] of [
    ['passive declare', 'queue.declare', (ch, queue) => ch.checkQueue(queue)],
    ['consume', 'basic.consume', (ch, queue) => ch.consume(queue, () => undefined)],
    ['get', 'basic.get', (ch, queue) => ch.get(queue)],
    ['purge', 'queue.purge', (ch, queue) => ch.purgeQueue(queue)],
  ] as [string, 'queue.declare', (ch: Channel, queue: string) => unknown][]) {
    test(`${title} of a missing queue is 404`, async ({ channel, name }) => {
      const [ch, queue] = [await channel(), name()]
      expect(await channelClosure(ch, () => act(ch, queue)))
        .toEqual(closed(404, `NOT_FOUND - no queue '${queue}' in vhost '/'`, method))
    })
  }

  test('deleting a missing queue succeeds with count 0', async ({ channel, name }) => {
    const ch = await channel()
    expect(await ch.deleteQueue(name())).toEqual({ messageCount: 0 })
    expect(await ch.deleteQueue(name(), { ifUnused: true, ifEmpty: true })).toEqual({ messageCount: 0 })
  })

  for (const [title, first, second, key, rest] of [
    ['durable', {}, { durable: false }, 'durable', 'received \'false\' but current is \'true\''],
    ['auto_delete', {}, { autoDelete: true }, 'auto_delete', 'received \'true\' but current is \'false\''],
    ['durable before auto_delete', {}, { durable: false, autoDelete: true }, 'durable',
      'received \'false\' but current is \'true\''],
    ['a new argument', {}, { arguments: { 'x-queue-version': int(2) } }, 'x-queue-version',
      'received the value \'2\' of type \'signedint\' but current is none'],
    ['a missing argument', { arguments: { 'x-queue-version': int(2) } }, {}, 'x-queue-version',
      'received none but current is the value \'2\' of type \'signedint\''],
    ['another argument value', { arguments: { 'x-queue-version': int(2) } },
      { arguments: { 'x-queue-version': int(1) } }, 'x-queue-version',
        'received \'1\' but current is \'2\''],
    ['a number as a string', { arguments: { 'x-queue-version': int(2) } },
      { arguments: { 'x-queue-version': '2' } },
      'x-queue-version', 'received \'2\' but current is \'2\''],
  ] as [string, Options.AssertQueue, Options.AssertQueue, string, string][]) {
    test(`re-declaring with a difference is 406: ${title}`, async ({ channel, name }) => {
      const [ch, queue] = [await channel(), name()]
      await ch.assertQueue(queue, first)
      expect(await channelClosure(ch, () => ch.assertQueue(queue, second)))
        .toEqual(closed(406, mismatch(key, queue, rest), 'queue.declare'))
    })
  }

  for (const [title, first, second] of [
    ['an argument nobody knows', {}, { arguments: { 'x-colour': 'red' } }],
    ['the width of an integer', { arguments: { 'x-queue-version': int(2) } },
      { arguments: { 'x-queue-version': { '!': 'long', 'value': 2 } } }],
    ['the type classic, spelled out', {}, { arguments: { 'x-queue-type': 'classic' } }],
  ] as [string, Options.AssertQueue, Options.AssertQueue][]) {
    test(`re-declaring may differ in ${title}`, async ({ channel, name }) => {
      const [ch, queue] = [await channel(), name()]
      await ch.assertQueue(queue, first)
      await expect(ch.assertQueue(queue, second)).resolves.toMatchObject({ queue })
    })
  }

  test('a passive declare ignores flags and arguments', async ({ raw, name }) => {
    const [client, queue] = [await raw(), name()]
    await client.call(1, 'queue.declare', { queue, durable: true })
    const declare = { queue, 'passive': true, 'auto-delete': true, 'exclusive': true }
    await expect(client.call(1, 'queue.declare', declare)).resolves.toMatchObject({ queue })
  })

  for (const [title, method, act] of [
    ['declare', 'queue.declare', (ch, queue) => ch.assertQueue(queue)],
    ['passive declare', 'queue.declare', (ch, queue) => ch.checkQueue(queue)],
    ['consume', 'basic.consume', (ch, queue) => ch.consume(queue, () => undefined)],
    ['get', 'basic.get', (ch, queue) => ch.get(queue)],
    ['bind', 'queue.bind', (ch, queue) => ch.bindQueue(queue, 'amq.direct', 'k')],
    ['unbind', 'queue.unbind', (ch, queue) => ch.unbindQueue(queue, 'amq.fanout', 'bound')],
    ['purge', 'queue.purge', (ch, queue) => ch.purgeQueue(queue)],
    ['delete', 'queue.delete', (ch, queue) => ch.deleteQueue(queue)],
  ] as [string, 'queue.declare', (ch: Channel, queue: string) => unknown][]) {
    test(`another connection's exclusive queue is 405 for ${title}`, async ({ channel, connect, name }) => {
      const owner = await channel()
      const { queue } = await owner.assertQueue(name(), { exclusive: true })
      await owner.bindQueue(queue, 'amq.fanout', 'bound')
      const other = await channel(await connect())
      expect(await channelClosure(other, () => act(other, queue))).toEqual(closed(405, locked(queue), method))
    })
  }

  test('what was never bound can be unbound from another connection\'s exclusive queue', async ({
    channel, connect, name,
  }) => {
    const { queue } = await (await channel()).assertQueue(name(), { exclusive: true })
    const other = await channel(await connect())
    await expect(other.unbindQueue(queue, 'amq.direct', 'never')).resolves.toEqual({})
  })

  test('another connection may publish to an exclusive queue', async ({
    channel, confirmChannel, connect, name,
  }) => {
    const owner = await channel()
    const { queue } = await owner.assertQueue(name(), { exclusive: true })
    await fill(await confirmChannel(await connect()), queue, ['x'])
    expect(await drain(owner, queue)).toEqual(['x'])
  })

  test('all channels of the owner may use its exclusive queue', async ({ channel, name }) => {
    const [first, second] = [await channel(), await channel()]
    const { queue } = await first.assertQueue(name(), { exclusive: true })
    await expect(collect(second, queue)).resolves.toBeDefined()
  })

  test('an exclusive queue may be re-declared durable or not', async ({ channel, name }) => {
    const [ch, queue] = [await channel(), name()]
    await ch.assertQueue(queue, { exclusive: true, durable: true })
    await expect(ch.assertQueue(queue, { exclusive: true, durable: false })).resolves.toMatchObject({ queue })
  })

  for (const [title, first, second] of [
    ['the owner re-declaring without exclusive', true, false], ['a shared queue re-declared exclusive',
      false, true],
  ] as const) {
    test(`${title} is 405`, async ({ channel, name }) => {
      const [ch, queue] = [await channel(), name()]
      await ch.assertQueue(queue, { exclusive: first })
      expect(await channelClosure(ch, () => ch.assertQueue(queue, { exclusive: second, autoDelete: true })))
        .toEqual(closed(405, locked(queue), 'queue.declare'))
    })
  }

  test('an exclusive queue ends with its connection', async ({ channel, connect, name }) => {
    const owner = await connect()
    const { queue } = await (await channel(owner)).assertQueue(name(), { exclusive: true })
    await owner.close()
    const other = await channel()
    expect((await channelClosure(other, () => other.checkQueue(queue))).code).toBe(404)
  })

  test('an exclusive queue ends with a dropped socket', async ({ raw, channel, name }) => {
    const [client, queue] = [await raw(), name()]
    await client.call(1, 'queue.declare', { queue, exclusive: true })
    client.destroy()
    await untilGone(channel, queue)
    await expect((await channel()).assertQueue(queue, { exclusive: true })).resolves.toMatchObject({ queue })
  })

  test('an auto-delete queue goes with its last consumer', async ({ channel, name }) => {
    const ch = await channel()
    const { queue } = await ch.assertQueue(name(), { autoDelete: true })
    const [first, second] = [await collect(ch, queue), await collect(ch, queue)]
    await ch.cancel(first.tag)
    await ch.checkQueue(queue)
    await ch.cancel(second.tag)
    await untilGone(channel, queue)
  })

  test('an auto-delete queue goes when its consumer\'s channel closes', async ({ channel, name }) => {
    const [declaring, consuming] = [await channel(), await channel()]
    const { queue } = await declaring.assertQueue(name(), { autoDelete: true })
    await collect(consuming, queue)
    await consuming.close()
    await untilGone(channel, queue)
  })

  test('an auto-delete queue that never had a consumer stays, even after get', async ({ channel, name }) => {
    const ch = await channel()
    const { queue } = await ch.assertQueue(name(), { autoDelete: true })
    await ch.get(queue)
    await ch.close()
    await expect((await channel()).checkQueue(queue)).resolves.toMatchObject({ queue })
  })

  test('purge removes the ready messages, counts them, and leaves the unacked', async ({
    confirmChannel, name,
  }) => {
    const ch = await confirmChannel()
    const { queue } = await ch.assertQueue(name())
    await fill(ch, queue, ['held', 'a', 'b'])
    const held = await get(ch, queue)
    expect(await ch.purgeQueue(queue)).toEqual({ messageCount: 2 })
    ch.nack(held)
    expect((await get(ch, queue)).content.toString()).toBe('held')
  })

  test('delete counts the ready messages', async ({ confirmChannel, name }) => {
    const ch = await confirmChannel()
    const { queue } = await ch.assertQueue(name())
    await fill(ch, queue, ['held', 'a', 'b'])
    await get(ch, queue)
    expect(await ch.deleteQueue(queue)).toEqual({ messageCount: 2 })
  })

  test('acks for a deleted queue\'s messages are accepted', async ({ confirmChannel, name }) => {
    const ch = await confirmChannel()
    const { queue } = await ch.assertQueue(name())
    await fill(ch, queue, ['held'])
    const held = await get(ch, queue)
    await ch.deleteQueue(queue)
    ch.ack(held)
    await expect(ch.prefetch(1)).resolves.toEqual({})
  })

  test('delete if-unused is 406 while there is a consumer', async (session) => {
    const ch = await session.confirmChannel()
    const { queue } = await ch.assertQueue(session.name())
    await collect(ch, queue)
    expect(await channelClosure(ch, () => ch.deleteQueue(queue, { ifUnused: true, ifEmpty: true })))
      .toEqual(closed(406, `PRECONDITION_FAILED - queue '${queue}' in vhost '/' in use`, 'queue.delete'))
  })

  test('delete looks at if-empty before if-unused', async ({ confirmChannel, name }) => {
    const ch = await confirmChannel()
    const { queue } = await ch.assertQueue(name())
    await ch.prefetch(1)
    const inbox = await collect(ch, queue)
    await fill(ch, queue, ['held', 'ready'])
    await inbox.texts(1)
    expect(await channelClosure(ch, () => ch.deleteQueue(queue, { ifUnused: true, ifEmpty: true })))
      .toEqual(closed(406, `PRECONDITION_FAILED - queue '${queue}' in vhost '/' not empty`, 'queue.delete'))
  })

  test('delete if-empty is 406 while there are ready messages', async ({ confirmChannel, name }) => {
    const ch = await confirmChannel()
    const { queue } = await ch.assertQueue(name())
    await fill(ch, queue, ['a'])
    expect(await channelClosure(ch, () => ch.deleteQueue(queue, { ifEmpty: true })))
      .toEqual(closed(406, `PRECONDITION_FAILED - queue '${queue}' in vhost '/' not empty`, 'queue.delete'))
  })

  test('unacked messages do not count for if-empty', async ({ confirmChannel, name }) => {
    const ch = await confirmChannel()
    const { queue } = await ch.assertQueue(name())
    await fill(ch, queue, ['a'])
    await get(ch, queue)
    expect(await ch.deleteQueue(queue, { ifEmpty: true })).toEqual({ messageCount: 0 })
  })

  test('deleting a queue cancels its consumers', async ({ channel, name }) => {
    const [first, second] = [await channel(), await channel()]
    const { queue } = await first.assertQueue(name())
    const inboxes = [await collect(first, queue), await collect(second, queue)]
    await second.deleteQueue(queue)
    await until('both consumers are cancelled', () => inboxes.every((inbox) => inbox.isCancelled))
  })

  test('the broker\'s cancel is no-wait and names the consumer', async ({ raw, channel, name }) => {
    const [client, queue] = [await raw(), name()]
    await client.call(1, 'queue.declare', { queue, durable: true })
    await client.call(1, 'basic.consume', { queue, 'consumer-tag': 'mine' })
    await (await channel()).deleteQueue(queue)
    expect(await client.expect('basic.cancel')).toEqual({ 'consumer-tag': 'mine', 'nowait': true })
  })

  test('without consumer_cancel_notify a client is not told', async ({ channel, name }) => {
    const client = await RawClient.open(target, { capabilities: [] })
    const queue = name()
    await client.call(1, 'channel.open')
    await client.call(1, 'queue.declare', { queue, durable: true })
    await client.call(1, 'basic.consume', { queue })
    await (await channel()).deleteQueue(queue)
    expect(await client.call(1, 'basic.qos')).toEqual({})
    await client.end()
  })

  test('the empty name is the queue last declared on the channel', async ({ confirmChannel, raw, name }) => {
    const [client, queue] = [await raw(), name()]
    const ch = await confirmChannel()
    await ch.assertQueue(queue)
    await ch.assertQueue(name('another channel\'s'))
    await client.call(1, 'queue.declare', { queue, passive: true })
    await fill(ch, queue, ['a'])
    client.send(1, 'basic.get')
    expect((await client.nextMessage()).args).toMatchObject({ 'routing-key': queue })
    await client.call(1, 'basic.consume', { 'consumer-tag': 'mine' })
    expect((await ch.checkQueue(queue)).consumerCount).toBe(1)
    await client.call(1, 'basic.cancel', { 'consumer-tag': 'mine' })
    await client.call(1, 'queue.purge')
    expect(await client.call(1, 'queue.delete')).toEqual({ 'message-count': 0 })
  })

  test('binding the empty name with an empty key uses the queue\'s name as key', async ({ raw, name }) => {
    const [client, queue] = [await raw(), name()]
    await client.call(1, 'queue.declare', { queue, exclusive: true })
    await client.call(1, 'queue.bind', { exchange: 'amq.direct' })
    client.publish(1, { 'exchange': 'amq.direct', 'routing-key': queue }, {}, Buffer.from('x'))
    await client.call(1, 'basic.consume', { 'no-ack': true })
    expect((await client.nextMessage()).args).toMatchObject({ 'routing-key': queue })
  })

  for (const method of ['basic.get', 'basic.consume', 'queue.purge', 'queue.delete', 'queue.bind'] as const) {
    test(`${method} of the empty name is 404 before any declare`, async ({ raw }) => {
      const client = await raw()
      client.send(1, method, method === 'queue.bind' ? { exchange: 'amq.direct' } : {})
      expect(await rawClosure(client, 'channel'))
        .toEqual(closed(404, 'NOT_FOUND - no previously declared queue', method))
    })
  }

  test('a passive declare of the empty name is 404, not the last queue', async ({ raw }) => {
    const client = await raw()
    await client.call(1, 'queue.declare', { exclusive: true })
    client.send(1, 'queue.declare', { passive: true })
    expect(await rawClosure(client, 'channel'))
      .toEqual(closed(404, 'NOT_FOUND - no queue \'\' in vhost \'/\'', 'queue.declare'))
  })

  test('a transient queue that is not exclusive is permitted', async ({ channel, name }) => {
    const [ch, queue] = [await channel(), name()]
    await expect(ch.assertQueue(queue, { durable: false })).resolves.toMatchObject({ queue })
  })
})
