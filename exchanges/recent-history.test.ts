// x-recent-history: a fanout, and what it keeps for later.
import { expect, it } from 'vitest'
import { EMPTY_TABLE } from '../protocol/table.ts'
import { tableOf } from '../protocol/table-encode.ts'
import { exchangeContract, exchangeOf, headersOf } from './exchange.contract.ts'
import { History } from './history.ts'
import { recentHistory } from './recent-history.ts'
import { RouteSet } from './route-set.ts'

exchangeContract(recentHistory, { routingKey: 'any', args: EMPTY_TABLE, headers: null })

const keptBy = (history: History): object[] => [...history].map(({ message }) => message)

it('asks for each message to be kept, but for those that say no', () => {
  const { router } = exchangeOf(recentHistory)
  const found = new RouteSet()
  const ask = (headers: Parameters<typeof tableOf>[0] | null): number => {
    found.begin()
    router.route('k', headersOf(headers === null ? null : tableOf(headers)), found)
    return found.histories.filter((history) => history === router.history).length
  }
  expect([null, {}, { 'x-recent-history-no-store': false }, { 'x-recent-history-no-store': 'true' },
    { 'x-recent-history-no-store': true }].map(ask)).toEqual([1, 1, 1, 1, 0])
})

it('keeps the newest, oldest first, and no more than its length', () => {
  const history = new History(3)
  const messages = [1, 2, 3, 4, 5].map((n) => ({ n }))
  messages.forEach((message, at) => history.keep(message, at))
  expect(keptBy(history)).toEqual(messages.slice(2))
  expect([...history].map(({ keptAtMs }) => keptAtMs)).toEqual([2, 3, 4])
})

it.each([[{}, 20], [{ 'x-recent-history-length': 7 }, 7]])('of %j keeps %d', (args, length) => {
  const history = exchangeOf(recentHistory, 'x', tableOf(args)).router.history!
  for (let n = 0; n < 50; n++) history.keep({ n }, 0)
  expect(keptBy(history).length).toBe(length)
})

it.each([
  [0, '0'], [-1, '-1'], ['a', '<<"a">>'], [true, 'true'],
])('refuses a length of %j', (length, shown) => {
  expect(() => recentHistory.validate?.(tableOf({ 'x-recent-history-length': length }), 'x'))
    .toThrow(`Invalid argument ${shown}, 'x-recent-history-length' must be a positive integer`)
})
