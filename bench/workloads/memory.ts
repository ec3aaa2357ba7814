// What a broker holds in memory: idle, with many idle connections, consumers, queues or bindings, and with
// a backlog. Each on a broker that was just started. Ten thousand connections need a limit of more open files
// than that on both sides (`ulimit -n`).
import { cpuPerMillion } from '../figures.ts'
import { generate } from '../generator/remote-generator.ts'
import type { IdleJob } from '../generator/job.ts'
import { memory, rate } from '../workload.ts'
import type { Workload } from '../workload.ts'

const IDLE_COUNT = 10_000
const BINDING_COUNT = 100_000
const BACKLOG = 1_000_000
const BACKLOG_BODY_BYTES = 128

const idle = (thing: IdleJob['of'], countMax: number, what: string): Workload => ({
  name: `idle-${thing}s`,
  what: `${countMax} ${what}, on a broker just started`,
  isOnFreshBroker: true,
  async run(target, { divisor }) {
    const count = countMax / divisor
    const where = { url: target.url, pids: target.pids() }
    const answer = await generate({ kind: 'idle', of: thing, count }, where)
    const { memoryBeforeMiB, memoryAfterMiB, seconds } = answer
    const each = (memoryAfterMiB - memoryBeforeMiB) * 1024 / count
    return [
      memory('memory empty', memoryBeforeMiB), memory(`memory with ${count}`, memoryAfterMiB),
      { name: `memory per ${thing}`, value: each, unit: 'KiB', better: 'lower' },
      rate('made', count / seconds),
    ]
  },
})

const backlog: Workload = {
  name: 'backlog-1m',
  what: `${BACKLOG} messages of ${BACKLOG_BODY_BYTES} B, transient, confirmed, then drained with acks`,
  isOnFreshBroker: true,
  async run(target, { divisor }) {
    const messages = BACKLOG / divisor
    const answer = await generate({
      kind: 'backlog', queue: `bench-backlog-${process.pid}`, messages, bodyBytes: BACKLOG_BODY_BYTES,
      isPersistent: false, args: [], phases: 'fill and drain',
    }, { url: target.url, pids: target.pids() })
    return [
      rate('filled', messages / answer.seconds), rate('drained', messages / answer.drainSeconds),
      cpuPerMillion(answer, messages), memory('memory before', answer.memoryBeforeMiB),
      memory('memory full', answer.memoryAfterMiB), memory('memory drained', answer.memoryDrainedMiB),
    ]
  },
}

export const memoryWorkloads: readonly Workload[] = [
  idle('connection', IDLE_COUNT, 'idle connections'),
  idle('consumer', IDLE_COUNT, 'idle connections with a consumer each'),
  idle('queue', IDLE_COUNT, 'idle queues'), backlog,
]
/** To be run after all others: the bindings stay. */
export const lastMemoryWorkloads: readonly Workload[] = [
  idle('binding', BINDING_COUNT, 'bindings of one topic exchange'),
]
