// A program that outlives its broker: amqp-connection-manager connects again, declares again, consumes again,
// and keeps what is published in between until the broker has confirmed it.
//
// Prints:
//   received: before the restart
//   restart the broker now
//   connection lost
//   published while it was away: confirmed
//   received: sent while it was away
import { connect } from 'amqp-connection-manager'

const queue = 'examples.survivor'
const connection = connect([process.env.AMQP_URL ?? 'amqp://127.0.0.1'], { reconnectTimeInSeconds: 1 })
const channel = connection.createChannel({
  // called at each connect, so that what the program needs is there again
  setup: (plain) => plain.assertQueue(queue, { durable: true }),
})

let deliver
await channel.consume(queue, (message) => {
  channel.ack(message)
  deliver(message.content.toString())
})

/** The next message that the consumer gets. */
function next() {
  return new Promise((resolve) => {
    deliver = resolve
  })
}

const first = next()
await channel.sendToQueue(queue, Buffer.from('before the restart'), { persistent: true })
console.log(`received: ${await first}`)

const lost = new Promise((resolve) => {
  connection.once('disconnect', resolve)
})
console.log('restart the broker now')
await lost
console.log('connection lost')

const second = next()
await channel.sendToQueue(queue, Buffer.from('sent while it was away'), { persistent: true })
console.log('published while it was away: confirmed')
console.log(`received: ${await second}`)
await channel.cancelAll()
await channel.deleteQueue(queue)
await connection.close()
