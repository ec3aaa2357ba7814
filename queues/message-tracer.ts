// Who is told of each message that is published and delivered, where tracing is on; runtime/tracing/ makes
// spans of it. An interface, because the core knows no OpenTelemetry. Invariant: null where tracing is off,
// so that a message pays one comparison when it comes and one each time it goes out.
import type { Entry } from './entry.ts'
import type { Message } from './message.ts'

/**
 * `routed`: a queue has it. `replied`: it was a direct reply. `refused`: some queue was full, the publisher
 * gets a nack. `returned` and `dropped`: it went nowhere, and its publisher is told, or wanted not to be.
 */
export type PublishOutcome = 'routed' | 'replied' | 'refused' | 'returned' | 'dropped'

/** One vhost's. */
export interface MessageTracer {
  /** A client's message; what the broker itself sends on is none. `queueCount`: of its route. */
  published(message: Message, queueCount: number, outcome: PublishOutcome): void
  /**
   * To a consumer, or, with a null tag, to somebody who asked for one message. `cameMs`: when it came into
   * the queue, in milliseconds since the epoch; null when that was before the broker started.
   */
  delivered(entry: Entry, queue: string, consumerTag: string | null, cameMs: number | null): void
}
