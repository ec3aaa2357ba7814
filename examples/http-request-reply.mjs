// A request that answers with its reply, over Leveret's own HTTP API. Who answers need not know: this responder polls,
// one with an AMQP library sees an ordinary request with replyTo and correlationId.
//
// Prints:
//   2 + 3 = 5
//   504 timeout: no reply within 1 s
const api = process.env.LEVERET_URL ?? 'http://127.0.0.1:15672'
const headers = { 'authorization': `Basic ${btoa('guest:guest')}`, 'content-type': 'application/json' }
const post = (path, body) => fetch(`${api}/api/v1/${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
const queue = `${api}/api/queues/%2F/examples.http-sums`

await fetch(queue, { method: 'PUT', headers, body: '{"durable":true}' })

async function answerOne() {
  const polled = await post('queues/%2F/examples.http-sums/consume?wait=30')
  const [{ token, body, properties }] = (await polled.json()).messages
  const sum = JSON.parse(body).reduce((total, number) => total + number, 0)
  await post(`publish/%2F/amq.default/${properties.reply_to}`, sum)
  await post(`leases/${token}/ack`)
}

const [reply] = await Promise.all([post('rpc/%2F/amq.default/examples.http-sums?timeout=30', [2, 3]), answerOne()])
console.log(`2 + 3 = ${await reply.text()}`)

const late = await post('rpc/%2F/amq.default/examples.http-sums?timeout=1', [4, 5])
const { error, reason } = await late.json()
console.log(late.status, `${error}: ${reason}`)

await fetch(queue, { method: 'DELETE', headers })
