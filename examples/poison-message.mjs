// A message that no worker can do: after its last attempt it waits in another queue, with the story of its
// attempts, and holds up nobody meanwhile. The arguments that begin with x-retry are Leveret's own.
//
// Prints on Leveret:
//   good done
//   poison failed 3 times: nack nack nack
//   dead in examples.work: delivery_limit
import { connect } from 'amqplib'

const connection = await connect(process.env.AMQP_URL ?? 'amqp://127.0.0.1')
const channel = await connection.createChannel()
await channel.assertQueue('examples.failed')
await channel.assertQueue('examples.work', {
  deadLetterExchange: '', deadLetterRoutingKey: 'examples.failed',
  arguments: { 'x-retry-delay': '200ms,400ms' }, // two attempts after the first
})
await channel.consume('examples.work', (job) => {
  if (job === null) return // the queue was deleted
  if (job.content.toString() === 'poison') return channel.nack(job, false, false)
  console.log(`${job.content} done`)
  return channel.ack(job)
})
await channel.consume('examples.failed', (letter) => {
  if (letter === null) return // the queue was deleted
  const { 'x-death': [death], 'x-retry-history': history } = letter.properties.headers
  console.log(`${letter.content} failed ${history.length} times: ${history.map(({ reason }) => reason).join(' ')}`)
  console.log(`dead in ${death.queue}: ${death.reason}`)
  channel.ack(letter)
  void channel.deleteQueue('examples.work').then(() => channel.deleteQueue('examples.failed'))
    .then(() => connection.close())
})
for (const job of ['poison', 'good']) channel.sendToQueue('examples.work', Buffer.from(job), { persistent: true })
