// The keys that a queue, or an exchange, knows: what comes with one of them is a duplicate, which is
// confirmed and counted and goes nowhere. Of a queue a key without a window lasts as long as its message is
// there; one with a window ends at its time. Called by Queue, and for exchanges by the vhost.
//
//   remember ─▶ known ─▶ its end has come, its message has gone, or too many are newer ─▶ unknown
//
// In memory all of them, by key and by their ends, with one timer. What is stored of a durable owner is a row
// per key under a number of the owner's own below 0, in the batch of its message, by level = its end: so that
// a key is on disk exactly when its message is. Invariant: whoever hears that a duplicate is done hears it
// after the batch of the first.
import type { Clock } from '../base/clock.ts'
import { Heap } from '../base/heap.ts'
import type { Heaped } from '../base/heap.ts'
import { present } from '../base/invariant.ts'
import type { Sequence } from '../base/sequence.ts'
import type { Timer, TimerWheel } from '../base/timer-wheel.ts'
import type { Turn } from '../base/turn.ts'
import type { Page, PageReceiver, StorableMessage, Store } from '../store/store.ts'
import { keyOf } from './deduplication-key.ts'
import type { DeduplicationKey } from './deduplication-key.ts'
import type { Message } from './message.ts'

/** Ended keys that a new one takes with it: more than come, so that memory does not grow between timers. */
const SWEPT_BY_NEW = 2
/** And the timer, at a time. */
const SWEPT_BY_TIMER = 5_000
/** Keys that are too many after a limit was lowered leave with the next ones, so many at a time. */
const CROWDED_OUT_MAX = 100
const PAGE_MESSAGES = 10_000
const PAGE_BYTES = 2 * 1024 * 1024
/** The level in the store of a key that has no end. */
const ENDLESS_LEVEL = Date.UTC(9999, 11, 31, 23, 59, 59)
/** A message has flags of its properties, if nothing else. */
const NO_PROPERTIES = 2

export interface KeyLimits {
  /** How long a key counts from its publish on, in milliseconds; Infinity: no window. */
  readonly keyWindowMs: number
  /** When more are known the first to end, or else the oldest, are forgotten. */
  readonly keysMax: number
}

interface KnownKey extends Heaped {
  readonly key: string
  /** In milliseconds since the epoch; Infinity for one without a window. */
  readonly endsAtMs: number
  readonly id: number
  readonly isStored: boolean
  /** Of its message, whether the key is stored or not; 0 for one that was loaded. */
  readonly batch: number
  /** Of its put. */
  readonly position: number
}

interface DeduplicationParts {
  readonly store: Store
  readonly clock: Clock
  readonly timers: TimerWheel
  readonly turn: Turn
  readonly ids: Sequence
}

/** The number in the store under which an owner's keys are, by the one in its record. */
export function keysNumber(keysId: number): number {
  return -keysId
}

export class Deduplication implements Timer, PageReceiver {
  dueMs = 0
  /** In the owner's record; 0: its keys are not stored. */
  readonly keysId: number
  private limits: KeyLimits
  private readonly traffic: { duplicates: number }
  private readonly parts: DeduplicationParts
  private readonly keys = new Map<string, KnownKey>()
  private readonly byEnd = new Heap<KnownKey>(endsBefore)
  private endlessCount = 0
  private watchedMs = Infinity
  /** Told when all that was stored is known; null when nobody waits. */
  private loaded: (() => void) | null = null
  /** Messages with these left before that: their keys need not be known any more. */
  private readonly leftEarly = new Set<string>()

  /** `traffic` is the owner's. */
  constructor(
    keysId: number, limits: KeyLimits, traffic: { duplicates: number }, parts: DeduplicationParts,
  ) {
    this.keysId = keysId
    this.limits = limits
    this.traffic = traffic
    this.parts = parts
  }

  get keyCount(): number {
    return this.keys.size
  }

  /** Keys that are known keep the ends that they have. */
  applyLimits(limits: KeyLimits): void {
    this.limits = limits
  }

  knows(key: string): boolean {
    return this.find(key) !== null
  }

  /**
   * A dead letter is no publisher's duplicate: it passes windows, or a message that comes back from a retry
   * queue of its own would be lost.
   */
  refuses(key: string, isDeadLetter: boolean): boolean {
    const known = this.find(key)
    return known !== null && !(isDeadLetter && known.endsAtMs !== Infinity)
  }

  /**
   * Came with a known key and was refused: counted. With `isAwaited` somebody waits for the open batch, as
   * for a message that is stored: a put that is dropped at once, which writes nothing, is in that batch, so
   * that there is something to wait for.
   */
  repeated(key: string, isAwaited: boolean): void {
    this.traffic.duplicates++
    const { store, ids } = this.parts
    if (!isAwaited || this.keys.get(key)?.batch === store.openBatch) return
    const id = ids.next()
    const number = keysNumber(this.keysId)
    const position = store.put(number, id, messageOf(key))
    store.drop(number, id, 0, store.openBatch, position)
  }

  /** The first message with it may not be on disk yet. */
  isPending(key: string): boolean {
    return (this.keys.get(key)?.batch ?? 0) > this.parts.store.durableBatch
  }

  /** Known from now on, and stored with its message in the open batch. One that is known keeps its end. */
  remember({ key, windowMs }: DeduplicationKey, isMessageStored: boolean): void {
    if (this.keys.has(key)) return
    const { store, ids, clock } = this.parts
    const isStored = isMessageStored && this.keysId > 0
    const endsAtMs = clock.nowMs + (windowMs ?? this.limits.keyWindowMs)
    this.sweep(SWEPT_BY_NEW)
    for (let n = 0; n < CROWDED_OUT_MAX && this.keys.size >= this.limits.keysMax; n++) {
      this.drop(this.byEnd.first()!)
    }
    const id = ids.next()
    const batch = isMessageStored ? store.openBatch : 0
    const level = Math.min(endsAtMs, ENDLESS_LEVEL)
    const position = isStored
      ? store.put(keysNumber(this.keysId), id, messageOf(key), Infinity, level) : 0
    this.add({ key, endsAtMs, id, isStored, batch, position, heapAt: 0 })
  }

  /** Not known any more, as if it had never been. */
  forget(key: string): void {
    const known = this.keys.get(key)
    if (known !== undefined) this.drop(known)
  }

  /** A message has gone from the queue: its key with it, unless that has a window. */
  left(message: Message): void {
    if (this.endlessCount === 0 && this.loaded === null) return
    const key = keyOf(message)?.key
    if (key === undefined) return
    const known = this.keys.get(key)
    if (known?.endsAtMs === Infinity) this.drop(known)
    else if (this.loaded !== null) this.leftEarly.add(key)
  }

  /** The queue was purged: keys go whose messages may have gone. Windows are for publishers and stay. */
  purge(): void {
    if (this.endlessCount === 0) return
    const { store, ids } = this.parts
    if (this.keysId > 0) store.purge(keysNumber(this.keysId), 0, ids.last, ENDLESS_LEVEL)
    const windowed = [...this.keys.values()].filter(({ endsAtMs }) => endsAtMs !== Infinity)
    this.clear()
    for (const known of windowed) this.add(known)
  }

  /** The owner is deleted. */
  delete(): void {
    const { store, ids, timers } = this.parts
    if (this.keysId > 0) store.purge(keysNumber(this.keysId), 0, ids.last)
    this.clear()
    this.watchedMs = Infinity
    timers.clear(this)
  }

  /** Takes over what the store kept over a restart, and says when: until then nothing may be published. */
  restore(loaded: () => void): void {
    this.loaded = loaded
    this.load(0, 0)
  }

  pageLoaded({ messages, isLast }: Page): void {
    for (const { id, level, buf, bodyStart, bodyEnd } of messages) {
      const key = buf.toString('utf8', bodyStart, bodyEnd)
      const endsAtMs = level === ENDLESS_LEVEL ? Infinity : level
      const isGone = this.keys.has(key) || (endsAtMs === Infinity && this.leftEarly.has(key))
      if (isGone) this.parts.store.drop(keysNumber(this.keysId), id, 0, 0, 0)
      else this.add({ key, endsAtMs, id, isStored: true, batch: 0, position: 0, heapAt: 0 })
    }
    const last = messages.at(-1)
    if (!isLast && last !== undefined) return this.load(last.level, last.id)
    const loaded = present(this.loaded, 'keys were loaded that nobody asked for')
    this.loaded = null
    this.leftEarly.clear()
    loaded()
  }

  fire(): void {
    this.watchedMs = Infinity
    this.parts.turn.begin()
    this.sweep(SWEPT_BY_TIMER)
    this.watch()
  }

  private find(key: string): KnownKey | null {
    const known = this.keys.get(key)
    if (known === undefined) return null
    if (known.endsAtMs > this.parts.clock.nowMs) return known
    this.drop(known)
    return null
  }

  private load(afterLevel: number, afterId: number): void {
    const queue = keysNumber(this.keysId)
    this.parts.store.loadByLevel(
      { queue, afterLevel, afterId, limit: PAGE_MESSAGES, bytesMax: PAGE_BYTES }, this)
  }

  private add(known: KnownKey): void {
    this.keys.set(known.key, known)
    this.byEnd.add(known)
    if (known.endsAtMs === Infinity) this.endlessCount++
    else this.watch()
  }

  private drop(known: KnownKey): void {
    this.keys.delete(known.key)
    this.byEnd.remove(known)
    if (known.endsAtMs === Infinity) this.endlessCount--
    const { id, isStored, batch, position } = known
    if (isStored) this.parts.store.drop(keysNumber(this.keysId), id, 0, batch, position)
  }

  private clear(): void {
    this.keys.clear()
    this.byEnd.clear()
    this.endlessCount = 0
  }

  /** Lets go of keys whose end has come, at most so many. */
  private sweep(limit: number): void {
    const { nowMs } = this.parts.clock
    for (let n = 0; n < limit; n++) {
      const first = this.byEnd.first()
      if (first === null || first.endsAtMs > nowMs) return
      this.drop(first)
    }
  }

  /** A timer that comes too early, because its key went before its end, looks again. */
  private watch(): void {
    const next = this.byEnd.first()?.endsAtMs ?? Infinity
    if (next >= this.watchedMs) return
    this.watchedMs = next
    const { clock, timers } = this.parts
    timers.set(this, clock.monotonicMs + Math.max(0, next - clock.nowMs))
  }
}

function endsBefore(one: KnownKey, other: KnownKey): boolean {
  return one.endsAtMs < other.endsAtMs || (one.endsAtMs === other.endsAtMs && one.id < other.id)
}

/** A key as a row of the store: it is the body. */
function messageOf(key: string): StorableMessage {
  const buf = Buffer.from(`\0\0${key}`)
  return {
    exchange: '', routingKey: '', rawKey: null, buf, propertiesStart: 0, propertiesEnd: NO_PROPERTIES,
    bodyStart: NO_PROPERTIES, bodyEnd: buf.length, isDeadLetter: false, bodyId: 0,
  }
}
