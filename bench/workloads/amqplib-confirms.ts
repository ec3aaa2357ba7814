// What a Node team runs: amqplib's ConfirmChannel publishing persistent 1 KiB messages with up to 1,000
// unconfirmed, consumed and acked one by one in a second process. Measures amqplib as much as the broker: see
// the raw-socket workloads for the broker alone.
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { percentile } from '../workload.ts'
import type { Workload } from '../workload.ts'

const MESSAGES = 100_000
const BODY_BYTES = 1024
const UNCONFIRMED_MAX = 1_000
const role = (name: string): string => fileURLToPath(new URL(`./amqplib-${name}.ts`, import.meta.url))

export const amqplibConfirms: Workload = {
  name: 'amqplib-confirms',
  what: `${MESSAGES} persistent messages of ${BODY_BYTES} B, ${UNCONFIRMED_MAX} unconfirmed, acked elsewhere`,
  async run({ url }) {
    const queue = `bench-confirms-${process.pid}`
    const consumer = start('consumer', [url, queue, String(MESSAGES)])
    await message(consumer, 'ready')
    const publisher = start('publisher', [
      url, queue, String(MESSAGES), String(BODY_BYTES), String(UNCONFIRMED_MAX),
    ])
    const [published, consumed] = await Promise.all([
      message(publisher, 'published'), message(consumer, 'consumed'),
    ])
    const latencies = (published.latenciesMs ?? []).toSorted((a, b) => a - b)
    return [
      { name: 'confirmed', value: MESSAGES / published.seconds, unit: '/s', better: 'higher' },
      { name: 'consumed and acked', value: MESSAGES / consumed.seconds, unit: '/s', better: 'higher' },
      { name: 'confirm p50', value: percentile(latencies, 0.5), unit: 'ms', better: 'lower' },
      { name: 'confirm p99', value: percentile(latencies, 0.99), unit: 'ms', better: 'lower' },
      { name: 'confirm p99.9', value: percentile(latencies, 0.999), unit: 'ms', better: 'lower' },
    ]
  },
}

/** What the two processes tell: that they are ready, and how long their part took. */
export interface Told {
  readonly kind: 'ready' | 'published' | 'consumed'
  readonly seconds: number
  readonly latenciesMs?: readonly number[]
}

function start(name: 'publisher' | 'consumer', args: readonly string[]): ChildProcess {
  return fork(role(name), args, { execArgv: ['--import', 'tsx'], serialization: 'advanced' })
}

async function message(child: ChildProcess, kind: Told['kind']): Promise<Told> {
  const exited = once(child, 'exit').then(([code]) => {
    throw new Error(`the ${kind} process ended with code ${String(code)} before it was done`)
  })
  const told = once(child, 'message').then(([answer]) => answer as Told)
  const answer = await Promise.race([told, exited])
  if (answer.kind !== kind) throw new Error(`expected '${kind}', was told '${answer.kind}'`)
  exited.catch(() => undefined) // it has said what it had to say: its end is no failure any more
  return answer
}
