// When a failed message is tried again, and what it says of itself then. dlq/ implements it; the interface is
// here, because queues/ is below. The queue counts (delivery-counts.ts) and holds.
import type { Message } from './message.ts'
import type { RetryCause, RetrySettings } from './retry-settings.ts'

/** The header that says, in milliseconds since the epoch, when the next attempt is. */
export const NEXT_ATTEMPT_HEADER = 'x-retry-next-at'

export interface Failure {
  readonly cause: RetryCause
  /** So many attempts have failed after which another was due, this one included. */
  readonly count: number
}

export interface NextAttempt {
  readonly message: Message
  /** In milliseconds since the epoch. */
  readonly dueMs: number
}

export interface RetryPlan {
  nextAttempt(message: Message, failure: Failure, settings: RetrySettings): NextAttempt
  /** The message as it is given up, with its whole history. */
  afterLast(message: Message, failure: Failure): Message
}
