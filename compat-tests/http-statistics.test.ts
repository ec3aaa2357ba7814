// What a vhost has seen and holds: values where both brokers were put into the same state by AMQP alone.
import type { ConsumeMessage, GetMessage } from 'amqplib'
import { expect } from 'vitest'
import { forEachTarget } from './harness/for-each-target.ts'
import { Management } from './harness/management.ts'
import { eventually } from './harness/poll.ts'
import { Realm } from './harness/realm.ts'

type Stats = Readonly<Record<string, unknown>>

/** Without rates and bytes, which depend on time and on what the client says of itself. */
const valuesOf = (stats: unknown): Stats => Object.fromEntries(Object.entries(stats as Stats)
  .filter(([, value]) => typeof value === 'number'))

/** Of everything that is counted something, and different numbers. */
async function work(realm: Realm): Promise<void> {
  const connection = await realm.connect('administrator')
  const channel = await realm.session.confirmChannel(connection)
  await channel.assertExchange('x', 'fanout')
  for (const queue of ['a', 'b']) {
    await channel.assertQueue(queue)
    await channel.bindQueue(queue, 'x', '')
  }
  for (let n = 0; n < 10; n++) channel.publish('x', '', Buffer.from('hello'))
  channel.publish('', 'nowhere', Buffer.from('x'), { mandatory: true })
  for (let n = 0; n < 2; n++) channel.publish('', 'nowhere', Buffer.from('x'))
  await channel.waitForConfirms()
  for (let n = 0; n < 4; n++) await channel.get('a', { noAck: true })
  channel.ack(await channel.get('a') as GetMessage)
  channel.nack(await channel.get('a') as GetMessage)
  await channel.assertQueue('empty')
  await channel.get('empty')
  const deliveries: ConsumeMessage[] = []
  await channel.consume('b', (delivery) => void deliveries.push(delivery!))
  await eventually(async () => expect(deliveries).toHaveLength(10))
  for (const delivery of deliveries.slice(0, 3)) channel.ack(delivery)
  channel.nack(deliveries[3]!)
  await eventually(async () => expect(deliveries).toHaveLength(11))
}

const messageStats = {
  publish: 13, confirm: 13, return_unroutable: 1, drop_unroutable: 2, get: 2, get_no_ack: 4, get_empty: 1,
  deliver: 11, deliver_no_ack: 0, deliver_get: 17, redeliver: 1, ack: 4,
}

forEachTarget((test, target) => {
  const http = new Management(target)

  test('a vhost shows what was done in it, and what it holds', (session) => Realm.use(session,
    async (realm) => {
    await work(realm)
    await eventually(async () => {
      const vhost = await http.read(`/vhosts/${realm.vhost}`)
      expect(valuesOf(vhost['message_stats'])).toEqual(messageStats)
      expect(vhost).toMatchObject({ messages: 12, messages_ready: 5, messages_unacknowledged: 7 })
      for (const key of ['recv_oct', 'send_oct']) expect(vhost[key]).toBeGreaterThan(100)
    })
  }))

  test('the list shows the same', (session) => Realm.use(session, async (realm) => {
    await work(realm)
    await eventually(async () => {
      const all = await http.read<Stats[]>('/vhosts')
      const listed = all.find(({ name }) => name === realm.vhost)
      const keys = ['messages', 'messages_ready', 'messages_unacknowledged', 'recv_oct', 'send_oct']
      for (const key of keys) expect(listed).toHaveProperty(`${key}_details`, { rate: expect.any(Number) })
      expect(valuesOf(listed!['message_stats'])).toEqual(messageStats)
      expect(Object.keys(listed!['message_stats'] as object).toSorted())
        .toEqual(Object.keys(messageStats).flatMap((key) => [key, `${key}_details`]).toSorted())
    })
  }))

  test('what was done is remembered when its queues and connections are gone', (session) => Realm.use(session,
    async (realm) => {
    await work(realm)
    let bytes: unknown[] = []
    await eventually(async () => {
      const vhost = await http.read(`/vhosts/${realm.vhost}`)
      expect(valuesOf(vhost['message_stats'])).toEqual(messageStats)
      bytes = [vhost['recv_oct'], vhost['send_oct']]
      for (const count of bytes) expect(count).toBeGreaterThan(100)
    })
    for (const queue of ['a', 'b']) await http.delete(`/queues/${realm.vhost}/${queue}`)
    await realm.leave()
    await eventually(async () => {
      const vhost = await http.read(`/vhosts/${realm.vhost}`)
      expect(valuesOf(vhost['message_stats'])).toEqual(messageStats)
      expect(vhost).toMatchObject({ messages: 0, messages_ready: 0, messages_unacknowledged: 0 })
      const now = [vhost['recv_oct'], vhost['send_oct']] as number[]
      expect(now.map((count, at) => count >= (bytes[at] as number))).toEqual([true, true])
    })
  }))

  test('a vhost in which nothing was done has no message_stats', (session) => Realm.use(session,
    async (realm) => {
    await realm.connect('administrator')
    await http.put(`/queues/${realm.vhost}/q`)
    expect(await http.read(`/vhosts/${realm.vhost}`)).not.toHaveProperty('message_stats')
  }))
}, ({ httpUrl }) => httpUrl !== null)
