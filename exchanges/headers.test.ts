// headers: RabbitMQ's rules for x-match and for when two values are equal, one by one (behaviours §3.6).
import { assert, constantFrom, dictionary, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EMPTY_TABLE } from '../protocol/table.ts'
import type { Field, FieldTable } from '../protocol/table.ts'
import { tableOf } from '../protocol/table-encode.ts'
import { bindingTo, exchangeContract, exchangeOf, queueNamed, routed } from './exchange.contract.ts'
import { headers } from './headers.ts'

exchangeContract(headers, {
  routingKey: 'any', args: tableOf({ 'x-match': 'all', kind: 'order' }), headers: tableOf({ kind: 'order' }),
})

function isMatch(args: FieldTable, message: FieldTable | null): boolean {
  const exchange = exchangeOf(headers)
  exchange.bind(bindingTo(queueNamed('q'), '', args))
  return routed(exchange, 'whatever', message).length === 1
}

const both = tableOf({ a: 1, b: 2 })
const one = tableOf({ a: 1, b: 3 })

describe('x-match', () => {
  it.each([
    ['all', both, true], ['all', one, false], ['all', tableOf({ a: 1 }), false], ['any', one, true],
    ['any', tableOf({ a: 2, b: 1 }), false], ['any', both, true], ['all-with-x', both, true],
    ['all-with-x', one, false], ['any-with-x', one, true], ['any-with-x', tableOf({ c: 1 }), false],
  ])('%s and %j', (match, message, expected) => {
    expect(isMatch(tableOf({ 'x-match': match, a: 1, b: 2 }), message)).toBe(expected)
  })

  it('is all when it is not given', () => {
    expect(isMatch(both, both)).toBe(true)
    expect(isMatch(both, one)).toBe(false)
  })

  it('takes no part in the comparison itself', () => {
    expect(isMatch(tableOf({ 'x-match': 'any-with-x', a: 1 }), tableOf({ 'x-match': 'any-with-x' })))
      .toBe(false)
    expect(isMatch(tableOf({ 'x-match': 'all-with-x', a: 1 }), tableOf({ a: 1 }))).toBe(true)
  })
})

describe('arguments that start with x-', () => {
  const args = (match: string): FieldTable => tableOf({ 'x-match': match, 'x-a': 1, b: 2 })

  it.each([
    ['all', tableOf({ b: 2 }), true], ['all', tableOf({ 'x-a': 1 }), false],
    ['any', tableOf({ 'x-a': 1 }), false],
    ['any', tableOf({ 'x-a': 9, b: 2 }), true], ['all-with-x', tableOf({ b: 2 }), false],
    ['all-with-x', tableOf({ 'x-a': 1, b: 2 }), true], ['any-with-x', tableOf({ 'x-a': 1 }), true],
  ])('count only for the forms with-x: %s and %j', (match, message, expected) => {
    expect(isMatch(args(match), message)).toBe(expected)
  })

  it('do so in lower case only', () => {
    expect(isMatch(tableOf({ 'X-a': 1 }), tableOf({}))).toBe(false)
    expect(isMatch(tableOf({ 'X-a': 1 }), tableOf({ 'X-a': 1 }))).toBe(true)
  })
})

describe('without anything to compare', () => {
  it.each([['all', true], ['all-with-x', true], ['any', false], ['any-with-x', false]])('%s: %s',
    (match, expected) => {
    expect(isMatch(tableOf({ 'x-match': match }), tableOf({ a: 1 }))).toBe(expected)
    expect(isMatch(tableOf({ 'x-match': match }), null)).toBe(expected)
  })

  it('an x- argument leaves nothing for the plain forms', () => {
    expect(isMatch(tableOf({ 'x-match': 'all', 'x-a': 1 }), tableOf({}))).toBe(true)
    expect(isMatch(tableOf({ 'x-match': 'any', 'x-a': 1 }), tableOf({ 'x-a': 1 }))).toBe(false)
  })
})

describe('a void in the binding', () => {
  const args = new Map([['a', { tag: 'V', value: null } as const]])

  it('asks for the name with any value', () => {
    expect(isMatch(args, tableOf({ a: 1 }))).toBe(true)
    expect(isMatch(args, tableOf({ a: 'x' }))).toBe(true)
    expect(isMatch(args, args)).toBe(true)
  })

  it('does not match without the name', () => {
    expect(isMatch(args, tableOf({ b: 1 }))).toBe(false)
    expect(isMatch(args, null)).toBe(false)
  })
})

const text = (value: string): Field => ({ tag: 'S', value })
const bytes = (value: string): Field => ({ tag: 'x', value: Buffer.from(value) })
const decimal = (scale: number): Field => ({ tag: 'D', value: { scale, digits: 1 } })
const list = (...value: Field[]): Field => ({ tag: 'A', value })
const big = 2n ** 60n

describe('two values', () => {
  it.each<[string, Field, Field, boolean]>([
    ['integers of other widths', { tag: 'I', value: 1 }, { tag: 'l', value: 1 }, true],
    ['a byte and a long', { tag: 'b', value: 1 }, { tag: 'L', value: 1 }, true],
    ['unsigned and signed', { tag: 'u', value: 7 }, { tag: 's', value: 7 }, true],
    ['other integers', { tag: 'I', value: 1 }, { tag: 'I', value: 2 }, false],
    ['integers past 2^53', { tag: 'l', value: big }, { tag: 'L', value: big }, true],
    ['other integers past 2^53', { tag: 'l', value: big }, { tag: 'l', value: big + 1n }, false],
    ['floats of other widths', { tag: 'f', value: 1 }, { tag: 'd', value: 1 }, true],
    ['an integer and a float', { tag: 'I', value: 1 }, { tag: 'd', value: 1 }, false],
    ['a string and a binary', text('ü'), bytes('ü'), true],
    ['other strings', text('a'), text('A'), false],
    ['a boolean and an integer', { tag: 't', value: true }, { tag: 'I', value: 1 }, false],
    ['a string and an integer', text('1'), { tag: 'I', value: 1 }, false],
    ['booleans', { tag: 't', value: true }, { tag: 't', value: true }, true],
    ['other booleans', { tag: 't', value: true }, { tag: 't', value: false }, false],
    ['timestamps', { tag: 'T', value: 5 }, { tag: 'T', value: 5 }, true],
    ['a timestamp and an integer', { tag: 'T', value: 5 }, { tag: 'I', value: 5 }, false],
    ['decimals', decimal(2), decimal(2), true],
    ['other decimals', decimal(2), decimal(1), false],
    ['equal lists', list(text('a'), text('b')), list(text('a'), text('b')), true],
    ['lists in another order', list(text('a'), text('b')), list(text('b'), text('a')), false],
    ['lists with integers of other widths', list({ tag: 'I', value: 1 }), list({ tag: 'l', value: 1 }),
      false],
    ['equal tables', { tag: 'F', value: both }, { tag: 'F', value: both }, true],
    ['other tables', { tag: 'F', value: both }, { tag: 'F', value: one }, false],
  ])('%s', (_what, a, b, expected) => {
    expect(isMatch(new Map([['k', a]]), new Map([['k', b]]))).toBe(expected)
    expect(isMatch(new Map([['k', b]]), new Map([['k', a]]))).toBe(expected)
  })
})

it('tells names apart by case', () => {
  expect(isMatch(tableOf({ Kind: 'a' }), tableOf({ kind: 'a' }))).toBe(false)
})

it('does not see BCC', () => {
  expect(isMatch(tableOf({ BCC: 'a' }), tableOf({ BCC: 'a' }))).toBe(false)
  expect(isMatch(tableOf({ 'x-match': 'any', BCC: 'a', b: 1 }), tableOf({ BCC: 'a', b: 1 }))).toBe(true)
  expect(isMatch(tableOf({ CC: 'a' }), tableOf({ CC: 'a' }))).toBe(true)
})

it('matches as counting the names that agree does', () => {
  const table = dictionary(constantFrom('a', 'b', 'c'), constantFrom(1, 2, 'x')).map(tableOf)
  assert(property(table, table, constantFrom('all', 'any'), (args, message, match) => {
    const agreeing = [...args].filter(([name, { value }]) => message.get(name)?.value === value).length
    const expected = match === 'all' ? agreeing === args.size : agreeing > 0
    expect(isMatch(new Map([...args, ...tableOf({ 'x-match': match })]), message)).toBe(expected)
  }))
})

describe('a bad x-match', () => {
  it.each<[Field, string]>([
    [text('foo'), 'Invalid x-match field value <<"foo">>; expected all, any, all-with-x, or any-with-x'],
    [text(''), 'Invalid x-match field value <<>>; expected all, any, all-with-x, or any-with-x'],
    [{ tag: 'I', value: 5 }, 'Invalid x-match field type signedint (value 5); expected longstr'],
    [{ tag: 't', value: true }, 'Invalid x-match field type bool (value true); expected longstr'],
  ])('%j is refused', (field, text) => {
    expect(() => headers.validateBinding?.('', new Map([['x-match', field]]), queueNamed('q'), EMPTY_TABLE))
      .toThrow(`PRECONDITION_FAILED - ${text}`)
  })

  it.each(['all', 'any', 'all-with-x', 'any-with-x'])('%s is none', (match) => {
    for (const args of [{ 'x-match': match }, {}]) {
      expect(() => headers.validateBinding?.('', tableOf(args), queueNamed('q'), EMPTY_TABLE)).not.toThrow()
    }
  })
})
