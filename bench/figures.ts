// Figures that many workloads have in common, read off the generator's answer. Called by workloads/.
// Invariant: the same name always means the same measure.
import type { Answer, Latency } from './generator/job.ts'
import { memory, time } from './workload.ts'
import type { Figure } from './workload.ts'

/** What the broker's processes used per million of what was counted. */
export function cpuPerMillion(answer: Answer, count: number): Figure {
  const value = answer.brokerCpuSeconds / count * 1e6
  return { name: 'CPU per million', value, unit: 's/M', better: 'lower' }
}

export function latencies(what: string, latency: Latency | null): readonly Figure[] {
  if (latency === null) return []
  return [
    time(`${what} p50`, latency.p50, 'ms'), time(`${what} p99`, latency.p99, 'ms'),
    time(`${what} p99.9`, latency.p999, 'ms'),
  ]
}

/** Near 100 % of a core the generator, not the broker, is what was measured. */
export function surroundings(answer: Answer): readonly Figure[] {
  const busy = answer.generatorCpuSeconds / answer.seconds * 100
  return [
    memory('memory', answer.memoryAfterMiB),
    { name: 'generator busy', value: busy, unit: '%', better: 'neither' },
  ]
}
