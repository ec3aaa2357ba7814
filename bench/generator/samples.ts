// Times collected during a window, and their percentiles. Used by publisher.ts, consumer.ts and
// round-trips.ts. Invariant: no allocation while samples come in; what comes after the last place is not
// kept.
import type { Latency } from './job.ts'

const SAMPLES_MAX = 1 << 20

export class Samples {
  isOn = false
  private readonly values = new Float64Array(SAMPLES_MAX)
  private count = 0

  add(milliseconds: number): void {
    if (this.isOn && this.count < SAMPLES_MAX) this.values[this.count++] = milliseconds
  }

  latency(): Latency | null {
    if (this.count === 0) return null
    const sorted = this.values.subarray(0, this.count).toSorted()
    const below = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)]!
    return { p50: below(0.5), p99: below(0.99), p999: below(0.999) }
  }
}
