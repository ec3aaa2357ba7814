// Request and reply: the request says where to answer (replyTo) and the reply repeats its correlationId, so
// that many requests may be under way at once and their replies may come in any order.
//
// Prints:
//   square of 3: 9
//   square of 5: 25
//   square of 8: 64
import { randomUUID } from 'node:crypto'
import { connect } from 'amqplib'

const connection = await connect(process.env.AMQP_URL ?? 'amqp://127.0.0.1')
const queue = 'examples.square'

// The server: answers to whatever queue the request names.
const server = await connection.createChannel()
await server.assertQueue(queue, { durable: false, autoDelete: true })
await server.consume(queue, (request) => {
  const { replyTo, correlationId } = request.properties
  const answer = Number(request.content.toString()) ** 2
  server.sendToQueue(replyTo, Buffer.from(String(answer)), { correlationId })
  server.ack(request)
})

// The client: amq.rabbitmq.reply-to is a queue that needs no declaring and is this channel's alone.
const client = await connection.createChannel()
const waiting = new Map()
await client.consume('amq.rabbitmq.reply-to', (reply) => {
  waiting.get(reply.properties.correlationId)?.(reply.content.toString())
  waiting.delete(reply.properties.correlationId)
}, { noAck: true })

function ask(number) {
  return new Promise((resolve) => {
    const correlationId = randomUUID()
    waiting.set(correlationId, resolve)
    client.sendToQueue(queue, Buffer.from(String(number)), { correlationId, replyTo: 'amq.rabbitmq.reply-to' })
  })
}

const numbers = [3, 5, 8]
const answers = await Promise.all(numbers.map(ask))
numbers.forEach((number, n) => console.log(`square of ${number}: ${answers[n]}`))
await connection.close()
