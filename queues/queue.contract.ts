// What tests of queues stand on: a store that remembers what it was told and holds its callers to the seam,
// consumers with a prefetch, and a queue in a turn that the test ends.
import { Arrivals } from '../base/arrivals.ts'
import { TestClock } from '../base/clock.ts'
import { Sequence } from '../base/sequence.ts'
import { TimerWheel } from '../base/timer-wheel.ts'
import { Turn } from '../base/turn.ts'
import { ContentHeader } from '../protocol/content-header.ts'
import { encodeEnvelope } from '../protocol/envelope.ts'
import { encodeProperties } from '../protocol/properties.ts'
import { EMPTY_TABLE } from '../protocol/table.ts'
import type { FieldTable } from '../protocol/table.ts'
import type {
  Definition, LevelRequest, Page, PageReceiver, PageRequest, Recovered, StorableMessage, Store, StoredMessage,
} from '../store/store.ts'
import type { ConsumerPort, Entry, EntryHolder } from './entry.ts'
import { Envelope, Message } from './message.ts'
import type { MessageTracer } from './message-tracer.ts'
import { WINDOW } from './paged-ready.ts'
import type { Window } from './paged-ready.ts'
import { Queue } from './queue.ts'
import type { QueueFlags, QueueOwner } from './queue-flags.ts'
import type { Restored } from './ready-list.ts'
import { Residence } from './residence.ts'
import { NEXT_ATTEMPT_HEADER } from './retry-plan.ts'
import type { RetryPlan } from './retry-plan.ts'

interface Kept {
  readonly queue: number
  readonly batch: number
  readonly position: number
  readonly isSpilled: boolean
  readonly stored: StoredMessage
}

function stored(id: number, message: StorableMessage, expiresAtMs: number, level = 0): StoredMessage {
  const {
    exchange, routingKey, rawKey, buf, propertiesStart, propertiesEnd, bodyStart, bodyEnd, isDeadLetter,
    bodyId,
  } = message
  return {
    id, exchange, routingKey, rawKey, buf, propertiesStart, propertiesEnd, bodyStart, bodyEnd, isDeadLetter,
    bodyId, expiresAtMs, level, deliveryCount: 0,
  }
}

/** Batches close when the test seals; each put gets a position that its drop must name again. */
export class RecordingStore implements Store {
  readonly scope = '/'
  readonly epoch = 1
  readonly isCongested = false
  readonly log: string[] = []
  /** Messages in the store by id, with where they were put. */
  readonly kept = new Map<number, Kept>()
  openBatch = 1
  private position = 0
  private isBatchEmpty = true
  private loads: { readonly page: Page; readonly receiver: PageReceiver }[] = []
  onDurable: (batch: number) => void = () => {}
  onFailed = (): void => {}
  onRelieved = (): void => {}

  get durableBatch(): number {
    return this.openBatch - 1
  }

  put(queue: number, id: number, message: StorableMessage, expiresAtMs = Infinity, level = 0): number {
    return this.keep('put', queue, id, message, expiresAtMs, level)
  }

  spill(queue: number, id: number, message: StorableMessage, expiresAtMs: number, level = 0): number {
    return this.keep('spill', queue, id, message, expiresAtMs, level)
  }

  drop(queue: number, id: number, bodyId: number, batch: number, position: number): void {
    const put = this.kept.get(id)
    if (put === undefined || put.queue !== queue) {
      throw new Error(`message ${id} of queue ${queue} is not there to drop`)
    }
    // What was loaded again is dropped by its id alone.
    const isAtPlace = put.batch === batch && put.position === position
    if (!isAtPlace && (batch !== 0 || put.batch >= this.openBatch)) {
      throw new Error(`message ${id} is at ${put.batch}:${put.position}, its drop says ${batch}:${position}`)
    }
    this.append(`drop ${queue} ${id} ${bodyId} ${batch} ${position}`)
    this.kept.delete(id)
  }

  purge(queue: number, afterId: number, lastId: number, level = 0): void {
    this.append(`purge ${queue} ${afterId} ${lastId}`)
    for (const [id, put] of this.kept) {
      if (put.queue !== queue || id <= afterId || id > lastId) continue
      if (level === 0 || level === put.stored.level) this.kept.delete(id)
    }
  }

  touch(queue: number, id: number, deliveryCount: number): void {
    this.append(`touch ${queue} ${id} ${deliveryCount}`)
    const kept = this.kept.get(id)
    if (kept !== undefined) this.kept.set(id, { ...kept, stored: { ...kept.stored, deliveryCount } })
  }

  define({ kind, name, doc }: Definition): void {
    this.append(`${doc === null ? 'remove' : 'define'} ${kind} ${name}`)
  }

  seal(): void {
    if (this.isBatchEmpty) return
    this.openBatch++
    this.isBatchEmpty = true
  }

  recover(): Promise<Recovered> {
    return Promise.resolve({ definitions: [], queues: [], levels: [], lastId: 0, suspectTo: 0 })
  }

  /** The answer is what is there now, however late it comes. */
  load(request: PageRequest, receiver: PageReceiver): void {
    this.loads.push({ page: this.page(request), receiver })
  }

  loadByLevel(request: LevelRequest, receiver: PageReceiver): void {
    this.loads.push({ page: this.pageByLevel(request), receiver })
  }

  /** Answers what has been asked for; false when nothing was. */
  answerLoads(): boolean {
    const loads = this.loads
    this.loads = []
    for (const { page, receiver } of loads) receiver.pageLoaded(page)
    return loads.length > 0
  }

  release(): Promise<void> {
    return Promise.resolve()
  }

  /** A message that an earlier process left. */
  recovered(
    queue: number, id: number, message: StorableMessage,
    { expiresAtMs = Infinity, deliveryCount = 0, level = 0 } = {},
  ): void {
    this.kept.set(id, {
      queue, batch: 0, position: 0, isSpilled: false,
      stored: { ...stored(id, message, expiresAtMs, level), deliveryCount },
    })
  }

  /** What it has of a queue, as an engine says it after a restart. */
  restored(queue: number): Restored {
    const all = [...this.kept.values()].filter((kept) => kept.queue === queue).map((kept) => kept.stored)
    const levels = new Map<number, number>()
    for (const { id, level } of all) if (level > 0) levels.set(level, Math.min(id, levels.get(level) ?? id))
    return {
      count: all.length, lastId: Math.max(0, ...all.map(({ id }) => id)),
      bytes: all.reduce((sum, { bodyStart, bodyEnd }) => sum + bodyEnd - bodyStart, 0),
      levels: [...levels].map(([level, firstId]) => ({ queue, level, firstId })),
    }
  }

  private page({ queue, level, afterId, lastId, limit }: PageRequest): Page {
    const all = [...this.kept.values()].filter((kept) => kept.queue === queue && kept.batch < this.openBatch)
      .filter((kept) => level === 0 || kept.stored.level === level)
      .map((kept) => kept.stored).filter(({ id }) => id > afterId && id <= lastId)
      .toSorted((a, b) => a.id - b.id)
    return { messages: all.slice(0, limit), isLast: all.length <= limit }
  }

  private pageByLevel({ queue, afterLevel, afterId, limit }: LevelRequest): Page {
    const all = [...this.kept.values()].filter((kept) => kept.queue === queue && kept.batch < this.openBatch)
      .map((kept) => kept.stored)
      .filter(({ id, level }) => level > afterLevel || (level === afterLevel && id > afterId))
      .toSorted((a, b) => a.level - b.level || a.id - b.id)
    return { messages: all.slice(0, limit), isLast: all.length <= limit }
  }

  private keep(
    what: 'put' | 'spill', queue: number, id: number, message: StorableMessage, expiresAtMs: number,
    level: number,
  ): number {
    if (this.kept.has(id)) throw new Error(`message ${id} is put twice`)
    this.append(`${what} ${queue} ${id} ${message.routingKey}`)
    this.kept.set(id, {
      queue, batch: this.openBatch, position: ++this.position, isSpilled: what === 'spill',
      stored: stored(id, message, expiresAtMs, level),
    })
    return this.position
  }

  private append(record: string): void {
    this.isBatchEmpty = false
    this.log.push(record)
  }
}

/** A client that settles when the test says so. */
export class TestConsumer implements ConsumerPort {
  readonly tag: string
  readonly isNoAck: boolean
  readonly priority: number
  readonly prefetch: number
  readonly unacked: Entry[] = []
  readonly received: number[] = []
  isInRotation = false
  isDeleted = false
  hasRoom = true
  onCredit: () => void = () => {}
  onDeliver: (entry: Entry) => void = () => {}

  constructor(tag: string, prefetch = 0, isNoAck = false, priority = 0) {
    this.tag = tag
    this.prefetch = prefetch
    this.isNoAck = isNoAck
    this.priority = priority
  }

  isLate = false

  get isIdle(): boolean {
    return this.unacked.length === 0
  }

  get hasCredit(): boolean {
    return this.hasRoom && (this.isNoAck || this.prefetch === 0 || this.unacked.length < this.prefetch)
  }

  deliver(entry: Entry): void {
    this.onDeliver(entry)
    this.received.push(entry.id)
    if (!this.isNoAck) this.unacked.push(entry)
  }

  release(): void {
    this.onCredit()
  }

  queueDeleted(): void {
    this.isDeleted = true
  }

  /** Takes an unacked entry out of its own count, as a channel does before it settles. */
  take(at = 0): Entry {
    const [entry] = this.unacked.splice(at, 1)
    if (entry === undefined) throw new Error(`consumer ${this.tag} has no unacked entry ${at}`)
    return entry
  }
}

export function messageOf(routingKey: string, bodyBytes = 10, isPersistent = true, priority = 0): Message {
  const properties = Buffer.from([0x18, 0, isPersistent ? 2 : 1, priority])
  const buf = Buffer.concat([properties, Buffer.alloc(bodyBytes, 'b')])
  const envelope = new Envelope('', routingKey, encodeEnvelope('', routingKey))
  const traits = { isPersistent, expiresAtMs: Infinity, priority, isDeadLetter: false }
  return new Message(envelope, buf, 0, 4, 4, buf.length, traits)
}

export function messageWith(routingKey: string, headers: FieldTable, isPersistent = true): Message {
  const properties = encodeProperties({ headers, delivery_mode: isPersistent ? 2 : 1 })
  return messageOf(routingKey, 10, isPersistent).withProperties(properties)
}

/** As dlq/retries.ts says it in the message. */
function withNextAttempt(message: Message, dueMs: number): Message {
  const header = new ContentHeader()
  header.readProperties(message.buf, message.propertiesStart, message.propertiesEnd)
  return message.withProperties(header.withHeaders(
    new Set([NEXT_ATTEMPT_HEADER]), new Map([[NEXT_ATTEMPT_HEADER, { tag: 'l', value: dueMs }]])))
}

const notTried = (): never => {
  throw new Error('no retries in this test')
}

/** For queues without a retry policy. */
export const noRetries: RetryPlan = { nextAttempt: notTried, afterLast: notTried }

export const noHolder: EntryHolder = {
  showsCounts: false, settle() {}, reject() {}, requeue() {}, allReturned() {},
}

interface QueueWish {
  readonly flags?: Partial<QueueFlags>
  readonly owner?: QueueOwner
  readonly args?: FieldTable
  readonly window?: Window
  readonly residentBytesMax?: number
  readonly tracer?: MessageTracer
  /** Under which number a deduplicating queue's keys are stored. */
  readonly keysId?: number
}

export class QueueWorld {
  readonly store = new RecordingStore()
  readonly ids = new Sequence()
  private readonly scheduled: (() => void)[] = []
  readonly clock = new TestClock()
  readonly arrivals = new Arrivals(this.clock)
  readonly timers = new TimerWheel(0)
  readonly turn = new Turn(this.clock, (run) => this.scheduled.push(run))
  /** `routing-key reason` of what was dead-lettered. */
  readonly deaths: string[] = []
  /** `routing-key cause failures`, and `last`. */
  readonly retries: string[] = []
  /** Who does not take a dead letter that must not be lost. */
  missing: readonly string[] | null = []
  onDeath: (routingKey: string, reason: string) => void = () => {}
  expirations = 0
  readonly residence: Residence
  readonly queue: Queue

  constructor({
    flags, owner, args = EMPTY_TABLE, window = WINDOW, residentBytesMax = 1e9, keysId = 0, tracer,
  }: QueueWish = {}) {
    this.turn.addStore(this.store)
    this.residence = new Residence(residentBytesMax)
    const all = { isDurable: true, isAutoDelete: false, ...flags }
    this.queue = new Queue(7, 'q', all, owner ?? null, args, {
      store: this.store, turn: this.turn, clock: this.clock, timers: this.timers, ids: this.ids,
      arrivals: this.arrivals, tracer: tracer ?? null,
      deadLetters: { deadLetter: (_place, { routingKey }, reason) => {
        this.deaths.push(`${routingKey} ${reason}`)
        this.onDeath(routingKey, reason)
      }, deadLetterSurely: (_place, { routingKey }, reason, onlyTo) => {
        this.deaths.push(`${routingKey} ${reason} ${onlyTo?.join() ?? 'all'}`)
        return this.missing
      } },
      retries: {
        nextAttempt: (message, { cause, count }, { delay }) => {
          if (delay.kind !== 'steps') throw new Error('the test has steps')
          this.retries.push(`${message.routingKey} ${cause} ${count}`)
          const dueMs = this.clock.nowMs + delay.delaysMs[count - 1]!
          return { message: withNextAttempt(message, dueMs), dueMs }
        },
        afterLast: (message, { cause, count }) => {
          this.retries.push(`${message.routingKey} ${cause} ${count} last`)
          return message
        },
      },
      expired: () => { this.expirations++ },
      residence: this.residence, window,
    }, keysId)
  }

  publish(count: number, isPersistent = true): void {
    for (let n = 0; n < count; n++) this.queue.publish(messageOf('q', 10, isPersistent))
  }

  consumer(name: string, prefetch = 0, isNoAck = false, priority = 0): TestConsumer {
    const consumer = new TestConsumer(name, prefetch, isNoAck, priority)
    consumer.onCredit = () => this.queue.creditReturned(consumer)
    this.queue.addConsumer(consumer, false)
    return consumer
  }

  /** The process before left what the store has. */
  restore(): void {
    this.queue.restore(this.store.restored(this.queue.id), 0)
  }

  /** Ends one turn; returns false when none was waiting. */
  endTurn(): boolean {
    const run = this.scheduled.shift()
    run?.()
    return run !== undefined
  }

  /** Ends turns until nothing is left to do, nor to be loaded. */
  settleDown(): void {
    for (let n = 0; this.endTurn() || this.store.answerLoads(); n++) {
      if (n > 10_000) throw new Error('turns without an end')
    }
  }
}
