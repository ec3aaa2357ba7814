// Retries by the broker: the queue says how often and when a failed job comes again, each time twice as late;
// the worker only says that it failed. These are arguments of Leveret's own.
//
// Prints on Leveret:
//   report failed
//   report failed, tried again after 200 ms
//   report done, tried again after 400 ms
import { connect } from 'amqplib'

const connection = await connect(process.env.AMQP_URL ?? 'amqp://127.0.0.1')
const channel = await connection.createChannel()
await channel.assertQueue('examples.jobs', {
  arguments: { 'x-retry-attempts': 5, 'x-retry-delay': 'exponential:200ms,2,1m' },
})
await channel.consume('examples.jobs', (job) => {
  if (job === null) return // the queue was deleted
  const { 'x-retry-attempt': attempt = 0, 'x-retry-history': history = [] } = job.properties.headers
  const after = attempt === 0 ? '' : `, tried again after ${history.at(-1).delay} ms`
  if (attempt < 2) {
    console.log(`${job.content} failed${after}`)
    channel.nack(job, false, false) // not back into the queue at once: the queue knows when
    return
  }
  console.log(`${job.content} done${after}`)
  channel.ack(job)
  void channel.deleteQueue('examples.jobs').then(() => connection.close())
})
channel.sendToQueue('examples.jobs', Buffer.from('report'), { persistent: true })
