// The records of one store scope, and who waits until they are on disk: a vhost's topology, or the
// catalog of users and vhosts. Made for a store when it is taken in; the store's one callback for durable
// batches is its.
import type { Turn } from '../base/turn.ts'
import type { Definition, Store } from '../store/store.ts'

/** Waits for a batch: a channel with confirms to give, a connection that holds a reply. */
export interface DurableListener {
  /** Every batch up to this one is on disk. Returns true to be told of the next one too. */
  durable(batch: number): boolean
}

export class DurableRecords {
  private readonly store: Store
  private readonly turn: Turn
  private listeners: DurableListener[] = []
  private durableBatch = 0
  private definedBatch = 0

  constructor(store: Store, turn: Turn) {
    this.store = store
    this.turn = turn
    store.onDurable = (batch) => this.durable(batch)
  }

  define(definition: Definition): void {
    this.store.define(definition)
    this.definedBatch = this.store.openBatch
    this.turn.begin()
  }

  /** The batch that the newest record waits for; 0 when all of them are on disk. */
  get pendingBatch(): number {
    return this.definedBatch > this.durableBatch ? this.definedBatch : 0
  }

  /** The listener is told of every durable batch from now on, until it returns false. */
  listen(listener: DurableListener): void {
    this.listeners.push(listener)
  }

  private durable(batch: number): void {
    this.turn.begin()
    this.durableBatch = batch
    const listeners = this.listeners
    this.listeners = []
    for (const listener of listeners) {
      if (listener.durable(batch)) this.listeners.push(listener)
    }
  }
}
