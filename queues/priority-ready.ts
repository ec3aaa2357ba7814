// The ready entries of a queue with x-max-priority: one list per priority, the highest that is not empty goes
// first, in each the order of arrival. A message above the maximum counts as the maximum, one without a
// priority as 0 (RabbitMQ).
import type { Entry } from './entry.ts'
import { FifoReady } from './ready-list.ts'
import type { ReadyList } from './ready-list.ts'

export class PriorityReady implements ReadyList {
  private readonly levels: readonly FifoReady[]
  private count = 0

  constructor(priorityMax: number) {
    this.levels = Array.from({ length: priorityMax + 1 }, () => new FifoReady())
  }

  get length(): number {
    return this.count
  }

  get bytes(): number {
    return this.levels.reduce((sum, level) => sum + level.bytes, 0)
  }

  push(entry: Entry): void {
    this.levelOf(entry).push(entry)
    this.count++
  }

  requeue(entry: Entry): void {
    this.levelOf(entry).requeue(entry)
    this.count++
  }

  first(): Entry | null {
    return this.highest()?.first() ?? null
  }

  shift(): Entry | null {
    const level = this.highest()
    if (level === null) return null
    this.count--
    return level.shift()
  }

  *[Symbol.iterator](): IterableIterator<Entry> {
    for (let at = this.levels.length - 1; at >= 0; at--) yield* this.levels[at]!
  }

  private highest(): FifoReady | null {
    if (this.count === 0) return null
    for (let at = this.levels.length - 1; ; at--) {
      if (this.levels[at]!.length > 0) return this.levels[at]!
    }
  }

  private levelOf(entry: Entry): FifoReady {
    return this.levels[Math.min(entry.message.priority, this.levels.length - 1)]!
  }
}
