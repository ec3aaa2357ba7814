// rabbitmq-client: a publisher and a consumer that declare what they need and recover by themselves. Whether
// a message is acknowledged, requeued or dropped is what the handler returns, or that it throws.
//
// Prints:
//   mail to anna@example.org
//   mail to bob@example.org: server is busy, again
//   mail to bob@example.org
import { Connection, ConsumerStatus } from 'rabbitmq-client'

const rabbit = new Connection(process.env.AMQP_URL ?? 'amqp://127.0.0.1')
rabbit.on('error', (error) => console.error('connection:', error.message))

const queue = 'examples.mails'
const exchange = 'examples.mail'
const publisher = rabbit.createPublisher({
  confirm: true, // send() resolves when the broker has the message
  maxAttempts: 3,
  exchanges: [{ exchange, type: 'topic' }],
})

let isBusy = true
let finish
const finished = new Promise((resolve) => {
  finish = resolve
})
const consumer = rabbit.createConsumer({
  queue,
  queueOptions: { durable: true },
  qos: { prefetchCount: 1 },
  exchanges: [{ exchange, type: 'topic' }],
  queueBindings: [{ exchange, routingKey: 'user.*' }],
}, (message) => {
  const { to } = message.body // JSON goes in and comes out as an object
  if (to.startsWith('bob') && isBusy) {
    console.log(`mail to ${to}: server is busy, again`)
    isBusy = false
    return ConsumerStatus.REQUEUE
  }
  console.log(`mail to ${to}`)
  if (to.startsWith('bob')) finish()
  return ConsumerStatus.ACK
})
await new Promise((resolve) => {
  consumer.once('ready', resolve)
})

await publisher.send({ exchange, routingKey: 'user.created', durable: true }, { to: 'anna@example.org' })
await publisher.send({ exchange, routingKey: 'user.created', durable: true }, { to: 'bob@example.org' })
await finished

await consumer.close() // after the acknowledgement of what it is working on
await rabbit.queueDelete({ queue })
await rabbit.exchangeDelete({ exchange })
await publisher.close()
await rabbit.close()
