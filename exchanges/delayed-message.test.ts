// x-delayed-message: it is the type that its argument names, in everything but the delay, which is no
// exchange's business.
import { describe, expect, it } from 'vitest'
import { EMPTY_TABLE } from '../protocol/table.ts'
import { tableOf } from '../protocol/table-encode.ts'
import { exchangeContract, exchangeOf, queueNamed } from './exchange.contract.ts'
import type { ExchangeType } from './exchange-type.ts'
import { exchangeTypes } from './index.ts'

const delayed = exchangeTypes.get('x-delayed-message')!

/** One that was declared as delayed `name`, for suites that know no arguments. */
function delayedAs(name: string): ExchangeType {
  const args = tableOf({ 'x-delayed-type': name })
  return {
    name: `x-delayed-message of ${name}`,
    createRouter: (_args, random) => delayed.createRouter(args, random),
  }
}

for (const name of ['fanout', 'x-recent-history']) {
  exchangeContract(delayedAs(name), { routingKey: 'any', args: EMPTY_TABLE, headers: null })
}
exchangeContract(delayedAs('direct'), { routingKey: 'k', args: EMPTY_TABLE, headers: null })
exchangeContract(delayedAs('topic'), { routingKey: 'a.b', args: EMPTY_TABLE, headers: null })
exchangeContract(delayedAs('headers'), {
  routingKey: '', args: tableOf({ a: 1 }), headers: tableOf({ a: 1 }),
})

describe('x-delayed-type', () => {
  const what = "exchange 'x' in vhost '/'"

  it.each([...exchangeTypes.keys()].filter((name) => name !== 'x-delayed-message'))('may be %s', (name) => {
    const args = tableOf({ 'x-delayed-type': name, 'x-cache-size': 5 })
    expect(() => delayed.validate?.(args, what)).not.toThrow()
    const exchange = exchangeOf(delayed, 'x', args)
    expect(exchange.router.isRepeatable).toBe(exchangeOf(exchangeTypes.get(name)!).router.isRepeatable)
  })

  it.each([[{}], [{ 'x-delayed-type': 1 }], [{ 'x-delayed-type': 'x-delayed-message' }]])(
    'is needed, and may not be %j', (args) => {
      expect(() => delayed.validate?.(tableOf(args), what)).toThrow(
        "PRECONDITION_FAILED - Invalid argument, 'x-delayed-type' must be an existing exchange type")
    })

  it('must be known', () => {
    expect(() => delayed.validate?.(tableOf({ 'x-delayed-type': 'nosuch' }), what)).toThrow(
      "PRECONDITION_FAILED - unknown exchange type 'nosuch'")
  })

  it('has its arguments and its bindings checked', () => {
    const hashing = tableOf({ 'x-delayed-type': 'x-consistent-hash', 'hash-property': 'foo' })
    expect(() => delayed.validate?.(hashing, what)).toThrow('Unsupported property: foo')
    const topics = tableOf({ 'x-delayed-type': 'topic' })
    expect(() => delayed.validateBinding?.('#.#.#', EMPTY_TABLE, queueNamed('q'), topics)).toThrow(
      "Topic binding key '#.#.#' uses 3 '#' wildcards")
  })
})
