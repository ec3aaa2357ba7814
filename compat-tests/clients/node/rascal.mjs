// rascal: all queues, publications and subscriptions are configuration; it recovers by itself.
import { once } from 'node:events'
import rascal from 'rascal'
import { brokerRestart, Inbox, largeBody, play, sha256, url } from './transcript.mjs'

const name = (rest) => `rascal.${rest}`

/** A broker with these queues, and a publication and a subscription of each queue's name. */
async function open(queues, subscription = {}) {
  const names = Object.keys(queues)
  const each = (config) => Object.fromEntries(names.map((queue) => [queue, { queue, ...config }]))
  const config = {
    vhosts: {
      '/': {
        connection: { url, retry: { min: 200, max: 1_000, strategy: 'linear' } },
        queues: Object.fromEntries(names.map((queue) => [queue, { options: { arguments: queues[queue] } }])),
        publications: each({ confirm: true }),
        subscriptions: each(subscription),
      },
    },
  }
  const broker = await rascal.BrokerAsPromised.create(rascal.withDefaultConfig(config))
  broker.on('error', () => undefined) // the restart
  return broker
}

/** Resolves when the broker has confirmed. */
async function publish(broker, queue, body, options = {}) {
  const publication = await broker.publish(queue, body, { options })
  publication.on('error', () => undefined) // the restart, heard also by those that are done
  await once(publication, 'success')
}

async function consume(broker, queue) {
  const inbox = new Inbox()
  const subscription = await broker.subscribe(queue)
  subscription.on('message', (message, content, settle) => inbox.put({ message, content, settle }))
  subscription.on('error', () => undefined) // the restart
  return { inbox, subscription }
}

/** Rascal has no command to delete one queue; nuke deletes all of its configuration's. */
async function close(broker) {
  await broker.unsubscribeAll()
  await broker.nuke()
}

await play({
  async work(say) {
    const broker = await open({ [name('work')]: {} }, { prefetch: 1 })
    for (const body of ['one', 'two', 'three']) await publish(broker, name('work'), body)
    const { inbox } = await consume(broker, name('work'))
    for (let n = 0; n < 3; n++) {
      const { message, content, settle } = await inbox.take()
      say({
        body: content, redelivered: message.fields.redelivered, contentType: message.properties.contentType,
        deliveryMode: message.properties.deliveryMode,
      })
      settle()
    }
    await close(broker)
  },

  async 'dead-letters'(say) {
    const broker = await open({
      [name('dead')]: {},
      [name('dead-letters')]: { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': name('dead') },
    })
    await publish(broker, name('dead-letters'), 'bad')
    const { inbox } = await consume(broker, name('dead-letters'))
    for (const requeue of [true, false]) {
      const { message, content, settle } = await inbox.take()
      say({ body: content, redelivered: message.fields.redelivered })
      settle(new Error('bad'), { strategy: 'nack', requeue })
    }
    const { message, content, settle } = await (await consume(broker, name('dead'))).inbox.take()
    const [death] = message.properties.headers['x-death']
    say({ dead: content, reason: death.reason, queue: death.queue, count: death.count })
    settle()
    await close(broker)
  },

  async 'request-reply'(say) {
    const broker = await open({ [name('upper')]: {}, [name('replies')]: {} })
    const server = await broker.subscribe(name('upper'))
    server.on('message', (message, content, settle) => {
      const { correlationId } = message.properties
      void publish(broker, name('replies'), content.toUpperCase(), { correlationId })
      settle()
    })
    const { inbox } = await consume(broker, name('replies'))
    for (const word of ['a', 'b', 'c']) {
      await publish(broker, name('upper'), word, { replyTo: name('replies'), correlationId: `id-${word}` })
    }
    const replies = new Map()
    while (replies.size < 3) {
      const { message, content, settle } = await inbox.take()
      replies.set(message.properties.correlationId, content)
      settle()
    }
    for (const word of ['a', 'b', 'c']) say({ asked: word, reply: replies.get(`id-${word}`) })
    await close(broker)
  },

  async large(say) {
    const broker = await open({ [name('large')]: {} })
    await publish(broker, name('large'), largeBody)
    const { content, settle } = await (await consume(broker, name('large'))).inbox.take()
    say({ bytes: content.length, sha256: sha256(content) })
    settle()
    await close(broker)
  },

  async many(say) {
    const broker = await open({ [name('many')]: {} }, { prefetch: 100 })
    const numbers = Array.from({ length: 5_000 }, (_, n) => String(n))
    for (let n = 0; n < numbers.length; n += 100) {
      await Promise.all(numbers.slice(n, n + 100).map((body) => publish(broker, name('many'), body)))
    }
    say({ sent: numbers.length })
    const { inbox } = await consume(broker, name('many'))
    // Its publications share a pool of channels, so it keeps no order among those that are sent at once.
    const received = new Set()
    while (received.size < numbers.length) {
      const { content, settle } = await inbox.take()
      received.add(content)
      settle()
    }
    say({ received: received.size })
    await close(broker)
  },

  async reconnect(say) {
    const broker = await open({ [name('live')]: {}, [name('kept')]: {} })
    await publish(broker, name('kept'), 'kept')
    const { inbox } = await consume(broker, name('live'))
    await publish(broker, name('live'), 'before')
    const before = await inbox.take()
    say({ body: before.content })
    before.settle()
    const again = new Promise((resolve) => {
      broker.once('vhost_initialised', resolve)
    })
    await brokerRestart(say)
    await again

    await publish(broker, name('live'), 'after')
    const after = await inbox.take()
    say({ body: after.content })
    after.settle()
    const { message, content, settle } = await (await consume(broker, name('kept'))).inbox.take()
    say({ body: content, deliveryMode: message.properties.deliveryMode })
    settle()
    await close(broker)
  },
})
