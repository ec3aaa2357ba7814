// What a workload is: a name, what it does, and figures measured against a broker. Rows of it are in
// workloads/, main.ts runs them. Invariant: a figure knows its better direction, so that the table can say
// who is ahead.
import type { RestartSignal } from '../compat-tests/harness/broker-process.ts'

export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: '/s' | 'ms' | 's' | 'MiB' | 'KiB' | 's/M' | '%' | ''
  /** The good direction: the table's ratio is above 1 where Leveret is better. Neither: no ratio. */
  readonly better: 'higher' | 'lower' | 'neither'
}

/** The broker that is measured. */
export interface Target {
  readonly name: string
  readonly url: string
  /** Of its management API, without `/api`; null where that is not known. */
  readonly httpUrl: string | null
  readonly isReference: boolean
  /** Its processes now; a restart changes them. */
  pids(): readonly number[]
  /** Null where the broker is not ours to stop. */
  readonly restart: ((signal: RestartSignal) => Promise<void>) | null
}

export interface Timing {
  readonly warmUpMs: number
  readonly measureMs: number
  /** What counts of messages, connections and queues are divided by. */
  readonly divisor: number
}

export interface Workload {
  readonly name: string
  readonly what: string
  /** Measures something that only Leveret is asked for. */
  readonly isLeveretOnly?: true
  /** Starts the broker anew first, because it looks at memory. */
  readonly isOnFreshBroker?: true
  run(target: Target, timing: Timing): Promise<readonly Figure[]>
}

export const rate = (name: string, value: number): Figure => ({ name, value, unit: '/s', better: 'higher' })
export const memory = (name: string, value: number): Figure => ({ name, value, unit: 'MiB', better: 'lower' })
export const time = (name: string, value: number, unit: 'ms' | 's'): Figure =>
  ({ name, value, unit, better: 'lower' })

/** The value below which this share of the sorted samples lies. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
