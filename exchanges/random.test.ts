// x-random and x-local-random: one destination by chance, and by the broker's chance only.
import { expect, it } from 'vitest'
import { EMPTY_TABLE } from '../protocol/table.ts'
import type { BindingTarget } from './exchange-type.ts'
import { bindingTo, choosingContract, exchangeOf, queueNamed, routed } from './exchange.contract.ts'
import { localRandom } from './local-random.ts'
import { random } from './random.ts'

choosingContract(random, { routingKey: 'any', args: EMPTY_TABLE, headers: null })
choosingContract(localRandom, { routingKey: '', args: EMPTY_TABLE, headers: null })

/** How often each of four queues was chosen in 4,000 messages. */
function chosen(): Map<string, number> {
  const exchange = exchangeOf(random)
  for (const name of ['a', 'b', 'c', 'd']) exchange.bind(bindingTo(queueNamed(name), name))
  const counts = new Map<string, number>()
  for (let n = 0; n < 4_000; n++) {
    const [name] = routed(exchange, 'k')
    counts.set(name!, (counts.get(name!) ?? 0) + 1)
  }
  return counts
}

it('gives every destination about as much as the others', () => {
  expect([...chosen().values()].every((count) => count > 850 && count < 1_150)).toBe(true)
})

it('chooses the same again with the same randomness', () => {
  expect(chosen()).toEqual(chosen())
})

it('has no route that could be remembered', () => {
  expect(exchangeOf(random).router.isRepeatable).toBe(false)
})

it('x-local-random takes classic queues without a key only', () => {
  const check = (key: string, destination: BindingTarget = queueNamed('q')) => () =>
    localRandom.validateBinding?.(key, EMPTY_TABLE, destination, EMPTY_TABLE)
  expect(check('')).not.toThrow()
  expect(check('k')).toThrow("PRECONDITION_FAILED - Non empty binding 'k' key not permitted")
  expect(check('', { kind: 'queue', type: { name: 'quorum' } })).toThrow(
    'PRECONDITION_FAILED - Queue type rabbit_quorum_queue not valid for this exchange type')
  expect(check('', exchangeOf(random))).toThrow('PRECONDITION_FAILED - Destination not found')
})
