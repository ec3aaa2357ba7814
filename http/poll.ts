// A long poll: a consumer that stays until it was handed something, in one turn, or until its time is over.
// Made by routes/leases.ts. Invariant: `over` is called once, with everything that it was handed; when the
// client goes before that, nothing was.
import type { Timer } from '../base/timer-wheel.ts'
import type { Flushable } from '../base/turn.ts'
import type { FieldTable } from '../protocol/table.ts'
import { EMPTY_TABLE } from '../protocol/table.ts'
import type { Entry } from '../queues/entry.ts'
import type { PageWaiter } from '../queues/paged-ready.ts'
import type { Queue } from '../queues/queue.ts'
import type { Session, SessionConsumer } from './session.ts'

/** Of the bodies in one answer; what lies beyond is for another poll. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024

export interface PollWish {
  readonly countMax: number
  /** 0: what is there now. */
  readonly waitMs: number
}

/** What became of it: messages, or none because of this. */
export type PollResult = { readonly entries: readonly Entry[] } | { readonly endedBy: string }

export class Poll implements SessionConsumer, Flushable, Timer, PageWaiter {
  readonly tag: string
  readonly queue: Queue
  readonly isNoAck = false
  readonly isExclusive = false
  readonly priority = 0
  readonly isLate = false
  readonly prefetch: number
  readonly args: FieldTable = EMPTY_TABLE
  isInRotation = false
  isMarked = false
  dueMs = 0
  private readonly session: Session
  private readonly wish: PollWish
  private readonly over: (result: PollResult) => void
  private readonly entries: Entry[] = []
  private bytes = 0
  private isOver = false

  constructor(session: Session, queue: Queue, wish: PollWish, over: (result: PollResult) => void) {
    this.session = session
    this.queue = queue
    this.wish = wish
    this.over = over
    this.prefetch = wish.countMax
    this.tag = session.broker.generateName('http.ctag-')
  }

  start(): void {
    const { timers, clock, turn } = this.session.broker
    this.session.addConsumer(this)
    if (this.wish.waitMs > 0) timers.set(this, clock.monotonicMs + this.wish.waitMs)
    else turn.flush(this) // when the queue has handed out what it has
  }

  get isActive(): boolean {
    return this.queue.consumers.isActive(this)
  }

  get hasCredit(): boolean {
    return !this.isOver && this.entries.length < this.wish.countMax && this.bytes < ANSWER_BYTES_MAX
  }

  get isIdle(): boolean {
    return this.entries.length === 0
  }

  deliver(entry: Entry): void {
    this.entries.push(entry)
    this.bytes += entry.message.bodyBytes
    this.session.handedOut(entry, false)
    this.session.broker.turn.flush(this)
  }

  /** It takes messages in one turn only: credit that comes back is not used any more. */
  release(): void {}

  flush(): void {
    if (this.isOver) return
    if (this.entries.length > 0) this.end({ entries: this.entries })
    else if (this.wish.waitMs === 0) this.endUnlessPaging()
  }

  /** What is first in the queue has come from the store. */
  paged(): void {
    this.session.broker.turn.flush(this)
  }

  /** Its time is over. */
  fire(): void {
    this.end({ entries: this.entries })
  }

  queueDeleted(): void {
    this.end({ endedBy: `${this.session.vhost.describeQueue(this.queue.name)} was deleted` })
  }

  sessionClosed(reason: string): void {
    this.end({ endedBy: reason })
  }

  /** The client went away before it was handed anything. */
  cancel(): void {
    this.end({ entries: [] })
  }

  private endUnlessPaging(): void {
    if (this.queue.isPaging) this.queue.awaitPage(this)
    else this.end({ entries: [] })
  }

  private end(result: PollResult): void {
    if (this.isOver) return
    this.isOver = true
    this.session.broker.timers.clear(this)
    // Deliveries belong to the session before the consumer, whose leaving may end it, goes.
    this.over(result)
    this.session.removeConsumer(this)
  }
}
