// Patterns that would take for ever, and those that must not be taken for them.
import { expect, it } from 'vitest'
import { BoundedPattern } from './bounded-pattern.ts'

const hopeless = `${'a'.repeat(250)}!`

it.each([
  '(a+)+$', '(?i)(A|AA)+$', '^(?!amq\\.)(a*)*b$', '(a{1,30}){1,30}$', '(?:a?){30}a{30}b', '(a+)+\\1b',
])('%s is given up, and fits nothing from then on', (text) => {
  const pattern = new BoundedPattern(text)
  expect([pattern.test(hopeless), pattern.isGivenUp]).toEqual([false, true])
  expect(pattern.test('a')).toBe(false)
})

it.each([
  ['^orders\\.', 'orders.1', true], ['^(?!amq\\.).*', 'amq.x', false], ['^(?!amq\\.).*', 'q', true],
  ['^(eu|us)\\.(a|b)$', 'us.b', true], ['(?i)^(dev-)+', 'DEV-dev-x', true], ['[*+?(){]+', 'x{', true],
  ['^(a|b)*c', 'abd', false],
])('%s on %s: %s', (text, name, isMatch) => {
  const pattern = new BoundedPattern(text)
  expect([pattern.test(name), pattern.isGivenUp]).toEqual([isMatch, false])
})

it('one that is given up leaves others alone', () => {
  const [bad, good] = [new BoundedPattern('(a+)+$'), new BoundedPattern('^(x|y)+$')]
  expect([bad.test(hopeless), good.test('xyx'), bad.test('a'), good.test('xa')])
    .toEqual([false, true, false, false])
})
