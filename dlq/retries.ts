// When a failed message is tried again, by its queue's retry policy, and what its headers say then: x-retry-*
// and the history of its attempts. Called by the queue (RetryPlan), which counts and holds. The jitter is the
// given randomness's.
//
// What a client published under these names is not believed: of a history so many of the latest entries
// count as the queue itself has counted failures before (Failure.count).
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import { ContentHeader } from '../protocol/content-header.ts'
import type { Field, FieldTable } from '../protocol/table.ts'
import type { Message } from '../queues/message.ts'
import { NEXT_ATTEMPT_HEADER } from '../queues/retry-plan.ts'
import type { Failure, NextAttempt, RetryPlan } from '../queues/retry-plan.ts'
import type { RetryDelay, RetrySettings } from '../queues/retry-settings.ts'

const ATTEMPT = 'x-retry-attempt'
const REASON = 'x-retry-reason'
const HISTORY = 'x-retry-history'
const RETRY_HEADERS: ReadonlySet<string> = new Set([ATTEMPT, NEXT_ATTEMPT_HEADER, REASON, HISTORY])
/** A header has to fit in a frame; the latest entries are kept. */
const HISTORY_MAX = 100

export class Retries implements RetryPlan {
  private readonly clock: Clock
  private readonly random: Random
  private readonly header = new ContentHeader()

  constructor(clock: Clock, random: Random) {
    this.clock = clock
    this.random = random
  }

  nextAttempt(message: Message, failure: Failure, { delay }: RetrySettings): NextAttempt {
    const delayMs = this.delayMs(delay, failure.count)
    const dueMs = Math.ceil(this.clock.nowMs + delayMs)
    const next: FieldTable = new Map([[ATTEMPT, long(failure.count)], [NEXT_ATTEMPT_HEADER, long(dueMs)]])
    return { message: this.withHistory(message, failure, delayMs, next), dueMs }
  }

  afterLast(message: Message, failure: Failure): Message {
    return this.withHistory(message, failure, null, new Map([[ATTEMPT, long(failure.count - 1)]]))
  }

  private delayMs(delay: RetryDelay, count: number): number {
    if (delay.kind === 'steps') return delay.delaysMs[Math.min(count, delay.delaysMs.length) - 1]!
    const { firstMs, factor, maximumMs, jitter } = delay
    const ms = Math.min(firstMs * factor ** (count - 1), maximumMs)
    return jitter === 0 ? Math.round(ms) : Math.round(ms * (1 + jitter * this.fromMinusOneToOne()))
  }

  private fromMinusOneToOne(): number {
    return this.random.bytes(4).readUInt32BE() / 0x8000_0000 - 1
  }

  private withHistory(
    message: Message, { cause, count }: Failure, delayMs: number | null, others: FieldTable,
  ): Message {
    const { header } = this
    header.readProperties(message.buf, message.propertiesStart, message.propertiesEnd)
    const before = historyOf(header, Math.min(count - 1, HISTORY_MAX - 1))
    const failed: FieldTable = new Map<string, Field>([
      ['attempt', long(count - 1)], ['reason', { tag: 'S', value: cause }],
      ['time', { tag: 'T', value: Math.floor(this.clock.nowMs / 1000) }],
      ...delayMs === null ? [] : [['delay', long(delayMs)] as const],
    ])
    const history: Field = { tag: 'A', value: [...before, { tag: 'F', value: failed }] }
    return message.withProperties(header.withHeaders(RETRY_HEADERS,
      new Map([...others, [REASON, { tag: 'S', value: cause }], [HISTORY, history]])))
  }
}

/** The latest so many entries. */
function historyOf(header: ContentHeader, count: number): readonly Field[] {
  const history = count === 0 ? undefined : header.decodeHeaders()?.get(HISTORY)
  return history?.tag === 'A' ? history.value.slice(-count) : []
}

const long = (value: number): Field => ({ tag: 'l', value })
