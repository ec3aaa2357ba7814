// A worker without any AMQP library, over Leveret's own HTTP API: it waits for messages, has each for a minute, and
// says what became of it. What it does not settle in time, or dies with, goes back to the queue.
//
// Prints:
//   done: resize 1
//   not yet: resize 2
//   done: resize 3
//   done: resize 2
const api = process.env.LEVERET_URL ?? 'http://127.0.0.1:15672'
const headers = { 'authorization': `Basic ${btoa('guest:guest')}`, 'content-type': 'application/json' }
const post = (path, body) => fetch(`${api}/api/v1/${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
const queue = `${api}/api/queues/%2F/examples.http-jobs`

await fetch(queue, { method: 'PUT', headers, body: '{"durable":true}' })
const jobs = ['resize 1', 'resize 2', 'resize 3']
await post('publish/%2F/amq.default', jobs.map((body) => ({ routing_key: 'examples.http-jobs', body })))

for (let done = 0; done < jobs.length;) {
  const answer = await post('queues/%2F/examples.http-jobs/consume?max=10&wait=30&lease=60')
  for (const { token, body, redelivered } of (await answer.json()).messages) {
    const isDone = body !== 'resize 2' || redelivered
    console.log(`${isDone ? 'done' : 'not yet'}: ${body}`)
    await post(`leases/${token}/${isDone ? 'ack' : 'nack'}`)
    if (isDone) done++
  }
}
await fetch(queue, { method: 'DELETE', headers })
