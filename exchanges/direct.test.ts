// direct: the exact key and no other.
import { expect, it } from 'vitest'
import { EMPTY_TABLE } from '../protocol/table.ts'
import { direct } from './direct.ts'
import { bindingTo, exchangeContract, exchangeOf, queueNamed, routed } from './exchange.contract.ts'

exchangeContract(direct, { routingKey: 'orders.created', args: EMPTY_TABLE, headers: null })

it('routes by the exact key', () => {
  const exchange = exchangeOf(direct)
  for (const key of ['a', 'A', 'a.b', '', '#', '*']) exchange.bind(bindingTo(queueNamed(`q ${key}`), key))
  expect(['a', 'A', 'a.b', '', '#', '*', 'b', 'constructor'].map((key) => routed(exchange, key))).toEqual(
    [['q a'], ['q A'], ['q a.b'], ['q '], ['q #'], ['q *'], [], []])
})
