// amqp-connection-manager: it connects again, opens its channels again and consumes again, all by itself.
import { once } from 'node:events'
import { connect } from 'amqp-connection-manager'
import { brokerRestart, Inbox, largeBody, play, sha256, url } from './transcript.mjs'

const name = (rest) => `amqp-connection-manager.${rest}`

async function open() {
  const connection = connect([url], { reconnectTimeInSeconds: 1 })
  const channel = connection.createChannel()
  await channel.waitForConnect()
  return { connection, channel }
}

/** Queues are declared in a setup, so that they are declared again after a reconnect. */
async function declare(channel, queue, options = {}) {
  await channel.deleteQueue(queue)
  await channel.addSetup((plain) => plain.assertQueue(queue, { durable: true, ...options }))
}

async function consume(channel, queue, options = {}) {
  const inbox = new Inbox()
  await channel.consume(queue, (message) => inbox.put(message), options)
  return inbox
}

await play({
  async work(say) {
    const { connection, channel } = await open()
    await declare(channel, name('work'))
    for (const body of ['one', 'two', 'three']) {
      await channel.sendToQueue(name('work'), Buffer.from(body), { persistent: true, contentType: 'text/plain' })
    }
    const inbox = await consume(channel, name('work'), { prefetch: 1 })
    for (let n = 0; n < 3; n++) {
      const message = await inbox.take()
      say({
        body: message.content.toString(), redelivered: message.fields.redelivered,
        contentType: message.properties.contentType, deliveryMode: message.properties.deliveryMode,
      })
      channel.ack(message)
    }
    await channel.cancelAll()
    say({ left: (await channel.checkQueue(name('work'))).messageCount })
    await channel.deleteQueue(name('work'))
    await connection.close()
  },

  async 'dead-letters'(say) {
    const { connection, channel } = await open()
    await declare(channel, name('dead'))
    await declare(channel, name('dead-letters'), { deadLetterExchange: '', deadLetterRoutingKey: name('dead') })
    const inbox = await consume(channel, name('dead-letters'))
    await channel.sendToQueue(name('dead-letters'), Buffer.from('bad'))
    for (const requeue of [true, false]) {
      const message = await inbox.take()
      say({ body: message.content.toString(), redelivered: message.fields.redelivered })
      channel.nack(message, false, requeue)
    }
    const letter = await (await consume(channel, name('dead'))).take()
    const [death] = letter.properties.headers['x-death']
    say({ dead: letter.content.toString(), reason: death.reason, queue: death.queue, count: death.count })
    channel.ack(letter)
    await channel.cancelAll()
    await channel.deleteQueue(name('dead-letters'))
    await channel.deleteQueue(name('dead'))
    await connection.close()
  },

  async 'request-reply'(say) {
    const { connection, channel } = await open()
    await declare(channel, name('upper'))
    await channel.consume(name('upper'), (request) => {
      const { replyTo, correlationId } = request.properties
      void channel.sendToQueue(replyTo, Buffer.from(request.content.toString().toUpperCase()), { correlationId })
      channel.ack(request)
    })
    await declare(channel, name('replies'), { durable: false, exclusive: true })
    const inbox = await consume(channel, name('replies'), { noAck: true })
    for (const word of ['a', 'b', 'c']) {
      const request = { replyTo: name('replies'), correlationId: `id-${word}` }
      await channel.sendToQueue(name('upper'), Buffer.from(word), request)
    }
    const replies = new Map()
    while (replies.size < 3) {
      const { properties, content } = await inbox.take()
      replies.set(properties.correlationId, content.toString())
    }
    for (const word of ['a', 'b', 'c']) say({ asked: word, reply: replies.get(`id-${word}`) })
    await channel.cancelAll()
    await channel.deleteQueue(name('upper'))
    await connection.close()
  },

  async large(say) {
    const { connection, channel } = await open()
    await declare(channel, name('large'))
    await channel.sendToQueue(name('large'), largeBody, { persistent: true })
    const message = await channel.get(name('large'))
    say({ bytes: message.content.length, sha256: sha256(message.content) })
    channel.ack(message)
    await channel.deleteQueue(name('large'))
    await connection.close()
  },

  async many(say) {
    const { connection, channel } = await open()
    await declare(channel, name('many'))
    const numbers = Array.from({ length: 5_000 }, (_, n) => String(n))
    const outcomes = await Promise.all(numbers.map((body) =>
      channel.sendToQueue(name('many'), Buffer.from(body), { persistent: true })))
    say({ sent: outcomes.length })
    const inbox = await consume(channel, name('many'), { prefetch: 100 })
    let inOrder = true
    for (const body of numbers) {
      const message = await inbox.take()
      inOrder &&= message.content.toString() === body
      channel.ack(message)
    }
    say({ received: numbers.length, inOrder })
    await channel.cancelAll()
    await channel.deleteQueue(name('many'))
    await connection.close()
  },

  async reconnect(say) {
    const { connection, channel } = await open()
    await declare(channel, name('live'))
    await declare(channel, name('kept'))
    await channel.sendToQueue(name('kept'), Buffer.from('kept'), { persistent: true })
    const inbox = await consume(channel, name('live'))
    await channel.sendToQueue(name('live'), Buffer.from('before'))
    const before = await inbox.take()
    say({ body: before.content.toString() })
    channel.ack(before)
    const disconnected = once(connection, 'disconnect')
    await brokerRestart(say)
    await disconnected

    // Published while it may still be away: the manager keeps the message until it is back, and confirms it
    // then.
    await channel.sendToQueue(name('live'), Buffer.from('after'))
    const after = await inbox.take()
    say({ body: after.content.toString() })
    channel.ack(after)
    const survivor = await channel.get(name('kept'))
    say({ body: survivor.content.toString(), deliveryMode: survivor.properties.deliveryMode })
    channel.ack(survivor)
    await channel.cancelAll()
    await channel.deleteQueue(name('live'))
    await channel.deleteQueue(name('kept'))
    await connection.close()
  },
})
