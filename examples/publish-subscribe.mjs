// Publish and subscribe: a topic exchange copies each message to every queue whose binding matches its key.
//
// Prints:
//   invoices: order.1.paid
//   log: order.1.created
//   log: order.1.paid
//   log: user.7.created
import { connect } from 'amqplib'

const connection = await connect(process.env.AMQP_URL ?? 'amqp://127.0.0.1')
const channel = await connection.createConfirmChannel()
const exchange = 'examples.events'
await channel.assertExchange(exchange, 'topic', { durable: false })

const seen = []
await new Promise((allSeen) => {
  async function subscribe(name, pattern) {
    // A queue of the subscriber's own: the broker names it, and deletes it with the connection.
    const { queue } = await channel.assertQueue('', { exclusive: true })
    await channel.bindQueue(queue, exchange, pattern)
    await channel.consume(queue, (message) => {
      seen.push(`${name}: ${message.fields.routingKey}`)
      if (seen.length === 4) allSeen()
    }, { noAck: true })
  }

  async function run() {
    await subscribe('log', '#') // everything
    await subscribe('invoices', 'order.*.paid') // one word at the star
    for (const key of ['order.1.created', 'order.1.paid', 'user.7.created']) {
      channel.publish(exchange, key, Buffer.from(JSON.stringify({ at: key })))
    }
  }
  void run()
})

for (const line of seen.toSorted()) console.log(line)
await channel.deleteExchange(exchange)
await connection.close()
