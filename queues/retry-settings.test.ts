// What x-retry-* may say, and what a queue makes of it.
import { describe, expect, it } from 'vitest'
import type { Field, FieldTable } from '../protocol/table.ts'
import { plainOf, readRetryCauses, readRetryDelay } from './retry-settings.ts'
import { checkQueueArgumentsEqual } from './argument-equality.ts'
import { POLICY_KEYS, resolveQueueSettings, validateQueueArguments } from './settings.ts'

function fieldOf(value: unknown): Field {
  if (Array.isArray(value)) return { tag: 'A', value: value.map(fieldOf) }
  if (typeof value === 'object') return { tag: 'F', value: tableOf(value!) }
  return typeof value === 'string' ? { tag: 'S', value } : { tag: 'I', value: Number(value) }
}

const tableOf = (values: object): FieldTable =>
  new Map(Object.entries(values).map(([name, value]) => [name, fieldOf(value)]))

const exponential = (firstMs: number, factor: number, maximumMs: number, jitter: number): object =>
  ({ kind: 'exponential', firstMs, factor, maximumMs, jitter })
const steps = (...delaysMs: number[]): object => ({ kind: 'steps', delaysMs })

describe('a delay', () => {
  it.each([
    ['1s,5s,30s', steps(1_000, 5_000, 30_000)],
    [' 10ms , 2m,1h,1d', steps(10, 120_000, 3_600_000, 86_400_000)],
    ['0', steps(0)],
    [500, steps(500)], [['1s', 20], steps(1_000, 20)],
    ['exponential:1s', exponential(1_000, 2, 315_360_000_000, 0)],
    ['exponential:1s,2,5m,10%', exponential(1_000, 2, 300_000, 0.1)],
    ['exponential:100, 1.5, 1h', exponential(100, 1.5, 3_600_000, 0)],
    [{ first: '1s', factor: 3, maximum: '5m', jitter: 25 }, exponential(1_000, 3, 300_000, 0.25)],
    [{ first: 200 }, exponential(200, 2, 315_360_000_000, 0)],
  ])('%j is understood', (value, delay) => {
    expect(readRetryDelay(value)).toEqual(delay)
    expect(readRetryDelay(plainOf(fieldOf(value)))).toEqual(delay)
  })

  it.each([
    '', '1x', '1s,', '-1', -1, 1.5, '1.5s', true, null, [], [[]], [true],
    Array.from({ length: 101 }, () => 1),
    '400000d', 'exponential:', 'exponential:0', 'exponential:1s,0.5', 'exponential:1s,2,500ms',
    'exponential:1s,2,5m,101%', 'exponential:1s,2,5m,10%,1', 'exponential:1s,x', {}, { first: '1s', step: 1 },
    { first: '1s', jitter: -1 },
  ])('%j is not', (value) => {
    expect(readRetryDelay(value)).toBeNull()
  })
})

it('takes a list of causes, in any order, and nothing beside them', () => {
  expect(readRetryCauses('timeout, nack')).toEqual(['nack', 'timeout'])
  for (const value of ['', 'reject,', 'nack,nack', 'never', 5]) expect(readRetryCauses(value)).toBeNull()
})

describe('a queue', () => {
  const retry = (args: Record<string, unknown>): unknown => resolveQueueSettings(tableOf(args)).retry

  it('tries nothing again that does not say how often or when', () => {
    expect(retry({ 'x-retry-on': 'nack', 'x-retry-then': 'park' })).toBeNull()
  })

  it('tries as often as it has delays, after a reject, a nack and a late ack', () => {
    expect(retry({ 'x-retry-delay': '1s,2s,3s' })).toEqual({
      attemptsMax: 3, delay: steps(1_000, 2_000, 3_000), causes: new Set(['reject', 'nack', 'timeout']),
      end: 'dead-letter',
    })
  })

  it('waits a second, twice that and so on where it says only how often', () => {
    expect(retry({ 'x-retry-attempts': 9 })).toMatchObject(
      { attemptsMax: 9, delay: exponential(1_000, 2, 300_000, 0) })
  })

  it('tries five times where it has one delay for all', () => {
    expect(retry({ 'x-retry-delay': 50 })).toMatchObject({ attemptsMax: 5 })
    expect(retry({ 'x-retry-delay': { first: '1s' } })).toMatchObject({ attemptsMax: 5 })
  })

  it('follows a policy, and its own arguments before that', () => {
    const policy = new Map<string, string | number | object>([
      ['retry-attempts', 2], ['retry-delay', { first: '3s' }], ['retry-on', 'nack'], ['retry-then', 'park'],
    ])
    expect(resolveQueueSettings(tableOf({ 'x-retry-attempts': 7 }), policy).retry).toEqual({
      attemptsMax: 7, delay: exponential(3_000, 2, 315_360_000_000, 0), causes: new Set(['nack']),
      end: 'park',
    })
    for (const [key, value] of policy) expect(POLICY_KEYS.get(key)?.isValid(value)).toBe(true)
    expect(POLICY_KEYS.get('retry-delay')?.isValid('1x')).toBe(false)
  })

  it.each([
    ['x-retry-attempts', 0, '0: expected an integer from 1 to 65535'],
    ['x-retry-attempts', 'x', '"x": expected an integer from 1 to 65535'],
    ['x-retry-delay', '1x', '"1x": expected a number of milliseconds, times like '],
    ['x-retry-on', 'lost',
      '"lost": expected a comma-separated list of reject, nack, timeout, connection-loss'],
    ['x-retry-then', 'drop', '"drop": expected one of dead-letter, discard, park'],
  ])('is refused with %s %j, and told what it may be', (name, value, words) => {
    expect(() => validateQueueArguments(tableOf({ [name]: value }), "queue 'q' in vhost '/'"))
      .toThrow(`invalid arg '${name}' for queue 'q' in vhost '/': ${words}`)
  })

  it('differs from one with other delays, also in an array or a table', () => {
    for (const [one, other] of [[['1s'], ['2s']], [{ first: '1s' }, { first: '2s' }]]) {
      const check = (current: unknown, received: unknown): void => checkQueueArgumentsEqual(
        tableOf({ 'x-retry-delay': current }), tableOf({ 'x-retry-delay': received }), 'queue')
      expect(() => check(one, other)).toThrow("inequivalent arg 'x-retry-delay' for queue: received")
      check(one, one)
    }
  })
})
