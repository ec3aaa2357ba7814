// How entries of a queue die: to the dead-letter exchange where the queue has one, kept until somebody has
// taken the letter where the queue says so. Called by Queue, which has taken the entry out of where it was.
import type { DeadLetterSink, DeathReason } from './dead-letter-sink.ts'
import type { Entry } from './entry.ts'
import { KeptLetters } from './kept-letters.ts'
import type { KeeperParts, KeepingQueue, KeptLetter } from './kept-letters.ts'
import type { Message } from './message.ts'
import type { ReadyList } from './ready-list.ts'
import type { QueueSettings } from './settings.ts'

/** The queue whose entries die. */
export interface MortalQueue extends KeepingQueue {
  readonly settings: QueueSettings
  /** It is in the queue no more. */
  left(message: Message): void
}

export class Deaths {
  private readonly queue: MortalQueue
  private readonly parts: KeeperParts & { readonly deadLetters: DeadLetterSink }
  /** Dead letters that must not be lost; null: they may. */
  private kept: KeptLetters | null = null

  constructor(queue: MortalQueue, parts: KeeperParts) {
    this.queue = queue
    this.parts = parts
    this.applySettings()
  }

  get keptCount(): number {
    return this.kept?.length ?? 0
  }

  /** Dead letters that nobody has taken yet, for those who look at them. */
  letters(): Iterable<KeptLetter> {
    return this.kept ?? []
  }

  /** Letters that wait are gone when they need not be kept any more (RabbitMQ). */
  applySettings(): void {
    if (this.queue.settings.isDeadLetterKept) this.kept ??= new KeptLetters(this.queue, this.parts)
    else {
      this.forgetKept()
      this.kept = null
    }
  }

  /** `message`: what is to be said of it is not all in the entry's. */
  die(entry: Entry, reason: DeathReason, message = entry.message): void {
    // First of all: its letter may come back to this queue, with the same key.
    this.queue.left(entry.message)
    if (this.kept !== null) return this.kept.add(entry, reason, message)
    this.deadLetter(message, reason)
    this.queue.drop(entry)
  }

  deadLetter(message: Message, reason: DeathReason): void {
    const { queue, parts } = this
    if (queue.settings.deadLetterExchange !== null) parts.deadLetters.deadLetter(queue, message, reason)
  }

  /** Called at the end of a turn. Returns true when more is to be sent. */
  send(): boolean {
    return this.kept?.send() ?? false
  }

  /** What counts towards the limits of the queue: kept letters, too. */
  withKept(ready: ReadyList): Pick<ReadyList, 'length' | 'bytes'> {
    const { kept } = this
    return kept === null ? ready : { length: ready.length + kept.length, bytes: ready.bytes + kept.bytes }
  }

  /** Purged: kept letters leave the store one by one. */
  forgetKept(): void {
    this.kept?.clear((entry) => this.queue.drop(entry))
  }

  /** The store has forgotten them already, with the queue. */
  clear(): void {
    this.kept?.clear(() => {})
  }
}
