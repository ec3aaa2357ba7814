// A queue: ready entries, unacked ones by number, consumers. The centre of the product. It knows no vhost, no
// exchange and no socket; what it needs of them it is given as QueueParts, and consumers come as
// ConsumerPort.
//
//   publish → ready → deliver → unacked → settle     nack, lost channel: requeue → ready, at its old place
//               └─ expire, overflow ──────────└─ reject ─▶ dead-letter
import type { Arrivals } from '../base/arrivals.ts'
import type { Clock } from '../base/clock.ts'
import { invariant, present } from '../base/invariant.ts'
import type { Sequence } from '../base/sequence.ts'
import type { TimerWheel } from '../base/timer-wheel.ts'
import { QueueTraffic } from '../base/traffic.ts'
import type { Pumpable, Turn } from '../base/turn.ts'
import type { FieldTable } from '../protocol/table.ts'
import type { Store, StoredMessage } from '../store/store.ts'
import { ConsumerSet } from './consumers.ts'
import type { DeadLetterSink } from './dead-letter-sink.ts'
import { Deaths } from './deaths.ts'
import { Deduplication } from './deduplication.ts'
import { keyOf } from './deduplication-key.ts'
import { Deliveries } from './deliveries.ts'
import { Entry } from './entry.ts'
import type { ConsumerPort, EntryHolder, GivenUpCause, ReturnCause } from './entry.ts'
import { GroupedReady } from './grouped-ready.ts'
import { Lease } from './lease.ts'
import { HeadExpiry } from './head-expiry.ts'
import { findQueueKind } from './index.ts'
import { Held } from './held.ts'
import type { HeldMessage } from './held.ts'
import type { Message } from './message.ts'
import type { MessageTracer } from './message-tracer.ts'
import { Overflow } from './overflow.ts'
import type { PagedQueue, PageWaiter, Window } from './paged-ready.ts'
import type { QueueFlags, QueueOwner } from './queue-flags.ts'
import type { QueueKind } from './queue-kind.ts'
import { checkReadyEntries, touchDelivered } from './ready-entries.ts'
import type { ReadyList, Restored } from './ready-list.ts'
import type { Residence } from './residence.ts'
import type { RetryPlan } from './retry-plan.ts'
import { Returns } from './returns.ts'
import { resolveQueueSettings } from './settings.ts'
import type { QueueSettings } from './settings.ts'
import { storedEntry } from './stored-entry.ts'

export interface QueueParts {
  readonly store: Store
  readonly turn: Turn
  readonly clock: Clock
  readonly timers: TimerWheel
  readonly ids: Sequence
  readonly arrivals: Arrivals
  readonly deadLetters: DeadLetterSink
  readonly retries: RetryPlan
  readonly residence: Residence
  readonly window: Window
  /** Null: tracing is off. */
  readonly tracer: MessageTracer | null
  /** x-expires: the queue has been unused for too long and is to be deleted. */
  expired(queue: Queue): void
}

export class Queue implements Pumpable, EntryHolder, PagedQueue {
  readonly kind = 'queue'
  readonly id: number
  readonly name: string
  readonly flags: QueueFlags
  readonly owner: QueueOwner | null
  readonly args: FieldTable
  /** What RabbitMQ calls its type. `kind` says that it is no exchange. */
  readonly type: QueueKind
  settings: QueueSettings
  readonly consumers: ConsumerSet
  readonly traffic = new QueueTraffic()
  readonly ready: ReadyList
  /** `ready`, where messages are in groups; null: they are not. */
  readonly groups: GroupedReady | null
  /** Null: every message is taken, whatever key it has. */
  readonly deduplication: Deduplication | null
  readonly overflow: Overflow
  readonly deaths: Deaths
  private readonly parts: QueueParts
  private readonly lease: Lease
  private readonly headExpiry: HeadExpiry
  private readonly deliveries: Deliveries
  private readonly returns: Returns
  routeMark = 0
  isMarked = false
  isDeleted = false
  /** Entries up to this id may have been handed out by a process that then died. */
  private suspectTo = 0
  private pageWaiters: PageWaiter[] = []
  /** Null while nothing ever waited for its time: most queues have none. */
  private heldList: Held | null = null

  /**
   * `args` have passed validateQueueArguments. `keysId`: under which number the keys of a deduplicating queue
   * are stored; 0 when they are not.
   */
  constructor(
    id: number, name: string, flags: QueueFlags, owner: QueueOwner | null, args: FieldTable,
    parts: QueueParts, keysId = 0,
  ) {
    this.id = id
    this.name = name
    this.flags = flags
    this.owner = owner
    this.args = args
    this.parts = parts
    this.settings = resolveQueueSettings(args)
    const { isSingleActive, expiresMs, isDeduplicating, groupHeader } = this.settings
    this.deduplication = isDeduplicating
      ? new Deduplication(keysId, this.settings, this.traffic, parts) : null
    const type = this.type = present(findQueueKind(args), `queue '${name}' is of no kind there is`)
    const ready = type.createReady(this, parts, this.settings)
    this.groups = groupHeader === null ? null : new GroupedReady(ready, this, parts, groupHeader)
    this.ready = this.groups ?? ready
    this.consumers = new ConsumerSet(isSingleActive, type.singleActiveYields, type.fullConsumersLeave)
    this.deaths = new Deaths(this, parts)
    this.returns = new Returns(this, parts, this.deaths)
    this.headExpiry = new HeadExpiry(parts, this, this.ready, this.deaths)
    this.overflow = new Overflow(this, this.deaths, this.headExpiry)
    this.deliveries = new Deliveries(this, parts, this.deaths, this.headExpiry)
    this.lease = new Lease(parts, expiresMs, () => this.leaseEnded())
  }

  /**
   * A policy came, went or changed: what is ready is cut to the new limits at once; messages that are here
   * keep the expiry they came with (RabbitMQ).
   */
  applySettings(settings: QueueSettings): void {
    const { overflow } = this.settings
    this.settings = settings
    this.deduplication?.applyLimits(settings)
    this.deaths.applySettings()
    this.lease.changeLength(settings.expiresMs, this.consumers.count === 0)
    if (this.type.overflowComesLast) this.overflow.drop(overflow)
    this.overflow.drop()
  }

  get readyCount(): number {
    return this.ready.length
  }

  get readyBytes(): number {
    return this.ready.bytes
  }

  get unackedCount(): number {
    return this.deliveries.unackedCount
  }

  get unackedBytes(): number {
    return this.deliveries.unackedBytes
  }

  get showsCounts(): boolean {
    return this.type.showsCounts(this.settings)
  }

  /** Persistent messages of a durable queue are kept on disk; some kinds keep the others, too. */
  stores(message: Message): boolean {
    return this.flags.isDurable && (message.isPersistent || this.type.storesTransient)
  }

  /**
   * To be ready at once or, in milliseconds since the epoch, at `dueMs`. Returns false when the queue is full
   * and rejects: the publisher gets a nack. A duplicate is done with: as good as published. What `isMoved` is
   * no duplicate: somebody took it out of where it was to put it here.
   */
  publish(message: Message, dueMs = 0, isMoved = false): boolean {
    const { deduplication } = this
    const key = deduplication === null ? null : keyOf(message)
    if (deduplication === null || key === null) return this.take(message, dueMs)
    if (!isMoved && deduplication.refuses(key.key, message.isDeadLetter)) {
      deduplication.repeated(key.key, this.stores(message))
      return true
    }
    const isNew = !deduplication.knows(key.key)
    const isHeld = dueMs > 0 || this.settings.messageDelayMs > 0
    // Before it is taken: it may have come and gone then.
    deduplication.remember(key, this.stores(message) || (isHeld && this.flags.isDurable))
    const isTaken = this.take(message, dueMs)
    if (!isTaken && isNew) deduplication.forget(key.key)
    return isTaken
  }

  private take(message: Message, dueMs: number): boolean {
    const { settings, parts: { clock } } = this
    if (dueMs > 0 || settings.messageDelayMs > 0) {
      this.held.delay(message, dueMs)
      return true
    }
    if (settings.overflow !== 'drop-head' && this.overflow.isFull(message.bodyBytes)) {
      if (settings.overflow === 'reject-publish-dlx') this.deaths.deadLetter(message, 'maxlen')
      return false
    }
    this.traffic.published++
    if (settings.messageTtlMs === 0 && this.staysOut()) {
      this.left(message)
      return true
    }
    const expiresAtMs = Math.min(message.expiresAtMs, clock.nowMs + settings.messageTtlMs)
    this.enqueue(message, expiresAtMs, 0)
    return true
  }

  /** RabbitMQ: it has no time, it cannot die elsewhere, and nobody waits for it. */
  private staysOut(): boolean {
    if (!this.type.zeroTtlStaysOut || this.settings.deadLetterExchange !== null) return false
    this.serve()
    return this.ready.length > 0 && !this.isPaging
  }

  private enqueue(message: Message, expiresAtMs: number, deliveryCount: number): void {
    const { turn, ids, arrivals, clock } = this.parts
    arrivals.note(ids.last)
    const entry = new Entry(ids.next(), message, this, expiresAtMs)
    entry.deliveryCount = deliveryCount
    this.keep(entry)
    if (deliveryCount > 0 && this.type.servesReturnsFirst && this.groups === null) this.ready.requeue(entry)
    else this.ready.push(entry)
    if (this.consumers.count === 0) this.overflow.drop()
    if (expiresAtMs <= clock.nowMs) this.deliveries.pump() // a time to live of 0: now or never (RabbitMQ)
    if (this.consumers.count > 0 || this.headExpiry.isMortal) turn.pump(this)
  }

  /** In the store, where it belongs there. */
  keep(entry: Entry): void {
    const { id, message, expiresAtMs, deliveryCount } = entry
    // One with counts is kept, transient or not: what spills of a long queue leaves them behind.
    if (!this.stores(message) && (deliveryCount === 0 || !this.flags.isDurable)) return
    const { store } = this.parts
    entry.isStored = true
    entry.batch = store.openBatch
    entry.position = store.put(this.id, id, message, expiresAtMs, this.ready.levelOf(entry))
    if (deliveryCount > 0) store.touch(this.id, id, deliveryCount)
  }

  /** What waits for its time. */
  get held(): Held {
    return this.heldList ??= new Held(this, this.parts)
  }

  get heldCount(): number {
    return this.heldList?.length ?? 0
  }

  /** For `held`: its time has come. It is new to the queue, at whose end it goes, unless it came back. */
  released({ message, expiresAtMs, deliveryCount }: HeldMessage): void {
    const ttlEndsMs = this.parts.clock.nowMs + this.settings.messageTtlMs
    this.enqueue(message, Math.min(expiresAtMs, ttlEndsMs), deliveryCount)
  }

  /**
   * Takes over what the store kept over a restart; messages up to `suspectTo` say that they may have been
   * delivered before (reliability P4).
   */
  restore(restored: Restored, suspectTo: number): void {
    this.suspectTo = suspectTo
    this.ready.restore(restored)
  }

  /** For the ready list. */
  entryOf(stored: StoredMessage): Entry {
    return storedEntry(stored, this, this.suspectTo)
  }

  /** For the ready list: its front has changed. */
  paged(): void {
    this.parts.turn.pump(this)
    const waiters = this.pageWaiters
    this.pageWaiters = []
    for (const waiter of waiters) waiter.paged()
  }

  /** Something is ready, though its first entry has still to come from the store: `get` must wait. */
  get isPaging(): boolean {
    return this.ready.isPaging
  }

  awaitPage(waiter: PageWaiter): void {
    this.pageWaiters.push(waiter)
    this.ready.wake()
  }

  /**
   * Hands out ready entries while some consumer has credit, and lets go of what has expired at the head or is
   * too much. Called at the end of a turn, never from a handler.
   */
  pump(): boolean {
    const isDue = this.heldList?.release() ?? false
    this.groups?.release()
    if (this.consumers.hasAutoAcked) this.consumers.settleAutoAcked()
    const isLeft = this.deliveries.pump()
    return this.deaths.send() || isLeft || isDue || this.consumers.hasAutoAcked
  }

  /** basic.get, not while it is paging: the next ready entry, unacked, or settled at once without acks. */
  get(isNoAck: boolean): Entry | null {
    this.lease.renew()
    return this.deliveries.get(isNoAck)
  }

  settle(entry: Entry): void {
    this.deliveries.takeBack(entry)
    this.traffic.acked++
    this.forget(entry)
  }

  reject(entry: Entry, cause: GivenUpCause = 'rejected-for-good'): void {
    this.deliveries.takeBack(entry)
    if (!this.isDeleted) this.returns.givenUp(entry, cause)
  }

  requeue(entry: Entry, cause: ReturnCause = 'nacked', isLast = true): void {
    this.deliveries.takeBack(entry)
    if (this.isDeleted) return
    this.returns.returned(entry, cause)
    if (isLast) this.allReturned()
  }

  allReturned(): void {
    if (!this.type.servesReturnsFirst) this.overflow.drop() // before anybody is handed something (RabbitMQ)
    else if (this.consumers.count === 0) this.deliveries.pump()
  }

  /** For `returns`: at its old place. */
  readyAgain(entry: Entry): void {
    this.ready.requeue(entry)
    this.parts.turn.pump(this)
  }

  addConsumer(consumer: ConsumerPort, isExclusive: boolean): void {
    this.consumers.add(consumer, isExclusive)
    this.ready.wake()
    this.lease.suspend()
    this.parts.turn.pump(this)
  }

  /** Returns true when the queue is to be deleted now: its last consumer left and it is auto-delete. */
  removeConsumer(consumer: ConsumerPort): boolean {
    if (!this.consumers.remove(consumer)) return false
    this.parts.turn.pump(this) // another may be the single active one now
    if (this.consumers.count > 0) return false
    this.lease.renew()
    return this.flags.isAutoDelete && !this.isDeleted
  }

  /** Somebody declared it: it is in use (x-expires). */
  used(): void {
    if (this.consumers.count === 0) this.lease.renew()
  }

  creditReturned(consumer: ConsumerPort): void {
    this.consumers.creditReturned(consumer)
    if (this.ready.length > 0) this.parts.turn.pump(this)
  }

  /** Drops the ready entries, returns how many. Unacked ones stay with their consumers (RabbitMQ). */
  purge(): number {
    const count = this.ready.length + this.deaths.keptCount + this.heldCount
    this.heldList?.clear()
    this.deduplication?.purge()
    const { store, ids } = this.parts
    if (this.unackedCount === 0 && this.flags.isDurable) {
      store.purge(this.id, 0, ids.last)
      this.ready.clear(ignore, ignore)
      this.deaths.clear()
    } else {
      this.deaths.forgetKept()
      this.ready.clear(
        (entry) => this.drop(entry), (...range) => store.purge(this.id, ...range))
    }
    return count
  }

  /** Takes everything with it; the consumers are told. Later acks of its entries are accepted, in vain. */
  delete(): void {
    this.isDeleted = true
    this.lease.suspend()
    this.headExpiry.stop()
    const { store, ids } = this.parts
    // A transient queue has something in the store when it was too long for memory.
    if (this.flags.isDurable || this.ready.hasSpilled) store.purge(this.id, 0, ids.last)
    this.ready.clear(ignore, ignore)
    this.deaths.clear()
    this.heldList?.clear()
    this.deduplication?.delete()
    for (const waiter of this.pageWaiters) waiter.paged()
    for (const consumer of [...this.consumers]) {
      this.consumers.remove(consumer)
      consumer.queueDeleted()
    }
  }

  /** Before a clean stop: what was handed out once says so after the restart. */
  rememberDeliveries(): void {
    touchDelivered(this.id, this.ready, this.parts.store)
  }

  /** For the simulation and tests: what must hold between two events. Errors: InvariantBroken. */
  checkInvariants(): void {
    checkReadyEntries(this, this.ready)
    invariant(this.unackedCount >= 0, `queue '${this.name}': ${this.unackedCount} unacked`)
  }

  /** For `overflow`: what consumers with credit are about to get is theirs. */
  serve(): void {
    if (this.consumers.count > 0 && this.deliveries.pump()) this.parts.turn.pump(this)
  }

  /** It is in the queue no more. */
  forget(entry: Entry): void {
    this.left(entry.message)
    this.drop(entry)
  }

  /** A message is no more in the queue, ready, unacked or held: another may come with its key. */
  left(message: Message): void {
    this.deduplication?.left(message)
  }

  /** Of the store alone: nothing holds the entry any more, though its message may be held, or kept. */
  drop(entry: Entry): void {
    if (!entry.isStored || this.isDeleted) return
    entry.isStored = false
    this.parts.store.drop(this.id, entry.id, entry.message.bodyId, entry.batch, entry.position)
  }

  private leaseEnded(): void {
    if (!this.isDeleted && this.consumers.count === 0) this.parts.expired(this)
  }
}

const ignore = (): void => {}
