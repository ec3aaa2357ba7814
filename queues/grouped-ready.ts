// The ready entries of a queue with groups (group.ts): the kind's own list, and before it what came to its
// head while something of the same group was unacked or waiting. So a group blocks nobody but itself. Made by
// Queue; deliveries.ts says what goes out with an ack to come, and when it is back.
//
//   free groups with parked entries, in line:  b: 4 9   d: 6      inner:  12  13  14 …
//   blocked ones:                              a: 3 7 8           ^ its head is in no group that is here
//
// Invariant: what a group has parked is older than all that the inner list has of it, and goes out before.
import { invariant } from '../base/invariant.ts'
import { Ring } from '../base/ring.ts'
import type { Pumpable } from '../base/turn.ts'
import { findHeader } from '../protocol/content-header.ts'
import { retriedCount } from './delivery-counts.ts'
import { idsOf, takeById } from './entry-order.ts'
import type { Entry } from './entry.ts'
import { Group, groupKeyOf } from './group.ts'
import { GroupWaits } from './group-waits.ts'
import type { WaitParts } from './group-waits.ts'
import type { PurgeRange, ReadyList, Restored } from './ready-list.ts'
import { inMemory, RingSequence } from './ready-segment.ts'
import type { ReadySegment } from './ready-segment.ts'
import type { Residence } from './residence.ts'
import { NEXT_ATTEMPT_HEADER } from './retry-plan.ts'

/**
 * So much is parked before nobody looks further ahead: it is in memory, and cannot be let go. In messages it
 * is half of what an SQS FIFO queue looks through; in bytes a few of the windows that any queue has.
 */
const PARKED_MAX = 65_536
const PARKED_BYTES_MAX = 64 * 1024 * 1024
/** Looked at in one turn, at a microsecond or two each; what is behind is looked at in the next. */
const LOOK_MAX = 4_000
/** What came back is parked in any case; with so many times as much nothing more of a group goes out. */
const OVERFULL_TIMES = 2

const NEXT_ATTEMPT = Buffer.from(NEXT_ATTEMPT_HEADER)

interface GroupParts extends WaitParts {
  readonly residence: Residence
}

/** The queue. */
interface LookingQueue extends Pumpable {
  /** As PagedQueue.paged. */
  paged(): void
}

export class GroupedReady implements ReadyList {
  readonly isInIdOrder = false
  /** What is too much goes from here: blocked or not, or a limit would hold for nobody. */
  readonly eldest: Pick<ReadyList, 'first' | 'shift'>
  parkedCount = 0
  parkedBytes = 0
  private readonly inner: ReadyList
  private readonly queue: LookingQueue
  private readonly parts: GroupParts
  private readonly header: Buffer
  /** Those that something is out, parked or waiting of. */
  private readonly groups = new Map<string, Group>()
  /** Unacked entry → its group. */
  private readonly out = new Map<number, Group>()
  /** Those with parked entries, in the order in which they began to have some. */
  private readonly parking = new Set<Group>()
  /** Free ones with parked entries, the first to become so first; and some that are so no more. */
  private readonly line = new Ring<Group>()
  private readonly waits: GroupWaits
  /** The entry whose header was read last: the same is asked for several times in a delivery. */
  private known: Entry | null = null
  private knownKey: string | null = null
  /** Nothing was found yet that may go out, though there may be something: the next turn looks on. */
  private isLooking = false
  /** What is parked, by id; null when it has changed since. */
  private view: Ring<Entry> | null = null

  constructor(inner: ReadyList, queue: LookingQueue, parts: GroupParts, header: string) {
    this.inner = inner
    this.queue = queue
    this.parts = parts
    this.header = Buffer.from(header)
    this.waits = new GroupWaits(queue, parts)
    this.eldest = {
      first: () => this.eldestGroup()?.parked.first() ?? this.first(),
      shift: () => this.shiftEldest(),
    }
  }

  get length(): number {
    return this.parkedCount + this.inner.length
  }

  get bytes(): number {
    return this.parkedBytes + this.inner.bytes
  }

  get isPaging(): boolean {
    return (this.inner.isPaging || this.isLooking) && this.nextInLine() === null
  }

  get hasSpilled(): boolean {
    return this.inner.hasSpilled
  }

  /** Groups that something is unacked of. */
  get outCount(): number {
    return this.out.size
  }

  get waitingCount(): number {
    return this.waits.count
  }

  /** What is behind the parked ones waits, though its group may be free. */
  get isLookAheadFull(): boolean {
    return this.isParkedOver(1)
  }

  levelOf(entry: Entry): number {
    return this.inner.levelOf(entry)
  }

  push(entry: Entry): void {
    this.inner.push(entry)
  }

  /** Of a group it was the first. */
  requeue(entry: Entry): void {
    const key = this.keyOf(entry)
    if (key === null) return this.inner.requeue(entry)
    const group = this.groupAt(key)
    this.parkFirst(group, entry)
    this.unblocked(group)
  }

  first(): Entry | null {
    return this.nextInLine()?.parked.first() ?? this.firstOfInner()
  }

  shift(): Entry | null {
    const group = this.nextInLine()
    if (group === null) return this.firstOfInner() === null ? null : this.inner.shift()
    this.line.shift()
    group.isInLine = false
    const entry = this.unpark(group)
    this.known = entry
    this.knownKey = group.key
    this.unblocked(group)
    return entry
  }

  /** Handed out, to be settled: nothing of its group goes out before it is back. */
  occupy(entry: Entry): void {
    const key = this.keyOf(entry)
    if (key === null) return
    const group = this.groupAt(key)
    invariant(!group.isOut, `two messages of the group ${key} are out, the second is ${entry.id}`)
    group.isOut = true
    this.out.set(entry.id, group)
  }

  /** Settled or returned. */
  free(entry: Entry): void {
    const group = this.out.get(entry.id)
    if (group === undefined) return
    this.out.delete(entry.id)
    group.isOut = false
    this.unblocked(group)
    if (this.length > 0) this.parts.turn.pump(this.queue)
  }

  isGrouped(entry: Entry): boolean {
    return this.keyOf(entry) !== null
  }

  /** To be tried again at a time, in milliseconds since the epoch; until then its group waits with it. */
  awaitAttempt(entry: Entry, dueMs: number): void {
    const group = this.groupAt(this.keyOf(entry)!)
    this.parkFirst(group, entry)
    this.waits.begin(group, dueMs)
    this.parts.turn.pump(this.queue)
  }

  /** Called at the end of a turn: groups whose time has come wait no more, and who looks on may do so. */
  release(): void {
    for (let group = this.waits.next(); group !== null; group = this.waits.next()) this.unblocked(group)
    if (!this.isLooking) return
    this.isLooking = false
    this.queue.paged()
  }

  restore(restored: Restored): void {
    this.inner.restore(restored)
  }

  wake(): void {
    this.inner.wake()
  }

  clear(drop: (entry: Entry) => void, purge: PurgeRange): void {
    this.waits.clear()
    for (const group of this.parking) {
      while (group.parked.length > 0) drop(this.unpark(group))
    }
    for (const group of this.groups.values()) if (!group.isOut) this.groups.delete(group.key)
    this.inner.clear(drop, purge)
  }

  segments(): readonly ReadySegment[] {
    const segments = this.inner.segments()
    if (this.parkedCount === 0) return segments
    return [inMemory(segments[0]!.level + 1, new RingSequence(this.viewed())), ...segments]
  }

  extract(seen: readonly Entry[], seenBatch: number): Entry[] {
    const ids = idsOf(seen)
    const groups = new Set(seen.map((entry) => this.groups.get(this.keyOf(entry) ?? '')))
    const taken = [...groups].flatMap((group) => (group === undefined ? [] : this.extractParked(group, ids)))
    if (taken.length > 0) this.parts.turn.pump(this.queue)
    taken.push(...this.inner.extract(seen, seenBatch))
    return taken
  }

  canExtract(seenBatch: number): boolean {
    return this.inner.canExtract(seenBatch)
  }

  isExtracted(id: number): boolean {
    return this.inner.isExtracted(id)
  }

  get version(): number {
    return this.inner.version
  }

  *[Symbol.iterator](): IterableIterator<Entry> {
    for (const { parked } of this.parking) yield* parked
    yield* this.inner
  }

  /** The group whose turn it is. */
  private nextInLine(): Group | null {
    const { line } = this
    for (let group = line.first(); group !== null; group = line.first()) {
      if (group.isFree && group.parked.length > 0) return group
      line.shift()
      group.isInLine = false
    }
    return null
  }

  /** Parks what is at the head of the list and may not go out. */
  private firstOfInner(): Entry | null {
    const { inner } = this
    if (this.isLooking) return null
    let entry = inner.first()
    for (let n = 0; entry !== null; n++, entry = inner.first()) {
      const key = this.keyOf(entry)
      if (key === null) return entry
      const dueMs = this.groups.has(key) ? 0 : this.nextAttemptMs(entry)
      if (!this.groups.has(key) && dueMs === 0) return this.isParkedOver(OVERFULL_TIMES) ? null : entry
      if (this.isLookAheadFull) return null
      if (n === LOOK_MAX) return this.lookOn()
      inner.shift()
      const group = this.groupAt(key)
      group.park(entry)
      this.parked(group, entry)
      if (dueMs > 0) this.waits.begin(group, dueMs)
    }
    return null
  }

  private lookOn(): null {
    this.isLooking = true
    this.parts.turn.pump(this.queue)
    return null
  }

  /**
   * Of one that a process before this was to try again: its time, when it has not come, else 0. The header is
   * the queue's own where it has counted an attempt.
   */
  private nextAttemptMs({ message, deliveryCount }: Entry): number {
    if (retriedCount(deliveryCount) === 0) return 0
    const field = findHeader(message.buf, message.propertiesStart, NEXT_ATTEMPT)
    const dueMs = field?.tag === 'l' ? Number(field.value) : 0
    return dueMs > this.parts.clock.nowMs ? dueMs : 0
  }

  private keyOf(entry: Entry): string | null {
    if (entry !== this.known) {
      this.known = entry
      this.knownKey = groupKeyOf(entry.message, this.header)
    }
    return this.knownKey
  }

  private groupAt(key: string): Group {
    let group = this.groups.get(key)
    if (group === undefined) this.groups.set(key, group = new Group(key))
    return group
  }

  /** Something that kept the group from going out is over: it gets in line, or is forgotten. */
  private unblocked(group: Group): void {
    if (!group.isFree) return
    if (group.parked.length === 0) {
      this.groups.delete(group.key)
    } else if (!group.isInLine) {
      group.isInLine = true
      this.line.push(group)
    }
  }

  private isParkedOver(times: number): boolean {
    return this.parkedCount >= PARKED_MAX * times || this.parkedBytes >= PARKED_BYTES_MAX * times
  }

  private parkFirst(group: Group, entry: Entry): void {
    group.parkFirst(entry)
    this.parked(group, entry)
  }

  private parked(group: Group, { message: { bodyBytes } }: Entry): void {
    this.parkedCount++
    this.parkedBytes += bodyBytes
    this.parts.residence.enter(bodyBytes)
    this.parking.add(group)
    this.view = null
  }

  private unpark(group: Group): Entry {
    const entry = group.parked.shift()!
    this.isParkedNoMore(group, entry)
    return entry
  }

  private isParkedNoMore(group: Group, { message: { bodyBytes } }: Entry): void {
    this.parkedCount--
    this.parkedBytes -= bodyBytes
    this.parts.residence.leave(bodyBytes)
    if (group.parked.length === 0) this.parking.delete(group)
    this.view = null
  }

  private eldestGroup(): Group | null {
    for (const group of this.parking) return group
    return null
  }

  private shiftEldest(): Entry | null {
    const group = this.eldestGroup()
    if (group === null) return this.shift()
    const entry = this.unpark(group)
    this.firstIsGone(group)
    return entry
  }

  private extractParked(group: Group, ids: readonly number[]): Entry[] {
    const first = group.parked.first()
    const taken = takeById(group.parked, ids)
    for (const entry of taken) this.isParkedNoMore(group, entry)
    if (group.parked.first() !== first) this.firstIsGone(group)
    return taken
  }

  /** What the group waited for, if it did. */
  private firstIsGone(group: Group): void {
    if (group.dueMs > 0) this.waits.end(group)
    this.unblocked(group)
    this.parts.turn.pump(this.queue)
  }

  private viewed(): Ring<Entry> {
    if (this.view !== null) return this.view
    const view = this.view = new Ring<Entry>()
    const all = [...this.parking].flatMap(({ parked }) => [...parked])
    for (const entry of all.toSorted((a, b) => a.id - b.id)) view.push(entry)
    return view
  }
}
