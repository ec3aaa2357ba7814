// A queue much longer than what may be in memory: filled with confirms, the broker killed and started, the
// first message timed from the start on, then drained. The highest memory of both lives is the point: the
// issue wants 10 million messages of 1 KiB within 512 MiB and the first delivery within a second.
import type { Args } from '../../compat-tests/harness/wire.ts'
import { generate } from '../generator/remote-generator.ts'
import { memory, rate, time } from '../workload.ts'
import type { Workload } from '../workload.ts'

const BODY_BYTES = 1024

interface Depth {
  readonly name: string
  readonly messages: number
  readonly isPersistent: boolean
  readonly isLeveretOnly?: true
  /** Of the reference's queue; Leveret's is a classic one, synced. */
  readonly referenceArgs?: Args['arguments']
}

const depth = ({ name, messages: most, isPersistent, referenceArgs = [], ...flags }: Depth): Workload => ({
  name,
  what: `${most} ${isPersistent ? 'persistent' : 'transient'} messages of ${BODY_BYTES} B, confirmed; `
    + (isPersistent ? 'killed, started, drained with acks' : 'drained with acks'),
  isOnFreshBroker: true,
  ...flags,
  async run(target, { divisor }) {
    const messages = most / divisor
    const args = target.isReference ? referenceArgs : []
    const job = {
      kind: 'backlog', queue: `bench-deep-${process.pid}`, messages, bodyBytes: BODY_BYTES, isPersistent,
      args,
    } as const
    const filled = await generate({ ...job, phases: 'fill' }, { url: target.url, pids: target.pids() })
    const startedAt = performance.now()
    if (isPersistent) await target.restart?.('SIGKILL')
    const restartSeconds = isPersistent ? (performance.now() - startedAt) / 1000 : 0
    const drained = await generate({ ...job, phases: 'drain' }, { url: target.url, pids: target.pids() })
    return [
      rate('filled', messages / filled.seconds), memory('highest while filling', filled.memoryHighestMiB),
      time('start to first delivery', restartSeconds + drained.firstSeconds, 's'),
      rate('drained', messages / drained.drainSeconds),
      memory('highest while draining', drained.memoryHighestMiB),
      time('all in all', filled.seconds + restartSeconds + drained.drainSeconds, 's'),
    ]
  },
})

export const deepBacklogs: readonly Workload[] = [
  depth({ name: 'deep-1m', messages: 1_000_000, isPersistent: true }),
  depth({
    name: 'deep-1m-quorum', messages: 1_000_000, isPersistent: true,
    referenceArgs: [['x-queue-type', 'S', 'quorum']],
  }),
  depth({ name: 'deep-1m-transient', messages: 1_000_000, isPersistent: false }),
  depth({ name: 'deep-10m', messages: 10_000_000, isPersistent: true, isLeveretOnly: true }),
]
