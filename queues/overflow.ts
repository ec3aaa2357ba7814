// What a queue does when it has too much: says that it is full, or lets go of its oldest. Called by Queue.
// Invariant: a queue that rejects drops nothing, what was requeued may put it over its limit (RabbitMQ).
import type { Deaths } from './deaths.ts'
import type { GroupedReady } from './grouped-ready.ts'
import type { HeadExpiry } from './head-expiry.ts'
import { isOverLimit, wouldBeOverLimit } from './limits.ts'
import type { ReadyList } from './ready-list.ts'
import type { QueueSettings } from './settings.ts'

/** The queue that has too much. */
export interface OverfullQueue {
  readonly settings: QueueSettings
  readonly ready: ReadyList
  /** Null: the queue has no groups. */
  readonly groups: Pick<GroupedReady, 'eldest'> | null
  /** Hands out what consumers with credit are about to get. */
  serve(): void
}

export class Overflow {
  private readonly queue: OverfullQueue
  private readonly deaths: Deaths
  private readonly headExpiry: HeadExpiry

  constructor(queue: OverfullQueue, deaths: Deaths, headExpiry: HeadExpiry) {
    this.queue = queue
    this.deaths = deaths
    this.headExpiry = headExpiry
  }

  /** What a consumer with credit is about to get does not count: it is handed out before (RabbitMQ). */
  isFull(bodyBytes: number): boolean {
    if (!this.wouldBeFull(bodyBytes)) return false
    this.queue.serve()
    return this.wouldBeFull(bodyBytes)
  }

  drop(overflow = this.queue.settings.overflow): void {
    const { deaths, queue: { settings, ready, groups } } = this
    if (overflow !== 'drop-head' || !isOverLimit(settings, ready)) return
    const oldest = groups?.eldest ?? ready
    while (isOverLimit(settings, ready) && oldest.first() !== null) deaths.die(oldest.shift()!, 'maxlen')
    this.headExpiry.drop() // what it uncovered (RabbitMQ)
  }

  private wouldBeFull(bodyBytes: number): boolean {
    const { deaths, queue: { settings, ready } } = this
    return wouldBeOverLimit(settings, deaths.withKept(ready), bodyBytes)
  }
}
