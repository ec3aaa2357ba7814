// x-message-deduplication: a fanout; and what the arguments of deduplicating exchanges of any type may say.
import { describe, expect, it } from 'vitest'
import { EMPTY_TABLE } from '../protocol/table.ts'
import { tableOf } from '../protocol/table-encode.ts'
import { exchangeContract } from './exchange.contract.ts'
import { exchangeTypes } from './index.ts'
import {
  messageDeduplication, parseExchangeDeduplication, validateExchangeDeduplication,
} from './message-deduplication.ts'

type Arguments = Parameters<typeof tableOf>[0]

const direct = exchangeTypes.get('direct')!
const ARGUMENT = 'x-message-deduplication'

exchangeContract(messageDeduplication, { routingKey: 'any', args: EMPTY_TABLE, headers: null })

const parse = (args: Arguments, type = messageDeduplication): ReturnType<typeof parseExchangeDeduplication> =>
  parseExchangeDeduplication(type, tableOf(args))

describe('an exchange', () => {
  it.each<[Arguments, unknown]>([
    [{ 'x-cache-size': 100 }, { keysMax: 100, keyWindowMs: Infinity, isStored: true }],
    [{ 'x-cache-size': '5', 'x-cache-ttl': '1000' }, { keysMax: 5, keyWindowMs: 1_000, isStored: true }],
    [{ 'x-cache-size': 5, 'x-cache-persistence': 'memory' },
      { keysMax: 5, keyWindowMs: Infinity, isStored: false }],
    [{ 'x-cache-size': 5, 'x-cache-persistence': 'disk' },
      { keysMax: 5, keyWindowMs: Infinity, isStored: true }],
  ])('of the type remembers what %j says', (args, expected) => {
    expect(parse(args)).toEqual(expected)
  })

  it('of the type must say how much it remembers (the plugin)', () => {
    expect(() => messageDeduplication.validate?.(EMPTY_TABLE, 'x')).toThrow(
      "PRECONDITION_FAILED - Missing argument, 'x-cache-size' must be an integer from 1 to 10000000")
  })

  it('of another type remembers when its argument says so, up to a million keys', () => {
    expect(parse({ [ARGUMENT]: true, 'x-cache-ttl': 5 }, direct)).toEqual(
      { keysMax: 1_000_000, keyWindowMs: 5, isStored: true })
    for (const args of [{}, { [ARGUMENT]: false }, { 'x-cache-ttl': 'nonsense' }]) {
      expect(parse(args, direct)).toBeNull()
    }
  })

  it('that delays remembers as the type that it names', () => {
    const delayed = exchangeTypes.get('x-delayed-message')!
    const args = { 'x-delayed-type': ARGUMENT, 'x-cache-size': 3 }
    expect(parse(args, delayed)).toEqual({ keysMax: 3, keyWindowMs: Infinity, isStored: true })
    expect(parse({ 'x-delayed-type': 'direct' }, delayed)).toBeNull()
  })
})

it.each<[Arguments, string]>([
  [{ [ARGUMENT]: 'yes' }, `'${ARGUMENT}' must be a boolean`],
  [{ 'x-cache-size': 0 }, "'x-cache-size' must be an integer from 1 to 10000000"],
  [{ 'x-cache-size': 10_000_001 }, "'x-cache-size' must be an integer from 1 to 10000000"],
  [{ 'x-cache-size': 'many' }, "'x-cache-size' must be an integer from 1 to 10000000"],
  [{ 'x-cache-size': true }, "'x-cache-size' must be an integer from 1 to 10000000"],
  [{ 'x-cache-size': 5, 'x-cache-ttl': 0 }, "'x-cache-ttl' must be an integer from 1 to 315360000000"],
  [{ 'x-cache-size': 5, 'x-cache-ttl': 'soon' }, "'x-cache-ttl' must be an integer from 1 to 315360000000"],
  [{ 'x-cache-size': 5, 'x-cache-persistence': 'tape' },
    "'x-cache-persistence' must be either 'disk' or 'memory'"],
])('%j is refused', (args, problem) => {
  expect(() => validateExchangeDeduplication(messageDeduplication, tableOf(args))).toThrow(
    `PRECONDITION_FAILED - Invalid argument, ${problem}`)
})
