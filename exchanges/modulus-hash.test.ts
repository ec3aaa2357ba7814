// x-modulus-hash: one destination per key, the same whatever the order of the bindings.
import { expect, it } from 'vitest'
import { EMPTY_TABLE } from '../protocol/table.ts'
import { bindingTo, choosingContract, exchangeOf, queueNamed, routed } from './exchange.contract.ts'
import type { Exchange } from './exchange.ts'
import { modulusHash } from './modulus-hash.ts'

choosingContract(modulusHash, { routingKey: 'any', args: EMPTY_TABLE, headers: null })

const keys = Array.from({ length: 1_000 }, (_, n) => `key.${n}`)

function exchangeWith(...names: string[]): Exchange {
  const exchange = exchangeOf(modulusHash)
  for (const name of names) exchange.bind(bindingTo(queueNamed(name), name))
  return exchange
}

it('sends a key the same way, whatever the order of the bindings', () => {
  const [one, other] = [exchangeWith('a', 'b', 'c'), exchangeWith('c', 'a', 'b')]
  expect(keys.map((key) => routed(one, key))).toEqual(keys.map((key) => routed(other, key)))
})

it('spreads keys over all destinations', () => {
  const exchange = exchangeWith('a', 'b', 'c', 'd')
  const names = keys.map((key) => routed(exchange, key)[0])
  for (const name of ['a', 'b', 'c', 'd']) {
    expect(names.filter((each) => each === name).length).toBeGreaterThan(200)
  }
})
