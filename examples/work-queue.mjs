// A work queue: jobs are kept until a worker has done them, and each worker has one job at a time.
//
// Prints:
//   the broker has five jobs
//   done: resize 1
//   done: resize 2
//   done: resize 3
//   done: resize 4
//   done: resize 5
//   by 2 workers
import { connect } from 'amqplib'

const connection = await connect(process.env.AMQP_URL ?? 'amqp://127.0.0.1')
const queue = 'examples.jobs'
const producer = await connection.createConfirmChannel()
await producer.assertQueue(queue, { durable: true })

const done = []
const workers = new Set()
let finish
const finished = new Promise((resolve) => {
  finish = resolve
})

async function startWorker(name) {
  const channel = await connection.createChannel()
  await channel.prefetch(1) // no second job before the first is acknowledged
  await channel.consume(queue, (message) => {
    if (message === null) return // the queue was deleted
    done.push(JSON.parse(message.content.toString()).resize)
    workers.add(name)
    channel.ack(message) // only now does the broker forget it: a worker that dies first loses nothing
    if (done.length === 5) finish()
  })
}
await startWorker('anna')
await startWorker('bob')

// A durable queue, a persistent message and a confirm are what makes a job safe.
for (const id of [1, 2, 3, 4, 5]) {
  producer.sendToQueue(queue, Buffer.from(JSON.stringify({ resize: id })), { persistent: true })
}
await producer.waitForConfirms()
console.log('the broker has five jobs')

await finished
for (const id of done.toSorted()) console.log(`done: resize ${id}`)
console.log(`by ${workers.size} workers`)
await producer.deleteQueue(queue)
await connection.close()
