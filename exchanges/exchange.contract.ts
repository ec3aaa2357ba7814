// What every exchange type promises about its bindings; the test of each type runs it. Also what these tests
// route with: destinations, bindings and headers without a broker.
import { assert, array, boolean, integer, property, tuple } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../base/random.ts'
import { EMPTY_TABLE } from '../protocol/table.ts'
import type { FieldTable } from '../protocol/table.ts'
import { tableOf } from '../protocol/table-encode.ts'
import { Binding } from './binding.ts'
import type { Destination } from './binding.ts'
import { Exchange } from './exchange.ts'
import type { BindingTarget, ExchangeType, HeaderSource } from './exchange-type.ts'
import { RouteSet } from './route-set.ts'

export function queueNamed(name: string): Destination & BindingTarget {
  return { kind: 'queue', name, routeMark: 0, type: { name: 'classic' } }
}

export function exchangeOf(type: ExchangeType, name = 'x', args: FieldTable = EMPTY_TABLE): Exchange {
  const flags = { isDurable: true, isAutoDelete: false, isInternal: false }
  return new Exchange(name, type, flags, args, new SeededRandom(1))
}

export function bindingTo(destination: Destination, routingKey: string,
  args: FieldTable = EMPTY_TABLE): Binding {
  return new Binding('x', destination, routingKey, args, true)
}

export function headersOf(headers: FieldTable | null): HeaderSource {
  return { decodeHeaders: () => headers, property: () => null }
}

const found = new RouteSet()

/** Names of the queues that one exchange routes to, in no promised order. */
export function routed(exchange: Exchange, routingKey: string, headers: FieldTable | null = null): string[] {
  found.begin()
  exchange.router.route(routingKey, headersOf(headers), found)
  return found.queues.map(({ name }) => name).toSorted()
}

/** A key with arguments, and a message that it matches. */
export interface Matching {
  readonly routingKey: string
  readonly args: FieldTable
  readonly headers: FieldTable | null
}

/** A type that routes to all destinations that match. */
export function exchangeContract(type: ExchangeType, matching: Matching): void {
  describe(`as an exchange type, ${type.name}`, () => {
    bindingContract(type, matching)
    it('routes to each destination bound', () => {
      const exchange = exchangeOf(type)
      for (const name of ['b', 'a', 'c']) {
        expect(exchange.bind(matchingBinding(matching, queueNamed(name)))).toBe(true)
      }
      expect(ask(exchange, matching)).toEqual(['a', 'b', 'c'])
    })

    it('routes to queues and exchanges', () => {
      const exchange = exchangeOf(type)
      const other = exchangeOf(type, 'other')
      exchange.bind(matchingBinding(matching, other))
      exchange.bind(matchingBinding(matching, queueNamed('q')))
      found.begin()
      exchange.router.route(matching.routingKey, headersOf(matching.headers), found)
      expect(found.exchanges).toEqual([other])
      expect(found.queues.map(({ name }) => name)).toEqual(['q'])
    })

    it('routes to exactly those whose bindings are there after any binding and unbinding', () => {
      assert(property(changes, (steps) => {
        const { exchange, bound } = changed(type, matching, steps)
        expect(ask(exchange, matching)).toEqual(namesOf(bound))
        expect(exchange.bindings.size).toBe(bound.size)
      }))
    })
  })
}

/** A type that chooses one destination for each message. */
export function choosingContract(type: ExchangeType, matching: Matching): void {
  describe(`as an exchange type, ${type.name}`, () => {
    bindingContract(type, matching)
    it('routes to exactly one of those whose bindings are there, after any binding and unbinding', () => {
      assert(property(changes, (steps) => {
        const { exchange, bound } = changed(type, matching, steps)
        const chosen = ask(exchange, matching)
        expect(chosen.length).toBe(bound.size === 0 ? 0 : 1)
        for (const name of chosen) expect(namesOf(bound)).toContain(name)
      }))
    })

    it('is asked with one key of a message only', () => {
      expect(exchangeOf(type).router.takesEveryKey).toBe(false)
    })
  })
}

function bindingContract(type: ExchangeType, matching: Matching): void {
  const bindingOf = (queue: Destination, note = ''): Binding => matchingBinding(matching, queue, note)

  it('routes nowhere without bindings', () => {
    expect(ask(exchangeOf(type), matching)).toEqual([])
  })

  it('takes the same binding once', () => {
    const exchange = exchangeOf(type)
    const queue = queueNamed('q')
    expect(exchange.bind(bindingOf(queue))).toBe(true)
    expect(exchange.bind(bindingOf(queue))).toBe(false)
    expect(ask(exchange, matching)).toEqual(['q'])
    exchange.unbind(bindingOf(queue))
    expect(ask(exchange, matching)).toEqual([])
    expect(exchange.bindings.size).toBe(0)
  })

  it('routes once to a destination that several bindings lead to, until the last of them goes', () => {
    const exchange = exchangeOf(type)
    const queue = queueNamed('q')
    for (const note of ['1', '2']) exchange.bind(bindingOf(queue, note))
    expect(ask(exchange, matching)).toEqual(['q'])
    exchange.unbind(bindingOf(queue, '1'))
    expect(ask(exchange, matching)).toEqual(['q'])
    exchange.unbind(bindingOf(queue, '2'))
    expect(ask(exchange, matching)).toEqual([])
  })

  it('is not changed by unbinding what is not bound', () => {
    const exchange = exchangeOf(type)
    const queue = queueNamed('q')
    exchange.bind(bindingOf(queue))
    exchange.unbind(bindingOf(queueNamed('other')))
    exchange.unbind(bindingTo(queue, `${matching.routingKey}.other`, matching.args))
    exchange.unbind(bindingOf(queue, 'other'))
    expect(ask(exchange, matching)).toEqual(['q'])
  })
}

type Change = [isBind: boolean, queue: number, note: number]

const changes = array(tuple(boolean(), integer({ min: 0, max: 3 }), integer({ min: 0, max: 2 })),
  { maxLength: 40 })

/** An exchange after these changes, and what is bound to it then: name of the queue and note. */
function changed(
  type: ExchangeType, matching: Matching, steps: readonly Change[],
): { exchange: Exchange; bound: Set<string> } {
  const exchange = exchangeOf(type)
  const queues = ['a', 'b', 'c', 'd'].map(queueNamed)
  const bound = new Set<string>()
  for (const [isBind, queue, note] of steps) {
    const binding = matchingBinding(matching, queues[queue]!, ['', '1', '2'][note]!)
    if (isBind) exchange.bind(binding)
    else exchange.unbind(binding)
    if (isBind) bound.add(`${binding.destination.name}${note}`)
    else bound.delete(`${binding.destination.name}${note}`)
  }
  return { exchange, bound }
}

const namesOf = (bound: Set<string>): string[] => [...new Set([...bound].map((key) => key[0]!))].toSorted()

function matchingBinding({ routingKey, args }: Matching, to: Destination, note = ''): Binding {
  return bindingTo(to, routingKey, note === '' ? args : new Map([...args, ...tableOf({ 'x-note': note })]))
}

const ask = (exchange: Exchange, { routingKey, headers }: Matching): string[] =>
  routed(exchange, routingKey, headers)
