// Quorum queues: deliveries that are not settled in time. Who is told, what becomes of the message and of the
// consumer, whose time counts. Reference: behaviours §5.8, as of 4.3. Raw frames, because amqplib forgets a
// consumer that the broker cancels. Each test waits for the broker's own timer, hence concurrently.

import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'vitest'
import { closed, rawClosure } from './harness/closure.ts'
import { forEachTarget } from './harness/for-each-target.ts'
import type { RawClient, RawMessage } from './harness/raw-client.ts'
import type { Session } from './harness/session.ts'
import type { Field } from './harness/wire.ts'

const timeoutMs = 500
const timeout: Field = ['x-consumer-timeout', 'I', timeoutMs]

interface Pair {
  client: RawClient
  queue: string
}

async function queueOf(session: Session, args: Field[] = [], client?: RawClient): Promise<Pair> {
  const [raw, queue] = [client ?? await session.raw(), session.name()]
  await raw.call(1, 'queue.declare', {
    queue, durable: true, arguments: [['x-queue-type', 'S', 'quorum'], ...args],
  })
  return { client: raw, queue }
}

function publish(client: RawClient, queue: string, ...bodies: string[]): void {
  for (const body of bodies) client.publish(1, { 'routing-key': queue }, {}, Buffer.from(body))
}

const consume = (
  client: RawClient, queue: string, tag: string, args: Field[] = [], more: Record<string, unknown> = {},
): Promise<unknown> =>
  client.call(1, 'basic.consume', { queue, 'consumer-tag': tag, 'arguments': args, ...more })

/** Body, redelivered, and whether each count is among the headers. */
const summary = ({ body, args, properties }: RawMessage): unknown[] => [
  body.toString(), args['redelivered'], properties.includes('x-acquired-count'),
  properties.includes('x-delivery-count'),
]

const wording = (channel: number, ms: number): string =>
  `PRECONDITION_FAILED - delivery acknowledgement on channel ${channel} timed out. Timeout value used: ` +
  `${ms} ms. This timeout value can be configured, see consumers doc guide to learn more`

forEachTarget((test) => {
  for (const [title, ofQueue, ofConsumer] of [
    ['the queue says', [timeout], []], ['the consumer says', [], [timeout]],
    ['the consumer says, though the queue says more', [['x-consumer-timeout', 'I', 3_600_000]], [timeout]],
  ] as [string, Field[], Field[]][]) {
    test.concurrent(`after the time that ${title} the consumer is cancelled`, async (session) => {
      const { client, queue } = await queueOf(session, ofQueue)
      await consume(client, queue, 'slow', ofConsumer)
      publish(client, queue, 'm')
      expect(summary(await client.nextMessage())).toEqual(['m', false, false, false])
      expect(await client.expect('basic.cancel')).toEqual({ 'consumer-tag': 'slow', 'nowait': true })
    })
  }

  test.concurrent('another consumer gets the message, redelivered, tried once, not failed',
    async (session) => {
      const { client, queue } = await queueOf(session, [timeout])
      await consume(client, queue, 'slow')
      publish(client, queue, 'm')
      await client.nextMessage()
      await client.expect('basic.cancel')
      const other = await session.raw()
      await consume(other, queue, 'other')
      expect(summary(await other.nextMessage())).toEqual(['m', true, true, false])
    })

  test.concurrent('the consumer gets nothing until it has settled what is late, then goes on',
    async (session) => {
      const { client, queue } = await queueOf(session, [timeout])
      await consume(client, queue, 'slow')
      publish(client, queue, 'late')
      const { args } = await client.nextMessage()
      await client.expect('basic.cancel')
      publish(client, queue, 'next')
      await client.call(1, 'basic.qos', {})
      await delay(100)
      await client.call(1, 'basic.qos', {})
      client.send(1, 'basic.ack', { 'delivery-tag': args['delivery-tag'] })
      expect(summary(await client.nextMessage())).toEqual(['late', true, true, false])
      expect(summary(await client.nextMessage())).toEqual(['next', false, false, false])
    })

  for (const requeue of [false, true]) {
    test.concurrent(`a late basic.reject with requeue=${requeue} is accepted`, async (session) => {
      const { client, queue } = await queueOf(session, [timeout])
      await consume(client, queue, 'slow')
      publish(client, queue, 'm')
      const { args } = await client.nextMessage()
      await client.expect('basic.cancel')
      client.send(1, 'basic.reject', { 'delivery-tag': args['delivery-tag'], requeue })
      if (requeue && !session.differs('late-requeue')) {
        expect(await client.call(1, 'basic.qos', {})).toEqual({})
      } else {
        expect(summary(await client.nextMessage())).toEqual(['m', true, true, false])
      }
    })
  }

  test.concurrent('the consumer counts until its client cancels it', async (session) => {
    const { client, queue } = await queueOf(session, [timeout])
    await consume(client, queue, 'slow')
    publish(client, queue, 'm')
    await client.nextMessage()
    await client.expect('basic.cancel')
    expect(await client.call(1, 'queue.declare', { queue, passive: true }))
      .toMatchObject({ 'consumer-count': 1 })
    await client.call(1, 'basic.cancel', { 'consumer-tag': 'slow' })
    expect(await client.call(1, 'queue.declare', { queue, passive: true }))
      .toMatchObject({ 'message-count': 1, 'consumer-count': 0 })
  })

  test.concurrent('the channel is closed when the client cannot be told', async (session) => {
    const client = await session.raw({ capabilities: ['basic.nack', 'publisher_confirms'] })
    const { queue } = await queueOf(session, [timeout], client)
    await consume(client, queue, 'slow')
    publish(client, queue, 'm')
    await client.nextMessage()
    const usedMs = session.differs('consumer-timeout-text') ? timeoutMs : -1
    expect(await rawClosure(client, 'channel')).toEqual(closed(406, wording(1, usedMs), 'none'))
  })

  test.concurrent('the channel is closed when basic.get took the message', async (session) => {
    const { client, queue } = await queueOf(session, [timeout])
    await client.call(1, 'confirm.select')
    publish(client, queue, 'm')
    await client.expect('basic.ack')
    client.send(1, 'basic.get', { queue })
    await client.nextMessage()
    const usedMs = session.differs('consumer-timeout-text') ? timeoutMs : -1
    expect(await rawClosure(client, 'channel')).toEqual(closed(406, wording(1, usedMs), 'none'))
    const other = await session.raw()
    await consume(other, queue, 'other')
    expect(summary(await other.nextMessage())).toEqual(['m', true, true, false])
  })

  test.concurrent('the channel is closed when the consumer was cancelled before', async (session) => {
    const { client, queue } = await queueOf(session, [timeout])
    await consume(client, queue, 'slow')
    publish(client, queue, 'm')
    await client.nextMessage()
    await client.call(1, 'basic.cancel', { 'consumer-tag': 'slow' })
    const usedMs = session.differs('consumer-timeout-text') ? timeoutMs : -1
    expect(await rawClosure(client, 'channel')).toEqual(closed(406, wording(1, usedMs), 'none'))
  })

  test.concurrent('who acks in time, or needs no acks, is not cancelled', async (session) => {
    const longer: Field = ['x-consumer-timeout', 'I', 4 * timeoutMs]
    const { client, queue } = await queueOf(session, [longer])
    await consume(client, queue, 'quick')
    const free = await session.raw()
    const { queue: second } = await queueOf(session, [longer], free)
    await consume(free, second, 'free', [], { 'no-ack': true })
    publish(free, second, 'm')
    await free.nextMessage()
    for (let n = 0; n < 6; n++) {
      publish(client, queue, 'm')
      const { args } = await client.nextMessage()
      await delay(timeoutMs)
      client.send(1, 'basic.ack', { 'delivery-tag': args['delivery-tag'] })
    }
    for (const raw of [client, free]) expect(await raw.call(1, 'basic.qos', {})).toEqual({})
  })

  test.concurrent('a single active consumer that is late makes room for the next', async (session) => {
    const { client, queue } = await queueOf(session, [timeout, ['x-single-active-consumer', 't', true]])
    const next = await session.raw()
    await consume(client, queue, 'slow')
    await consume(next, queue, 'next')
    publish(client, queue, 'm')
    await client.nextMessage()
    await client.expect('basic.cancel')
    expect(summary(await next.nextMessage())).toEqual(['m', true, true, false])
  })
})
