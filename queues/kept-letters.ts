// Dead letters that must not be lost (x-dead-letter-strategy at-least-once): each stays in its queue's store,
// out of sight, until every queue it is routed to has taken it. New ones are sent on at the end of the turn;
// those that lead nowhere, or to a queue that is full, are tried again after a while. They count towards the
// limits of their queue (RabbitMQ). After a restart they are ready again, and die again.
import type { Clock } from '../base/clock.ts'
import type { Timer, TimerWheel } from '../base/timer-wheel.ts'
import type { Pumpable, Turn } from '../base/turn.ts'
import type { DeadLetterSink, DeathPlace, DeathReason } from './dead-letter-sink.ts'
import type { Entry } from './entry.ts'
import type { Message } from './message.ts'

const RETRY_MS = 3_000
/** Letters sent on in one turn. */
const SEND_MAX = 1_000

export interface KeptLetter {
  readonly entry: Entry
  readonly message: Message
  readonly reason: DeathReason
  /** Who has not taken it; null when nobody has been asked. */
  readonly missing: readonly string[] | null
}

/** The queue that keeps them. */
export interface KeepingQueue extends Pumpable, DeathPlace {
  /** Out of the store. */
  drop(entry: Entry): void
}

export interface KeeperParts {
  readonly clock: Clock
  readonly timers: TimerWheel
  readonly turn: Turn
  readonly deadLetters: DeadLetterSink
}

export class KeptLetters implements Timer {
  dueMs = 0
  bytes = 0
  private readonly queue: KeepingQueue
  private readonly parts: KeeperParts
  private fresh: KeptLetter[] = []
  private stuck: KeptLetter[] = []

  constructor(queue: KeepingQueue, parts: KeeperParts) {
    this.queue = queue
    this.parts = parts
  }

  get length(): number {
    return this.fresh.length + this.stuck.length
  }

  /** Those that were tried the longest ago first. */
  *[Symbol.iterator](): IterableIterator<KeptLetter> {
    yield* this.stuck
    yield* this.fresh
  }

  add(entry: Entry, reason: DeathReason, message: Message): void {
    this.fresh.push({ entry, message, reason, missing: null })
    this.bytes += entry.message.bodyBytes
    this.parts.turn.pump(this.queue)
  }

  /** Called at the end of a turn. Returns true when more is to be sent. */
  send(): boolean {
    const { deadLetters } = this.parts
    for (const letter of this.fresh.splice(0, SEND_MAX)) {
      const { entry, message, reason } = letter
      const missing = deadLetters.deadLetterSurely(this.queue, message, reason, letter.missing)
      if (missing?.length === 0) this.sent(entry)
      else this.keep({ entry, message, reason, missing })
    }
    return this.fresh.length > 0
  }

  fire(): void {
    this.fresh = this.fresh.concat(this.stuck)
    this.stuck = []
    this.parts.turn.pump(this.queue)
  }

  /** Purged, or deleted with the queue. */
  clear(drop: (entry: Entry) => void): void {
    for (const { entry } of [...this.fresh.splice(0), ...this.stuck.splice(0)]) drop(entry)
    this.bytes = 0
    this.parts.timers.clear(this)
  }

  private sent(entry: Entry): void {
    this.bytes -= entry.message.bodyBytes
    this.queue.drop(entry)
  }

  private keep(letter: KeptLetter): void {
    this.stuck.push(letter)
    if (this.stuck.length > 1) return
    this.parts.timers.set(this, this.parts.clock.monotonicMs + RETRY_MS)
  }
}
