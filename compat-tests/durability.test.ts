// What a restart of the broker keeps: topology, persistent messages and their order, unacked ones. Reference:
// §4.11. One orderly stop and one crash per broker, with many behaviours looked at after each; a broker that
// is not ours to restart (RABBITMQ_URL, a container) is left out.

import type { ChannelModel, ConfirmChannel, Message } from 'amqplib'
import { connect } from 'amqplib'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import type { TaskMeta } from 'vitest'
import { consultOlder } from './harness/as-listed.ts'
import { restartBroker } from './harness/control.ts'
import { drain, fill, get, text, untilCount } from './harness/messages.ts'
import { RawClient } from './harness/raw-client.ts'
import type { Target } from './harness/target.ts'
import type { OlderDifferenceId } from './older/table.ts'

const restartBoundMs = 120_000

interface Names {
  queue: string
  transient: string
  bound: string
  exchange: string
  transientExchange: string
  autoDelete: string
  exclusive: string
  unacked: string
  headers: string
  letters: string
  priorities: string
  limited: string
  shortLived: string
  shortQueue: string
  committed: string
  history: string
  hashed: string
  hashedA: string
  hashedB: string
}

const deathCount = (message: Message): number | undefined =>
  (message.properties.headers?.['x-death'] as unknown as { count: number }[] | undefined)?.[0]?.count

/** Queues whose arguments have to hold after the restart, too. */
async function buildWithArguments(ch: ConfirmChannel, names: Names): Promise<void> {
  const persistent = { persistent: true }
  await ch.assertQueue(names.letters, { deadLetterExchange: '', deadLetterRoutingKey: names.letters })
  await fill(ch, names.letters, ['dying'], persistent)
  ch.reject(await get(ch, names.letters), false)
  await untilCount(ch, names.letters, 1)
  // A dead letter is confirmed to nobody; once what came after it is, it is on disk, too.
  await fill(ch, names.letters, ['confirmed'], persistent)
  await ch.assertQueue(names.priorities, { maxPriority: 5 })
  for (const priority of [1, 5, 3]) {
    await fill(ch, names.priorities, [`${priority}`], { ...persistent, priority })
  }
  await ch.assertQueue(names.limited, { maxLength: 2 })
  await fill(ch, names.limited, ['a', 'b'], persistent)
  await ch.assertQueue(names.shortLived)
  await fill(ch, names.shortLived, ['a', 'b'], { ...persistent, expiration: 300 })
  await fill(ch, names.shortLived, ['lasts'], { ...persistent, expiration: 600_000 })
  await ch.assertQueue(names.shortQueue, { messageTtl: 300 })
  await fill(ch, names.shortQueue, ['a', 'b'], persistent)
}

/** Which of two queues got each of 20 keys, by the number of the key. */
async function hashedWays(ch: ConfirmChannel, names: Names): Promise<string[][]> {
  for (let n = 0; n < 20; n++) ch.publish(names.hashed, `key ${n}`, Buffer.from(`${n}`))
  await ch.waitForConfirms()
  return [await drain(ch, names.hashedA), await drain(ch, names.hashedB)]
}

async function buildExchanges(ch: ConfirmChannel, names: Names): Promise<void> {
  await ch.assertExchange(names.history, 'x-recent-history')
  for (const text of ['a', 'b']) ch.publish(names.history, 'k', Buffer.from(text), { persistent: true })
  await ch.assertExchange(names.hashed, 'x-consistent-hash')
  for (const queue of [names.hashedA, names.hashedB]) {
    await ch.assertQueue(queue)
    await ch.bindQueue(queue, names.hashed, '1')
  }
}

/** 20 publishes in one transaction, which amqplib has none of. */
async function commit(target: Target, names: Names): Promise<void> {
  const client = await RawClient.open(target)
  await client.call(1, 'channel.open')
  await client.call(1, 'queue.declare', { queue: names.committed, durable: true })
  await client.call(1, 'tx.select')
  for (let n = 0; n < 20; n++) {
    client.publish(1, { 'routing-key': names.committed }, { 'delivery-mode': 2 }, Buffer.from(`${n}`))
  }
  await client.call(1, 'tx.commit')
  client.publish(1, { 'routing-key': names.committed }, { 'delivery-mode': 2 }, Buffer.from('staged'))
  await client.call(1, 'basic.qos')
}

async function build(connection: ChannelModel, names: Names): Promise<void> {
  const ch = await connection.createConfirmChannel()
  const persistent = { persistent: true }
  for (const queue of [names.queue, names.bound, names.unacked, names.headers]) await ch.assertQueue(queue)
  await ch.assertQueue(names.transient, { durable: false })
  await ch.assertQueue(names.autoDelete, { autoDelete: true })
  await ch.assertQueue(names.exclusive, { exclusive: true })
  await ch.assertExchange(names.exchange, 'topic', { alternateExchange: 'amq.fanout' })
  await ch.assertExchange(names.transientExchange, 'direct', { durable: false })
  await ch.bindQueue(names.bound, names.exchange, 'a.#', { colour: 'red' })
  await fill(ch, names.queue, ['p0', 'p1'], persistent)
  await fill(ch, names.queue, ['t0', 't1'], { persistent: false })
  await fill(ch, names.queue, ['p2'], persistent)
  ch.sendToQueue(names.queue, Buffer.from('no-mode'))
  await fill(ch, names.queue, Array.from({ length: 200 }, (_, n) => `o${n}`), persistent)
  await fill(ch, names.unacked, ['u0', 'u1', 'u2', 'acked'], persistent)
  const [first, second] = [await get(ch, names.unacked), await get(ch, names.unacked)]
  expect([text(first), text(second)]).toEqual(['u0', 'u1'])
  const third = await get(ch, names.unacked)
  ch.ack(await get(ch, names.unacked))
  ch.nack(third)
  await fill(ch, names.headers, ['body'], { persistent: true, headers: { a: 1, b: 'x' }, messageId: 'm',
    priority: 3 })
  await fill(ch, names.headers, ['big'.repeat(100_000)], persistent)
  await buildWithArguments(ch, names)
  await buildExchanges(ch, names)
}

function describeRestart(target: Target, signal: 'SIGTERM' | 'SIGKILL'): void {
  const how = signal === 'SIGTERM' ? 'an orderly restart' : 'a crash'
  const prefix = `compat.${inject('runId')}.${signal}`
  const names: Names = {
    queue: `${prefix}.queue`, transient: `${prefix}.transient`, bound: `${prefix}.bound`,
    exchange: `${prefix}.exchange`, transientExchange: `${prefix}.transient-exchange`,
    autoDelete: `${prefix}.auto-delete`, exclusive: `${prefix}.exclusive`,
    unacked: `${prefix}.unacked`, headers: `${prefix}.headers`,
    letters: `${prefix}.letters`, priorities: `${prefix}.priorities`, limited: `${prefix}.limited`,
    shortLived: `${prefix}.short-lived`, shortQueue: `${prefix}.short-queue`,
    committed: `${prefix}.committed`, history: `${prefix}.history`, hashed: `${prefix}.hashed`,
    hashedA: `${prefix}.hashed-a`, hashedB: `${prefix}.hashed-b`,
  }
  const isOlder = (meta: TaskMeta, id: OlderDifferenceId): boolean => {
    meta.older = []
    return consultOlder(target, meta.older, id)
  }
  let waysBefore: string[][]
  let connection: ChannelModel
  let closeSeen = ''

  const open = async (): Promise<ChannelModel> => {
    const opened = await connect(target.url, { noDelay: true })
    // a crash resets the socket; the tests look at what is there afterwards
    opened.on('error', () => undefined)
    opened.on('close', (error?: Error) => {
      closeSeen = error?.message ?? ''
    })
    return opened
  }

  beforeAll(async () => {
    connection = await open()
    await build(connection, names)
    waysBefore = await hashedWays(await connection.createConfirmChannel(), names)
    await commit(target, names)
    await restartBroker(target, signal)
    connection = await open()
  }, restartBoundMs)

  afterAll(async () => {
    const ch = await connection.createChannel()
    for (const queue of Object.values(names)) await ch.deleteQueue(queue)
    for (const exchange of [names.exchange, names.transientExchange, names.history, names.hashed]) {
      await ch.deleteExchange(exchange)
    }
    await connection.close()
  })

  const isOrderly = signal === 'SIGTERM'

  test(`${how} ${isOrderly ? 'closes connections with' : 'does not say'} 320 CONNECTION_FORCED`, () => {
    const text = 'CONNECTION_FORCED - broker forced connection closure with reason \'shutdown\''
    expect(closeSeen.includes(text)).toBe(isOrderly)
  })

  test(`after ${how} a durable queue has its persistent messages, in order, and not its transient ones`,
    async () => {
    const ch = await connection.createChannel()
    expect(await drain(ch, names.queue))
      .toEqual(['p0', 'p1', 'p2', ...Array.from({ length: 200 }, (_, n) => `o${n}`)])
  })

  for (const [title, queue] of [['a transient', 'transient'], ['an exclusive', 'exclusive']] as const) {
    test(`after ${how} ${title} queue is gone`, async () => {
      const ch = await connection.createChannel()
      ch.on('error', () => undefined) // the rejection below carries the same close
      await expect(ch.checkQueue(names[queue])).rejects.toMatchObject({ code: 404 })
    })
  }

  test(`after ${how} a durable auto-delete queue that never had a consumer is there`, async () => {
    const ch = await connection.createChannel()
    await expect(ch.checkQueue(names.autoDelete)).resolves.toMatchObject({ messageCount: 0 })
  })

  test(`after ${how} a durable exchange is there with its arguments`, async () => {
    const ch = await connection.createChannel()
    await expect(ch.assertExchange(names.exchange, 'topic', { alternateExchange: 'amq.fanout' }))
      .resolves.toBeDefined()
  })

  test(`after ${how} a transient exchange is there (4.x)`, async ({ task }) => {
    task.meta.differences = ['transient-exchange']
    const ch = await connection.createChannel()
    ch.on('error', () => undefined) // the rejection below carries the same close
    const isGone = await ch.checkExchange(names.transientExchange).then(() => false, () => true)
    expect(isGone).toBe(isOlder(task.meta, 'transient-exchange') || target.label === 'Leveret')
  })

  test(`after ${how} bindings route as before`, async () => {
    const ch = await connection.createConfirmChannel()
    ch.publish(names.exchange, 'a.b.c', Buffer.from('routed'))
    await ch.waitForConfirms()
    expect(await drain(ch, names.bound)).toEqual(['routed'])
  })

  test(`after ${how} a binding is the same as before: unbinding it by its arguments works`, async () => {
    const ch = await connection.createConfirmChannel()
    await ch.unbindQueue(names.bound, names.exchange, 'a.#', { colour: 'red' })
    ch.publish(names.exchange, 'a.b', Buffer.from('lost'))
    await ch.waitForConfirms()
    expect(await drain(ch, names.bound)).toEqual([])
  })

  test(`after ${how} unacked messages are back at their place, redelivered`, async () => {
    const ch = await connection.createChannel()
    const messages = [await get(ch, names.unacked), await get(ch, names.unacked), await get(ch,
      names.unacked)]
    expect(messages.map((message) => [text(message), message.fields.redelivered]).slice(0, 2))
      .toEqual([['u0', true], ['u1', true]])
    expect(text(messages[2]!)).toBe('u2')
    // An ack is not confirmed to anyone, so a crash right after it may undo it; an orderly stop may not.
    expect([false, isOrderly ? false : 'acked'])
      .toContain(await ch.get(names.unacked).then((left) => left && text(left)))
  })

  test(`after ${how} a message has its properties, headers and body`, async () => {
    const ch = await connection.createChannel()
    const message = await get(ch, names.headers)
    expect(message).toMatchObject({
      properties: { headers: { a: 1, b: 'x' }, messageId: 'm', priority: 3, deliveryMode: 2 },
      content: Buffer.from('body'),
    })
    expect(text(await get(ch, names.headers))).toBe('big'.repeat(100_000))
    // After a crash RabbitMQ cannot know what was delivered before it, and marks everything redelivered.
    expect([false, !isOrderly]).toContain(message.fields.redelivered)
  })

  test(`after ${how} a dead letter's history goes on`, async () => {
    const ch = await connection.createChannel()
    const letter = await get(ch, names.letters)
    expect(deathCount(letter)).toBe(1)
    await get(ch, names.letters)
    ch.reject(letter, false)
    expect(deathCount(await get(ch, names.letters))).toBe(2)
  })

  test(`after ${how} messages have their priorities`, async () => {
    const ch = await connection.createChannel()
    expect(await drain(ch, names.priorities)).toEqual(['5', '3', '1'])
  })

  test(`after ${how} what a transaction committed is there, and not what it had staged`, async () => {
    const ch = await connection.createChannel()
    expect(await drain(ch, names.committed)).toEqual(Array.from({ length: 20 }, (_, n) => `${n}`))
  })

  test(`after ${how} a consistent hash places keys as before`, async () => {
    expect(await hashedWays(await connection.createConfirmChannel(), names)).toEqual(waysBefore)
  })

  test(`after ${how} an x-recent-history exchange has its history (4.x)`, async ({ task }) => {
    task.meta.differences = ['history-restart']
    const ch = await connection.createChannel()
    const { queue } = await ch.assertQueue('', { exclusive: true })
    await ch.bindQueue(queue, names.history, '')
    const isKept = !isOlder(task.meta, 'history-restart') && target.label === 'RabbitMQ'
    expect(await drain(ch, queue)).toEqual(isKept ? ['a', 'b'] : [])
  })

  test(`after ${how} a limit holds`, async () => {
    const ch = await connection.createConfirmChannel()
    await fill(ch, names.limited, ['c'])
    expect(await drain(ch, names.limited)).toEqual(['b', 'c'])
  })

  test(`after ${how} messages whose time came meanwhile are gone`, async () => {
    const ch = await connection.createConfirmChannel()
    await untilCount(ch, names.shortLived, 1)
    await untilCount(ch, names.shortQueue, 0)
    expect(await drain(ch, names.shortLived)).toEqual(['lasts'])
  })
}

// Also keeps this file from being empty, which vitest takes for a mistake, when nothing can be restarted.
test('only a reference that is not ours is left out of the restarts', () => {
  const leftOut = inject('targets').filter((each) => !each.canRestart)
  expect(leftOut.map(({ label }) => label).filter((label) => label !== 'RabbitMQ')).toEqual([])
})

for (const target of inject('targets').filter((each) => each.canRestart)) {
  describe(`${target.label}`, () => {
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      describe(`${signal}`, () => {
        describeRestart(target, signal)
      })
    }
  })
}
