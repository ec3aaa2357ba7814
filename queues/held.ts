// Messages of a queue that wait for their time: delayed by their publisher, or to be tried again later. One
// list per queue, by due time and then by id; when its time has come a message is taken out and enters the
// queue at its end. Called by Queue; no timer per message, one per list.
//
//   soon (memory, sorted) │ far: a count; only in the store, by level = due time
//   ◀─ due first          │ horizon: everything that the store has up to here is in `soon`
//
// Invariants: each message is in `soon` or far, never in both; nothing far is due before anything in `soon`.
// Those of a durable queue are stored, persistent or not, under the queue's own number below 0, so that no
// range of ids of the queue meets them. Those of other queues are in memory, all of them.
import type { Clock } from '../base/clock.ts'
import type { Sequence } from '../base/sequence.ts'
import type { Timer, TimerWheel } from '../base/timer-wheel.ts'
import type { QueueTraffic } from '../base/traffic.ts'
import type { Pumpable, Turn } from '../base/turn.ts'
import type { Page, PageReceiver, Store, StoredMessage } from '../store/store.ts'
import type { Message } from './message.ts'
import type { QueueFlags } from './queue-flags.ts'
import type { Residence } from './residence.ts'
import type { QueueSettings } from './settings.ts'
import { storedMessage } from './stored-entry.ts'

/** Released in one turn; what is left goes on in the next, after the sockets had theirs. */
const RELEASE_MAX = 1_000
/** Of stored messages in memory, at most; loading begins at half of that. */
const SOON_MAX = 8_192
const PAGE_MESSAGES = 2_000
/**
 * When all that was loaded is due already. A page waits behind a commit, so pages that are always the same
 * bound what is released in a second: beside a saturating flow it fell behind by seconds (2026-11).
 */
const LATE_PAGE_MESSAGES = 6_000
const BYTES_PER_MESSAGE = 1_024
/** While the store is behind nothing is released; looked at again after so long. */
const CONGESTED_MS = 20

/** A place in the order of held messages. */
export interface Due {
  readonly dueMs: number
  readonly id: number
}

const NOTHING_LOADED: Due = { dueMs: 0, id: 0 }
const EVERYTHING: Due = { dueMs: Infinity, id: Infinity }

export interface HeldMessage extends Due {
  readonly message: Message
  /** In milliseconds since the epoch; Infinity when it never expires. */
  readonly expiresAtMs: number
  /** See Entry.deliveryCount. */
  readonly deliveryCount: number
  readonly isStored: boolean
  /** Of its put; 0 and 0 for one that was loaded. */
  readonly batch: number
  readonly position: number
}

/** The queue, as far as it holds. */
export interface HoldingQueue extends Pumpable {
  readonly id: number
  readonly flags: QueueFlags
  readonly settings: QueueSettings
  readonly traffic: QueueTraffic
  /** Its time has come: no longer held, and gone from the store as such. */
  released(held: HeldMessage): void
}

interface HeldParts {
  readonly store: Store
  readonly clock: Clock
  readonly timers: TimerWheel
  readonly turn: Turn
  readonly ids: Sequence
  readonly residence: Residence
}

/** The number in the store under which a queue's held messages are. */
export function heldNumber(queue: number): number {
  return -queue
}

export class Held implements Timer, PageReceiver {
  dueMs = 0
  bytes = 0
  /** Of the owner before: see Recovered. */
  suspectTo = 0
  private readonly queue: HoldingQueue
  private readonly parts: HeldParts
  /** The latest first, so that what is due is at the end. */
  private soon: HeldMessage[] = []
  private horizon = EVERYTHING
  private farCount = 0
  /** Far, and perhaps not yet durable, so that a page may be without them. */
  private fresh: HeldMessage[] = []
  /** The horizon when a page was asked for; null while none is. */
  private askedAt: Due | null = null
  /** Taken out, with the batch of the drop: a page that was read before it still has them. */
  private readonly gone = new Map<number, number>()
  /** Up to this id everything was cleared, though a page may still have it. */
  private clearedTo = 0
  /** Pages that are on their way, for others too. */
  private reading = 0
  private watchedMs = Infinity

  constructor(queue: HoldingQueue, parts: HeldParts) {
    this.queue = queue
    this.parts = parts
  }

  get length(): number {
    return this.soon.length + this.farCount
  }

  /** Those in memory, by due time: all, unless there are more than fit. */
  get inMemory(): readonly HeldMessage[] {
    return this.soon.toReversed()
  }

  /** Up to here nothing is only in the store. */
  get loadedTo(): Due {
    return this.horizon
  }

  /** Beyond that; some of these may be too new for a page to have them. */
  get justStored(): readonly HeldMessage[] {
    return this.fresh
  }

  /** When the next is due, in milliseconds since the epoch; null when that is not known without the store. */
  get nextDueMs(): number | null {
    return this.soon.at(-1)?.dueMs ?? null
  }

  /** Takes what was published to be ready at a time, in milliseconds since the epoch, or later. */
  delay(message: Message, dueMs: number): void {
    const { parts: { clock }, queue: { settings, traffic } } = this
    const atMs = Math.max(dueMs, clock.nowMs + settings.messageDelayMs)
    // It lives from then on.
    this.hold(message, atMs, message.expiresAtMs + (atMs - clock.nowMs), 0)
    traffic.published++
  }

  /** Returns the message's new id. */
  hold(shared: Message, dueMs: number, expiresAtMs: number, deliveryCount: number): number {
    const { store, ids } = this.parts
    // Other queues need not hold it for as long, so its body is its own.
    const message = shared.postponed(0)
    const id = ids.next()
    const isStored = this.queue.flags.isDurable
    const batch = isStored ? store.openBatch : 0
    const level = heldNumber(this.queue.id)
    const position = isStored ? store.put(level, id, message, expiresAtMs, dueMs) : 0
    if (isStored && deliveryCount > 0) store.touch(level, id, deliveryCount)
    const held = { id, message, dueMs, expiresAtMs, deliveryCount, isStored, batch, position }
    this.bytes += message.bodyBytes
    if (!isStored || !isBefore(this.horizon, held)) {
      this.bring(held)
      this.letGoOfMany()
    } else {
      this.farCount++
      this.fresh.push(held)
      if (this.fresh.length > 2 * RELEASE_MAX) this.forgetDurable()
    }
    return id
  }

  /** Takes over what the store kept over a restart. */
  restore(count: number, bytes: number, suspectTo: number): void {
    this.suspectTo = suspectTo
    this.farCount = count
    this.bytes = bytes
    this.horizon = NOTHING_LOADED
    this.load()
  }

  /** Called at the end of a turn. Returns true when more is due. */
  release(): boolean {
    const { clock, store } = this.parts
    const { soon } = this
    for (let n = 0; n < RELEASE_MAX && !store.isCongested; n++) {
      const held = soon.at(-1)
      if (held === undefined || held.dueMs > clock.nowMs) break
      soon.pop()
      this.leave(held)
      this.queue.released(held)
    }
    if (this.farCount > 0 && soon.length < SOON_MAX / 2) this.load()
    const next = soon.at(-1)?.dueMs ?? Infinity
    const isDue = next <= clock.nowMs
    if (isDue && !store.isCongested) return true
    this.watch(isDue ? clock.nowMs + CONGESTED_MS : next)
    return false
  }

  /**
   * Takes one out before its time, to be told off or sent at once. Null when it is not held any more, or when
   * it is beyond memory: then `takeFar` does, with what was read of it.
   */
  take(id: number): HeldMessage | null {
    const at = this.soon.findIndex((held) => held.id === id)
    if (at < 0) return null
    const [held] = this.soon.splice(at, 1)
    this.leave(held!)
    if (held!.isStored) this.noteGone(id)
    return held!
  }

  /** One that is beyond memory. Null when it has left the store, or come to memory, meanwhile. */
  takeFar(held: HeldMessage): HeldMessage | null {
    if (!this.isFar(held)) return null
    const { id, message } = held
    const at = this.fresh.findIndex((fresh) => fresh.id === id)
    const { batch, position } = at < 0 ? held : this.fresh.splice(at, 1)[0]!
    const { store } = this.parts
    this.farCount--
    this.bytes -= message.bodyBytes
    this.noteGone(id)
    store.drop(heldNumber(this.queue.id), id, message.bodyId, batch, position)
    return held
  }

  /** Of what a page said: it is in the store still, and nowhere else. */
  isFar(due: Due): boolean {
    return isBefore(this.horizon, due) && due.id > this.clearedTo && !this.gone.has(due.id)
  }

  /** A page that somebody asks the store for. `readEnded` must follow when it has come. */
  readBegan(): void {
    this.reading++
  }

  readEnded(): void {
    this.reading--
    this.forgetGone()
  }

  private noteGone(id: number): void {
    this.forgetGone()
    this.gone.set(id, this.parts.store.openBatch)
  }

  private forgetGone(): void {
    if (this.reading > 0) return
    const { durableBatch } = this.parts.store
    for (const [id, batch] of this.gone) {
      if (batch > durableBatch) break
      this.gone.delete(id)
    }
  }

  fire(): void {
    this.watchedMs = Infinity
    this.parts.turn.pump(this.queue)
  }

  /** Forgets everything, also in the store. */
  clear(): void {
    const { store, residence, timers, ids } = this.parts
    const isStored = this.farCount > 0 || this.soon.some((held) => held.isStored)
    if (isStored) store.purge(heldNumber(this.queue.id), 0, ids.last)
    for (const { message } of this.soon) residence.leave(message.bodyBytes)
    this.soon = []
    this.fresh = []
    this.farCount = this.bytes = 0
    this.horizon = EVERYTHING
    this.clearedTo = ids.last
    this.watchedMs = Infinity
    timers.clear(this)
  }

  pageLoaded({ messages, isLast }: Page): void {
    const { askedAt, horizon } = this
    this.askedAt = null
    // What was let go meanwhile, or cleared, would be missing in between.
    if (askedAt === horizon && this.farCount > 0) this.join(messages, isLast)
    this.readEnded()
    this.parts.turn.pump(this.queue)
  }

  private join(messages: readonly StoredMessage[], isLast: boolean): void {
    const last = messages.at(-1)
    const horizon = isLast || last === undefined ? EVERYTHING : { dueMs: last.level, id: last.id }
    const loaded = new Set<number>()
    const joining: HeldMessage[] = []
    for (const stored of messages) {
      loaded.add(stored.id)
      if (this.isFar({ dueMs: stored.level, id: stored.id })) joining.push(heldOf(stored, this.suspectTo))
    }
    const fresh = this.fresh
    this.fresh = []
    for (const held of fresh) {
      if (isBefore(horizon, held)) this.fresh.push(held)
      else if (!loaded.has(held.id)) joining.push(held)
    }
    this.farCount -= joining.length
    for (const { message } of joining) this.parts.residence.enter(message.bodyBytes)
    // All of them come behind what is there: nothing far is due before it.
    this.soon = joining.sort((one, other) => (isBefore(one, other) ? 1 : -1)).concat(this.soon)
    this.horizon = horizon
    // Damaged messages were counted and are not there.
    if (horizon === EVERYTHING) this.farCount = 0
    this.letGoOfMany()
  }

  private bring(held: HeldMessage): void {
    const { soon } = this
    let low = 0
    let high = soon.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (isBefore(held, soon[middle]!)) low = middle + 1
      else high = middle
    }
    soon.splice(low, 0, held)
    this.parts.residence.enter(held.message.bodyBytes)
    this.watch(soon.at(-1)!.dueMs)
  }

  /** The later half stays in the store alone. Not while a page is being joined: its horizon is to come. */
  private letGoOfMany(): void {
    const { soon, parts } = this
    if (soon.length <= SOON_MAX || !soon[0]!.isStored) return
    const far = soon.splice(0, soon.length >>> 1)
    for (const held of far) parts.residence.leave(held.message.bodyBytes)
    this.farCount += far.length
    this.horizon = soon[0]!
    this.fresh.push(...far)
    this.forgetDurable()
  }

  private forgetDurable(): void {
    const { durableBatch } = this.parts.store
    this.fresh = this.fresh.filter(({ batch }) => batch > durableBatch)
  }

  private leave(held: HeldMessage): void {
    const { store, residence } = this.parts
    const { id, batch, position, message, isStored } = held
    this.bytes -= message.bodyBytes
    residence.leave(message.bodyBytes)
    if (isStored) store.drop(heldNumber(this.queue.id), id, message.bodyId, batch, position)
  }

  private load(): void {
    if (this.askedAt !== null) return
    this.askedAt = this.horizon
    this.readBegan()
    const { soon, horizon: { dueMs: afterLevel, id: afterId }, parts: { clock, store } } = this
    const isLate = afterLevel > 0 && afterLevel <= clock.nowMs
    const limit = isLate ? Math.max(PAGE_MESSAGES, LATE_PAGE_MESSAGES - soon.length) : PAGE_MESSAGES
    const queue = heldNumber(this.queue.id)
    store.loadByLevel({ queue, afterLevel, afterId, limit, bytesMax: limit * BYTES_PER_MESSAGE }, this)
  }

  private watch(dueMs: number): void {
    if (dueMs === this.watchedMs) return
    this.watchedMs = dueMs
    const { clock, timers } = this.parts
    if (dueMs === Infinity) timers.clear(this)
    else timers.setExact(this, clock.monotonicMs + Math.max(0, dueMs - clock.nowMs))
  }
}

/**
 * Up to `suspectTo` it may have been released and handed out by a process that then died, before the batch
 * with its release was on disk.
 */
export function heldOf(stored: StoredMessage, suspectTo: number): HeldMessage {
  const { id, level, expiresAtMs } = stored
  const message = storedMessage(stored)
  const deliveryCount = Math.max(stored.deliveryCount, id <= suspectTo ? 1 : 0)
  return { id, message, dueMs: level, expiresAtMs, deliveryCount, isStored: true, batch: 0, position: 0 }
}

export function isBefore(one: Due, other: Due): boolean {
  return one.dueMs < other.dueMs || (one.dueMs === other.dueMs && one.id < other.id)
}
