// What an explanation says of each binding, and that it agrees with the real route.
import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../base/random.ts'
import type { Field } from '../protocol/table.ts'
import { EMPTY_TABLE } from '../protocol/table.ts'
import { Binding } from './binding.ts'
import type { Destination } from './binding.ts'
import { Exchange } from './exchange.ts'
import { explainRoute } from './explanation.ts'
import type { Explanation } from './explanation.ts'
import { exchangeTypes } from './index.ts'
import { RouteFinder } from './route.ts'

const random = new SeededRandom(1)
const exchanges = new Map<string, Exchange>()
const queues = new Map<string, Destination>()
const findExchange = (name: string): Exchange | null => exchanges.get(name) ?? null
/** One, as in a vhost: the marks of destinations are its. */
const finder = new RouteFinder<Destination>(findExchange)

function exchange(name: string, type: string, alternate: string | null = null): Exchange {
  const flags = { isDurable: true, isAutoDelete: false, isInternal: false }
  const made = new Exchange(name, exchangeTypes.get(type)!, flags, EMPTY_TABLE, random)
  made.applyAlternate(alternate)
  exchanges.set(name, made)
  return made
}

function queue(name: string): Destination {
  const known = queues.get(name) ?? { kind: 'queue', name, routeMark: 0 }
  queues.set(name, known)
  return known
}

function bind(from: Exchange, to: Destination, key = '', args: Record<string, Field> = {}): void {
  from.bind(new Binding(from.name, to, key, new Map(Object.entries(args)), false))
}

const noHeaders = { decodeHeaders: () => null, property: () => null }

/** Checked against the route that a message takes. */
function explain(start: Exchange, key: string, headers: Record<string, Field> = {}): Explanation {
  const source = { decodeHeaders: () => new Map(Object.entries(headers)), property: () => null }
  const explanation = explainRoute(start, {
    keys: [key], headers: source, random, findExchange, hasQueue: (name) => queues.has(name),
  })
  const route = finder.find(start, [key], source)
  expect(explanation.queues.toSorted()).toEqual(route.queues.map(({ name }) => name).toSorted())
  return explanation
}

const whys = ({ exchanges: explained }: Explanation): string[][] =>
  explained.map(({ bindings }) => bindings.map(({ destination, isMatch, why }) =>
    `${destination.name} ${isMatch ? '+' : '-'} ${why}`))

describe('an explanation', () => {
  test('says which key is which', () => {
    const logs = exchange('logs', 'direct')
    bind(logs, queue('a'), 'info')
    bind(logs, queue('b'), 'error')
    expect(whys(explain(logs, 'info')))
      .toEqual([['a + \'info\' is \'info\'', 'b - \'info\' is not \'error\'']])
  })

  test('says which pattern a key fits', () => {
    const events = exchange('events', 'topic')
    bind(events, queue('a'), 'order.*')
    bind(events, queue('b'), '#.paid')
    expect(whys(explain(events, 'order.new')))
      .toEqual([['a + \'order.new\' fits \'order.*\'', 'b - \'order.new\' does not fit \'#.paid\'']])
  })

  test('says which headers agree', () => {
    const match = exchange('match', 'headers')
    const acme = { tag: 'S', value: 'acme' } as const
    bind(match, queue('a'), '', { tenant: acme, size: { tag: 'l', value: 3 } })
    bind(match, queue('b'), '', { 'x-match': { tag: 'S', value: 'any' }, 'tenant': acme, 'x-not': acme })
    expect(whys(explain(match, '', { tenant: acme }))).toEqual([[
      'a - all of tenant agrees, size differs', 'b + any of tenant agrees',
    ]])
  })

  test('goes through bindings of exchanges, each once', () => {
    const front = exchange('front', 'fanout')
    const back = exchange('back', 'direct')
    bind(front, back)
    bind(back, front, 'k')
    bind(back, queue('a'), 'k')
    const explained = explain(front, 'k')
    expect(explained.exchanges.map(({ exchange: { name }, from }) => [name, from?.by])).toEqual([
      ['front', undefined], ['back', 'binding'],
    ])
  })

  test('goes to the alternate when nothing matches, and says when that is not there', () => {
    const rest = exchange('rest', 'fanout')
    bind(rest, queue('a'))
    const main = exchange('main', 'direct', 'rest')
    bind(main, queue('b'), 'k')
    expect(explain(main, 'other').exchanges).toMatchObject([
      { alternate: { name: 'rest', isThere: true } }, { from: { by: 'alternate' }, alternate: null },
    ])
    expect(explain(main, 'k').exchanges).toMatchObject([{ alternate: null }])
    main.applyAlternate('none')
    expect(explain(main, 'other').exchanges).toMatchObject([{ alternate: { isThere: false } }])
  })

  test('says which destination a hash chose', () => {
    const shards = exchange('shards', 'x-consistent-hash')
    for (const name of ['s1', 's2', 's3']) bind(shards, queue(name), '1')
    bind(shards, queue('s1'), '9')
    for (const key of ['x', 'y', 'z', 'w']) expect(explain(shards, key).queues).toHaveLength(1)
  })

  test('leaves the marks of real routings alone', () => {
    const logs = exchanges.get('logs')!
    finder.find(logs, ['info'], noHeaders)
    const marks = [...queues.values(), ...exchanges.values()].map(({ routeMark }) => routeMark)
    explainRoute(logs, {
      keys: ['info'], headers: noHeaders, random, findExchange, hasQueue: () => true,
    })
    expect([...queues.values(), ...exchanges.values()].map(({ routeMark }) => routeMark)).toEqual(marks)
  })
})
