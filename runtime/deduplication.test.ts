// Deduplication over real sockets: the example of docs/deduplication.md as it is printed there, exchanges as
// the plugin's clients declare them, and publishing over HTTP beside it.
import { connect } from 'amqplib'
import type { ChannelModel, ConfirmChannel, GetMessage } from 'amqplib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startLocalServer } from '../test/local-server.ts'
import { runPageExample } from '../test/page-example.ts'
import type { RunningServer } from './server.ts'

const authorization = `Basic ${Buffer.from('guest:guest').toString('base64')}`

let server: RunningServer
let client: ChannelModel
let channel: ConfirmChannel

beforeAll(async () => {
  server = await startLocalServer()
  client = await connect(server.amqpUrl)
  channel = await client.createConfirmChannel()
})

afterAll(async () => {
  await client.close()
  await server.close()
})

const keyed = (key: string): object => ({ persistent: true, headers: { 'x-deduplication-header': key } })
const keyedOverHttp = (key: string): object =>
  ({ delivery_mode: 2, headers: { 'x-deduplication-header': key } })

async function call(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
  const answer = await fetch(`${server.httpUrl}${path}`, {
    method, headers: { authorization, 'content-type': 'application/json' },
    ...body !== undefined && { body: JSON.stringify(body) },
  })
  return await answer.json() as Record<string, unknown>
}

it('the example of the page prints what the page says', async () => {
  const { printed, promised } = await runPageExample('deduplication', server.amqpUrl)
  expect(printed).toBe(promised)
}, 30_000)

it('an exchange as the clients of the plugin declare it lets a message pass once', async () => {
  await channel.assertExchange('once', 'x-message-deduplication', { arguments: { 'x-cache-size': '5' } })
  const { queue } = await channel.assertQueue('')
  await channel.bindQueue(queue, 'once', '')
  for (const key of ['a', 'b', 'a', 'a']) channel.publish('once', '', Buffer.from(key), keyed(key))
  await channel.waitForConfirms()
  expect((await channel.checkQueue(queue)).messageCount).toBe(2)
  expect(await call('GET', '/api/exchanges/%2F/once')).toMatchObject({
    deduplication: { keys: 2, duplicates: 2 },
  })
})

it('what is published over HTTP is known to AMQP, and the other way round', async () => {
  await channel.assertQueue('both', { arguments: { 'x-message-deduplication': true } })
  const publish = (key: string): Promise<Record<string, unknown>> =>
    call('POST', '/api/exchanges/%2F/amq.default/publish', {
      routing_key: 'both', payload: key, payload_encoding: 'string', properties: keyedOverHttp(key),
    })
  expect(await publish('a')).toEqual({ routed: true })
  expect(await publish('a')).toEqual({ routed: true })
  for (const key of ['a', 'b']) channel.sendToQueue('both', Buffer.from(key), keyed(key))
  await channel.waitForConfirms()
  expect(await publish('b')).toEqual({ routed: true })
  expect((await channel.checkQueue('both')).messageCount).toBe(2)
  expect(await call('GET', '/api/queues/%2F/both')).toMatchObject({
    deduplication: { keys: 2, duplicates: 3 },
  })
  const metrics = await fetch(`${server.httpUrl}/metrics/per-object`, { headers: { authorization } })
  expect(await metrics.text()).toContain('leveret_queue_duplicates_total{vhost="/",queue="both"} 3')
})

it('a key of a message that is told off before its time may come again', async () => {
  await channel.assertQueue('later', { arguments: { 'x-message-deduplication': true } })
  const send = (): void => {
    const headers = { 'x-deduplication-header': 'a', 'x-delay': 3_600_000 }
    channel.sendToQueue('later', Buffer.from('a'), { headers })
  }
  send()
  send()
  await channel.waitForConfirms()
  const { items } = await call('GET', '/api/v1/queues/%2F/later/delayed') as { items: { id: number }[] }
  expect(items).toHaveLength(1)
  await fetch(`${server.httpUrl}/api/v1/queues/%2F/later/delayed/${items[0]!.id}`, {
    method: 'DELETE', headers: { authorization },
  })
  send()
  await channel.waitForConfirms()
  expect(await call('GET', '/api/v1/queues/%2F/later/delayed')).toMatchObject({ total: 1 })
})

it('what an import brings passes, and so does a redrive to where its key is known', async () => {
  await channel.assertQueue('dead')
  await channel.assertQueue('work', { arguments: {
    'x-message-deduplication': true, 'x-cache-ttl': 3_600_000,
    'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'dead',
  } })
  channel.sendToQueue('work', Buffer.from('a'), keyed('a'))
  await channel.waitForConfirms()
  channel.nack(await channel.get('work') as GetMessage, false, false)
  await expect.poll(async () => (await channel.checkQueue('dead')).messageCount, { timeout: 20_000 }).toBe(1)
  await call('POST', '/api/v1/dead-letters/%2F/dead/redrive', {})
  await expect.poll(async () => (await channel.checkQueue('work')).messageCount, { timeout: 20_000 }).toBe(1)

  const lines = await fetch(`${server.httpUrl}/api/v1/queues/%2F/work/export`, { headers: { authorization } })
  const imported = await fetch(`${server.httpUrl}/api/v1/queues/%2F/work/import`, {
    method: 'POST', headers: { authorization }, body: await lines.text(),
  })
  expect([await imported.json(), (await channel.checkQueue('work')).messageCount]).toEqual(
    [{ imported: 1, rejected: 0 }, 2])
})
