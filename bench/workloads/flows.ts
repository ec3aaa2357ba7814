// Makes workloads of the flow rows: a job for the generator from each, and figures from its answer. Used by
// main.ts. Invariant: everything declared carries this process' number and is removed by the same job.
import { cpuPerMillion, latencies, surroundings } from '../figures.ts'
import { generate } from '../generator/remote-generator.ts'
import type { Answer, FlowJob, MessagePlan, MethodCall } from '../generator/job.ts'
import { memory, rate } from '../workload.ts'
import type { Figure, Target, Timing, Workload } from '../workload.ts'
import { flowRows } from './flow-rows.ts'
import type { FlowRow, Via } from './flow-rows.ts'

const PREFIX = `bench-${process.pid}`
const EXCHANGE = `${PREFIX}-exchange`
// How many of the bindings a publisher's messages take turns to hit.
const KEYS_IN_TURN = 64

const toWorkload = (row: FlowRow): Workload => ({
  name: row.name,
  what: row.what,
  async run(target, timing) {
    const answer = await generate(jobOf(row, target, timing), { url: target.url, pids: target.pids() })
    return figuresOf(row, answer)
  },
})

export const flows = flowRows.filter(({ isLeftBehind }) => isLeftBehind !== true).map(toWorkload)
/** To be run after all others. */
export const lastFlows = flowRows.filter(({ isLeftBehind }) => isLeftBehind === true).map(toWorkload)

function jobOf(row: FlowRow, target: Target, timing: Timing): FlowJob {
  const queues = Array.from({ length: row.queues ?? 1 }, (_, n) => `${PREFIX}-${n}`)
  const queueArguments = target.isReference && row.referenceQueueArguments !== undefined
    ? row.referenceQueueArguments : row.queueArguments ?? []
  const declareQueues = queues.map((queue): MethodCall =>
    ['queue.declare', { queue, durable: true, arguments: queueArguments }])
  const consumers = Array.from({ length: row.consumers ?? 1 }, (_, n) => ({
    queue: queues[n % queues.length]!, prefetch: row.prefetch ?? 0, ackEvery: row.ackEvery ?? 0,
    ackIntervalMs: row.ackIntervalMs ?? 0,
  }))
  return {
    kind: 'flow', consumers, queues,
    warmUpMs: timing.warmUpMs, measureMs: timing.measureMs * (row.patience ?? 1),
    declare: [...declareQueues, ...row.via === undefined ? [] : route(row.via, queues)],
    remove: row.isLeftBehind === true ? [] : [
      ...queues.map((queue): MethodCall => ['queue.delete', { queue }]),
      ...row.via === undefined ? [] : [['exchange.delete', { exchange: EXCHANGE }] as const],
    ],
    publishers: {
      count: row.publishers ?? 1, messages: messagesOf(row, queues[0] ?? ''), bodyBytes: row.bodyBytes ?? 16,
      window: row.window ?? 0, perSecond: row.perSecond ?? 0, messagesMax: row.messagesMax ?? 100_000_000,
    },
  }
}

function route({ type, bindings }: Via, queues: readonly string[]): readonly MethodCall[] {
  const calls: MethodCall[] = [['exchange.declare', { exchange: EXCHANGE, type, durable: true }]]
  for (const queue of queues) {
    for (let n = 0; n < bindings; n++) {
      const args = type === 'topic' ? { 'routing-key': `region.${n}.*.load` }
        : { arguments: [['x-match', 'S', 'all'], ['n', 'I', n], ['kind', 'S', 'bench']] }
      calls.push(['queue.bind', { queue, exchange: EXCHANGE, ...args }])
    }
  }
  return calls
}

function messagesOf(row: FlowRow, queue: string): readonly MessagePlan[] {
  const properties = { 'delivery-mode': row.isPersistent === true ? 2 : 1 }
  const { via, priorities } = row
  if (priorities !== undefined) {
    return Array.from({ length: priorities }, (_, priority) =>
      ({ exchange: '', key: queue, properties: { ...properties, priority } }))
  }
  if (via === undefined) return [{ exchange: '', key: queue, properties }]
  if (via.type === 'fanout') return [{ exchange: EXCHANGE, key: '', properties }]
  return Array.from({ length: KEYS_IN_TURN }, (_, turn) => {
    const n = Math.floor(turn * via.bindings / KEYS_IN_TURN)
    const headers = [['n', 'I', n], ['kind', 'S', 'bench']]
    return via.type === 'topic' ? { exchange: EXCHANGE, key: `region.${n}.north.load`, properties }
      : { exchange: EXCHANGE, key: '', properties: { headers, ...properties } }
  })
}

function figuresOf(row: FlowRow, answer: Answer): readonly Figure[] {
  const { seconds, consumed, confirmed, published } = answer
  const figures: Figure[] = [
    (row.window ?? 0) > 0 ? rate('confirmed', confirmed / seconds) : rate('published', published / seconds),
  ]
  if (row.consumers !== 0) {
    const left = consumed / published * 100
    figures.push(rate('consumed', consumed / seconds))
    figures.push({ name: 'consumed of published', value: left, unit: '%', better: 'neither' })
    figures.push({ name: 'ready after', value: answer.readyAfter, unit: '', better: 'neither' })
  }
  figures.push(cpuPerMillion(answer, row.consumers === 0 ? published : consumed))
  figures.push(...latencies((row.window ?? 0) > 0 ? 'confirm' : 'latency', answer.latency))
  figures.push(memory('memory before', answer.memoryBeforeMiB), memory('memory peak', answer.memoryPeakMiB))
  return [...figures, ...surroundings(answer)]
}
