// The unacked deliveries of a channel by delivery tag. Tags rise, so a tag's place is found by subtraction;
// no-ack deliveries leave gaps in the numbers, and then by halving.
//
//   tags:     4    5    7    8     (6 was a no-ack delivery)
//   entries:  e    ·    e    e     (5 is settled; it goes when everything before it has gone)
//   marks:   10:00:00 from tag 4   10:00:01 from tag 8
import type { Clock } from '../base/clock.ts'
import { Ring } from '../base/ring.ts'
import type { Entry } from '../queues/entry.ts'

/** When a delivery was made is known to so much: a mark for each, not a time per delivery. */
const MARK_MS = 1_000

/** A delivery that was taken out, to be put back by a rollback. */
export interface TakenEntry {
  readonly tag: number
  readonly entry: Entry
}

export class Unacked {
  private readonly tags = new Ring<number>()
  private readonly entries = new Ring<Entry | null>()
  private readonly markTags = new Ring<number>()
  private readonly markTimes = new Ring<number>()
  private markedMs = -Infinity
  private readonly clock: Clock
  private outstanding = 0

  constructor(clock: Clock) {
    this.clock = clock
  }

  get count(): number {
    return this.outstanding
  }

  add(tag: number, entry: Entry): void {
    // Whatever came in the same turn as the newest mark has its time.
    const sinceMarkMs = this.clock.nowMs - this.markedMs
    if (sinceMarkMs >= MARK_MS || (this.tags.length === 0 && sinceMarkMs !== 0)) this.mark(tag)
    this.append(tag, entry)
  }

  /** Those outstanding, oldest first, each with when it was made: milliseconds since the epoch. */
  *deliveries(): IterableIterator<{ readonly tag: number; readonly entry: Entry; readonly sinceMs: number }> {
    let mark = 0
    for (let at = 0; at < this.tags.length; at++) {
      const tag = this.tags.at(at)!
      while ((this.markTags.at(mark + 1) ?? Infinity) <= tag) mark++
      const entry = this.entries.at(at)
      if (entry !== null) yield { tag, entry, sinceMs: this.markTimes.at(mark) ?? this.markedMs }
    }
  }

  /** Takes out one tag; null when it is unknown or settled. */
  take(tag: number): Entry | null {
    const at = this.indexOf(tag)
    if (at < 0) return null
    const entry = this.entries.at(at)
    if (entry === null) return null
    this.entries.setAt(at, null)
    this.outstanding--
    this.trim()
    return entry
  }

  /** Null when the tag is unknown or settled. */
  find(tag: number): Entry | null {
    const at = this.indexOf(tag)
    return at < 0 ? null : this.entries.at(at)
  }

  isOutstanding(tag: number): boolean {
    return this.find(tag) !== null
  }

  /** The oldest tag that is outstanding; 0 when none is. */
  get firstTag(): number {
    return this.tags.first() ?? 0
  }

  /** Those outstanding from one tag up to, not including, another; both need not be there. */
  between(from: number, to: number): [tag: number, entry: Entry][] {
    const found: [number, Entry][] = []
    for (let at = this.placeOf(from); at < this.tags.length && this.tags.at(at)! < to; at++) {
      const entry = this.entries.at(at)
      if (entry !== null) found.push([this.tags.at(at)!, entry])
    }
    return found
  }

  /** Another entry for a tag that is outstanding. */
  replace(tag: number, entry: Entry): void {
    this.entries.setAt(this.indexOf(tag), entry)
  }

  /** Takes out everything up to and including a tag, oldest first. */
  takeTo(last: number): Entry[] {
    const taken: Entry[] = []
    for (let tag = this.firstTag; tag !== 0 && tag <= last; tag = this.firstTag) taken.push(this.take(tag)!)
    return taken
  }

  /** Takes out everything, oldest first. */
  takeAll(): Entry[] {
    const all = [...this.entries].filter((entry) => entry !== null)
    while (this.tags.shift() !== null) this.entries.shift()
    this.outstanding = 0
    return all
  }

  /** Each at its tag again, among those that stayed. */
  putBack(taken: readonly TakenEntry[]): void {
    const all = [...taken]
    for (let at = 0; at < this.tags.length; at++) {
      const entry = this.entries.at(at)
      if (entry !== null) all.push({ tag: this.tags.at(at)!, entry })
    }
    this.takeAll()
    for (const { tag, entry } of all.toSorted((a, b) => a.tag - b.tag)) this.append(tag, entry)
  }

  private append(tag: number, entry: Entry): void {
    this.tags.push(tag)
    this.entries.push(entry)
    this.outstanding++
  }

  private trim(): void {
    while (this.entries.length > 0 && this.entries.at(0) === null) {
      this.entries.shift()
      this.tags.shift()
    }
    while ((this.markTags.at(1) ?? Infinity) <= this.firstTag) {
      this.markTags.shift()
      this.markTimes.shift()
    }
  }

  private mark(tag: number): void {
    if (this.tags.length === 0) while (this.markTags.shift() !== null) this.markTimes.shift()
    this.markedMs = this.clock.nowMs
    this.markTags.push(tag)
    this.markTimes.push(this.markedMs)
  }

  private indexOf(tag: number): number {
    const at = this.placeOf(tag)
    return this.tags.at(at) === tag ? at : -1
  }

  /** Where the first tag is that is not lower. */
  private placeOf(tag: number): number {
    const first = this.tags.first()
    if (first === null || tag <= first) return 0
    let low = 0
    let high = Math.min(this.tags.length, tag - first)
    if (this.tags.at(high) === tag) return high
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.tags.at(middle)! < tag) low = middle + 1
      else high = middle
    }
    return low
  }
}
