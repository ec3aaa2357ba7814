// 10,000 queues listed over HTTP again and again beside 50,000 messages a second (issue 8, must show 4): what
// a listing takes, whole and by pages, and how late deliveries are with and without it. Each queue has been
// published to, so that its row has all the fields of one that is used. Nothing waits between two listings:
// a page in a browser asks once in five seconds.
import { latencies } from '../figures.ts'
import type { Answer, FlowJob, MethodCall } from '../generator/job.ts'
import { generate } from '../generator/remote-generator.ts'
import { HttpClient, meanwhile, RequestTimes } from '../http-client.ts'
import { rate } from '../workload.ts'
import type { Figure, Timing, Workload } from '../workload.ts'

const QUEUES = 10_000
const PER_SECOND = 50_000
const BODY_BYTES = 16
/** In each queue. */
const MESSAGES = 3
const PATIENCE = 4
const PREFIX = `bench-list-${process.pid}`
const EXCHANGE = `${PREFIX}-all`
const SERVED = `${PREFIX}-served`

/** Name of the figure, and the query. */
const LISTINGS = [
  ['all', ''],
  ['page of 100', '?page=1&page_size=100'],
  ['page of 500 by length', '?page=2&page_size=500&sort=messages&sort_reverse=true'],
  ['page by pattern', '?page=1&page_size=100&name=7%24&use_regex=true'],
] as const

const nothing: FlowJob = {
  kind: 'flow', declare: [], remove: [], queues: [], consumers: [], warmUpMs: 0, measureMs: 0,
  publishers: { count: 0, messages: [], bodyBytes: BODY_BYTES, window: 0, perSecond: 0, messagesMax: 0 },
}

export const listQueues: Workload = {
  name: 'list-queues',
  what: `${QUEUES} queues listed over HTTP beside ${PER_SECOND} messages/s, ack each`,
  isLeveretOnly: true,
  isOnFreshBroker: true,
  async run(target, timing) {
    const queues = Array.from({ length: QUEUES / timing.divisor }, (_, n) => `${PREFIX}-${n}`)
    const where = { url: target.url, pids: target.pids() }
    await generate(making(queues, timing), where)
    const alone = await generate(serving(timing), where)
    const times = new RequestTimes(new HttpClient(target))
    const listed = await meanwhile(generate(serving(timing), where), async () => {
      for (const [name, query] of LISTINGS) await times.get(name, `/api/queues${query}`)
    })
    await generate({ ...nothing, remove: [
      ['exchange.delete', { exchange: EXCHANGE }],
      ...[SERVED, ...queues].map((queue): MethodCall => ['queue.delete', { queue }]),
    ] }, where)
    return [...times.figures(), ...served('alone', alone), ...served('listed', listed)]
  },
}

function making(queues: readonly string[], timing: Timing): FlowJob {
  return {
    ...nothing, warmUpMs: timing.warmUpMs, measureMs: timing.measureMs,
    declare: [
      ['exchange.declare', { exchange: EXCHANGE, type: 'fanout', durable: true }],
      ...[SERVED, ...queues].map((queue): MethodCall => ['queue.declare', { queue, durable: true }]),
      ...queues.map((queue): MethodCall => ['queue.bind', { queue, exchange: EXCHANGE }]),
    ],
    publishers: {
      ...nothing.publishers, count: 1, messagesMax: MESSAGES,
      messages: [{ exchange: EXCHANGE, key: '', properties: { 'delivery-mode': 1 } }],
    },
  }
}

function serving(timing: Timing): FlowJob {
  return {
    ...nothing, queues: [SERVED], warmUpMs: timing.warmUpMs, measureMs: timing.measureMs * PATIENCE,
    consumers: [{ queue: SERVED, prefetch: 1_000, ackEvery: 1, ackIntervalMs: 0 }],
    publishers: {
      ...nothing.publishers, count: 1, perSecond: PER_SECOND, messagesMax: Infinity,
      messages: [{ exchange: '', key: SERVED, properties: { 'delivery-mode': 1 } }],
    },
  }
}

function served(how: string, { consumed, seconds, latency }: Answer): readonly Figure[] {
  return [rate(`consumed ${how}`, consumed / seconds), ...latencies(`latency ${how}`, latency)]
}
