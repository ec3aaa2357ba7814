// Messages of one queue that go out one after the other, because a header of theirs has the same value
// (x-group-header). Owned by grouped-ready.ts. Invariant: while a group is there, something of it is out, or
// waits for its next attempt, or stands here; what the queue has besides came later.
//
//   unacked (isOut)  ◀─ one at a time ─  parked: 3 7 8  ◀─ from the head of the queue's list
//   waiting (dueMs): the first of the parked ones is to be tried again then
import { Ring } from '../base/ring.ts'
import { findHeader } from '../protocol/content-header.ts'
import { isInteger } from '../protocol/table.ts'
import type { Entry } from './entry.ts'
import type { Message } from './message.ts'

/** Of groups that never parked anything, as most do not: a list is most of what a group costs. */
const NONE = new Ring<Entry>()

export class Group {
  readonly key: string
  /** In id order. */
  parked = NONE
  /** One of it is unacked. */
  isOut = false
  /** When its first one is tried again, in milliseconds since the epoch; 0: it need not wait. */
  dueMs = 0
  /** It stands in line to go out; see GroupedReady. */
  isInLine = false

  constructor(key: string) {
    this.key = key
  }

  get isFree(): boolean {
    return !this.isOut && this.dueMs === 0
  }

  park(entry: Entry): void {
    if (this.parked === NONE) this.parked = new Ring()
    this.parked.push(entry)
  }

  /** Before the others. */
  parkFirst(entry: Entry): void {
    if (this.parked === NONE) this.parked = new Ring()
    this.parked.unshift(entry)
  }
}

/**
 * Which group a message belongs to; null: to none. Groups are the same when types and values are: the number
 * 5 is not the text '5'. `header` in UTF-8.
 */
export function groupKeyOf({ buf, propertiesStart }: Message, header: Buffer): string | null {
  const field = findHeader(buf, propertiesStart, header)
  if (field === undefined) return null
  // What is no UTF-8 is decoded to U+FFFD: two groups may become one, which keeps the order of both.
  if (field.tag === 'S') return `'${field.value}`
  return isInteger(field) ? String(field.value) : null
}
