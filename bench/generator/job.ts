// What the generator can be asked to do, as data that survives a process boundary, and what it answers. Built
// by bench/workloads, sent by remote-generator.ts, carried out by the file that each job names. Invariant:
// every job is bounded in count or in time, so that no broker behaviour can keep a bench running.
import type { MethodName } from '../../compat-tests/harness/amqp-methods.ts'
import type { Args, Field } from '../../compat-tests/harness/wire.ts'

export type MethodCall = readonly [name: MethodName, args: Args]

interface Bounds {
  readonly warmUpMs: number
  readonly measureMs: number
}

/** One of the messages that a publisher sends in turn. */
export interface MessagePlan {
  readonly exchange: string
  readonly key: string
  readonly properties: Args
}

export interface PublisherPlan {
  readonly count: number
  readonly messages: readonly MessagePlan[]
  readonly bodyBytes: number
  /** How many messages may be unconfirmed; 0 publishes without confirms, as fast as the socket takes them. */
  readonly window: number
  /** Messages per second of each publisher, in bursts of a millisecond; 0 means no pace. */
  readonly perSecond: number
  /** The publishers stop after this many messages together: the limit of what may lie in a queue. */
  readonly messagesMax: number
}

export interface ConsumerPlan {
  readonly queue: string
  readonly prefetch: number
  /** Acknowledges after this many deliveries; 0 consumes without acknowledgement. */
  readonly ackEvery: number
  /**
   * Above 0: acknowledges what has come once in this time, as a slow consumer would. Where publishers keep a
   * pace its deliveries are timed from there, and not from the stamp of their publisher: what lies in a queue
   * for long says nothing about how fast it is handed out.
   */
  readonly ackIntervalMs: number
}

/** flow.ts: publishers and consumers at work, measured over a steady window. */
export interface FlowJob extends Bounds {
  readonly kind: 'flow'
  readonly declare: readonly MethodCall[]
  readonly remove: readonly MethodCall[]
  readonly publishers: PublisherPlan
  readonly consumers: readonly ConsumerPlan[]
  readonly queues: readonly string[]
}

/** round-trips.ts: requests answered through direct reply-to. */
export interface RoundTripsJob extends Bounds {
  readonly kind: 'round-trips'
  readonly inFlight: number
}

/** churn.ts: things made and unmade, one after the other. */
export interface ChurnJob extends Bounds {
  readonly kind: 'churn'
  readonly of: 'connection' | 'channel' | 'queue' | 'binding'
}

/** idle.ts: what many of a kind cost while nothing happens; a consumer has a connection of its own. */
export interface IdleJob {
  readonly kind: 'idle'
  readonly of: 'connection' | 'consumer' | 'queue' | 'binding'
  readonly count: number
}

/**
 * backlog.ts: a durable queue filled with a number of confirmed messages, drained, or one after the other.
 */
export interface BacklogJob {
  readonly kind: 'backlog'
  readonly queue: string
  readonly messages: number
  readonly bodyBytes: number
  readonly isPersistent: boolean
  readonly args: Args['arguments']
  readonly phases: 'fill' | 'drain' | 'fill and drain'
  /** Of the messages, in turn; without it they have none. */
  readonly headers?: readonly (readonly Field[])[]
}

export type Job = FlowJob | RoundTripsJob | ChurnJob | IdleJob | BacklogJob

export interface Latency {
  readonly p50: number
  readonly p99: number
  readonly p999: number
}

export interface Answer {
  /** Seconds from the first to the last look of the measured window. */
  readonly seconds: number
  readonly published: number
  readonly confirmed: number
  readonly consumed: number
  /** Round trips, or things made and unmade. */
  readonly operations: number
  /** In milliseconds, of deliveries, confirms or round trips; null where nothing was timed. */
  readonly latency: Latency | null
  readonly brokerCpuSeconds: number
  readonly generatorCpuSeconds: number
  readonly memoryBeforeMiB: number
  readonly memoryAfterMiB: number
  readonly memoryPeakMiB: number
  /** Messages ready in the queues when the window ended. */
  readonly readyAfter: number
  /** From connecting to the first delivery of a drain. */
  readonly firstSeconds: number
  readonly drainSeconds: number
  readonly memoryDrainedMiB: number
  /** The most that the broker's processes ever held, together. */
  readonly memoryHighestMiB: number
}

export const nothingMeasured: Answer = {
  seconds: 0, published: 0, confirmed: 0, consumed: 0, operations: 0, latency: null,
  brokerCpuSeconds: 0, generatorCpuSeconds: 0,
  memoryBeforeMiB: 0, memoryAfterMiB: 0, memoryPeakMiB: 0,
  readyAfter: 0, firstSeconds: 0, drainSeconds: 0, memoryDrainedMiB: 0, memoryHighestMiB: 0,
}

/** Where a job runs: the broker's URL and the processes whose time and memory are the broker's. */
export interface Where {
  readonly url: string
  readonly pids: readonly number[]
}
