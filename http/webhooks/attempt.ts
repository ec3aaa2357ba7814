// One request of a webhook, from its start to its verdict, with its time limit. Made by webhook.ts.
// Invariant: `over` is called once, unless it is cancelled before.
import type { Broker } from '../../broker/broker.ts'
import type { Timer } from '../../base/timer-wheel.ts'
import type { AnswerListener, Exchange, HttpTarget } from './http-target.ts'
import { FAILED, judge } from './verdict.ts'
import type { Verdict } from './verdict.ts'
import type { WebhookRequest } from './webhook-request.ts'

/** `reason` is why it was not delivered, for people. */
type Over = (attempt: Attempt, verdict: Verdict, reason: string) => void

export class Attempt implements Timer, AnswerListener {
  dueMs = 0
  readonly tag: number
  private readonly broker: Broker
  private readonly timeoutMs: number
  private readonly over: Over
  private exchange: Exchange | null = null

  constructor(broker: Broker, tag: number, timeoutMs: number, over: Over) {
    this.broker = broker
    this.tag = tag
    this.timeoutMs = timeoutMs
    this.over = over
  }

  start(target: HttpTarget, url: string, { headers, body }: WebhookRequest): void {
    const { timers, clock } = this.broker
    timers.set(this, clock.monotonicMs + this.timeoutMs)
    this.exchange = target.post(url, headers, body, this)
  }

  answered(status: number, retryAfter: string | undefined): void {
    const { turn, clock } = this.broker
    turn.begin()
    this.end(judge(status, retryAfter, clock.nowMs), `answered ${status}`)
  }

  failed(error: Error): void {
    this.broker.turn.begin()
    // Several addresses that all fail are one error without words.
    this.end(FAILED, error.message || ((error as NodeJS.ErrnoException).code ?? error.name))
  }

  /** Its time is over. */
  fire(): void {
    this.exchange?.abort()
    this.end(FAILED, `no complete answer within ${this.timeoutMs} ms`)
  }

  /** Nobody wants to know any more. */
  cancel(): void {
    this.broker.timers.clear(this)
    this.exchange?.abort()
  }

  private end(verdict: Verdict, reason: string): void {
    this.broker.timers.clear(this)
    this.over(this, verdict, reason)
  }
}
