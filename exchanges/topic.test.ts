// topic: RabbitMQ's table of patterns (behaviours §3.6), a slow matcher as twin, and the promise that
// bindings which do not match cost nothing.
import { array, assert, constantFrom, integer, property, record } from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { EMPTY_TABLE } from '../protocol/table.ts'
import { bindingTo, exchangeContract, exchangeOf, queueNamed, routed } from './exchange.contract.ts'
import { topic } from './topic.ts'

exchangeContract(topic, { routingKey: 'orders.eu.created', args: EMPTY_TABLE, headers: null })

const PATTERNS = ['#', '*', '*.*', '#.#', 'a.*', 'a.#', '#.a', '#.a.#', '*.#', '#.*', '*.', '.*', '.', 'a.',
  '.a', '']

describe('a routing key', () => {
  it.each([
    ['', ['#', '#.#', '']],
    ['a', ['#', '*', '#.#', 'a.#', '#.a', '#.a.#', '*.#', '#.*']],
    ['.', ['#', '#.#', '*.*', '*.#', '#.*', '*.', '.*', '.']],
    ['a.', ['#', '#.#', '*.*', 'a.*', 'a.#', '#.a.#', '*.#', '#.*', '*.', 'a.']],
    ['.a', ['#', '#.#', '*.*', '#.a', '#.a.#', '*.#', '#.*', '.*', '.a']],
    ['a.b.c', ['#', '#.#', 'a.#', '#.a.#', '*.#', '#.*']],
  ])('%j matches what it matches in RabbitMQ', (key, matching) => {
    const exchange = exchangeOf(topic)
    for (const pattern of PATTERNS) exchange.bind(bindingTo(queueNamed(pattern), pattern))
    expect(routed(exchange, key)).toEqual(matching.toSorted())
  })

  it.each([
    ['a*', 'ab', false], ['a*', 'a*', true], ['#a', 'a', false], ['a', 'A', false], ['a.b', 'a.#', false],
    ['a.b', 'a.*', false], ['*.b', '*.b', true], ['#', '#', true], ['a.*.c', 'a.*.c', true],
    ['a.#.c', 'a.c', true],
    ['a.#.c', 'a.x.y.c', true], ['a.#.c', 'a.x.y', false], ['*.*.*', 'a.b', false],
  ])('pattern %j and key %j: %s', (pattern, key, isMatch) => {
    const exchange = exchangeOf(topic)
    exchange.bind(bindingTo(queueNamed('q'), pattern))
    expect(routed(exchange, key)).toEqual(isMatch ? ['q'] : [])
  })
})

/** The rules as they are written. */
function matchesSlowly(pattern: readonly string[], words: readonly string[]): boolean {
  const [first, ...rest] = pattern
  if (first === undefined) return words.length === 0
  if (first === '#') {
    return Array.from({ length: words.length + 1 }, (_, n) => n)
      .some((n) => matchesSlowly(rest, words.slice(n)))
  }
  return words.length > 0 && (first === '*' || first === words[0]) && matchesSlowly(rest, words.slice(1))
}

const wordsOf = (key: string): string[] => (key === '' ? [] : key.split('.'))
const keyOf = (...words: string[]) => array(constantFrom(...words), { maxLength: 6 })
  .map((list) => list.join('.'))

it('routes as the slow matcher does, while bindings come and go', () => {
  const step = record({ pattern: keyOf('a', 'b', '', '*', '#'), queue: integer({ min: 0, max: 4 }) })
  const keys = array(keyOf('a', 'b', '', '*', '#', 'c'), { minLength: 1, maxLength: 6 })
  assert(property(array(step, { maxLength: 25 }), array(step, { maxLength: 8 }), keys,
    (bound, unbound, keys) => {
    const exchange = exchangeOf(topic)
    const queues = ['0', '1', '2', '3', '4'].map(queueNamed)
    for (const { pattern, queue } of bound) exchange.bind(bindingTo(queues[queue]!, pattern))
    for (const { pattern, queue } of unbound) exchange.unbind(bindingTo(queues[queue]!, pattern))
    const gone = new Set(unbound.map(({ pattern, queue }) => `${queue} ${pattern}`))
    for (const key of keys) {
      const expected = bound.filter(({ pattern, queue }) =>
        !gone.has(`${queue} ${pattern}`) && matchesSlowly(wordsOf(pattern), wordsOf(key)))
      expect([key, routed(exchange, key)]).toEqual(
        [key, [...new Set(expected.map(({ queue }) => String(queue)))].toSorted()])
    }
  }), { numRuns: 1_000 })
})

describe('the trie', () => {
  it('looks at no more words with 100,000 bindings that do not match than without them', () => {
    const exchange = exchangeOf(topic)
    for (const pattern of ['a.*.c', 'a.#']) exchange.bind(bindingTo(queueNamed(pattern), pattern))
    const lookups = (): number => {
      const spy = vi.spyOn(Map.prototype, 'get')
      expect(routed(exchange, 'a.b.c')).toEqual(['a.#', 'a.*.c'])
      const { length } = spy.mock.calls
      spy.mockRestore()
      return length
    }
    const before = lookups()
    const queue = queueNamed('other')
    for (let n = 0; n < 100_000; n++) exchange.bind(bindingTo(queue, `n${n % 1_000}.${n}.*`))
    expect(lookups()).toBe(before)
  })

  it('keeps no branch of a pattern that was unbound', () => {
    const exchange = exchangeOf(topic)
    const queue = queueNamed('q')
    exchange.bind(bindingTo(queue, 'a.b'))
    for (const pattern of ['a.b.c.d', 'a.#.x', 'z.*']) exchange.bind(bindingTo(queue, pattern))
    for (const pattern of ['a.b.c.d', 'a.#.x', 'z.*']) exchange.unbind(bindingTo(queue, pattern))
    const spy = vi.spyOn(Map.prototype, 'get')
    routed(exchange, 'a.b.c.d')
    const found = spy.mock.results.map(({ value }) => value as unknown).filter((value) => value !== undefined)
    spy.mockRestore()
    expect(found.length).toBe(2) // `a` and, below it, `b`
  })
})

describe('a binding key', () => {
  it('may have two words that are #', () => {
    for (const key of ['#', '#.a.#', '##.#a.#.#', '']) expect(() =>
      topic.validateBinding?.(key, EMPTY_TABLE, queueNamed('q'), EMPTY_TABLE)).not.toThrow()
  })

  it('is refused with a third', () => {
    expect(() => topic.validateBinding?.('a.#.#.#', EMPTY_TABLE, queueNamed('q'), EMPTY_TABLE)).toThrow(
      "PRECONDITION_FAILED - Topic binding key 'a.#.#.#' uses 3 '#' wildcards, at most 2 are allowed")
  })
})
