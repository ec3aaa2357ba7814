// What every exchange type promises about its bindings; the test of each type runs it. Also what these tests
// route with: destinations, bindings and headers without a broker.
import { assert, array, boolean, integer, property, tuple } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EMPTY_TABLE } from '../protocol/table.ts'
import type { FieldTable } from '../protocol/table.ts'
import { tableOf } from '../protocol/table-encode.ts'
import { Binding } from './binding.ts'
import type { Destination } from './binding.ts'
import { Exchange } from './exchange.ts'
import type { ExchangeType, HeaderSource } from './exchange-type.ts'
import { RouteSet } from './route-set.ts'

export function queueNamed(name: string): Destination {
  return { kind: 'queue', name, routeMark: 0 }
}

export function exchangeOf(type: ExchangeType, name = 'x', args: FieldTable = EMPTY_TABLE): Exchange {
  return new Exchange(name, type, { isDurable: true, isAutoDelete: false, isInternal: false }, args)
}

export function bindingTo(destination: Destination, routingKey: string,
  args: FieldTable = EMPTY_TABLE): Binding {
  return new Binding('x', destination, routingKey, args, true)
}

export function headersOf(headers: FieldTable | null): HeaderSource {
  return { decodeHeaders: () => headers }
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

export function exchangeContract(type: ExchangeType, matching: Matching): void {
  const { routingKey, args, headers } = matching
  const bindingOf = (queue: Destination, note = ''): Binding =>
    bindingTo(queue, routingKey, note === '' ? args : new Map([...args, ...tableOf({ 'x-note': note })]))
  const ask = (exchange: Exchange): string[] => routed(exchange, routingKey, headers)

  describe(`as an exchange type, ${type.name}`, () => {
    it('routes nowhere without bindings', () => {
      expect(ask(exchangeOf(type))).toEqual([])
    })

    it('routes to each destination bound', () => {
      const exchange = exchangeOf(type)
      for (const name of ['b', 'a', 'c']) expect(exchange.bind(bindingOf(queueNamed(name)))).toBe(true)
      expect(ask(exchange)).toEqual(['a', 'b', 'c'])
    })

    it('routes to queues and exchanges', () => {
      const exchange = exchangeOf(type)
      const other = exchangeOf(type, 'other')
      exchange.bind(bindingOf(other))
      exchange.bind(bindingOf(queueNamed('q')))
      found.begin()
      exchange.router.route(routingKey, headersOf(headers), found)
      expect(found.exchanges).toEqual([other])
      expect(found.queues.map(({ name }) => name)).toEqual(['q'])
    })

    it('takes the same binding once', () => {
      const exchange = exchangeOf(type)
      const queue = queueNamed('q')
      expect(exchange.bind(bindingOf(queue))).toBe(true)
      expect(exchange.bind(bindingOf(queue))).toBe(false)
      expect(ask(exchange)).toEqual(['q'])
      exchange.unbind(bindingOf(queue))
      expect(ask(exchange)).toEqual([])
      expect(exchange.bindings.size).toBe(0)
    })

    it('routes once to a destination that several bindings lead to, until the last of them goes', () => {
      const exchange = exchangeOf(type)
      const queue = queueNamed('q')
      for (const note of ['1', '2']) exchange.bind(bindingOf(queue, note))
      expect(ask(exchange)).toEqual(['q'])
      exchange.unbind(bindingOf(queue, '1'))
      expect(ask(exchange)).toEqual(['q'])
      exchange.unbind(bindingOf(queue, '2'))
      expect(ask(exchange)).toEqual([])
    })

    it('is not changed by unbinding what is not bound', () => {
      const exchange = exchangeOf(type)
      const queue = queueNamed('q')
      exchange.bind(bindingOf(queue))
      exchange.unbind(bindingOf(queueNamed('other')))
      exchange.unbind(bindingTo(queue, `${routingKey}.other`, args))
      exchange.unbind(bindingOf(queue, 'other'))
      expect(ask(exchange)).toEqual(['q'])
    })

    it('routes to exactly those whose bindings are there after any binding and unbinding', () => {
      const steps = array(tuple(boolean(), integer({ min: 0, max: 3 }), integer({ min: 0, max: 2 })),
        { maxLength: 40 })
      assert(property(steps, (steps) => {
        const exchange = exchangeOf(type)
        const queues = ['a', 'b', 'c', 'd'].map(queueNamed)
        const bound = new Set<string>()
        for (const [isBind, queue, note] of steps) {
          const binding = bindingOf(queues[queue]!, ['', '1', '2'][note]!)
          if (isBind) exchange.bind(binding)
          else exchange.unbind(binding)
          if (isBind) bound.add(`${binding.destination.name}${note}`)
          else bound.delete(`${binding.destination.name}${note}`)
        }
        expect(ask(exchange)).toEqual([...new Set([...bound].map((key) => key[0]!))].toSorted())
        expect(exchange.bindings.size).toBe(bound.size)
      }))
    })
  })
}
