// amqplib: no recovery of its own, so the program connects again by itself.
import { connect } from 'amqplib'
import { brokerRestart, Inbox, largeBody, play, sha256, url } from './transcript.mjs'

async function open() {
  const connection = await connect(url)
  connection.on('error', () => undefined) // the restart; seen as 'close'
  const channel = await connection.createConfirmChannel()
  return { connection, channel }
}

async function declare(channel, queue, options = {}) {
  await channel.deleteQueue(queue)
  await channel.assertQueue(queue, { durable: true, ...options })
}

async function consume(channel, queue) {
  const inbox = new Inbox()
  await channel.consume(queue, (message) => inbox.put(message))
  return inbox
}

await play({
  async work(say) {
    const { connection, channel } = await open()
    const queue = 'amqplib.work'
    await declare(channel, queue)
    for (const body of ['one', 'two', 'three']) {
      channel.sendToQueue(queue, Buffer.from(body), { persistent: true, contentType: 'text/plain' })
    }
    await channel.waitForConfirms()
    await channel.prefetch(1)
    const inbox = await consume(channel, queue)
    for (let n = 0; n < 3; n++) {
      const message = await inbox.take()
      say({
        body: message.content.toString(), redelivered: message.fields.redelivered,
        contentType: message.properties.contentType, deliveryMode: message.properties.deliveryMode,
      })
      channel.ack(message)
    }
    await channel.close()
    const after = await connection.createChannel()
    say({ left: (await after.checkQueue(queue)).messageCount })
    await after.deleteQueue(queue)
    await connection.close()
  },

  async 'dead-letters'(say) {
    const { connection, channel } = await open()
    const [queue, dead] = ['amqplib.dead-letters', 'amqplib.dead']
    await declare(channel, dead)
    await declare(channel, queue, { deadLetterExchange: '', deadLetterRoutingKey: dead })
    const inbox = await consume(channel, queue)
    channel.sendToQueue(queue, Buffer.from('bad'))
    for (const requeue of [true, false]) {
      const message = await inbox.take()
      say({ body: message.content.toString(), redelivered: message.fields.redelivered })
      channel.reject(message, requeue)
    }
    const letter = await (await consume(channel, dead)).take()
    const [death] = letter.properties.headers['x-death']
    say({ dead: letter.content.toString(), reason: death.reason, queue: death.queue, count: death.count })
    channel.ack(letter)
    await channel.deleteQueue(queue)
    await channel.deleteQueue(dead)
    await connection.close()
  },

  async 'request-reply'(say) {
    const { connection, channel } = await open()
    const queue = 'amqplib.upper'
    await declare(channel, queue)
    const server = await channel.consume(queue, (request) => {
      const reply = Buffer.from(request.content.toString().toUpperCase())
      const { replyTo, correlationId } = request.properties
      channel.sendToQueue(replyTo, reply, { correlationId })
      channel.ack(request)
    })
    const replies = new Map()
    const answered = new Inbox()
    await channel.consume('amq.rabbitmq.reply-to', (reply) => {
      replies.set(reply.properties.correlationId, reply.content.toString())
      answered.put(reply)
    }, { noAck: true })
    for (const word of ['a', 'b', 'c']) {
      channel.sendToQueue(queue, Buffer.from(word), { replyTo: 'amq.rabbitmq.reply-to', correlationId: `id-${word}` })
    }
    for (let n = 0; n < 3; n++) await answered.take()
    for (const word of ['a', 'b', 'c']) say({ asked: word, reply: replies.get(`id-${word}`) })
    await channel.cancel(server.consumerTag)
    await channel.deleteQueue(queue)
    await connection.close()
  },

  async large(say) {
    const { connection, channel } = await open()
    const queue = 'amqplib.large'
    await declare(channel, queue)
    channel.sendToQueue(queue, largeBody, { persistent: true })
    await channel.waitForConfirms()
    const message = await channel.get(queue)
    say({ bytes: message.content.length, sha256: sha256(message.content) })
    channel.ack(message)
    await channel.deleteQueue(queue)
    await connection.close()
  },

  async many(say) {
    const { connection, channel } = await open()
    const queue = 'amqplib.many'
    await declare(channel, queue)
    let confirmed = 0
    for (let n = 0; n < 5_000; n++) {
      channel.sendToQueue(queue, Buffer.from(String(n)), { persistent: true }, (error) => {
        if (error === null) confirmed++
      })
    }
    await channel.waitForConfirms()
    say({ sent: confirmed })
    await channel.prefetch(100)
    const inbox = await consume(channel, queue)
    let inOrder = true
    for (let n = 0; n < 5_000; n++) {
      const message = await inbox.take()
      inOrder &&= message.content.toString() === String(n)
      channel.ack(message)
    }
    say({ received: 5_000, inOrder })
    await channel.deleteQueue(queue)
    await connection.close()
  },

  async refusal(say) {
    const { connection, channel } = await open()
    const queue = 'amqplib.refusal'
    await declare(channel, queue)
    const mistakes = [
      (wrong) => wrong.checkQueue('amqplib.nowhere'),
      (wrong) => wrong.assertQueue(queue, { durable: false }),
    ]
    for (const mistake of mistakes) {
      const wrong = await connection.createChannel()
      const closed = new Promise((resolve) => {
        wrong.on('error', resolve)
      })
      await mistake(wrong).catch(() => undefined) // said again, with its code, by the event
      const { code, message } = await closed
      say({ code, text: /with message "(.*)"$/.exec(message)?.[1] })
    }
    await channel.deleteQueue(queue)
    await connection.close()
  },

  async reconnect(say) {
    const [live, kept] = ['amqplib.live', 'amqplib.kept']
    let { connection, channel } = await open()
    await declare(channel, live)
    await declare(channel, kept)
    channel.sendToQueue(kept, Buffer.from('kept'), { persistent: true })
    channel.sendToQueue(live, Buffer.from('before'))
    await channel.waitForConfirms()
    const before = await (await consume(channel, live)).take()
    say({ body: before.content.toString() })
    channel.ack(before)
    const closed = new Promise((resolve) => {
      connection.on('close', resolve)
    })
    await brokerRestart(say)
    await closed

    ;({ connection, channel } = await open())
    const inbox = await consume(channel, live)
    channel.sendToQueue(live, Buffer.from('after'))
    const after = await inbox.take()
    say({ body: after.content.toString() })
    channel.ack(after)
    const survivor = await channel.get(kept)
    say({ body: survivor.content.toString(), deliveryMode: survivor.properties.deliveryMode })
    channel.ack(survivor)
    await channel.deleteQueue(live)
    await channel.deleteQueue(kept)
    await connection.close()
  },
})
