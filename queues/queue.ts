// A queue: ready entries, unacked ones by number, consumers. The centre of the product. It knows no vhost, no exchange
// and no socket; what it needs of them are the store, the turn and the sequence of ids it is given, and ConsumerPort.
//
//   publish → ready → deliver → unacked → settle          nack, reject, lost channel: requeue → ready, at its old place
import { invariant } from '../base/invariant.ts'
import type { Sequence } from '../base/sequence.ts'
import type { Pumpable, Turn } from '../base/turn.ts'
import type { FieldTable } from '../protocol/table.ts'
import type { Store } from '../store/store.ts'
import { ConsumerSet } from './consumers.ts'
import { Entry } from './entry.ts'
import type { ConsumerPort, EntryHolder } from './entry.ts'
import type { Message } from './message.ts'
import { FifoReady } from './ready-list.ts'

/** Deliveries of one queue in one turn; what is left goes on in the next, after the sockets had theirs. */
const PUMP_MAX = 2_000

export interface QueueFlags {
  /** Never with an owner: RabbitMQ drops `durable` for exclusive queues. */
  readonly isDurable: boolean
  readonly isAutoDelete: boolean
}

/** Identity of the connection that an exclusive queue belongs to. */
export type QueueOwner = object

export interface QueueParts {
  readonly store: Store
  readonly turn: Turn
  readonly ids: Sequence
}

export class Queue implements Pumpable, EntryHolder {
  readonly kind = 'queue'
  readonly id: number
  readonly name: string
  readonly flags: QueueFlags
  readonly owner: QueueOwner | null
  readonly args: FieldTable
  readonly consumers = new ConsumerSet()
  private readonly ready = new FifoReady()
  private readonly parts: QueueParts
  routeMark = 0
  isMarked = false
  isDeleted = false
  hadConsumers = false
  unackedCount = 0
  publishedCount = 0
  deliveredCount = 0
  settledCount = 0

  constructor(
    id: number, name: string, flags: QueueFlags, owner: QueueOwner | null, args: FieldTable, parts: QueueParts,
  ) {
    this.id = id
    this.name = name
    this.flags = flags
    this.owner = owner
    this.args = args
    this.parts = parts
  }

  get readyCount(): number {
    return this.ready.length
  }

  get readyBytes(): number {
    return this.ready.bytes
  }

  /** Persistent messages of a durable queue are kept on disk. */
  stores(message: Message): boolean {
    return message.isPersistent && this.flags.isDurable
  }

  publish(message: Message): void {
    const { store, turn, ids } = this.parts
    const entry = new Entry(ids.next(), message, this)
    if (this.stores(message)) {
      entry.isStored = true
      entry.batch = store.openBatch
      entry.position = store.put(this.id, entry.id, message)
    }
    this.publishedCount++
    this.ready.push(entry)
    if (this.consumers.count > 0) turn.pump(this)
  }

  /** Takes back, in id order, what the store kept over a restart. */
  restore(id: number, message: Message, deliveryCount: number): void {
    const entry = new Entry(id, message, this)
    entry.isStored = true
    entry.deliveryCount = deliveryCount
    this.ready.push(entry)
  }

  /** Hands out ready entries while some consumer has credit. Called at the end of a turn, never from a handler. */
  pump(): boolean {
    for (let n = 0; n < PUMP_MAX; n++) {
      if (this.ready.length === 0) return false
      const consumer = this.consumers.next()
      if (consumer === null) return false
      this.handOut(this.ready.shift()!, consumer)
    }
    return this.ready.length > 0
  }

  /** basic.get: the next ready entry, unacked from now on, or settled at once when it needs no ack. */
  get(isNoAck: boolean): Entry | null {
    const entry = this.ready.shift()
    if (entry === null) return null
    this.deliveredCount++
    if (isNoAck) this.forget(entry)
    else this.unackedCount++
    return entry
  }

  /** The entry is done with: acked, or rejected without anywhere to go. */
  settle(entry: Entry): void {
    this.takeBack(entry)
    this.settledCount++
    this.forget(entry)
  }

  requeue(entry: Entry): void {
    this.takeBack(entry)
    if (this.isDeleted) return
    entry.deliveryCount++
    this.ready.requeue(entry)
    this.parts.turn.pump(this)
  }

  addConsumer(consumer: ConsumerPort, isExclusive: boolean): void {
    this.consumers.add(consumer, isExclusive)
    this.hadConsumers = true
    this.parts.turn.pump(this)
  }

  /** Returns true when the queue is to be deleted now: its last consumer left and it is auto-delete. */
  removeConsumer(consumer: ConsumerPort): boolean {
    return this.consumers.remove(consumer) && this.flags.isAutoDelete && this.consumers.count === 0
  }

  creditReturned(consumer: ConsumerPort): void {
    this.consumers.creditReturned(consumer)
    if (this.ready.length > 0) this.parts.turn.pump(this)
  }

  /** Drops the ready entries, returns how many. Unacked ones stay with their consumers (RabbitMQ). */
  purge(): number {
    const count = this.ready.length
    if (this.unackedCount === 0) {
      if (this.flags.isDurable) this.parts.store.purge(this.id, this.parts.ids.last)
      while (this.ready.shift() !== null);
      return count
    }
    for (let entry = this.ready.shift(); entry !== null; entry = this.ready.shift()) this.forget(entry)
    return count
  }

  /** Takes everything with it; the consumers are told. Later acks of its entries are accepted and do nothing. */
  delete(): void {
    this.isDeleted = true
    if (this.flags.isDurable) this.parts.store.purge(this.id, this.parts.ids.last)
    while (this.ready.shift() !== null);
    for (const consumer of [...this.consumers]) {
      this.consumers.remove(consumer)
      consumer.queueDeleted()
    }
  }

  /** Before a clean stop: what was handed out once says so after the restart. */
  rememberDeliveries(): void {
    for (const entry of this.ready) {
      if (entry.isStored && entry.isRedelivered) this.parts.store.touch(this.id, entry.id, entry.deliveryCount)
    }
  }

  /** For the simulation and tests: what must hold between two events. Errors: InvariantBroken. */
  checkInvariants(): void {
    let before = 0
    for (const entry of this.ready) {
      invariant(entry.id > before, `queue '${this.name}': entry ${entry.id} is ready after entry ${before}`)
      invariant(entry.queue === this && entry.consumer === null, `queue '${this.name}': entry ${entry.id} is held`)
      before = entry.id
    }
    invariant(this.unackedCount >= 0, `queue '${this.name}': ${this.unackedCount} unacked`)
  }

  private handOut(entry: Entry, consumer: ConsumerPort): void {
    this.deliveredCount++
    if (consumer.isNoAck) {
      consumer.deliver(entry)
      this.forget(entry)
      return
    }
    entry.consumer = consumer
    this.unackedCount++
    consumer.deliver(entry)
  }

  private takeBack(entry: Entry): void {
    this.unackedCount--
    const consumer = entry.consumer
    if (consumer === null) return
    entry.consumer = null
    consumer.release()
  }

  private forget(entry: Entry): void {
    if (!entry.isStored || this.isDeleted) return
    entry.isStored = false
    this.parts.store.drop(this.id, entry.id, entry.message.bodyId, entry.batch, entry.position)
  }
}
