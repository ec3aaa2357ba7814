// A queue that is pushed to an HTTP target: a consumer of it, and a request for each message it is handed.
// Made by webhooks.ts. Invariant: what it holds is under way to the target; all that stops it from taking
// more is in `hasRoom`, and whoever changes one of those tells the consumer.
//
//   waiting ──open──▶ running ⇄ resting       resting: after a failure that nobody else deals with, or as
//      ▲                 │                    long as the target asked for; then one message at a time until
//      └── session ended ┘                    one is delivered
import type { Timer } from '../../base/timer-wheel.ts'
import type { Broker } from '../../broker/broker.ts'
import type { WebhookRecord } from '../../broker/webhook-record.ts'
import type { VHost } from '../../broker/vhost.ts'
import type { Entry } from '../../queues/entry.ts'
import { queueToConsume } from '../access.ts'
import type { Settlement } from '../delivery.ts'
import { notFound } from '../errors.ts'
import type { Ends, Session } from '../session.ts'
import { openSession } from '../sessions.ts'
import { StreamConsumer } from '../stream-consumer.ts'
import type { StreamSink } from '../stream-consumer.ts'
import { Attempt } from './attempt.ts'
import type { HttpTarget } from './http-target.ts'
import type { Verdict } from './verdict.ts'
import { webhookRequest } from './webhook-request.ts'

/** Until it tries again to become a consumer. */
const WAIT_MS = 5_000
/** After the first failure; twice that after the next, and so on. */
const REST_MS = 1_000
const REST_MS_MAX = 60_000

export interface WebhookError {
  readonly atMs: number
  readonly reason: string
}

export interface WebhookCounts {
  delivered: number
  failed: number
  inFlight: number
}

/** Who keeps it. */
export interface WebhookOwner {
  readonly broker: Broker
  readonly target: HttpTarget
  /** Of all webhooks since the start. */
  readonly counts: WebhookCounts
  /** The target answered 410. */
  gone(webhook: Webhook): void
  /** It went with its queue. */
  forget(webhook: Webhook): void
}

export class Webhook implements StreamSink, Timer {
  dueMs = 0
  readonly vhost: VHost
  readonly name: string
  delivered = 0
  failed = 0
  lastError: WebhookError | null = null
  private record: WebhookRecord
  private readonly owner: WebhookOwner
  /** For the name of its connection, which no two have. */
  private readonly number: number
  private session: Session | null = null
  private consumer: StreamConsumer | null = null
  private readonly attempts = new Set<Attempt>()
  private isResting = false
  private failuresInRow = 0
  /** The reason to end the session as soon as nothing is under way. */
  private leaving: string | null = null
  private isOver = false

  constructor(owner: WebhookOwner, vhost: VHost, name: string, record: WebhookRecord, number: number) {
    this.owner = owner
    this.vhost = vhost
    this.name = name
    this.record = record
    this.number = number
  }

  get state(): 'paused' | 'waiting' | 'resting' | 'running' {
    if (this.record.isPaused) return 'paused'
    if (this.consumer === null) return 'waiting'
    return this.isResting ? 'resting' : 'running'
  }

  get inFlight(): number {
    return this.attempts.size
  }

  /** Becomes a consumer, or says in `lastError` why it cannot, and tries again. */
  open(): void {
    const { broker } = this.owner
    const { vhost, record } = this
    try {
      const user = broker.users.get(record.user)
      if (user === undefined) throw notFound(`there is no user '${record.user}' any more`)
      const queue = queueToConsume(broker, user, vhost, record.queue)
      const session = this.session = openSession(broker, vhost, user, this.ends())
      session.closing = (reason) => this.leave(reason)
      const wish = { isNoAck: false, prefetch: record.concurrency }
      this.consumer = new StreamConsumer(session, queue, wish, this)
      session.addConsumer(this.consumer)
    } catch (error) {
      this.note((error as Error).message)
      this.setTimer(WAIT_MS)
    }
  }

  pause(record: WebhookRecord): void {
    this.record = record
  }

  /** Also from a rest. */
  resume(record: WebhookRecord): void {
    this.record = record
    this.failuresInRow = 0
    if (this.consumer === null) return
    this.owner.broker.timers.clear(this)
    this.rested()
  }

  /** What is under way comes to its end; nothing more is taken, and it does not come again. */
  end(reason: string): void {
    this.isOver = true
    this.owner.broker.timers.clear(this)
    this.leave(reason)
  }

  get hasRoom(): boolean {
    return !this.record.isPaused && !this.isResting && this.leaving === null
      && (this.failuresInRow === 0 || this.attempts.size === 0)
  }

  message(entry: Entry, tag: number): void {
    const { broker, target } = this.owner
    const { product, version } = broker.identity
    const attempt = new Attempt(broker, tag, this.record.timeoutMs, (...end) => this.attempted(...end))
    this.attempts.add(attempt)
    this.owner.counts.inFlight++
    attempt.start(target, this.record.url, webhookRequest(entry, this.record, {
      id: broker.generateName(''), vhost: this.vhost.name, webhook: this.name,
      userAgent: `${product}/${version}`, nowMs: broker.clock.nowMs,
    }))
  }

  /** The session is over, and what it held is back in the queue. */
  ended(reason: string): void {
    for (const attempt of this.attempts) attempt.cancel()
    this.owner.counts.inFlight -= this.attempts.size
    this.attempts.clear()
    this.consumer = null
    this.session = null
    this.leaving = null
    this.isResting = false
    this.owner.broker.timers.clear(this)
    if (this.isOver) return
    if (!this.isOnRecord) return this.owner.forget(this)
    this.note(reason)
    this.setTimer(WAIT_MS)
  }

  fire(): void {
    if (this.consumer !== null) this.rested()
    else if (this.isOnRecord) this.open()
    else this.owner.forget(this)
  }

  /** False: its queue was deleted, or its vhost. */
  private get isOnRecord(): boolean {
    return this.vhost.webhooks.get(this.name) === this.record
  }

  private attempted(attempt: Attempt, verdict: Verdict, reason: string): void {
    const { counts } = this.owner
    this.attempts.delete(attempt)
    counts.inFlight--
    if (verdict.kind === 'delivered') {
      this.delivered++
      counts.delivered++
      this.failuresInRow = 0
    } else {
      this.failed++
      counts.failed++
      this.note(reason)
    }
    const how = this.settlementOf(verdict)
    if (verdict.kind === 'later') this.rest(verdict.ms)
    else if (verdict.kind === 'gone') this.owner.gone(this)
    else if (how === 'requeue') this.backOff()
    this.consumer?.settle(attempt.tag, how)
    if (this.leaving !== null && this.attempts.size === 0) this.session?.end(this.leaving)
  }

  /**
   * A failure is given up only where the queue says what then: it tries again later, or has a place for dead
   * letters. Else nothing is lost, and it is this webhook that waits.
   */
  private settlementOf({ kind }: Verdict): Settlement {
    if (kind === 'delivered') return 'ack'
    if (kind === 'later' || kind === 'gone') return 'requeue'
    const cause = kind === 'refused' ? 'reject' : 'nack'
    const { retry, deadLetterExchange } = this.consumer!.queue.settings
    return retry?.causes.has(cause) === true || deadLetterExchange !== null ? cause : 'requeue'
  }

  private backOff(): void {
    if (this.isResting) return // of those that were under way together the first counts
    this.rest(Math.min(REST_MS * 2 ** this.failuresInRow, REST_MS_MAX))
    this.failuresInRow++
  }

  private rest(ms: number): void {
    this.isResting = true
    this.setTimer(ms)
  }

  private rested(): void {
    this.isResting = false
    this.consumer?.roomReturned()
  }

  private leave(reason: string): void {
    if (this.attempts.size === 0) this.session?.end(reason)
    else this.leaving = reason
  }

  private setTimer(ms: number): void {
    const { timers, clock } = this.owner.broker
    timers.set(this, clock.monotonicMs + ms)
  }

  private note(reason: string): void {
    this.lastError = { atMs: this.owner.broker.clock.nowMs, reason }
  }

  private ends(): Ends {
    const { hostname, port, protocol } = new URL(this.record.url)
    return {
      peer: { address: hostname, port: Number(port) || (protocol === 'https:' ? 443 : 80) },
      local: { address: `webhook ${this.name}`, port: this.number },
    }
  }
}
