// A webhook: a queue is pushed to a program that listens for HTTP, and has no library for messages at all. It checks
// the signature, and what it cannot do yet comes again; what it never can is a dead letter in the end.
//
// Start Leveret with --webhooks-allow-private true: this program listens on the machine of the broker.
//
// Prints:
//   attempt 1: order 1, signature ok
//   done: order 1
//   attempt 1: order 2, signature ok
//   attempt 2: order 2, signature ok
//   dead letter: order 2
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'

const api = process.env.LEVERET_URL ?? 'http://127.0.0.1:15672'
const headers = { 'authorization': `Basic ${btoa('guest:guest')}`, 'content-type': 'application/json' }
const ask = (method, path, body) => fetch(`${api}/api/${path}`, { method, headers, body: JSON.stringify(body) })
const [orders, failed] = ['examples.http-orders', 'examples.http-orders.failed']
const secret = 'only you and the broker know this'

/** What was signed is "SECONDS.BODY"; a signature of long ago may be one that somebody recorded. */
function isSigned(header, body) {
  const { t, v1 } = Object.fromEntries(header.split(',').map((part) => part.split('=')))
  const expected = createHmac('sha256', secret).update(`${t}.`).update(body).digest()
  return timingSafeEqual(expected, Buffer.from(v1, 'hex')) && Math.abs(Date.now() / 1000 - t) < 300
}

const server = createServer(async (request, response) => {
  const body = Buffer.concat(await request.toArray())
  const isOk = isSigned(request.headers['x-leveret-signature'], body)
  console.log(`attempt ${request.headers['x-leveret-attempt']}: ${body}, signature ${isOk ? 'ok' : 'wrong'}`)
  if (String(body) === 'order 1') console.log('done: order 1')
  response.writeHead(String(body) === 'order 1' ? 204 : 500).end()
}).listen(0, '127.0.0.1')
await new Promise((resolve) => server.once('listening', resolve))

await ask('PUT', `queues/%2F/${failed}`, { durable: true })
await ask('PUT', `queues/%2F/${orders}`, {
  durable: true,
  arguments: { 'x-retry-delay': '100ms', 'x-retry-attempts': 1, 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': failed },
})
const url = `http://127.0.0.1:${server.address().port}/orders`
const made = await ask('PUT', 'v1/webhooks/%2F/examples', { queue: orders, url, secret })
if (!made.ok) throw new Error(await made.text())

for (const body of ['order 1', 'order 2']) {
  const { authorization } = headers
  await fetch(`${api}/api/v1/publish/%2F/amq.default/${orders}`, { method: 'POST', headers: { authorization }, body })
}

for (let dead = []; dead.length === 0;) {
  const answer = await ask('GET', `v1/queues/%2F/${failed}/consume?wait=30`)
  dead = (await answer.json()).messages
  for (const { body } of dead) console.log(`dead letter: ${body}`)
}
for (const queue of [orders, failed]) await ask('DELETE', `queues/%2F/${queue}`) // the webhook goes with its queue
server.close()
server.closeAllConnections()
