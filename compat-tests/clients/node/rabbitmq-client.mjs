// rabbitmq-client: its Consumer, Publisher and RPCClient recover by themselves.
import { once } from 'node:events'
import { Connection, ConsumerStatus } from 'rabbitmq-client'
import { brokerRestart, Inbox, largeBody, play, sha256, url } from './transcript.mjs'

const name = (rest) => `rabbitmq-client.${rest}`

async function open() {
  const rabbit = new Connection({ url, retryLow: 200, retryHigh: 1_000 })
  rabbit.on('error', () => undefined) // the restart
  await rabbit.onConnect(10_000)
  return { rabbit, publisher: rabbit.createPublisher({ confirm: true, maxAttempts: 20 }) }
}

async function declare(rabbit, queue, args = {}) {
  await rabbit.queueDelete({ queue })
  await rabbit.queueDeclare({ queue, durable: true, arguments: args })
}

/**
 * A consumer that hands its messages to an inbox; each is answered with the status that the scenario gives.
 */
async function consume(rabbit, props) {
  const inbox = new Inbox()
  // passive: otherwise the consumer declares the queue itself, with options of its own
  const consumer = rabbit.createConsumer({ queueOptions: { passive: true }, ...props }, (message) => new Promise((settle) => {
    inbox.put({ message, settle })
  }))
  consumer.on('error', () => undefined) // the restart
  await once(consumer, 'ready')
  return { consumer, inbox }
}

await play({
  async work(say) {
    const { rabbit, publisher } = await open()
    await declare(rabbit, name('work'))
    for (const body of ['one', 'two', 'three']) {
      // a string goes as text/plain
      await publisher.send({ routingKey: name('work'), durable: true }, body)
    }
    const { consumer, inbox } = await consume(rabbit, { queue: name('work'), qos: { prefetchCount: 1 } })
    for (let n = 0; n < 3; n++) {
      const { message, settle } = await inbox.take()
      say({
        body: message.body, redelivered: message.redelivered, contentType: message.contentType,
        deliveryMode: message.durable ? 2 : 1,
      })
      settle(ConsumerStatus.ACK)
    }
    await consumer.close()
    say({ left: (await rabbit.queueDeclare({ queue: name('work'), passive: true })).messageCount })
    await rabbit.queueDelete(name('work'))
    await publisher.close()
    await rabbit.close()
  },

  async 'dead-letters'(say) {
    const { rabbit, publisher } = await open()
    await declare(rabbit, name('dead'))
    await declare(rabbit, name('dead-letters'), {
      'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': name('dead'),
    })
    await publisher.send(name('dead-letters'), 'bad')
    const bad = await consume(rabbit, { queue: name('dead-letters') })
    for (const status of [ConsumerStatus.REQUEUE, ConsumerStatus.DROP]) {
      const { message, settle } = await bad.inbox.take()
      say({ body: message.body, redelivered: message.redelivered })
      settle(status)
    }
    const dead = await consume(rabbit, { queue: name('dead') })
    const { message, settle } = await dead.inbox.take()
    const [death] = message.headers['x-death']
    say({ dead: message.body, reason: death.reason, queue: death.queue, count: death.count })
    settle(ConsumerStatus.ACK)
    await bad.consumer.close()
    await dead.consumer.close()
    await rabbit.queueDelete(name('dead-letters'))
    await rabbit.queueDelete(name('dead'))
    await publisher.close()
    await rabbit.close()
  },

  async 'request-reply'(say) {
    const { rabbit, publisher } = await open()
    await declare(rabbit, name('upper'))
    const upper = { queue: name('upper'), queueOptions: { durable: true } }
    const server = rabbit.createConsumer(upper, async (request, reply) => {
      await reply(request.body.toUpperCase())
    })
    await once(server, 'ready')
    const client = rabbit.createRPCClient({ confirm: true })
    const words = ['a', 'b', 'c']
    const replies = await Promise.all(words.map((word) => client.send(name('upper'), word)))
    words.forEach((word, n) => say({ asked: word, reply: replies[n].body }))
    await client.close()
    await server.close()
    await rabbit.queueDelete(name('upper'))
    await publisher.close()
    await rabbit.close()
  },

  async large(say) {
    const { rabbit, publisher } = await open()
    await declare(rabbit, name('large'))
    await publisher.send({ routingKey: name('large'), durable: true }, largeBody)
    const message = await rabbit.basicGet({ queue: name('large'), noAck: true })
    say({ bytes: message.body.length, sha256: sha256(message.body) })
    await rabbit.queueDelete(name('large'))
    await publisher.close()
    await rabbit.close()
  },

  async many(say) {
    const { rabbit, publisher } = await open()
    await declare(rabbit, name('many'))
    const numbers = Array.from({ length: 5_000 }, (_, n) => String(n))
    const outcomes = await Promise.all(numbers.map((body) =>
      publisher.send({ routingKey: name('many'), durable: true }, body)))
    say({ sent: outcomes.length })
    const { consumer, inbox } = await consume(rabbit, { queue: name('many'), qos: { prefetchCount: 100 } })
    let inOrder = true
    for (const body of numbers) {
      const { message, settle } = await inbox.take()
      inOrder &&= message.body === body
      settle(ConsumerStatus.ACK)
    }
    say({ received: numbers.length, inOrder })
    await consumer.close()
    await rabbit.queueDelete(name('many'))
    await publisher.close()
    await rabbit.close()
  },

  async refusal(say) {
    const { rabbit, publisher } = await open()
    await declare(rabbit, name('refusal'))
    const mistakes = [
      { queue: name('nowhere'), passive: true },
      { queue: name('refusal'), durable: false },
    ]
    const codes = { NOT_FOUND: 404, PRECONDITION_FAILED: 406 }
    for (const mistake of mistakes) {
      const error = await rabbit.queueDeclare(mistake).catch((refused) => refused)
      say({ code: codes[error.code], text: error.message.replace('QueueDeclare: ', '') })
    }
    await rabbit.queueDelete(name('refusal'))
    await publisher.close()
    await rabbit.close()
  },

  async reconnect(say) {
    const { rabbit, publisher } = await open()
    await declare(rabbit, name('live'))
    await declare(rabbit, name('kept'))
    await publisher.send({ routingKey: name('kept'), durable: true }, 'kept')
    const { consumer, inbox } = await consume(rabbit, { queue: name('live') })
    await publisher.send(name('live'), 'before')
    const before = await inbox.take()
    say({ body: before.message.body })
    before.settle(ConsumerStatus.ACK)
    const lost = new Promise((resolve) => {
      rabbit.once('error', resolve)
    })
    await brokerRestart(say)
    await lost

    await publisher.send(name('live'), 'after')
    const after = await inbox.take()
    say({ body: after.message.body })
    after.settle(ConsumerStatus.ACK)
    const survivor = await rabbit.basicGet({ queue: name('kept'), noAck: true })
    say({ body: survivor.body, deliveryMode: survivor.durable ? 2 : 1 })
    await consumer.close()
    await rabbit.queueDelete(name('live'))
    await rabbit.queueDelete(name('kept'))
    await publisher.close()
    await rabbit.close()
  },
})
