// The checker (reliability §7): hears a history in its order, one event at a time, and says which promises
// it breaks. It knows nothing of brokers: the simulation and the crash test tell it what clients saw, the
// simulation also what the store promised. A publish without a confirm is uncertain: it may appear or not.
import { crc32 } from 'node:zlib'
import type { QueueRow } from './topology.ts'

/** One message in one queue. */
interface At {
  readonly queue: string
  readonly id: number
}

export type HistoryEvent =
  /** `queues`: where it belongs; `survives`: of those, the ones that keep it over a crash. */
  | { readonly kind: 'send'; readonly id: number; readonly publisher: number; readonly priority: number
    readonly queues: readonly string[]; readonly survives: readonly string[]
    readonly hash: number; readonly isMandatory: boolean
    /** Of the simulation's time; 0 for at once. */
    readonly dueUs: number }
  /** Rolled back: its transaction was, before anybody committed it. */
  | { readonly kind: 'confirm' | 'nack' | 'return' | 'rollback'; readonly id: number }
  | At & { readonly kind: 'deliver'; readonly consumer: number; readonly holder: number; readonly hash: number
    readonly isRedelivered: boolean; readonly atUs: number }
  /** Acked, or in no need of it; rejected without requeue; requeued. */
  | At & { readonly kind: 'settle' | 'reject' | 'requeue' }
  /** The store has it on disk; was told to drop it; has that on disk. */
  | At & { readonly kind: 'stored' | 'dropped' | 'dropDurable' }
  /** The channel is over: whatever it holds is nobody's. */
  | { readonly kind: 'gone'; readonly holder: number }
  /** The broker begins to stop in good order; its process ended. */
  | { readonly kind: 'stop' | 'crash' }
  /** The queue was seen to be empty: count 0, three empty polls. */
  | { readonly kind: 'drained'; readonly queue: string }

export type Rule =
  | 'lost confirmed' | 'unexpected' | 'corrupt' | 'double confirm' | 'redelivered after durable ack'
  | 'duplicate without flag' | 'two holders' | 'order' | 'confirm before durable' | 'return missing'
  | 'early' | 'nacked' | 'two places' | 'back after the end' | 'group'
  // What the simulation and the crash test find out by themselves.
  | 'invariant' | 'internal error' | 'unexpected close' | 'topology lost' | 'no progress' | 'restart refused'

export interface Violation {
  readonly rule: Rule
  readonly what: string
}

interface Sent {
  readonly publisher: number
  readonly priority: number
  readonly queues: readonly string[]
  readonly survives: readonly string[]
  readonly hash: number
  readonly isMandatory: boolean
  readonly dueUs: number
  readonly crashesBefore: number
  isConfirmed: boolean
  isReturned: boolean
  isRefused: boolean
}

interface Copy {
  /** It came here as a dead letter, not from its publisher. */
  readonly isLetter: boolean
  deliveries: number
  /** Crashes before its last delivery; -1 before the first. */
  deliveredInLife: number
  /** Crashes before its drop was on disk; -1 while it is not. */
  dropDurableInLife: number
  isSettled: boolean
  isStored: boolean
  isDropped: boolean
  isDropDurable: boolean
  holder: number | null
  /** Null: its queue has no groups. */
  readonly group: Group | null
}

/** What one publisher sent to a queue with groups: what is out, and what came back and is to be next. */
interface Group {
  readonly out: Set<Copy>
  readonly returned: Set<Copy>
}

export class Checker {
  readonly violations: Violation[] = []
  readonly counts = {
    sent: 0, confirmed: 0, settled: 0, recovered: 0, redelivered: 0, delivered: 0, refused: 0, letters: 0,
    rolledBack: 0,
  }
  private readonly seesStore: boolean
  private readonly queues: ReadonlyMap<string, QueueRow>
  private readonly sent = new Map<number, Sent>()
  /** Ids of what was sent, by the crashes before. */
  private readonly lives: number[][] = [[]]
  /** By queue: what was sent in an earlier life than this one has been judged for good. */
  private readonly judgedTo = new Map<string, number>()
  /** Letters that were delivered in this life. */
  private readonly freshLetters = new Set<Copy>()
  private readonly copies = new Map<string, Map<number, Copy>>()
  private readonly held = new Map<number, Set<Copy>>()
  private readonly groups = new Map<string, Group>()
  /** The last unflagged delivery by queue, publisher and consumer. */
  private readonly lastFirst = new Map<string, number>()
  private crashes = 0
  private isStopping = false

  constructor(seesStore: boolean, queues: readonly QueueRow[]) {
    this.seesStore = seesStore
    this.queues = new Map(queues.map((row) => [row.name, row]))
  }

  add(event: HistoryEvent): void {
    switch (event.kind) {
      case 'send': return this.send(event)
      case 'confirm': return this.confirm(event.id)
      case 'nack': return this.refused(event.id)
      case 'return': return this.returned(event.id)
      case 'rollback': return this.rolledBack(event.id)
      case 'deliver': return this.deliver(event)
      case 'settle': return this.settle(event)
      case 'reject': return this.rejected(event)
      case 'requeue': return this.letGo(this.copy(event), true)
      case 'stored': return this.stored(event)
      case 'dropped': this.copy(event).isDropped = true; return
      case 'dropDurable': return this.dropDurable(this.copy(event))
      case 'gone': return this.gone(event.holder)
      case 'stop': this.isStopping = true; return
      case 'crash': return this.crash()
      case 'drained': return this.drained(event.queue)
    }
  }

  broken(rule: Rule, what: string): void {
    this.violations.push({ rule, what })
  }

  /**
   * Whether a message that is delivered had been confirmed, or delivered before. One that was not may still
   * have been on its way when the queues were found empty.
   */
  wasAnswered(delivery: At): boolean {
    return this.sent.get(delivery.id)?.isConfirmed === true || this.copy(delivery).deliveries > 1
  }

  private dropDurable(copy: Copy): void {
    copy.isDropDurable = true
    copy.dropDurableInLife = this.crashes
  }

  private send(event: Extract<HistoryEvent, { kind: 'send' }>): void {
    const state = { crashesBefore: this.crashes, isConfirmed: false, isReturned: false, isRefused: false }
    this.sent.set(event.id, { ...event, ...state })
    this.lives[this.crashes]!.push(event.id)
    this.counts.sent++
  }

  private confirm(id: number): void {
    const sent = this.sent.get(id)
    if (sent === undefined) return this.broken('unexpected', `a confirm for message ${id}, never sent`)
    if (sent.isConfirmed) this.broken('double confirm', `message ${id}`)
    sent.isConfirmed = true
    this.counts.confirmed++
    if (sent.isMandatory && sent.queues.length === 0 && !sent.isReturned) {
      this.broken('return missing', `message ${id} was confirmed, is mandatory and went nowhere`)
    }
    if (!this.seesStore) return
    for (const queue of sent.survives) {
      const { isStored, isDropped } = this.copy({ queue, id })
      if (!isStored && !isDropped) this.broken('confirm before durable', `message ${id} in ${queue}`)
    }
  }

  /** A full queue may refuse; then nobody gets the message. */
  private refused(id: number): void {
    const sent = this.sent.get(id)
    const mayRefuse = sent?.queues.some((queue) => this.queues.get(queue)?.refuses === true) === true
    if (sent === undefined || !mayRefuse || sent.isConfirmed) return this.broken('nacked', `message ${id}`)
    sent.isRefused = true
    this.counts.refused++
  }

  private rolledBack(id: number): void {
    const sent = this.sent.get(id)
    if (sent !== undefined) sent.isRefused = true
    this.counts.rolledBack++
  }

  private returned(id: number): void {
    const sent = this.sent.get(id)
    if (sent === undefined || !sent.isMandatory || sent.queues.length > 0 || sent.isReturned) {
      return this.broken('unexpected', `a return of message ${id}`)
    }
    sent.isReturned = true
  }

  private deliver(event: Extract<HistoryEvent, { kind: 'deliver' }>): void {
    const { queue, id, consumer, holder, isRedelivered } = event
    const sent = this.sent.get(id)
    const where = `message ${id} in ${queue}`
    if (sent === undefined || !this.isDestination(queue, sent)) return this.broken('unexpected', where)
    if (sent.isRefused) return this.broken('unexpected', `${where}, which refused it, or it was rolled back`)
    const copy = this.copy(event)
    this.counts.delivered++
    if (copy.isLetter && copy.deliveries === 0) this.counts.letters++
    if (isRedelivered) this.counts.redelivered++
    const isOfBefore = sent.crashesBefore < this.crashes
    if (copy.deliveries === 0 && !sent.isConfirmed && isOfBefore) this.counts.recovered++
    if (event.hash !== sent.hash) this.broken('corrupt', where)
    // What needs no ack is dropped when it is handed out, and may come after that is on disk. So may what a
    // stopping broker had sent before it took it back, and that expired then.
    const isLate = this.queues.get(queue)?.isNoAck === true
      ? copy.dropDurableInLife === this.crashes && copy.deliveredInLife !== this.crashes
      : copy.deliveries === 0 && this.isStopping
    if (copy.isDropDurable && !isLate) this.broken('redelivered after durable ack', where)
    if (copy.deliveries > 0 && !isRedelivered) this.broken('duplicate without flag', where)
    if (copy.holder !== null) this.broken('two holders', `${where}: ${copy.holder} and ${holder}`)
    if (event.atUs < sent.dueUs) this.broken('early', `${where}: ${sent.dueUs - event.atUs} µs`)
    // Letters stand in the order in which they died, what was delayed in that of its times.
    if (!isRedelivered && !copy.isLetter && sent.dueUs === 0) {
      const way = copy.group === null ? consumer : 'any'
      this.checkOrder(`${queue} ${sent.publisher} ${way} ${sent.priority}`, id)
    }
    if (copy.group !== null) this.checkGroup(copy.group, copy, where)
    if (copy.isLetter) this.freshLetters.add(copy)
    copy.deliveries++
    copy.deliveredInLife = this.crashes
    copy.holder = holder
    const held = this.held.get(holder)
    if (held === undefined) this.held.set(holder, new Set([copy]))
    else held.add(copy)
  }

  /** One of it is out at a time, and what came back is next. */
  private checkGroup({ out, returned }: Group, copy: Copy, where: string): void {
    for (const other of out) if (other !== copy) this.broken('group', `${where} while another is out`)
    for (const other of returned) if (other !== copy) this.broken('group', `${where} before what came back`)
    returned.delete(copy)
    out.add(copy)
  }

  private checkOrder(way: string, id: number): void {
    const last = this.lastFirst.get(way) ?? 0
    if (id < last) this.broken('order', `queue, publisher, consumer ${way}: message ${id} after ${last}`)
    this.lastFirst.set(way, id)
  }

  private settle(at: At): void {
    const copy = this.copy(at)
    if (!copy.isSettled) this.counts.settled++
    copy.isSettled = true
    this.letGo(copy)
  }

  private rejected(at: At): void {
    const hasLetters = (this.queues.get(at.queue)?.deadLetters ?? null) !== null
    if (hasLetters) this.letGo(this.copy(at))
    else this.settle(at)
  }

  /** A letter's put and the drop of what it was made of are in one batch. */
  private stored(at: At): void {
    const copy = this.copy(at)
    copy.isStored = true
    if (!copy.isLetter) return
    const queues = this.sent.get(at.id)?.queues ?? []
    const origin = queues.find((queue) => this.queues.get(queue)?.deadLetters === at.queue)
    if (origin === undefined || this.copy({ queue: origin, id: at.id }).isDropped) return
    this.broken('two places', `message ${at.id} is on disk in ${origin} and as a letter in ${at.queue}`)
  }

  private letGo(copy: Copy, isReturned = false): void {
    if (copy.holder === null) return
    this.held.get(copy.holder)?.delete(copy)
    copy.holder = null
    copy.group?.out.delete(copy)
    if (isReturned) copy.group?.returned.add(copy)
  }

  private gone(holder: number): void {
    for (const copy of this.held.get(holder) ?? []) this.letGo(copy, true)
    this.held.delete(holder)
  }

  private crash(): void {
    this.crashes++
    this.lives.push([])
    this.isStopping = false
    for (const holder of this.held.keys()) this.gone(holder)
    for (const { out, returned } of this.groups.values()) for (const each of [out, returned]) each.clear()
    // A letter that was not on disk is undone with its death: the message dies again, as a new letter.
    for (const copy of this.freshLetters) if (!copy.isStored) copy.deliveries = 0
    this.freshLetters.clear()
  }

  /**
   * Whatever was confirmed and is not there has been settled by somebody who got it, or it is lost. No
   * confirm comes after its connection, so what was sent in a life that was over when the queue was last
   * empty needs no second look.
   */
  private drained(queue: string): void {
    for (const life of this.lives.slice(this.judgedTo.get(queue) ?? 0)) {
      for (const id of life) this.judge(queue, id, this.sent.get(id)!)
    }
    this.judgedTo.set(queue, this.crashes)
  }

  private judge(queue: string, id: number, sent: Sent): void {
    if (!sent.isConfirmed) return
    for (const origin of sent.queues) {
      const { deadLetters = null, isNoAck = false, isSwept = false } = this.queues.get(origin) ?? {}
      if ((deadLetters ?? origin) !== queue || isNoAck || isSwept) continue
      const isPromised = sent.survives.includes(origin) || sent.crashesBefore === this.crashes
      const isSettled = this.isSettled(origin, id) || this.isSettled(queue, id)
      if (isPromised && !isSettled) this.broken('lost confirmed', `message ${id} in ${origin}`)
    }
  }

  private isSettled(queue: string, id: number): boolean {
    return this.copies.get(queue)?.get(id)?.isSettled === true
  }

  /** Its publisher sent it there, or it died in a queue whose letters go there. */
  private isDestination(queue: string, sent: Sent): boolean {
    return sent.queues.some((each) => each === queue || this.queues.get(each)?.deadLetters === queue)
  }

  private findGroup(queue: string, id: number): Group | null {
    if (this.queues.get(queue)?.isGrouped !== true) return null
    const key = `${queue} ${this.sent.get(id)?.publisher}`
    const group = this.groups.get(key) ?? { out: new Set(), returned: new Set() }
    this.groups.set(key, group)
    return group
  }

  private copy({ queue, id }: At): Copy {
    let ofQueue = this.copies.get(queue)
    if (ofQueue === undefined) this.copies.set(queue, ofQueue = new Map<number, Copy>())
    let copy = ofQueue.get(id)
    if (copy === undefined) {
      copy = {
        isLetter: this.sent.get(id)?.queues.includes(queue) === false, deliveries: 0, deliveredInLife: -1,
        dropDurableInLife: -1, isSettled: false, isStored: false, isDropped: false, isDropDurable: false,
        holder: null, group: this.findGroup(queue, id),
      }
      ofQueue.set(id, copy)
    }
    return copy
  }
}

/** A body of at least 8 bytes that says which message it is and can't be mistaken for another. */
export function numberedBody(id: number, size: number): Buffer {
  const body = Buffer.alloc(Math.max(8, size), `message ${id}, `)
  body.writeUInt32BE(id)
  body.writeUInt32BE(hashOf(body.subarray(8)), 4)
  return body
}

export function numberIn(body: Buffer): number {
  return body.length < 8 ? 0 : body.readUInt32BE(0)
}

export function hashOf(body: Buffer): number {
  return crc32(body)
}
