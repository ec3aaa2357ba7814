// The expiration property as text, with RabbitMQ's words for what is none (behaviours §5.1).
import { expect, it } from 'vitest'
import { readExpiration } from './expiration.ts'

it.each([
  ['0', 0], ['5000', 5_000], ['00010', 10], ['+5', 5], ['-0', 0], ['315360000000', 315_360_000_000],
])('%j is %d ms', (text, ms) => {
  expect(readExpiration(text)).toBe(ms)
})

it.each([
  ['', 'no_integer'],
  ['abc', 'no_integer'],
  [' 5', 'no_integer'],
  ['+', 'no_integer'],
  ['5 ', '{leftover_string," "}'],
  ['1.5', '{leftover_string,".5"}'],
  ['1e3', '{leftover_string,"e3"}'],
  ['5\n', '{leftover_string,"\n"}'],
  ['-1', '{value_negative,-1}'],
  ['315360000001', '{value_too_large,315360000001}'],
  ['9'.repeat(40), `{value_too_large,${'9'.repeat(40)}}`],
])('%j is refused: %s', (text, problem) => {
  const replyText = `PRECONDITION_FAILED - invalid expiration '${text}': ${problem}`
  expect(() => readExpiration(text)).toThrow(expect.objectContaining({ code: 406, replyText }))
})
