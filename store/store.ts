// The seam between the broker and whatever keeps its messages. Above it nobody knows SQLite; below it nobody
// knows AMQP: ids, texts and bytes cross, appended now and reported durable later, batch by batch.
//
// What an implementation promises (store.contract.ts holds it to them):
//   1. Appends never wait, never throw for the disk's reasons, and are visible to `load` once their batch is
//      durable.
//   2. Everything appended between two calls of `seal` that follow each other is in one batch, and a batch is
//      durable whole or not at all.
//   3. Batches become durable in the order of their numbers; `onDurable(n)` says that every batch up to n is.
//   4. A put whose drop arrives while its batch is still open is never written.
//   5. A commit that failed, or whose outcome is unknown, is never reported durable: `onFailed` is called,
//      once, and nothing after it.
//   6. A disk without room is no failure: the batch is kept and tried again, and the store is congested until
//      it has succeeded.

/**
 * What a reported-durable batch survives: nothing, an OS crash and power loss, or also the loss of a store
 * node.
 */
export type Durability = 'memory' | 'disk' | 'replicated'

export interface EngineInfo {
  readonly kind: string
  readonly durability: Durability
  readonly warnings: readonly string[]
}

/** Another process owns the scope (or, for SQLite, the whole data directory). */
export interface Held {
  readonly heldBy: string
}

/** One per process. SQLite grants every scope at epoch 1; a shared engine arbitrates between processes. */
export interface Engine {
  /**
   * Errors: DataDirectoryHeld, DataDirectoryNewer (sqlite/), or the engine's own when it cannot be reached.
   */
  open(): Promise<EngineInfo>
  /** A scope is a vhost's name, or CATALOG for what belongs to no vhost. */
  acquire(scope: string): Promise<Store | Held>
  /** Waits for every batch, marks the data as cleanly stopped, frees it. */
  close(): Promise<void>
}

/**
 * The scope of vhosts, users and permissions: a shard like any other, so that every engine stores it the same
 * way.
 */
export const CATALOG = ''

export function isHeld(answer: Store | Held): answer is Held {
  return 'heldBy' in answer
}

/** A topology record. `doc` is JSON text; null deletes the record. */
export interface Definition {
  readonly kind: string
  readonly name: string
  readonly doc: string | null
}

/**
 * What `put` reads of a message. The broker's Message has this shape, so that no object is made to store one.
 *
 *   buf  … | properties as on the wire | … | body, frames joined | …
 *          ^ propertiesStart   ^ propertiesEnd ^ bodyStart       ^ bodyEnd
 */
export interface StorableMessage {
  readonly exchange: string
  readonly routingKey: string
  /** The routing key as it came, when it is not UTF-8, so that `routingKey` is not all of it; else null. */
  readonly rawKey: Buffer | null
  readonly buf: Buffer
  readonly propertiesStart: number
  readonly propertiesEnd: number
  readonly bodyStart: number
  readonly bodyEnd: number
  /** Its x-death headers are the broker's own history, not something that a client published. */
  readonly isDeadLetter: boolean
  /** Not 0: the body is shared under this id with the other queues the message was routed to in this turn. */
  readonly bodyId: number
}

/** What `load` gives back; its buffer is shared with the other messages of its page. */
export interface StoredMessage extends StorableMessage {
  readonly id: number
  /** Milliseconds since the epoch; Infinity when it never expires. */
  readonly expiresAtMs: number
  /** From `touch`; 0 when the message was never handed out before a clean stop. */
  readonly deliveryCount: number
  /** As put: see Store.put. */
  readonly level: number
}

/**
 * The messages of a queue with afterId < id <= lastId: at most `limit` of them and about `bytesMax` bytes.
 */
export interface PageRequest {
  readonly queue: number
  /** Of this level only; 0: of all. */
  readonly level: number
  readonly afterId: number
  readonly lastId: number
  readonly limit: number
  readonly bytesMax: number
}

/** The messages of a queue with a level above 0 and behind the one named, by level and then by id. */
export interface LevelRequest {
  readonly queue: number
  readonly afterLevel: number
  readonly afterId: number
  readonly limit: number
  readonly bytesMax: number
}

export interface Page {
  /** In the order that was asked for. */
  readonly messages: readonly StoredMessage[]
  /** Of what was asked for, nothing is left after these. */
  readonly isLast: boolean
}

export interface PageReceiver {
  /** An event of its own, never from within `load`. */
  pageLoaded(page: Page): void
}

export interface QueueTotals {
  readonly queue: number
  readonly count: number
  readonly bytes: number
}

/** A level that a queue has messages of, and the first of them. */
export interface LevelStart {
  readonly queue: number
  readonly level: number
  readonly firstId: number
}

export interface Recovered {
  readonly definitions: readonly Definition[]
  readonly queues: readonly QueueTotals[]
  /** Levels from 1 on, of queues with a number above 0: those below have too many, and nobody asks. */
  readonly levels: readonly LevelStart[]
  /** The highest message or body id ever stored, in any scope: the broker's counters go on after it. */
  readonly lastId: number
  /**
   * Messages up to this id may have been handed out by an owner that then died (reliability P4); 0 when none
   * ever did. It stays when later owners stop cleanly: they need not have looked at all of them.
   */
  readonly suspectTo: number
}

/** The process must end. `unknown`: the commit may or may not have happened. */
export interface StoreFailure {
  readonly kind: 'io' | 'unknown' | 'fenced'
  readonly cause: Error
}

/**
 * One scope that this process owns. Message and queue ids are given by the broker and unique over all scopes.
 */
export interface Store {
  readonly scope: string
  /** The fencing token: grows with every change of owner; always 1 for SQLite. */
  readonly epoch: number

  recover(): Promise<Recovered>

  /**
   * Appends a message; returns its position in the open batch, which `drop` wants back together with
   * `openBatch`. It expires, in this queue, at a time in milliseconds since the epoch, or never when that is
   * not given or Infinity. By its level, a whole number, 0 when not given, it can be asked for and purged
   * apart from others (`load`, `loadByLevel`, `purge`). Under an id that was dropped another message may be
   * put, in the same batch or later.
   */
  put(queue: number, id: number, message: StorableMessage, expiresAtMs?: number, level?: number): number
  /** Settles a message. `batch` and `position` are those of its put, or 0 and 0 for a recovered message. */
  drop(queue: number, id: number, bodyId: number, batch: number, position: number): void
  /**
   * Appends a message that need not outlive the process: it makes room in memory, and is gone after a
   * restart. Loaded and dropped like any other.
   */
  spill(queue: number, id: number, message: StorableMessage, expiresAtMs: number, level?: number): number
  /**
   * Drops every message of the queue with afterId < id <= lastId, of one level, or, with 0 or without it, of
   * all: a mark now, deletion in the background.
   */
  purge(queue: number, afterId: number, lastId: number, level?: number): void
  /**
   * Records how often a message has been handed out. Written at a clean stop, and for queues with a delivery
   * limit.
   */
  touch(queue: number, id: number, deliveryCount: number): void
  define(definition: Definition): void

  /** What is appended now is durable with this batch. Numbers start at 1 and rise by 1. */
  readonly openBatch: number
  /** Every batch up to this one is durable, and `load` sees it. */
  readonly durableBatch: number
  /** Too much waits for the disk: doors stop reading publishes until `onRelieved`. */
  readonly isCongested: boolean
  /**
   * End of a turn: hands the open batch over when none is in flight, or closes it when it has grown large. A
   * batch that nothing was appended to stays open: nobody may wait for `openBatch` without having appended.
   */
  seal(): void
  /** Reads messages back, of durable batches only. Answers come in the order of the requests. */
  load(request: PageRequest, receiver: PageReceiver): void
  /** The same in the order of levels. Never of spilled messages. */
  loadByLevel(request: LevelRequest, receiver: PageReceiver): void
  /** Waits for what was appended to be durable and gives the scope back. */
  release(): Promise<void>

  /** Set by the owner. Called outside of any append, never from within `seal`. */
  onDurable: (batch: number) => void
  onFailed: (failure: StoreFailure) => void
  onRelieved: () => void
}
