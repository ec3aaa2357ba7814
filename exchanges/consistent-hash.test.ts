// x-consistent-hash: weights, what moves when a binding comes or goes, and what the hash is taken of.
import { describe, expect, it } from 'vitest'
import { EMPTY_TABLE } from '../protocol/table.ts'
import { tableOf } from '../protocol/table-encode.ts'
import { consistentHash } from './consistent-hash.ts'
import { bindingTo, choosingContract, exchangeOf, queueNamed, routed } from './exchange.contract.ts'
import type { Exchange } from './exchange.ts'
import { RouteSet } from './route-set.ts'

choosingContract(consistentHash, { routingKey: '1', args: EMPTY_TABLE, headers: null })

const keys = Array.from({ length: 3_000 }, (_, n) => `order-${n}`)

/** Weights by queue name. */
function exchangeWith(weights: Record<string, number>): Exchange {
  const exchange = exchangeOf(consistentHash)
  for (const [name, weight] of Object.entries(weights)) {
    exchange.bind(bindingTo(queueNamed(name), `${weight}`))
  }
  return exchange
}

const ways = (exchange: Exchange): (string | undefined)[] => keys.map((key) => routed(exchange, key)[0])

const shareOf = (exchange: Exchange, name: string): number =>
  ways(exchange).filter((way) => way === name).length / keys.length

describe('weights', () => {
  it('share the keys', () => {
    const exchange = exchangeWith({ a: 1, b: 2, c: 1 })
    expect(shareOf(exchange, 'a')).toBeCloseTo(0.25, 1)
    expect(shareOf(exchange, 'b')).toBeCloseTo(0.5, 1)
  })

  it('may be large', () => {
    expect(shareOf(exchangeWith({ a: 1_000_000, b: 3_000_000 }), 'b')).toBeCloseTo(0.75, 1)
  })

  it('of a queue that is bound twice are not added', () => {
    const exchange = exchangeWith({ a: 1 })
    const queue = queueNamed('b')
    for (const weight of ['1', '3']) exchange.bind(bindingTo(queue, weight))
    expect(shareOf(exchange, 'b')).toBeCloseTo(0.5, 1)
    exchange.unbind(bindingTo(queue, '1'))
    expect(shareOf(exchange, 'b')).toBeCloseTo(0.75, 1)
  })
})

describe('a binding', () => {
  it('that comes takes keys, and moves none between the others', () => {
    const before = ways(exchangeWith({ a: 1, b: 1, c: 1 }))
    const after = ways(exchangeWith({ a: 1, b: 1, c: 1, d: 1 }))
    const moved = after.filter((way, at) => way !== before[at])
    expect(new Set(moved)).toEqual(new Set(['d']))
    expect(moved.length / keys.length).toBeCloseTo(0.25, 1)
  })

  it('that goes leaves its keys to the others, and moves no other', () => {
    const before = ways(exchangeWith({ a: 1, b: 1, c: 1 }))
    const after = ways(exchangeWith({ a: 1, c: 1 }))
    expect(after.every((way, at) => way === before[at] || before[at] === 'b')).toBe(true)
  })

  it('counts alike in whatever order it came', () => {
    expect(ways(exchangeWith({ a: 1, b: 2, c: 3 }))).toEqual(ways(exchangeWith({ c: 3, b: 2, a: 1 })))
  })

  it.each([['abc', 'The binding key must be an integer: <<"abc">>'],
    ['0', 'The binding key must be greater than 0'],
    ['-3', 'The binding key must be greater than 0'],
    ['10001', 'The binding key must not exceed 10000']])('with the key %j is refused', (key, text) => {
    const bind = (): void => consistentHash.validateBinding?.(key, EMPTY_TABLE, queueNamed('q'), EMPTY_TABLE)
    expect(bind).toThrow(text)
  })
})

describe('the hash is taken', () => {
  const hashed = (args: Parameters<typeof tableOf>[0], values: readonly string[]): Set<string> => {
    const exchange = exchangeOf(consistentHash, 'x', tableOf(args))
    for (const name of ['a', 'b', 'c']) exchange.bind(bindingTo(queueNamed(name), '1'))
    const found = new RouteSet()
    return new Set(values.map((value) => {
      found.begin()
      const source = {
        decodeHeaders: () => tableOf({ h: value }),
        property: (name: string) => (name === 'message_id' ? value : null),
      }
      exchange.router.route('key', source, found)
      return found.queues[0]!.name
    }))
  }

  it('of a header, of a property, and then not of the key', () => {
    expect(hashed({ 'hash-header': 'h' }, keys).size).toBe(3)
    expect(hashed({ 'hash-header': 'h' }, ['same', 'same']).size).toBe(1)
    expect(hashed({ 'hash-property': 'message_id' }, keys).size).toBe(3)
    expect(hashed({ 'hash-header': 'none' }, keys).size).toBe(1)
    expect(hashed({ 'hash-property': 'timestamp' }, keys).size).toBe(1)
  })

  it('of the key only where a route may be remembered', () => {
    const repeatable = [{}, { 'hash-header': 'h' }, { 'hash-property': 'timestamp' }]
      .map((args) => exchangeOf(consistentHash, 'x', tableOf(args)).router.isRepeatable)
    expect(repeatable).toEqual([true, false, false])
  })

  it.each([
    [{ 'hash-property': 'foo' }, 'Unsupported property: foo'],
    [{ 'hash-property': 5 }, 'Unsupported property: 5'],
    [{ 'hash-header': 'a', 'hash-property': 'message_id' }, 'are mutually exclusive'],
    [{ 'hash-header': 5 }, "invalid type 'signedint' for arg 'hash-header' in exchange 'x'"],
  ])('of nothing else: %j', (args, text) => {
    expect(() => consistentHash.validate?.(tableOf(args), "exchange 'x'")).toThrow(text)
  })
})
