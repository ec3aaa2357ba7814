// fanout: everywhere, whatever the key.
import { expect, it } from 'vitest'
import { EMPTY_TABLE } from '../protocol/table.ts'
import { bindingTo, exchangeContract, exchangeOf, queueNamed, routed } from './exchange.contract.ts'
import { fanout } from './fanout.ts'

exchangeContract(fanout, { routingKey: 'any', args: EMPTY_TABLE, headers: null })

it('ignores the keys of bindings and of messages', () => {
  const exchange = exchangeOf(fanout)
  exchange.bind(bindingTo(queueNamed('a'), 'one'))
  exchange.bind(bindingTo(queueNamed('b'), ''))
  expect(routed(exchange, 'two')).toEqual(['a', 'b'])
  expect(routed(exchange, '')).toEqual(['a', 'b'])
})

it('keeps a destination that is bound by two keys until both are unbound', () => {
  const exchange = exchangeOf(fanout)
  const queue = queueNamed('q')
  for (const key of ['one', 'two']) exchange.bind(bindingTo(queue, key))
  exchange.unbind(bindingTo(queue, 'one'))
  expect(routed(exchange, '')).toEqual(['q'])
  exchange.unbind(bindingTo(queue, 'two'))
  expect(routed(exchange, '')).toEqual([])
})
