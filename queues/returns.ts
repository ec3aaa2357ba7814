// What becomes of an entry that comes back unsettled, or that its consumer has given up: ready again, at
// once or after a delay, or dead. Called by Queue, which has taken the entry back from its consumer.
//
//   given up (no requeue) ─┬─ x-retry-on says so ─▶ held ─▶ ready again (*)     after the last attempt:
//   returned ──────────────┤                                                    dead-letter, discard, park
//                          ├─ returned: counted ─▶ ready, at its old place; held first (x-delayed-retry-…)
//                          └─ given up, or returned too often ─▶ dead
//
//   (*) in a group it is not held: it waits in its place (grouped-ready.ts), and the group with it
import type { Clock } from '../base/clock.ts'
import type { Store } from '../store/store.ts'
import type { Deaths } from './deaths.ts'
import { failedCount, countRetry, retriedCount } from './delivery-counts.ts'
import { Entry } from './entry.ts'
import type { GivenUpCause, ReturnCause } from './entry.ts'
import type { GroupedReady } from './grouped-ready.ts'
import type { Held } from './held.ts'
import type { Message } from './message.ts'
import type { QueueKind } from './queue-kind.ts'
import type { Failure, RetryPlan } from './retry-plan.ts'
import type { RetryCause } from './retry-settings.ts'
import type { QueueSettings } from './settings.ts'

/** The end of 9999: what is parked is not due before somebody says so. */
export const PARKED_MS = Date.UTC(9999, 11, 31, 23, 59, 59)

/** The word of x-retry-on; what a consumer returns on purpose is no failure. */
const CAUSES: Readonly<Record<GivenUpCause | ReturnCause, RetryCause | null>> = {
  'rejected-for-good': 'reject', 'nacked-for-good': 'nack', 'timed-out': 'timeout', 'lost': 'connection-loss',
  'nacked': null, 'rejected': null, 'recovered': null,
}

/** The queue, as far as entries return to it. */
export interface ReturningQueue {
  readonly id: number
  readonly type: QueueKind
  readonly settings: QueueSettings
  readonly showsCounts: boolean
  readonly held: Held
  /** Null: the queue has no groups. */
  readonly groups: GroupedReady | null
  /** It is in the queue no more. */
  forget(entry: Entry): void
  /** Its message is held now. */
  drop(entry: Entry): void
  /** In the store, where it belongs there. */
  keep(entry: Entry): void
  readyAgain(entry: Entry): void
}

export interface ReturnParts {
  readonly clock: Clock
  readonly store: Store
  readonly retries: RetryPlan
}

export class Returns {
  private readonly queue: ReturningQueue
  private readonly parts: ReturnParts
  private readonly deaths: Deaths

  constructor(queue: ReturningQueue, parts: ReturnParts, deaths: Deaths) {
    this.queue = queue
    this.parts = parts
    this.deaths = deaths
  }

  givenUp(entry: Entry, cause: GivenUpCause): void {
    if (!this.tryAgain(entry, cause)) this.deaths.die(entry, 'rejected')
  }

  returned(entry: Entry, cause: ReturnCause): void {
    if (this.tryAgain(entry, cause)) return
    const { queue } = this
    const { type, settings } = queue
    entry.deliveryCount = type.countReturn(entry.deliveryCount, cause, settings)
    if (type.isSpent(entry.deliveryCount, settings)) return this.deaths.die(entry, 'delivery_limit')
    const delayMs = delayedRetryMs(entry, cause, settings)
    if (delayMs > 0) return this.waitUntil(entry, entry.message, this.parts.clock.nowMs + delayMs)
    // Written when it comes back, never when it goes out: an ack costs no write, and a crash loses no count
    // that a client has been told.
    if (queue.showsCounts && entry.isStored) this.parts.store.touch(queue.id, entry.id, entry.deliveryCount)
    queue.readyAgain(entry)
  }

  /** False when the queue's retry policy has nothing to do with it. */
  private tryAgain(entry: Entry, given: GivenUpCause | ReturnCause): boolean {
    const { queue, parts: { retries } } = this
    const { retry } = queue.settings
    const cause = CAUSES[given]
    if (retry === null || cause === null || !retry.causes.has(cause)) return false
    entry.deliveryCount = countRetry(entry.deliveryCount)
    const failure = { cause, count: retriedCount(entry.deliveryCount) }
    const isLast = failure.count > retry.attemptsMax || isOverLimit(entry, queue.settings)
    if (isLast) {
      this.giveUp(entry, failure)
    } else {
      const { message, dueMs } = retries.nextAttempt(entry.message, failure, retry)
      this.waitUntil(entry, message, dueMs)
    }
    return true
  }

  private giveUp(entry: Entry, failure: Failure): void {
    const { queue, parts: { retries } } = this
    const { end } = queue.settings.retry!
    const message = retries.afterLast(entry.message, failure)
    if (end === 'dead-letter') this.deaths.die(entry, 'delivery_limit', message)
    else if (end === 'discard') queue.forget(entry)
    else this.holdUntil(entry, message, PARKED_MS)
  }

  /** To be tried again. In a group it keeps its place, and under the same id; else it is new afterwards. */
  private waitUntil(entry: Entry, message: Message, dueMs: number): void {
    const { groups } = this.queue
    if (groups?.isGrouped(entry) !== true) return this.holdUntil(entry, message, dueMs)
    this.queue.drop(entry)
    // Other queues need not keep it for as long, so its body is its own.
    const again = new Entry(entry.id, message.postponed(0), entry.queue, this.expiryAfter(entry, dueMs))
    again.deliveryCount = entry.deliveryCount
    this.queue.keep(again)
    groups.awaitAttempt(again, dueMs)
  }

  private holdUntil(entry: Entry, message: Message, dueMs: number): void {
    this.queue.held.hold(message, dueMs, this.expiryAfter(entry, dueMs), entry.deliveryCount)
    this.queue.drop(entry)
  }

  /** Its time to live stands still while it waits. */
  private expiryAfter({ expiresAtMs }: Entry, dueMs: number): number {
    return expiresAtMs + (dueMs - this.parts.clock.nowMs)
  }
}

/** A limit that was asked for; attempts stand for the one that a kind of queue has anyway. */
function isOverLimit({ deliveryCount }: Entry, { deliveryLimit }: QueueSettings): boolean {
  return deliveryLimit !== null && failedCount(deliveryCount) > deliveryLimit
}

/** RabbitMQ 4.3: `min` for the first failure, twice that for the second and so on; never below `min`. */
function delayedRetryMs({ deliveryCount }: Entry, cause: ReturnCause, settings: QueueSettings): number {
  const { delayedRetry } = settings
  if (delayedRetry === null) return 0
  const isFailure = cause === 'rejected' || cause === 'lost'
  if (delayedRetry.type !== 'all' && (delayedRetry.type === 'failed') !== isFailure) return 0
  const failed = Math.max(1, failedCount(deliveryCount))
  const { minMs, maxMs } = delayedRetry
  return Math.max(minMs, Math.min(minMs * failed, maxMs))
}
