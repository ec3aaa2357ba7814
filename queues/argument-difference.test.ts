// How an argument of a redeclaration differs, in RabbitMQ's words (behaviours §4.5).
import { expect, it } from 'vitest'
import { describeDifference } from './argument-difference.ts'
import type { Field } from '../protocol/table.ts'

const text = (value: string): Field => ({ tag: 'S', value })
const long = (value: number | bigint): Field => ({ tag: 'l', value })

it.each<[string, Field | undefined, Field | undefined]>([
  ['both absent', undefined, undefined],
  ['the same text', text('a'), text('a')],
  ['the same integer in another width', long(60_000), { tag: 'I', value: 60_000 }],
  ['an octet and a bigint', { tag: 'b', value: 5 }, long(5n)],
  ['the same truth', { tag: 't', value: true }, { tag: 't', value: true }],
  ['the same double', { tag: 'd', value: 1.5 }, { tag: 'd', value: 1.5 }],
])('%s: no difference', (_, current, received) => {
  expect(describeDifference(current, received)).toBeNull()
})

it.each<[Field | undefined, Field | undefined, string]>([
  [long(1), long(2), "received '2' but current is '1'"],
  [long(2n ** 60n), long(2n ** 60n + 1n),
    "received '1152921504606846977' but current is '1152921504606846976'"],
  [undefined, text('dlx'), "received the value 'dlx' of type 'longstr' but current is none"],
  [undefined, { tag: 'I', value: 7 }, "received the value '7' of type 'signedint' but current is none"],
  [long(60_000), undefined, "received none but current is the value '60000' of type 'long'"],
  [text('dlx'), { tag: 'V', value: null }, "received none but current is 'dlx'"],
  [text('5'), long(5), "received '5' but current is '5'"],
  [{ tag: 'd', value: 1_000 }, { tag: 'd', value: 1.5 }, "received '1.5' but current is '1.0e3'"],
  [{ tag: 'f', value: 0.5 }, { tag: 'd', value: 0.5 }, "received '5.0e-1' but current is '5.0e-1'"],
  [{ tag: 't', value: true }, { tag: 't', value: false }, "received 'false' but current is 'true'"],
])('$2', (current, received, difference) => {
  expect(describeDifference(current, received)).toBe(difference)
})
