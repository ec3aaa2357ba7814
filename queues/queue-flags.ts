// What a declaration says of a queue for good, beside its arguments. The broker makes it of queue.declare and
// of what the store kept; queue.ts lives by it. Invariant: never changes.

export interface QueueFlags {
  /** Never with an owner: RabbitMQ drops `durable` for exclusive queues. */
  readonly isDurable: boolean
  readonly isAutoDelete: boolean
}

/** Identity of the connection that an exclusive queue belongs to. */
export type QueueOwner = object
