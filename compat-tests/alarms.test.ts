// connection.blocked and connection.unblocked: what a memory or a disk alarm stops, whom the broker tells,
// and what goes on. The alarms are real ones for every connection of the broker, so they end with each test.
// Reference: behaviours §1.9.
import { afterAll, beforeAll, expect, inject, test as vitestTest } from 'vitest'
import { setAlarms } from './harness/control.ts'
import { forEachTarget } from './harness/for-each-target.ts'
import { until } from './harness/poll.ts'
import { RawClient } from './harness/raw-client.ts'
import type { Session } from './harness/session.ts'

const memory = { memory: true, disk: false }
const disk = { memory: false, disk: true }
const both = { memory: true, disk: true }
const none = { memory: false, disk: false }

const patientMs = 60_000

/** A connection that the alarm has blocked, and what it was told. */
async function blocked(session: Session): Promise<{ client: RawClient, reason: unknown }> {
  const client = await session.raw()
  client.publish(1, { 'routing-key': 'nowhere' })
  return { client, reason: (await client.expect('connection.blocked'))['reason'] }
}

/** Nothing comes within half a second. A broker that is slower than that passes without being asked. */
async function isSilent(client: RawClient): Promise<void> {
  await expect(client.nextFrame(500)).rejects.toThrow('not within 500 ms')
}

forEachTarget((test, target) => {
  // Made before the alarm: in it nobody can publish.
  const queue = `compat.alarms.${process.pid}`
  let maker: RawClient

  beforeAll(async () => {
    maker = await RawClient.open(target)
    await maker.call(1, 'channel.open')
    await maker.call(1, 'confirm.select')
    await maker.call(1, 'queue.declare', { queue, durable: true })
    maker.publish(1, { 'routing-key': queue }, {}, Buffer.from('made before'))
    await maker.expect('basic.ack')
    await setAlarms(target, memory)
  }, patientMs)

  afterAll(async () => {
    await setAlarms(target, none)
    await maker.call(1, 'queue.delete', { queue })
    await maker.end()
  }, patientMs)

  test.concurrent('in an alarm a connection opens, and works until it publishes', async ({ raw, name }) => {
    const client = await raw()
    expect(await client.call(1, 'queue.declare', { queue: name() })).toMatchObject({ 'message-count': 0 })
    expect(await client.call(1, 'channel.flow', { active: true })).toEqual({ active: true })
  })

  // A connection that stays blocked cannot be closed in an orderly way: these tests drop theirs.
  test.concurrent('the first publish blocks the connection, and it is told the reason', async (session) => {
    const { client, reason } = await blocked(session)
    expect(reason).toBe('low on memory')
    client.destroy()
  })

  test.concurrent('basic.publish alone does not block it: the content header does', async ({ raw }) => {
    const client = await raw()
    await client.call(2, 'channel.open')
    client.send(1, 'basic.publish', { 'routing-key': 'nowhere' })
    expect(await client.call(2, 'channel.flow', { active: true })).toEqual({ active: true })
  })

  test.concurrent('a client without the capability is blocked in silence', async ({ raw }) => {
    const client = await raw({ capabilities: [] })
    client.publish(1, { 'routing-key': 'nowhere' })
    client.send(1, 'channel.flow', { active: true })
    await isSilent(client)
    client.destroy()
  })

  for (const [title, send] of [
    ['a declaration', (client: RawClient) => client.send(1, 'queue.declare', { exclusive: true })],
    ['its close', (client: RawClient) => client.send(0, 'connection.close', { 'reply-code': 200 })],
  ] as const) {
    test.concurrent(`while it is blocked nothing of it is answered: ${title}`, async (session) => {
      const { client } = await blocked(session)
      send(client)
      await isSilent(client)
      client.destroy()
    })
  }

  test.concurrent('a blocked connection\'s consumers are still given messages', async (session) => {
    const holder = await session.raw()
    holder.send(1, 'basic.get', { queue })
    await holder.nextMessage()
    const consumer = await session.raw()
    await consumer.call(1, 'basic.consume', { queue, 'no-ack': false })
    consumer.publish(1, { 'routing-key': 'nowhere' })
    await consumer.expect('connection.blocked')
    holder.send(1, 'basic.nack', { 'delivery-tag': 1, 'requeue': true })
    expect((await consumer.nextMessage()).body.toString()).toBe('made before')
    consumer.destroy()
  })

  test.concurrent('a blocked client that is silent stays connected, and gets heartbeats', async ({ raw }) => {
    const client = await raw({ heartbeat: 1 })
    client.publish(1, { 'routing-key': 'nowhere' })
    await client.expect('connection.blocked')
    // Unblocked, it would be dropped after the sixth: two heartbeats a second, two to three seconds.
    await until('nine heartbeats', async () => {
      await client.nextFrame(100).catch(() => undefined)
      return client.heartbeats >= 9
    }, 30_000)
    expect(client.isClosed).toBe(false)
    client.destroy()
  }, 45_000)

  test('when it is over the client is told, and what it sent is done in its order', async (session) => {
    const { client } = await blocked(session)
    const mine = session.name()
    client.send(1, 'queue.declare', { queue: mine })
    client.publish(1, { 'routing-key': mine }, {}, Buffer.from('kept back'))
    client.send(1, 'basic.get', { queue: mine, 'no-ack': true })
    await setAlarms(target, none)
    await client.expect('connection.unblocked')
    await client.expect('queue.declare-ok')
    expect((await client.nextMessage()).body.toString()).toBe('kept back')
    await client.call(1, 'queue.delete', { queue: mine })
    await setAlarms(target, memory)
  }, patientMs)

  test('it is over when the last alarm is, and a second one is not told', async (session) => {
    const first = await blocked(session)
    await setAlarms(target, both)
    expect((await blocked(session)).reason).toBe('low on disk & memory')
    await setAlarms(target, disk)
    const last = await blocked(session)
    expect(last.reason).toBe('low on disk')
    await isSilent(first.client)
    await setAlarms(target, none)
    for (const { client } of [first, last]) await client.expect('connection.unblocked')
  }, patientMs)
}, ({ canAlarm }) => canAlarm)

vitestTest('only a reference that is not ours is left out', () => {
  const without = inject('targets').filter(({ canAlarm }) => !canAlarm)
  expect(without.every(({ label }) => label === 'RabbitMQ')).toBe(true)
})
