// When the next attempt is, and what a message says of those before.
import { describe, expect, it } from 'vitest'
import { TestClock } from '../base/clock.ts'
import { SeededRandom } from '../base/random.ts'
import { ContentHeader } from '../protocol/content-header.ts'
import { tableOf } from '../protocol/table-encode.ts'
import type { Field, FieldTable } from '../protocol/table.ts'
import { messageOf } from '../queues/queue.contract.ts'
import type { Message } from '../queues/message.ts'
import type { RetryCause, RetryDelay, RetrySettings } from '../queues/retry-settings.ts'
import { Retries } from './retries.ts'

const settingsOf = (delay: RetryDelay): RetrySettings =>
  ({ attemptsMax: 9, delay, causes: new Set(), end: 'dead-letter' })
const steps = settingsOf({ kind: 'steps', delaysMs: [100, 300] })

function retriesOf(seed = 1): { clock: TestClock; retries: Retries } {
  const clock = new TestClock()
  return { clock, retries: new Retries(clock, new SeededRandom(seed)) }
}

function headersOf(message: Message): Record<string, unknown> {
  const header = new ContentHeader()
  header.readProperties(message.buf, message.propertiesStart, message.propertiesEnd)
  return plainTable(header.decodeHeaders() ?? new Map())
}

const plainTable = (table: FieldTable): Record<string, unknown> =>
  Object.fromEntries([...table].map(([name, field]) => [name, plain(field)]))

function plain(field: Field): unknown {
  if (field.tag === 'A') return field.value.map(plain)
  if (field.tag === 'F') return plainTable(field.value)
  return typeof field.value === 'bigint' ? Number(field.value) : field.value
}

function withHeaders(message: Message, headers: FieldTable): Message {
  const header = new ContentHeader()
  header.readProperties(message.buf, message.propertiesStart, message.propertiesEnd)
  return message.withProperties(header.withHeaders(new Set(), headers))
}

describe('the next attempt', () => {
  it('is after the next step, and after the last of them from then on', () => {
    const { clock, retries } = retriesOf()
    const delays = [1, 2, 3, 4].map((count) =>
      retries.nextAttempt(messageOf('m'), { cause: 'nack', count }, steps).dueMs - clock.nowMs)
    expect(delays).toEqual([100, 300, 300, 300])
  })

  it('is later by the factor each time, up to the maximum', () => {
    const { clock, retries } = retriesOf()
    const settings = settingsOf(
      { kind: 'exponential', firstMs: 100, factor: 3, maximumMs: 1_000, jitter: 0 })
    const delays = [1, 2, 3, 60_000].map((count) =>
      retries.nextAttempt(messageOf('m'), { cause: 'nack', count }, settings).dueMs - clock.nowMs)
    expect(delays).toEqual([100, 300, 900, 1_000])
  })

  it('is spread evenly by the jitter, and the same for the same seed', () => {
    const settings = settingsOf(
      { kind: 'exponential', firstMs: 1_000, factor: 2, maximumMs: 1_000, jitter: 0.2 })
    const delaysOf = (seed: number): number[] => {
      const { clock, retries } = retriesOf(seed)
      return Array.from({ length: 200 }, () =>
        retries.nextAttempt(messageOf('m'), { cause: 'nack', count: 1 }, settings).dueMs - clock.nowMs)
    }
    const delays = delaysOf(7)
    expect(delaysOf(7)).toEqual(delays)
    expect(delays.every((ms) => ms >= 800 && ms <= 1_200)).toBe(true)
    expect([delays.some((ms) => ms < 850), delays.some((ms) => ms > 1_150)]).toEqual([true, true])
  })
})

describe('a message', () => {
  const fail = (message: Message, count: number, cause: RetryCause = 'reject'): Message => {
    const { clock, retries } = retriesOf()
    clock.travel(count * 1_000)
    return retries.nextAttempt(message, { cause, count }, steps).message
  }
  const second = Math.floor(new TestClock().nowMs / 1_000)

  it('says which attempt is next, when, why, and what was before', () => {
    const { nowMs } = new TestClock()
    const twice = fail(fail(messageOf('m'), 1), 2, 'timeout')
    expect(headersOf(twice)).toEqual({
      'x-retry-attempt': 2, 'x-retry-next-at': nowMs + 2_300, 'x-retry-reason': 'timeout',
      'x-retry-history': [
        { attempt: 0, reason: 'reject', time: second + 1, delay: 100 },
        { attempt: 1, reason: 'timeout', time: second + 2, delay: 300 },
      ],
    })
  })

  it('keeps its other headers, its properties and its body', () => {
    const message = withHeaders(messageOf('m', 20, true, 5), tableOf({ own: 1 }))
    const again = fail(message, 1)
    expect(headersOf(again)).toMatchObject({ own: 1, 'x-retry-attempt': 1 })
    expect(again).toMatchObject({ priority: 5, isPersistent: true, bodyBytes: 20, routingKey: 'm' })
    expect(again.buf.subarray(again.bodyStart, again.bodyEnd))
      .toEqual(message.buf.subarray(message.bodyStart, message.bodyEnd))
  })

  it('that is given up says so in its history, and has no next attempt', () => {
    const { clock, retries } = retriesOf()
    const last = retries.afterLast(fail(messageOf('m'), 1), { cause: 'nack', count: 2 })
    expect(headersOf(last)).toEqual({
      'x-retry-attempt': 1, 'x-retry-reason': 'nack',
      'x-retry-history': [
        { attempt: 0, reason: 'reject', time: second + 1, delay: 100 },
        { attempt: 1, reason: 'nack', time: Math.floor(clock.nowMs / 1_000) },
      ],
    })
  })

  it('does not get away with a history that its publisher made up', () => {
    const entry: Field = { tag: 'F', value: tableOf({ attempt: 7 }) }
    const forged = withHeaders(messageOf('m'), new Map<string, Field>([
      ['x-retry-history', { tag: 'A', value: [entry, entry] }], ['x-retry-attempt', { tag: 'I', value: 7 }],
      ['x-retry-next-at', { tag: 'S', value: 'never' }],
    ]))
    const headers = headersOf(fail(forged, 1))
    expect(headers).toMatchObject({ 'x-retry-attempt': 1, 'x-retry-history': [{ attempt: 0 }] })
    expect(headers['x-retry-history']).toHaveLength(1)
    expect(headers['x-retry-next-at']).not.toBe('never')
  })

  it('keeps the latest hundred entries', () => {
    let message = messageOf('m')
    for (let count = 1; count <= 130; count++) message = fail(message, count)
    const history = headersOf(message)['x-retry-history'] as { attempt: number }[]
    expect([history.length, history[0]!.attempt, history.at(-1)!.attempt]).toEqual([100, 30, 129])
  })
})
