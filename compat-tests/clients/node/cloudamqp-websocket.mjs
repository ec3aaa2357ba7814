// @cloudamqp/amqp-client over a WebSocket, as a page in a browser uses it. Node 20 has no WebSocket of its
// own; the URL is that of the broker's HTTP port.
import { AMQPWebSocketClient } from '@cloudamqp/amqp-client'
import { WebSocket } from 'ws'
import { Inbox, largeBody, play, sha256, url } from './transcript.mjs'

globalThis.WebSocket ??= WebSocket

const endpoint = new URL('/ws/amqp', url.replace('http', 'ws')).href

function open() {
  const login = { vhost: '/', username: 'guest', password: 'guest' }
  return new AMQPWebSocketClient({ url: endpoint, ...login }).connect()
}

async function declare(channel, name) {
  await channel.queueDelete(name)
  await channel.queueDeclare(name, { durable: true })
}

await play({
  async work(say) {
    const connection = await open()
    const channel = await connection.channel()
    await declare(channel, 'websocket.work')
    await channel.confirmSelect()
    for (const body of ['one', 'two', 'three']) {
      await channel.basicPublish('', 'websocket.work', body, { deliveryMode: 2, contentType: 'text/plain' })
    }
    await channel.basicQos(1)
    const inbox = new Inbox()
    const consumer = await channel.basicConsume('websocket.work', { noAck: false }, (got) => inbox.put(got))
    for (let n = 0; n < 3; n++) {
      const message = await inbox.take()
      say({
        body: message.bodyString(), redelivered: message.redelivered,
        contentType: message.properties.contentType, deliveryMode: message.properties.deliveryMode,
      })
      await message.ack()
    }
    await consumer.cancel()
    say({ left: (await channel.queueDeclare('websocket.work', { passive: true })).messageCount })
    await channel.queueDelete('websocket.work')
    await connection.close()
  },

  async large(say) {
    const connection = await open()
    const channel = await connection.channel()
    await declare(channel, 'websocket.large')
    await channel.confirmSelect()
    await channel.basicPublish('', 'websocket.large', largeBody, { deliveryMode: 2 })
    const message = await channel.basicGet('websocket.large', { noAck: true })
    say({ bytes: message.bodySize, sha256: sha256(message.body) })
    await channel.queueDelete('websocket.large')
    await connection.close()
  },

  async many(say) {
    const connection = await open()
    const channel = await connection.channel()
    await declare(channel, 'websocket.many')
    await channel.confirmSelect()
    const numbers = Array.from({ length: 5_000 }, (_, n) => String(n))
    const outcomes = await Promise.all(numbers.map((body) =>
      channel.basicPublish('', 'websocket.many', body, { deliveryMode: 2 })))
    say({ sent: outcomes.length })
    await channel.basicQos(100)
    const inbox = new Inbox()
    await channel.basicConsume('websocket.many', { noAck: false }, (message) => inbox.put(message))
    let inOrder = true
    for (const body of numbers) {
      const message = await inbox.take()
      inOrder &&= message.bodyString() === body
      await message.ack()
    }
    say({ received: numbers.length, inOrder })
    await channel.queueDelete('websocket.many')
    await connection.close()
  },
})
