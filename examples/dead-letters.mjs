// Dead letters: a message that is rejected, or that nobody took in time, goes to another queue with the story
// of its death in x-death, where somebody can look at it or send it again.
//
// Prints:
//   worked on: good
//   dead: bad, rejected in examples.orders, 1 time
//   dead: late, expired in examples.offers, 1 time
import { connect } from 'amqplib'

const connection = await connect(process.env.AMQP_URL ?? 'amqp://127.0.0.1')
const channel = await connection.createChannel()
await channel.assertExchange('examples.dead', 'fanout', { durable: true })
await channel.assertQueue('examples.graveyard', { durable: true })
await channel.bindQueue('examples.graveyard', 'examples.dead', '')
await channel.assertQueue('examples.orders', { durable: true, deadLetterExchange: 'examples.dead' })
await channel.assertQueue('examples.offers', {
  durable: true, deadLetterExchange: 'examples.dead', messageTtl: 50, // milliseconds
})

const letters = []
const buried = new Promise((allBuried) => {
  void channel.consume('examples.graveyard', (letter) => {
    if (letter === null) return // the queue was deleted
    const [death] = letter.properties.headers['x-death']
    letters.push(`dead: ${letter.content}, ${death.reason} in ${death.queue}, ${death.count} time`)
    channel.ack(letter)
    if (letters.length === 2) allBuried()
  })
})

await channel.consume('examples.orders', (order) => {
  if (order === null) return // the queue was deleted
  if (order.content.toString() === 'bad') {
    channel.reject(order, false) // false: not back into the queue
    return
  }
  console.log(`worked on: ${order.content}`)
  channel.ack(order)
})
channel.sendToQueue('examples.orders', Buffer.from('good'))
channel.sendToQueue('examples.orders', Buffer.from('bad'))
channel.sendToQueue('examples.offers', Buffer.from('late')) // nobody consumes these

await buried
for (const line of letters.toSorted()) console.log(line)
for (const queue of ['examples.orders', 'examples.offers', 'examples.graveyard']) await channel.deleteQueue(queue)
await channel.deleteExchange('examples.dead')
await connection.close()
