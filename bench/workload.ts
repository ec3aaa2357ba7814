// What a workload is: a name, what it does, and figures measured against the broker at a URL.

export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: '/s' | 'ms' | 's' | 'MiB'
  /** Which direction is the good one: the table's ratio is above 1 where Leveret is better. */
  readonly better: 'higher' | 'lower'
}

export interface Workload {
  readonly name: string
  readonly what: string
  /** Measures something that only Leveret is asked for. */
  readonly isLeveretOnly?: true
  run(url: string): Promise<readonly Figure[]>
}

/** The value below which this share of the sorted samples lies. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
