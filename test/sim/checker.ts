// The checker (reliability §7): hears a history in its order, one event at a time, and says which promises
// it breaks. It knows nothing of brokers: the simulation and the crash test tell it what clients saw, the
// simulation also what the store promised. A publish without a confirm is uncertain: it may appear or not.
import { crc32 } from 'node:zlib'

/** One message in one queue. */
interface At {
  readonly queue: string
  readonly id: number
}

export type HistoryEvent =
  /** `queues`: where it belongs; `survives`: of those, the ones that keep it over a crash. */
  | { readonly kind: 'send'; readonly id: number; readonly publisher: number
    readonly queues: readonly string[]; readonly survives: readonly string[]
    readonly hash: number; readonly isMandatory: boolean }
  | { readonly kind: 'confirm' | 'nack' | 'return'; readonly id: number }
  | At & { readonly kind: 'deliver'; readonly consumer: number; readonly holder: number; readonly hash: number
    readonly isRedelivered: boolean }
  /** An ack, or a reject without requeue, was sent; or a requeue. */
  | At & { readonly kind: 'settle' | 'requeue' }
  /** The store has it on disk; was told to drop it; has that on disk. */
  | At & { readonly kind: 'stored' | 'dropped' | 'dropDurable' }
  /** The channel is over: whatever it holds is nobody's. */
  | { readonly kind: 'gone'; readonly holder: number }
  /** The broker's process ended. */
  | { readonly kind: 'crash' }
  /** The queue was seen to be empty: count 0, three empty polls. */
  | { readonly kind: 'drained'; readonly queue: string }

export type Rule =
  | 'lost confirmed' | 'unexpected' | 'corrupt' | 'double confirm' | 'redelivered after durable ack'
  | 'duplicate without flag' | 'two holders' | 'order' | 'confirm before durable' | 'return missing'
  | 'nacked'
  // What the simulation and the crash test find out by themselves.
  | 'invariant' | 'internal error' | 'unexpected close' | 'topology lost' | 'no progress' | 'restart refused'

export interface Violation {
  readonly rule: Rule
  readonly what: string
}

interface Sent {
  readonly publisher: number
  readonly queues: readonly string[]
  readonly survives: readonly string[]
  readonly hash: number
  readonly isMandatory: boolean
  readonly crashesBefore: number
  isConfirmed: boolean
  isReturned: boolean
}

interface Copy {
  deliveries: number
  isSettled: boolean
  isStored: boolean
  isDropped: boolean
  isDropDurable: boolean
  holder: number | null
}

export class Checker {
  readonly violations: Violation[] = []
  readonly counts = { sent: 0, confirmed: 0, settled: 0, recovered: 0, redelivered: 0, delivered: 0 }
  private readonly seesStore: boolean
  private readonly sent = new Map<number, Sent>()
  private readonly copies = new Map<string, Map<number, Copy>>()
  private readonly held = new Map<number, Set<Copy>>()
  /** The last unflagged delivery by queue, publisher and consumer. */
  private readonly lastFirst = new Map<string, number>()
  private crashes = 0

  constructor(seesStore: boolean) {
    this.seesStore = seesStore
  }

  add(event: HistoryEvent): void {
    switch (event.kind) {
      case 'send': return this.send(event)
      case 'confirm': return this.confirm(event.id)
      case 'nack': return this.broken('nacked', `message ${event.id}`)
      case 'return': return this.returned(event.id)
      case 'deliver': return this.deliver(event)
      case 'settle': return this.settle(event)
      case 'requeue': return this.letGo(this.copy(event))
      case 'stored': this.copy(event).isStored = true; return
      case 'dropped': this.copy(event).isDropped = true; return
      case 'dropDurable': this.copy(event).isDropDurable = true; return
      case 'gone': return this.gone(event.holder)
      case 'crash': return this.crash()
      case 'drained': return this.drained(event.queue)
    }
  }

  broken(rule: Rule, what: string): void {
    this.violations.push({ rule, what })
  }

  private send(event: Extract<HistoryEvent, { kind: 'send' }>): void {
    this.sent.set(event.id, { ...event, crashesBefore: this.crashes, isConfirmed: false, isReturned: false })
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
    if (sent === undefined || !sent.queues.includes(queue)) return this.broken('unexpected', where)
    const copy = this.copy(event)
    this.counts.delivered++
    if (isRedelivered) this.counts.redelivered++
    const isOfBefore = sent.crashesBefore < this.crashes
    if (copy.deliveries === 0 && !sent.isConfirmed && isOfBefore) this.counts.recovered++
    if (event.hash !== sent.hash) this.broken('corrupt', where)
    if (copy.isDropDurable) this.broken('redelivered after durable ack', where)
    if (copy.deliveries > 0 && !isRedelivered) this.broken('duplicate without flag', where)
    if (copy.holder !== null) this.broken('two holders', `${where}: ${copy.holder} and ${holder}`)
    if (!isRedelivered) this.checkOrder(`${queue} ${sent.publisher} ${consumer}`, id)
    copy.deliveries++
    copy.holder = holder
    const held = this.held.get(holder)
    if (held === undefined) this.held.set(holder, new Set([copy]))
    else held.add(copy)
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

  private letGo(copy: Copy): void {
    if (copy.holder === null) return
    this.held.get(copy.holder)?.delete(copy)
    copy.holder = null
  }

  private gone(holder: number): void {
    for (const copy of this.held.get(holder) ?? []) copy.holder = null
    this.held.delete(holder)
  }

  private crash(): void {
    this.crashes++
    for (const holder of this.held.keys()) this.gone(holder)
  }

  /** Whatever was confirmed and is not there has been settled by somebody who got it, or it is lost. */
  private drained(queue: string): void {
    for (const [id, sent] of this.sent) {
      if (!sent.isConfirmed || !sent.queues.includes(queue)) continue
      const isPromised = sent.survives.includes(queue) || sent.crashesBefore === this.crashes
      const { isSettled } = this.copy({ queue, id })
      if (isPromised && !isSettled) this.broken('lost confirmed', `message ${id} in ${queue}`)
    }
  }

  private copy({ queue, id }: At): Copy {
    let ofQueue = this.copies.get(queue)
    if (ofQueue === undefined) this.copies.set(queue, ofQueue = new Map<number, Copy>())
    let copy = ofQueue.get(id)
    if (copy === undefined) {
      copy = {
        deliveries: 0, isSettled: false, isStored: false, isDropped: false, isDropDurable: false,
        holder: null,
      }
      ofQueue.set(id, copy)
    }
    return copy
  }
}

/** A body of at least 8 bytes that says which message it is and can't be mistaken for another. */
export function numberedBody(id: number, size: number): Buffer {
  const body = Buffer.alloc(Math.max(8, size))
  for (let at = 8; at < body.length; at++) body[at] = (id * 31 + at * 7) & 0xff
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
