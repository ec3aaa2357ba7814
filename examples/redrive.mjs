// A poison message, from its death to its second life: a worker with a bug rejects it, it waits among the dead
// letters, the bug is mended, and one command brings it back to where it died.
//
// Prints on Leveret:
//   poison failed
//   dead letters: 1
//   redriven: 1
//   poison done, it had died of: delivery_limit
import { execFileSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'amqplib'

const [work, failed] = ['examples.mended', 'examples.mended.failed']
const connection = await connect(process.env.AMQP_URL ?? 'amqp://127.0.0.1')
const channel = await connection.createConfirmChannel()
await channel.assertQueue(failed)
await channel.assertQueue(work, {
  deadLetterExchange: '', deadLetterRoutingKey: failed, arguments: { 'x-retry-delay': '100ms' }, // one attempt more
})
channel.sendToQueue(work, Buffer.from('poison'), { persistent: true })
await channel.waitForConfirms()

const { consumerTag } = await channel.consume(work, (job) => channel.nack(job, false, false))
while ((await channel.checkQueue(failed)).messageCount === 0) await sleep(20)
await channel.cancel(consumerTag)
console.log('poison failed')
console.log(`dead letters: ${(await channel.checkQueue(failed)).messageCount}`)

// On a machine with Leveret installed: leveret dlq redrive examples.mended.failed
const leveret = new URL('../dist/bin/main.js', import.meta.url).pathname
const job = JSON.parse(execFileSync(process.execPath, [leveret, 'dlq', 'redrive', failed, '--json'], { encoding: 'utf8' }))
console.log(`redriven: ${job.moved}`)

await channel.consume(work, async (job) => {
  if (job === null) return // the queue was deleted
  console.log(`${job.content} done, it had died of: ${job.properties.headers['x-death'][0].reason}`)
  channel.ack(job)
  await channel.deleteQueue(work)
  await channel.deleteQueue(failed)
  await connection.close()
})
