// Where a queue sends what it could not deliver. dlq/ implements it; the interface is here, because queues/
// is below.
import type { Message } from './message.ts'
import type { QueueSettings } from './settings.ts'

/** Why, in the words of x-death. */
export type DeathReason = 'rejected' | 'expired' | 'maxlen' | 'delivery_limit'

/** What a death tells of the queue it happened in. */
export interface DeathPlace {
  readonly name: string
  readonly settings: QueueSettings
}

export interface DeadLetterSink {
  /** Routes the message on, or lets it go when the queue names no dead-letter exchange. Never throws. */
  deadLetter(place: DeathPlace, message: Message, reason: DeathReason): void
  /**
   * The same, and tells who has not taken it: none when it is done, names of queues that rejected it, `null`
   * when it leads nowhere yet. With `onlyTo` it is for those alone that had not. Never from within another
   * death.
   */
  deadLetterSurely(
    place: DeathPlace, message: Message, reason: DeathReason, onlyTo: readonly string[] | null,
  ): readonly string[] | null
}
