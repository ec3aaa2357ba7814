// How long a crashed broker takes to serve its queue again: killed with persistent messages in it, started,
// and asked for the count. Beside it the same with nothing to recover: start to ready as seen from outside.
import { GeneratorConnection } from '../generator/connection.ts'
import { generate } from '../generator/remote-generator.ts'
import { readyIn } from '../generator/topology.ts'
import { time } from '../workload.ts'
import type { Figure, Target, Workload } from '../workload.ts'

const MESSAGES = 100_000
const BODY_BYTES = 1024

export const recovery: readonly Workload[] = [
  {
    name: 'recovery',
    what: `killed with ${MESSAGES} persistent messages of ${BODY_BYTES} B, until all are ready again`,
    async run(target, { divisor }) {
      const queue = `bench-recovery-${process.pid}`
      const messages = MESSAGES / divisor
      await generate({
        kind: 'backlog', queue, messages, bodyBytes: BODY_BYTES, isPersistent: true, args: [],
        phases: 'fill',
      }, { url: target.url, pids: target.pids() })
      const figures = await timeRestart(target, 'killed to recovered')
      const control = await GeneratorConnection.open(target.url)
      const ready = await readyIn(control, [queue])
      await control.call('queue.delete', { queue }, 'queue.delete-ok')
      await control.close()
      if (ready !== messages) {
        throw new Error(`${target.name} lost messages: ${ready} of ${messages} came back`)
      }
      return figures
    },
  },
  {
    name: 'restart-empty',
    what: 'killed with nothing in it, until it answers a connection again',
    isOnFreshBroker: true,
    run: (target) => timeRestart(target, 'killed to ready'),
  },
]

async function timeRestart(target: Target, name: string): Promise<readonly Figure[]> {
  if (target.restart === null) return []
  const startedAt = performance.now()
  await target.restart('SIGKILL')
  return [time(name, performance.now() - startedAt, 'ms')]
}
