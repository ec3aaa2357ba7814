// The workloads that are publishers and consumers at work, as rows: what differs from one persistent
// connection each, 16 B transient messages, one durable queue, no acknowledgement. Read by flows.ts.
// Invariant: a row is data; how it becomes a job is in flows.ts.
import type { Args } from '../../compat-tests/harness/wire.ts'

/** How messages reach the queue; without one, by the default exchange. */
export interface Via {
  readonly type: 'fanout' | 'topic' | 'headers'
  readonly bindings: number
}

export interface FlowRow {
  readonly name: string
  readonly what: string
  readonly publishers?: number
  readonly consumers?: number
  readonly queues?: number
  readonly bodyBytes?: number
  readonly isPersistent?: true
  readonly window?: number
  readonly perSecond?: number
  readonly prefetch?: number
  readonly ackEvery?: number
  readonly ackIntervalMs?: number
  readonly via?: Via
  readonly queueArguments?: Args['arguments']
  /** Where the reference is to be compared by another kind of queue. */
  readonly referenceQueueArguments?: Args['arguments']
  readonly priorities?: number
  readonly messagesMax?: number
  /** Windows this many times as long: for what is to stay flat. */
  readonly patience?: number
  /** Not removed, and so run last: RabbitMQ 4.3 times out when it deletes a queue with 100,000 bindings. */
  readonly isLeftBehind?: true
}

const acked = { prefetch: 1_000, ackEvery: 100 }
const confirmed = { ...acked, bodyBytes: 1024, isPersistent: true } as const
const quorum = { referenceQueueArguments: [['x-queue-type', 'S', 'quorum']] }

/** Issue 4, must show 3: `--only durable-*`, with the store alone (store-path.ts) in the same table. */
const durableRows: readonly FlowRow[] = [1, 8].flatMap((publishers) => [1, 100, 1_000].flatMap((window) => {
  const what = `1 KiB persistent, ${publishers} publisher(s), ${window} unconfirmed each, ack every 100`
  const row = { ...confirmed, name: `durable-${publishers}x${window}`, what, publishers, window }
  return [row, { ...row, ...quorum, name: `${row.name}-quorum`, what: `${what}; the reference: quorum` }]
}))

export const flowRows: readonly FlowRow[] = [
  { name: 'transient', what: '16 B, 1×1, no ack' },
  { name: 'transient-ack-100', what: '16 B, 1×1, prefetch 1,000, ack every 100', ...acked },
  { name: 'transient-ack-each', what: '16 B, 1×1, prefetch 1,000, ack each', ...acked, ackEvery: 1 },
  { name: 'persistent-100', what: '1 KiB persistent, 100 unconfirmed, ack every 100', ...confirmed,
    window: 100 },
  { name: 'persistent-1000', what: '1 KiB persistent, 1,000 unconfirmed', ...confirmed, window: 1_000 },
  { name: 'quorum-100', what: 'persistent-100; the reference uses a quorum queue', ...confirmed, ...quorum,
    window: 100 },
  { name: 'quorum-1000', what: 'persistent-1000; the reference uses a quorum queue', ...confirmed, ...quorum,
    window: 1_000 },
  { name: 'publish-only-queue', what: '16 B into a queue nobody consumes', consumers: 0,
    messagesMax: 3_000_000 },
  { name: 'publish-only-nowhere', what: '16 B to a fanout exchange without queues', consumers: 0, queues: 0,
    via: { type: 'fanout', bindings: 0 } },
  { name: '4x4', what: '16 B, four publishers, four consumers, one queue, ack every 100', publishers: 4,
    consumers: 4, ...acked, patience: 2 },
  { name: 'fan-out-50', what: '16 B, one publisher, 50 queues with a consumer each, no ack', consumers: 50,
    queues: 50, via: { type: 'fanout', bindings: 1 } },
  { name: 'topic-1k', what: '16 B by a topic exchange with 1,000 bindings',
    via: { type: 'topic', bindings: 1_000 } },
  { name: 'headers', what: '16 B by a headers exchange with 100 bindings',
    via: { type: 'headers', bindings: 100 } },
  { name: 'priority', what: '16 B with priorities 0 to 9, x-max-priority 10', ...acked, priorities: 10,
    queueArguments: [['x-max-priority', 'B', 10]] },
  { name: 'body-16k', what: '16 KiB, 1×1, ack every 100', ...acked, bodyBytes: 16_384 },
  { name: 'body-1m', what: '1 MiB, 1×1, prefetch 10, ack each', bodyBytes: 1 << 20, prefetch: 10, ackEvery: 1,
    messagesMax: 10_000 },
  { name: 'latency-2k', what: '16 B at 2,000/s, ack each', perSecond: 2_000, prefetch: 1_000, ackEvery: 1,
    patience: 2 },
  { name: 'latency-20k', what: '16 B at 20,000/s, ack each', perSecond: 20_000, prefetch: 1_000, ackEvery: 1,
    patience: 2 },
  { name: 'slow-consumer', what: '16 B at full speed, prefetch 10, acked once in 10 ms', prefetch: 10,
    ackEvery: 1, ackIntervalMs: 10, patience: 4, messagesMax: 8_000_000 },
  { name: 'topic-100k', what: '16 B by a topic exchange with 100,000 bindings', isLeftBehind: true,
    via: { type: 'topic', bindings: 100_000 } },
  ...durableRows,
]
