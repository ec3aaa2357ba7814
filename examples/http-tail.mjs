// What is published to an exchange, as it comes: Server-Sent Events of Leveret's own HTTP API. In a browser an
// EventSource reads the same.
//
// Prints:
//   listening to order.*
//   order.created {"id":1}
//   order.paid {"id":1}
const api = process.env.LEVERET_URL ?? 'http://127.0.0.1:15672'
const headers = { authorization: `Basic ${btoa('guest:guest')}` }

const tail = await fetch(`${api}/api/v1/exchanges/%2F/amq.topic/tail?key=order.*`, { headers })
console.log('listening to order.*')
for (const key of ['order.created', 'bill.sent', 'order.paid']) {
  await fetch(`${api}/api/v1/publish/%2F/amq.topic/${key}`, { method: 'POST', headers, body: '{"id":1}' })
}

let text = ''
for await (const chunk of tail.body.pipeThrough(new TextDecoderStream())) {
  text += chunk
  const messages = [...text.matchAll(/^event: message\ndata: (.*)\n\n/gm)].map(([, data]) => JSON.parse(data))
  if (messages.length < 2) continue
  for (const { routing_key: key, body } of messages) console.log(key, body)
  break
}
