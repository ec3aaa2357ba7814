// What tests of queues stand on: a store that remembers what it was told and holds its callers to the seam,
// consumers with a prefetch, and a queue in a turn that the test ends.
import { TestClock } from '../base/clock.ts'
import { Sequence } from '../base/sequence.ts'
import { TimerWheel } from '../base/timer-wheel.ts'
import { Turn } from '../base/turn.ts'
import { encodeEnvelope } from '../protocol/envelope.ts'
import { EMPTY_TABLE } from '../protocol/table.ts'
import type { FieldTable } from '../protocol/table.ts'
import type { Definition, Recovered, StorableMessage, Store, StoredMessage } from '../store/store.ts'
import type { ConsumerPort, Entry, EntryHolder } from './entry.ts'
import { Envelope, Message } from './message.ts'
import { Queue } from './queue.ts'
import type { QueueFlags, QueueOwner } from './queue.ts'

/** Batches close when the test seals; each put gets a position that its drop must name again. */
export class RecordingStore implements Store {
  readonly scope = '/'
  readonly epoch = 1
  readonly isCongested = false
  readonly log: string[] = []
  /** Ids in the store by queue, with where they were put. */
  readonly kept = new Map<number, { queue: number; batch: number; position: number }>()
  openBatch = 1
  private position = 0
  private isBatchEmpty = true
  onDurable: (batch: number) => void = () => {}
  onFailed = (): void => {}
  onRelieved = (): void => {}

  put(queue: number, id: number, message: StorableMessage): number {
    if (this.kept.has(id)) throw new Error(`message ${id} is put twice`)
    this.append(`put ${queue} ${id} ${message.routingKey}`)
    this.kept.set(id, { queue, batch: this.openBatch, position: ++this.position })
    return this.position
  }

  drop(queue: number, id: number, bodyId: number, batch: number, position: number): void {
    const put = this.kept.get(id)
    if (put === undefined || put.queue !== queue) {
      throw new Error(`message ${id} of queue ${queue} is not there to drop`)
    }
    if (put.batch !== batch || put.position !== position) {
      throw new Error(`message ${id} is at ${put.batch}:${put.position}, its drop says ${batch}:${position}`)
    }
    this.append(`drop ${queue} ${id} ${bodyId} ${batch} ${position}`)
    this.kept.delete(id)
  }

  purge(queue: number, lastId: number): void {
    this.append(`purge ${queue} ${lastId}`)
    for (const [id, put] of this.kept) if (put.queue === queue && id <= lastId) this.kept.delete(id)
  }

  touch(queue: number, id: number, deliveryCount: number): void {
    this.append(`touch ${queue} ${id} ${deliveryCount}`)
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
    return Promise.resolve({ definitions: [], queues: [], lastId: 0, wasClean: true })
  }

  load(): Promise<readonly StoredMessage[]> {
    return Promise.resolve([])
  }

  release(): Promise<void> {
    return Promise.resolve()
  }

  /** A message that was recovered: known to the store, though no batch of this run put it. */
  recovered(queue: number, id: number): void {
    this.kept.set(id, { queue, batch: 0, position: 0 })
  }

  private append(record: string): void {
    this.isBatchEmpty = false
    this.log.push(record)
  }
}

/** A client that settles when the test says so. */
export class TestConsumer implements ConsumerPort {
  readonly name: string
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

  constructor(name: string, prefetch = 0, isNoAck = false, priority = 0) {
    this.name = name
    this.prefetch = prefetch
    this.isNoAck = isNoAck
    this.priority = priority
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
    if (entry === undefined) throw new Error(`consumer ${this.name} has no unacked entry ${at}`)
    return entry
  }
}

export function messageOf(routingKey: string, bodyBytes = 10, isPersistent = true, priority = 0): Message {
  const buf = Buffer.alloc(2 + bodyBytes, 'b')
  const envelope = new Envelope('', routingKey, encodeEnvelope('', routingKey))
  const traits = { isPersistent, expiresAtMs: Infinity, priority, isDeadLetter: false }
  return new Message(envelope, buf, 0, 2, 2, buf.length, traits)
}

export const noHolder: EntryHolder = { settle() {}, reject() {}, requeue() {} }

interface QueueWish {
  readonly flags?: Partial<QueueFlags>
  readonly owner?: QueueOwner
  readonly args?: FieldTable
}

export class QueueWorld {
  readonly store = new RecordingStore()
  readonly ids = new Sequence()
  private readonly scheduled: (() => void)[] = []
  readonly clock = new TestClock()
  readonly timers = new TimerWheel(0)
  readonly turn = new Turn(this.clock, (run) => this.scheduled.push(run))
  /** `routing-key reason` of what was dead-lettered. */
  readonly deaths: string[] = []
  onDeath: (routingKey: string, reason: string) => void = () => {}
  expirations = 0
  readonly queue: Queue

  constructor({ flags, owner, args = EMPTY_TABLE }: QueueWish = {}) {
    this.turn.addStore(this.store)
    const all = { isDurable: true, isAutoDelete: false, ...flags }
    this.queue = new Queue(7, 'q', all, owner ?? null, args, {
      store: this.store, turn: this.turn, clock: this.clock, timers: this.timers, ids: this.ids,
      deadLetters: { deadLetter: (_place, { routingKey }, reason) => {
        this.deaths.push(`${routingKey} ${reason}`)
        this.onDeath(routingKey, reason)
      } },
      expired: () => { this.expirations++ },
    })
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

  /** Ends one turn; returns false when none was waiting. */
  endTurn(): boolean {
    const run = this.scheduled.shift()
    run?.()
    return run !== undefined
  }

  /** Ends turns until nothing is left to do. */
  settleDown(): void {
    for (let n = 0; this.endTurn(); n++) {
      if (n > 10_000) throw new Error('turns without an end')
    }
  }
}
