// The consuming process of amqplib-confirms: declares the queue, acks each message, and times from the first to the last.
import * as amqp from 'amqplib'
import type { Told } from './amqplib-confirms.ts'

const [url = '', queue = '', messages = '0'] = process.argv.slice(2)
const count = Number(messages)
const tell = (told: Told): void => {
  process.send!(told)
}

const connection = await amqp.connect(url)
const channel = await connection.createChannel()
await channel.assertQueue(queue, { durable: true })
await channel.prefetch(1_000)
let received = 0
let firstMs = 0
await new Promise<void>((resolve) => {
  const onMessage = (message: amqp.ConsumeMessage | null): void => {
    if (message === null) throw new Error('the consumer was cancelled')
    if (received++ === 0) firstMs = performance.now()
    channel.ack(message)
    if (received === count) resolve()
  }
  channel.consume(queue, onMessage).then(() => tell({ kind: 'ready', seconds: 0 }), (error: unknown) => {
    throw error
  })
})
tell({ kind: 'consumed', seconds: (performance.now() - firstMs) / 1000 })
await channel.deleteQueue(queue)
await connection.close()
process.disconnect()
