// A redrive of many messages, page by page: at the end of a turn it looks at a page of the source, and what
// has come of it is moved at once. Where it stands is recorded in the batch of each page, so that it goes on
// there after a restart. It moves what was in the queue when it began: what dies again is not moved again.
//
//   running ⇄ paused      running, paused → cancelled      running → done │ failed
import type { Clock } from '../base/clock.ts'
import type { Timer, TimerWheel } from '../base/timer-wheel.ts'
import type { Pumpable, Turn } from '../base/turn.ts'
import { FIRST } from '../queues/browser.ts'
import type { BrowsedPage, Browser, MessageFilter, PageViewer } from '../queues/browser.ts'
import type { Entry } from '../queues/entry.ts'
import type { Queue } from '../queues/queue.ts'
import { compileFilter } from './message-filter.ts'
import { Redrive } from './redrive.ts'
import type { Passage, RedriveTopology } from './redrive.ts'
import type { JobRecord } from './redrive-record.ts'

/** Messages, and bytes of their bodies, moved in one turn. */
const PAGE_MESSAGES = 200
const PAGE_BYTES = 1024 * 1024
const RETRY_MS = 100

/** What jobs need of the vhost. */
export interface RedriveParts {
  readonly topology: RedriveTopology
  readonly browser: Browser
  readonly turn: Turn
  readonly clock: Clock
  readonly timers: TimerWheel
  readonly store: { readonly isCongested: boolean }
  findQueue(name: string): Queue | null
  mayWrite(user: string, exchange: string): boolean
  /** Null: there is no such job any more. */
  record(id: number, doc: JobRecord | null): void
}

export class RedriveJob implements Pumpable, Timer, PageViewer {
  isMarked = false
  dueMs = 0
  readonly id: number
  private readonly parts: RedriveParts
  private readonly redrive: Redrive
  private readonly filter: MessageFilter
  private current: JobRecord
  private isLooking = false
  private isResting = false
  /** Messages that the rate allows by now, and since when. */
  private credit = 1
  private creditedMs: number

  constructor(id: number, record: JobRecord, parts: RedriveParts) {
    this.id = id
    this.current = record
    this.parts = parts
    this.redrive = new Redrive(parts.topology, parts.clock)
    this.filter = compileFilter(record.filter)
    this.creditedMs = parts.clock.monotonicMs
  }

  get record(): JobRecord {
    return this.current
  }

  get isOver(): boolean {
    return this.current.state !== 'running' && this.current.state !== 'paused'
  }

  start(): void {
    this.parts.turn.pump(this)
  }

  /** Returns false for a job that is over. */
  change(state: 'running' | 'paused' | 'cancelled'): boolean {
    if (this.isOver) return false
    this.put({ state })
    if (state === 'running') this.parts.turn.pump(this)
    else this.parts.timers.clear(this)
    return true
  }

  /** The broker stops: it goes on after the restart. */
  rest(): void {
    this.isResting = true
    this.parts.timers.clear(this)
  }

  fire(): void {
    this.parts.turn.pump(this)
  }

  pump(): boolean {
    const { parts, current } = this
    if (current.state !== 'running' || this.isLooking || this.isResting) return false
    const queue = parts.findQueue(current.queue)
    if (queue === null || queue.id !== current.queueId) {
      this.put({ state: 'failed', error: 'the queue is gone' })
      return false
    }
    const limit = this.allowance()
    if (limit < 1 || parts.store.isCongested) {
      parts.timers.set(this, parts.clock.monotonicMs + RETRY_MS)
      return false
    }
    this.look(queue, limit)
    return false
  }

  browsed(page: BrowsedPage): void {
    const { parts, current } = this
    if (this.isResting) return
    parts.turn.begin()
    this.isLooking = false
    const queue = parts.findQueue(current.queue)
    if (current.state === 'running' && queue?.id === current.queueId) this.take(queue, page)
    parts.turn.pump(this)
  }

  browseFailed(cause: Error): void {
    if (this.isResting) return
    this.parts.turn.begin()
    this.isLooking = false
    this.put({ state: 'failed', error: `the queue could not be read: ${cause.message}` })
  }

  private look(queue: Queue, limit: number): void {
    const { current: { place, untilId, ids }, parts: { browser }, filter } = this
    this.isLooking = true
    const from = place ?? FIRST
    if (ids === null) {
      browser.look(queue, { from, filter, limit, bytesMax: PAGE_BYTES, lastId: untilId }, this)
    } else {
      browser.find(queue, ids, from, limit, this)
    }
  }

  private take(queue: Queue, page: BrowsedPage): void {
    // Too much was taken out meanwhile to know what of it is there still: looked at again.
    if (!queue.ready.canExtract(page.seenBatch)) return
    const { current } = this
    const kept = { ...current.stayed }
    const moved = this.moveAll(queue, page, kept)
    this.credit -= moved
    const isDone = page.next === null
    this.put({
      moved: current.moved + moved, stayed: kept, scanned: current.scanned + page.scanned,
      place: page.next, ...isDone && { state: 'done' },
    })
  }

  /** Returns how many. What stays is counted by its reason. */
  private moveAll(queue: Queue, page: BrowsedPage, stayed: Record<string, number>): number {
    const { redrive, current: { to, keepsHistory, user } } = this
    const redriver = {
      destination: to, keepsHistory, mayWrite: (exchange: string) => this.parts.mayWrite(user, exchange),
    }
    const certain: [Entry, Passage][] = []
    let moved = 0
    const move = (passages: readonly [Entry, Passage][]): void => {
      const taken = new Map(queue.ready.extract(passages.map(([entry]) => entry), page.seenBatch)
        .map((entry) => [entry.id, entry]))
      for (const [seen, passage] of passages) {
        const entry = taken.get(seen.id)
        if (entry === undefined) continue
        redrive.move(queue, entry, passage)
        moved++
      }
    }
    for (const { entry } of page.items) {
      const passage = redrive.plan(entry, redriver)
      if (typeof passage === 'string') stayed[passage] = (stayed[passage] ?? 0) + 1
      else if (redrive.isCertain(passage)) certain.push([entry, passage])
      else if (redrive.isWelcome(passage)) move([[entry, passage]])
      else stayed['full'] = (stayed['full'] ?? 0) + 1
    }
    move(certain)
    this.parts.turn.pump(queue)
    return moved
  }

  private allowance(): number {
    const { ratePerSecond } = this.current
    if (ratePerSecond === null) return PAGE_MESSAGES
    const { monotonicMs } = this.parts.clock
    const earned = (monotonicMs - this.creditedMs) * ratePerSecond / 1000
    this.credit = Math.min(this.credit + earned, Math.max(1, ratePerSecond / 2))
    this.creditedMs = monotonicMs
    return Math.min(Math.floor(this.credit), PAGE_MESSAGES)
  }

  private put(change: Partial<JobRecord>): void {
    const isOver = change.state !== undefined && change.state !== 'running' && change.state !== 'paused'
    const ended = isOver ? { endedAtMs: this.parts.clock.nowMs } : {}
    this.current = { ...this.current, ...change, ...ended }
    this.parts.record(this.id, this.current)
  }
}
