// `leveret bench`: a short burst through the HTTP door, to see whether a broker answers and stores at about
// the pace it should. It measures one request per message; how fast AMQP is, bench/ measures. Called through
// commands.ts.
import { pathOf } from '../broker-client.ts'
import { integerOption, vhostOf } from '../command.ts'
import type { Call, Command, Output } from '../command.ts'
import { factsText } from '../text-table.ts'

const MESSAGES_MAX = 1_000_000
const BYTES_MAX = 1_000_000
const AT_A_TIME = 16
const TAKEN_AT_A_TIME = 500

async function bench(call: Call): Promise<Output> {
  const { broker, surroundings } = call
  const messages = integerOption(call, 'messages', 1000, MESSAGES_MAX)
  const payload = 'x'.repeat(integerOption(call, 'size', 100, BYTES_MAX))
  const name = `leveret.bench.${process.pid}`
  const queue = `/queues${pathOf(vhostOf(call), name)}`
  await broker.put(queue, { durable: true })
  try {
    const latencies: number[] = []
    const startedMs = surroundings.nowMs()
    const publisher = async (): Promise<void> => {
      while (latencies.length < messages) {
        const at = latencies.push(0) - 1
        const sentMs = surroundings.nowMs()
        await broker.post(`/exchanges${pathOf(vhostOf(call))}/amq.default/publish`, {
          properties: { delivery_mode: 2 }, routing_key: name, payload, payload_encoding: 'string',
        })
        latencies[at] = surroundings.nowMs() - sentMs
      }
    }
    await Promise.all(Array.from({ length: Math.min(AT_A_TIME, messages) }, publisher))
    const publishedMs = surroundings.nowMs()
    let taken = 0
    while (taken < messages) {
      const got = await broker.post<unknown[]>(`${queue}/get`,
        { count: TAKEN_AT_A_TIME, ackmode: 'ack_requeue_false', encoding: 'base64' })
      if (got.length === 0) break
      taken += got.length
    }
    return report(latencies, taken, publishedMs - startedMs, surroundings.nowMs() - publishedMs)
  } finally {
    await broker.delete(queue)
  }
}

function report(latencies: number[], taken: number, publishMs: number, takeMs: number): Output {
  const sorted = latencies.toSorted((a, b) => a - b)
  const quantile = (q: number): number =>
    Math.round(10 * sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!) / 10
  const value = {
    published: sorted.length, taken,
    published_per_second: Math.round(sorted.length / publishMs * 1000),
    taken_per_second: Math.round(taken / Math.max(takeMs, 1) * 1000),
    publish_ms_median: quantile(0.5), publish_ms_p99: quantile(0.99),
  }
  return { value, text: factsText(value), exit: taken === sorted.length ? 'ok' : 'notSo' }
}

export const benchCommands: readonly Command[] = [{
  words: 'bench', operands: '',
  options: [
    { name: 'messages', value: 'N', doc: '1000 without it' },
    { name: 'size', value: 'BYTES', doc: 'of each body; 100 without it' },
  ],
  doc: 'Publishes persistent messages over HTTP to a queue of its own, each stored before its answer, '
    + 'takes them out and deletes the queue.',
  run: bench,
}]
