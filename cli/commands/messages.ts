// Commands that put messages in, look at them and take them out. Called through commands.ts. Over HTTP a
// message is taken when it is answered: what is not printed then is gone, as with AMQP's automatic acks.
import { pathOf } from '../broker-client.ts'
import { done, integerOption, jsonObject, vhostOf } from '../command.ts'
import type { Call, Command, Output } from '../command.ts'
import { textTable } from '../text-table.ts'
import type { Row } from '../text-table.ts'

const GET_MAX = 100_000
/** In one request of `consume`: large enough to be quick, small enough to lose little. */
const CONSUME_BATCH = 100
/** Between two looks at an empty queue. */
const POLL_MS = 500

interface Got extends Row {
  readonly exchange: string
  readonly routing_key: string
  readonly redelivered: boolean
  readonly message_count: number
  readonly payload_bytes: number
  readonly payload: string
  readonly payload_encoding: 'string' | 'base64'
}

async function publish(call: Call): Promise<Output> {
  const { broker, operands: [exchange = '', routingKey = '', body], options, surroundings } = call
  const properties = jsonObject('--properties', options.get('properties'))
  if (!options.has('transient')) properties['delivery_mode'] ??= 2
  const payload = body === undefined || body === '-' ? await surroundings.readInput() : Buffer.from(body)
  const count = integerOption(call, 'count', 1, GET_MAX)
  const path = `/exchanges${pathOf(vhostOf(call), exchange === '' ? 'amq.default' : exchange)}/publish`
  let routed = 0
  for (let sent = 0; sent < count; sent++) {
    const answer = await broker.post<{ routed: boolean }>(path, {
      properties, routing_key: routingKey, payload: payload.toString('base64'), payload_encoding: 'base64',
    })
    if (answer.routed) routed++
  }
  const value = { published: count, routed }
  if (routed === count) return { value, text: `published ${count}, routed and stored\n` }
  return { value, exit: 'notSo', text: `published ${count}, of which ${count - routed} went to no queue\n` }
}

function take(call: Call, queue: string, count: number, ackmode: string): Promise<Got[]> {
  return call.broker.post<Got[]>(`/queues${pathOf(vhostOf(call), queue)}/get`,
    { count, ackmode, encoding: 'auto' })
}

async function get(call: Call): Promise<Output> {
  const [queue = ''] = call.operands
  const mode = call.options.has('ack') ? 'ack_requeue_false' : 'ack_requeue_true'
  const messages = await take(call, queue, integerOption(call, 'count', 1, GET_MAX), mode)
  const columns = ['exchange', 'routing_key', 'redelivered', 'payload_bytes', 'payload_encoding', 'payload']
  const text = messages.length === 0 ? `queue ${queue} is empty\n` : textTable(messages, columns)
  return { value: messages, text }
}

/** Prints while it takes: what one answer brought is out before the next is asked for. */
async function consume(call: Call): Promise<Output> {
  const [queue = ''] = call.operands
  const wanted = call.options.has('count') ? integerOption(call, 'count', 1, GET_MAX) : Infinity
  let taken = 0
  while (taken < wanted) {
    const messages = await take(call, queue, Math.min(CONSUME_BATCH, wanted - taken), 'ack_requeue_false')
    taken += messages.length
    for (const message of messages) {
      call.surroundings.print(`${call.options.has('json') ? JSON.stringify(message) : message.payload}\n`)
    }
    if (messages.length > 0) continue
    if (!call.options.has('follow')) break
    await call.surroundings.sleep(POLL_MS)
  }
  return { value: null, text: '' }
}

export const messageCommands: readonly Command[] = [
  {
    words: 'publish', operands: 'EXCHANGE ROUTING-KEY [BODY]',
    options: [
      { name: 'properties', value: 'JSON', doc: 'AMQP properties, `{"headers":{"k":1},"priority":3}`' },
      { name: 'transient', value: null, doc: 'not persistent' },
      { name: 'count', value: 'N', doc: 'publishes it N times' },
    ],
    doc: 'Publishes a message, persistent unless told otherwise, and waits until it is stored. `\'\'` is the '
      + 'default exchange; without BODY it is read from stdin. Ends with 1 when it went to no queue.',
    run: publish,
  },
  {
    words: 'get', operands: 'QUEUE',
    options: [
      { name: 'count', value: 'N', doc: 'that many at most; 1 without it' },
      { name: 'ack', value: null, doc: 'takes them out; else they go back, marked as redelivered' },
    ],
    doc: 'Shows the next messages of a queue.', run: get,
  },
  {
    words: 'consume', operands: 'QUEUE',
    options: [
      { name: 'count', value: 'N', doc: 'ends after N messages' },
      { name: 'follow', value: null, doc: 'waits for more when the queue is empty, instead of ending' },
    ],
    doc: 'Takes messages out of a queue and prints their bodies, one a line (with `--json` whole '
      + 'messages). A message is acknowledged when it is handed over.',
    run: consume,
  },
  {
    words: 'purge', operands: 'QUEUE', options: [],
    doc: 'Drops what is ready in a queue. Unacknowledged messages stay with their consumers.',
    async run(call) {
      const [queue = ''] = call.operands
      await call.broker.delete(`/queues${pathOf(vhostOf(call), queue)}/contents`)
      return done(`queue ${queue} purged`)
    },
  },
]
