// What a kind of queue decides: one object per kind (classic.ts, quorum.ts), listed in index.ts. The
// machinery, queue.ts, is the same for all of them and asks its kind where RabbitMQ's kinds differ; the doors
// ask it what a declaration, a consumer or queue.delete may say.
import type { ReturnCause } from './entry.ts'
import type { PagedParts, PagedQueue } from './paged-ready.ts'
import type { ReadyList } from './ready-list.ts'
import type { QueueKindName, QueueSettings } from './settings.ts'

export type RefusedProperty = 'auto-delete' | 'exclusive-owner' | 'non-durable'

export interface QueueKind {
  readonly name: QueueKindName
  /** What a queue of this kind may not be, in RabbitMQ's words and in the order of its checks. */
  readonly refusedProperties: readonly RefusedProperty[]
  readonly canBeServerNamed: boolean
  /** queue.delete may ask for if-unused and if-empty. */
  readonly canBeDeletedIf: boolean
  /** basic.get is allowed beside a single active consumer. */
  readonly canBeGotBesideSingleActive: boolean
  /** A single active consumer gives way to a newcomer of higher priority. */
  readonly singleActiveYields: boolean
  /** Deliveries must be settled within a time. */
  readonly hasConsumerTimeout: boolean
  /** Transient messages are kept on disk too. */
  readonly storesTransient: boolean
  /**
   * What comes back, at once or after a delay, is served before what has not been handed out, and before a
   * full queue drops it.
   */
  readonly servesReturnsFirst: boolean
  /** A policy's limits cut by the overflow of before; its own is for messages that come. */
  readonly overflowComesLast: boolean
  /**
   * With a message-ttl of 0 and no dead-letter exchange nothing comes in behind what is ready, where it would
   * wait for the head to go.
   */
  readonly zeroTtlStaysOut: boolean
  /**
   * A consumer without credit left is out of the rotation at once, not only when its turn comes; and without
   * acks, too, it is given no more than its prefetch in a turn.
   */
  readonly fullConsumersLeave: boolean
  /** A redelivery says how often it was tried, in headers; the counts are kept on disk as they change. */
  showsCounts(settings: QueueSettings): boolean
  createReady(queue: PagedQueue, parts: PagedParts, settings: QueueSettings): ReadyList
  /** The counts of an entry (delivery-counts.ts) once it has come back. */
  countReturn(counts: number, cause: ReturnCause, settings: QueueSettings): number
  /** It came back too often: a dead letter, not ready again. */
  isSpent(counts: number, settings: QueueSettings): boolean
}
