// Delayed messages as clients see them, over real sockets: exchanges that the delayed-message plugin's
// clients declare.
import { connect } from 'amqplib'
import type { ChannelModel, ConfirmChannel } from 'amqplib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startLocalServer } from '../test/local-server.ts'
import type { RunningServer } from './server.ts'

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

it('delays through an x-delayed-message exchange, which routes as its type does', async () => {
  const { exchange } = await channel.assertExchange('later', 'x-delayed-message', {
    arguments: { 'x-delayed-type': 'topic' },
  })
  const { queue } = await channel.assertQueue('topics')
  await channel.bindQueue(queue, exchange, 'a.*')
  const arrived: [string, unknown][] = []
  await channel.consume(queue, (message) => {
    if (message !== null) arrived.push([message.content.toString(), message.properties.headers?.['x-delay']])
  }, { noAck: true })
  channel.publish(exchange, 'a.b', Buffer.from('later'), { headers: { 'x-delay': 1_500 } })
  channel.publish(exchange, 'b.a', Buffer.from('nowhere'), { headers: { 'x-delay': 1 } })
  channel.publish(exchange, 'a.c', Buffer.from('sooner'), { headers: { 'x-delay': 0 } })
  await channel.waitForConfirms()
  await expect.poll(() => arrived, { timeout: 20_000 }).toEqual([['sooner', 0], ['later', -1_500]])
})
