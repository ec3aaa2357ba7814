// The consuming process of amqplib-confirms: declares the queue, acks each message, and times from the first
// to the last.
import * as amqp from 'amqplib'
import type { Told } from './amqplib-confirms.ts'

const [url = '', queue = '', messages = '0'] = process.argv.slice(2)
const count = Number(messages)
const tell = (told: Told): Promise<void> =>
  new Promise((resolve) => process.send!(told, () => resolve()))

const connection = await amqp.connect(url)
const channel = await connection.createChannel()
await channel.assertQueue(queue, { durable: true })
await channel.prefetch(1_000)
let received = 0
let firstMs = 0
let lastMs = 0
await new Promise<void>((resolve, reject) => {
  const onMessage = (message: amqp.ConsumeMessage | null): void => {
    if (message === null) throw new Error('the consumer was cancelled')
    if (received++ === 0) firstMs = performance.now()
    channel.ack(message)
    if (received < count) return
    lastMs = performance.now()
    resolve()
  }
  channel.consume(queue, onMessage, { consumerTag: 'bench' })
    .then(() => tell({ kind: 'ready', seconds: 0 }), reject)
})
await channel.cancel('bench')
await channel.deleteQueue(queue)
await tell({ kind: 'consumed', seconds: (lastMs - firstMs) / 1000 })
await connection.close()
process.disconnect()
