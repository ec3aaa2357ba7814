// A queue of a million messages that is looked through while it serves (issue 7, must show 4): 10,000
// messages a second are published to it and as many consumed from it. Pages by position and by a header are
// timed as an HTTP client sees them; deliveries from the ack that made room for them on, with and without
// somebody who looks.
import type { Field } from '../../compat-tests/harness/wire.ts'
import { latencies } from '../figures.ts'
import type { Answer, FlowJob } from '../generator/job.ts'
import { generate } from '../generator/remote-generator.ts'
import { HttpClient, meanwhile, RequestTimes } from '../http-client.ts'
import { rate, time } from '../workload.ts'
import type { Figure, Timing, Workload } from '../workload.ts'

const MESSAGES = 1_000_000
const BODY_BYTES = 200
const PER_SECOND = 10_000
/** Every 10 ms, which is a little more in practice: what a consumer gets for 100 each would be less. */
const PREFETCH = 110
const ACK_INTERVAL_MS = 10
/** As often as others: a page is asked for some hundred times then. */
const PATIENCE = 4
const SHOPS = 10
const ORDERS = 5_000
const LIMIT = 50
/** Before the end: what lies there is in the store, and not among the newest that are in memory. */
const LAST_IN_STORE = 10_000

const headers = Array.from({ length: ORDERS }, (_, n): Field[] => (
  [['shop', 'S', `shop-${n % SHOPS}`], ['order', 'S', `order-${n}`]]))

export const browse: Workload = {
  name: 'browse-1m',
  what: `${MESSAGES} messages of ${BODY_BYTES} B looked through while ${PER_SECOND}/s go in and out of them`,
  isLeveretOnly: true,
  isOnFreshBroker: true,
  async run(target, timing) {
    const messages = MESSAGES / timing.divisor
    const queue = `bench-browse-${process.pid}`
    const where = { url: target.url, pids: target.pids() }
    const filled = await generate({
      kind: 'backlog', queue, messages, bodyBytes: BODY_BYTES, isPersistent: true, args: [], phases: 'fill',
      headers,
    }, where)
    const client = new HttpClient(target)
    const path = `/api/v1/queues/%2F/${queue}/messages`
    await client.call('GET', path) // the first one starts a thread
    const alone = await generate(serving(queue, timing), where)
    const looks = new Looks(client, path, messages)
    const browsed = await meanwhile(generate(serving(queue, timing), where), () => looks.round())
    const searchSeconds = await searchAll(client, path)
    await client.call('DELETE', `/api/queues/%2F/${queue}`)
    return [
      rate('filled', messages / filled.seconds), ...looks.times.figures(),
      time('all, nothing found', searchSeconds, 's'),
      ...served('alone', alone), ...served('browsed', browsed),
    ]
  },
}

function serving(queue: string, timing: Timing): FlowJob {
  return {
    kind: 'flow', declare: [], remove: [], queues: [queue],
    warmUpMs: timing.warmUpMs, measureMs: timing.measureMs * PATIENCE,
    publishers: {
      count: 1, bodyBytes: BODY_BYTES, window: 0, perSecond: PER_SECOND, messagesMax: Infinity,
      messages: headers.map((each) => (
        { exchange: '', key: queue, properties: { headers: each, 'delivery-mode': 2 } })),
    },
    consumers: [{ queue, prefetch: PREFETCH, ackEvery: 1, ackIntervalMs: ACK_INTERVAL_MS }],
  }
}

function served(how: string, answer: Answer): readonly Figure[] {
  return [
    rate(`consumed ${how}`, answer.consumed / answer.seconds),
    ...latencies(`delivery ${how}`, answer.latency),
  ]
}

class Looks {
  readonly times: RequestTimes
  private readonly path: string
  private readonly messages: number
  private next: string | null = null

  constructor(client: HttpClient, path: string, messages: number) {
    this.times = new RequestTimes(client)
    this.path = path
    this.messages = messages
  }

  async round(): Promise<void> {
    const { messages } = this
    const middle = messages / 2
    await this.get('page at start', 'from=0')
    await this.get('page in the middle', `from=${middle}`)
    await this.get('page at end', `from=${messages - LAST_IN_STORE}`)
    await this.get('header of 1 in 10', `from=${middle}&header.shop=shop-3`)
    // A request looks for so long and no longer: the next goes on.
    const from = this.next === null ? '' : `&from=${this.next}`
    this.next = nextOf(await this.get('header of 1 in 5000', `header.order=order-1234${from}`))
  }

  private get(name: string, query: string): Promise<Buffer> {
    return this.times.get(name, `${this.path}?limit=${LIMIT}&${query}`)
  }
}

/** In seconds: what nobody has, looked for from the first message to the last. */
async function searchAll(client: HttpClient, path: string): Promise<number> {
  const startedAt = performance.now()
  for (let from: string | null = '0'; from !== null;) {
    from = nextOf(await client.call('GET', `${path}?header.order=nobody&from=${from}`))
  }
  return (performance.now() - startedAt) / 1000
}

function nextOf(body: Buffer): string | null {
  return (JSON.parse(body.toString()) as { next: string | null }).next
}
