// Patterns: PCRE as administrators write it, in JavaScript's regular expressions.
import { expect, it } from 'vitest'
import { compilePattern } from './pattern.ts'

it.each([
  ['^a', 'ab', true], ['^a', 'ba', false], ['b', 'abc', true], ['(?i)ABC', 'xabcx', true],
  ['(?im)^B', 'a\nb', true], ['\\Aa\\z', 'a', true], ['\\Aa\\Z', 'ab', false], ['\\\\A', '\\A', true],
  ['^(?!amq\\.).*', 'amq.gen', false], ['^(?!amq\\.).*', 'q', true],
])('%j on %j: %s', (pattern, name, isMatch) => {
  expect(compilePattern(pattern).test(name)).toBe(isMatch)
})

it.each([
  ['(', '{"missing closing parenthesis",1}'], ['[', '{"missing terminating ] for character class",1}'],
  [')', '{"unmatched closing parenthesis",1}'], ['*', '{"quantifier does not follow a repeatable item",1}'],
  ['a\\', '{"\\\\ at end of pattern",2}'],
])('%j is refused in PCRE\'s words', (pattern, words) => {
  expect(() => compilePattern(pattern)).toThrow(words)
})

it('what only PCRE knows is refused, not taken for something else', () => {
  expect(() => compilePattern('(?>a)')).toThrow('Invalid group')
  expect(() => compilePattern('a++')).toThrow('quantifier does not follow')
})
