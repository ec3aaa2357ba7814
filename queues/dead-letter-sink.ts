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
}
