// The measured window: what the broker and the generator had used at its start, and what it came to at its
// end. Called by every job. Invariant: both ends read clock, processor time and memory at the same moment.
import { setTimeout as delay } from 'node:timers/promises'
import { usageOf } from '../usage.ts'
import { nothingMeasured } from './job.ts'
import type { Answer } from './job.ts'

const LOOK_MS = 100

export class Window {
  private readonly pids: readonly number[]
  private readonly startedAt = performance.now()
  private readonly ownCpu = process.cpuUsage()
  private readonly cpuSeconds: number
  private readonly memoryMiB: number
  private peakMiB: number

  constructor(pids: readonly number[]) {
    this.pids = pids
    const { cpuSeconds, memoryMiB } = usageOf(pids)
    this.cpuSeconds = cpuSeconds
    this.memoryMiB = memoryMiB
    this.peakMiB = memoryMiB
  }

  /** Waits for the end of the time, or until there is nothing more to measure. */
  async last(milliseconds: number, isOver: () => boolean): Promise<void> {
    while (performance.now() - this.startedAt < milliseconds && !isOver()) {
      await delay(Math.min(LOOK_MS, Math.max(1, milliseconds - (performance.now() - this.startedAt))))
      this.peakMiB = Math.max(this.peakMiB, usageOf(this.pids).memoryMiB)
    }
  }

  end(counted: Partial<Answer>): Answer {
    const { cpuSeconds, memoryMiB } = usageOf(this.pids)
    const { user, system } = process.cpuUsage(this.ownCpu)
    return {
      ...nothingMeasured,
      seconds: (performance.now() - this.startedAt) / 1000,
      brokerCpuSeconds: cpuSeconds - this.cpuSeconds,
      generatorCpuSeconds: (user + system) / 1e6,
      memoryBeforeMiB: this.memoryMiB,
      memoryAfterMiB: memoryMiB,
      memoryPeakMiB: Math.max(this.peakMiB, memoryMiB),
      ...counted,
    }
  }
}
