// @cloudamqp/amqp-client: its AMQPSession recovers by itself. Counts and refusals are asked of its low-level
// client, because the session has no passive declare.
import { AMQPClient, AMQPSession } from '@cloudamqp/amqp-client'
import { brokerRestart, Inbox, largeBody, play, sha256, url } from './transcript.mjs'

function open(options = {}) {
  return AMQPSession.connect(url, { reconnectInterval: 200, maxReconnectInterval: 1_000, ...options })
}

async function declare(session, name, args = {}) {
  const old = await session.queue(name, { durable: true, arguments: args })
  await old.delete()
  return session.queue(name, { durable: true, arguments: args })
}

async function consume(queue, options = {}) {
  const inbox = new Inbox()
  const subscription = await queue.subscribe({ manualAck: true, ...options }, (message) => inbox.put(message))
  return { subscription, inbox }
}

await play({
  async work(say) {
    const session = await open()
    const queue = await declare(session, 'cloudamqp.work')
    for (const body of ['one', 'two', 'three']) {
      await queue.publish(body, { deliveryMode: 2, contentType: 'text/plain' })
    }
    const { subscription, inbox } = await consume(queue, { prefetch: 1 })
    for (let n = 0; n < 3; n++) {
      const message = await inbox.take()
      say({
        body: message.bodyString(), redelivered: message.redelivered,
        contentType: message.properties.contentType, deliveryMode: message.properties.deliveryMode,
      })
      await message.ack()
    }
    await subscription.cancel()
    const connection = await new AMQPClient(url).connect()
    const channel = await connection.channel()
    say({ left: (await channel.queueDeclare('cloudamqp.work', { passive: true })).messageCount })
    await connection.close()
    await queue.delete()
    await session.stop()
  },

  async 'dead-letters'(say) {
    const session = await open()
    const dead = await declare(session, 'cloudamqp.dead')
    const queue = await declare(session, 'cloudamqp.dead-letters', {
      'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'cloudamqp.dead',
    })
    await queue.publish('bad')
    const { inbox } = await consume(queue)
    for (const requeue of [true, false]) {
      const message = await inbox.take()
      say({ body: message.bodyString(), redelivered: message.redelivered })
      await message.reject(requeue)
    }
    const letter = await (await consume(dead)).inbox.take()
    const [death] = letter.properties.headers['x-death']
    say({ dead: letter.bodyString(), reason: death.reason, queue: death.queue, count: death.count })
    await letter.ack()
    await queue.delete()
    await dead.delete()
    await session.stop()
  },

  async 'request-reply'(say) {
    const session = await open()
    const queue = await declare(session, 'cloudamqp.upper')
    const server = await session.rpcServer('cloudamqp.upper', (request) => request.bodyString().toUpperCase())
    const client = await session.rpcClient()
    const words = ['a', 'b', 'c']
    const replies = await Promise.all(words.map((word) => client.call('cloudamqp.upper', word)))
    words.forEach((word, n) => say({ asked: word, reply: replies[n].bodyString() }))
    await client.close()
    await server.close()
    await queue.delete()
    await session.stop()
  },

  async large(say) {
    const session = await open()
    const queue = await declare(session, 'cloudamqp.large')
    await queue.publish(largeBody, { deliveryMode: 2 })
    const message = await queue.get({ noAck: true })
    say({ bytes: message.bodySize, sha256: sha256(message.body) })
    await queue.delete()
    await session.stop()
  },

  async many(say) {
    const session = await open()
    const queue = await declare(session, 'cloudamqp.many')
    const numbers = Array.from({ length: 5_000 }, (_, n) => String(n))
    const outcomes = await Promise.all(numbers.map((body) => queue.publish(body, { deliveryMode: 2 })))
    say({ sent: outcomes.length })
    const { inbox } = await consume(queue, { prefetch: 100 })
    let inOrder = true
    for (const body of numbers) {
      const message = await inbox.take()
      inOrder &&= message.bodyString() === body
      await message.ack()
    }
    say({ received: numbers.length, inOrder })
    await queue.delete()
    await session.stop()
  },

  async refusal(say) {
    const connection = await new AMQPClient(url, { logger: null }).connect()
    const channel = await connection.channel()
    await channel.queueDeclare('cloudamqp.refusal', { durable: true })
    const mistakes = [
      (wrong) => wrong.queueDeclare('cloudamqp.nowhere', { passive: true }),
      (wrong) => wrong.queueDeclare('cloudamqp.refusal', { durable: false }),
    ]
    for (const mistake of mistakes) {
      const error = await mistake(await connection.channel()).catch((refused) => refused)
      const [, text, code] = /closed: (.*) \((\d+)\)$/.exec(error.message)
      say({ code: Number(code), text })
    }
    await channel.queueDelete('cloudamqp.refusal')
    await connection.close()
  },

  async reconnect(say) {
    const connections = new Inbox()
    const session = await open({ onconnect: () => connections.put('connected'), logger: null })
    await connections.take()
    const live = await declare(session, 'cloudamqp.live')
    const kept = await declare(session, 'cloudamqp.kept')
    await kept.publish('kept', { deliveryMode: 2 })
    const { inbox } = await consume(live)
    await live.publish('before')
    const before = await inbox.take()
    say({ body: before.bodyString() })
    await before.ack()
    await brokerRestart(say)
    await connections.take()

    await live.publish('after')
    const after = await inbox.take()
    say({ body: after.bodyString() })
    await after.ack()
    const survivor = await kept.get({ noAck: true })
    say({ body: survivor.bodyString(), deliveryMode: survivor.properties.deliveryMode })
    await live.delete()
    await kept.delete()
    await session.stop()
  },
})
