// Dead letters that must not be lost: who has taken one, and who has still to.
import { expect, it } from 'vitest'
import { TestClock } from '../base/clock.ts'
import { SeededRandom } from '../base/random.ts'
import { Exchange } from '../exchanges/exchange.ts'
import { fanout } from '../exchanges/fanout.ts'
import { EMPTY_TABLE } from '../protocol/table.ts'
import { tableOf } from '../protocol/table-encode.ts'
import { QueueWorld, messageOf } from '../queues/queue.contract.ts'
import type { Queue } from '../queues/queue.ts'
import { resolveQueueSettings } from '../queues/settings.ts'
import { DeadLetterer, noDeaths } from './dead-letterer.ts'

const place = { name: 'source', settings: resolveQueueSettings(tableOf({ 'x-dead-letter-exchange': 'x' })) }
const exchange = new Exchange(
  'x', fanout, { isDurable: true, isAutoDelete: false, isInternal: false }, EMPTY_TABLE, new SeededRandom(1))

function letterer(queues: readonly Queue[], isThere = true): DeadLetterer {
  return new DeadLetterer({
    findExchange: () => (isThere ? exchange : null),
    findRoute: () => ({ queues, histories: [], sightings: null, isCacheable: true }),
    publish: () => { throw new Error('the outcome would be lost') },
  }, new TestClock(), noDeaths())
}

it('a letter is missing from the queue that rejects it, and goes there alone the next time', () => {
  const free = new QueueWorld().queue
  const full = new QueueWorld({ args: tableOf({ 'x-max-length': 0, 'x-overflow': 'reject-publish' }) }).queue
  Object.assign(full, { name: 'full' })
  const letters = letterer([free, full])
  const missing = letters.deadLetterSurely(place, messageOf('q'), 'rejected', null)
  expect([missing, free.readyCount]).toEqual([['full'], 1])
  expect(letters.deadLetterSurely(place, messageOf('q'), 'rejected', missing)).toEqual(['full'])
  expect(free.readyCount).toBe(1)
})

it('a letter that every queue takes is missing nowhere', () => {
  const { queue } = new QueueWorld()
  expect(letterer([queue]).deadLetterSurely(place, messageOf('q'), 'expired', null)).toEqual([])
  expect(queue.readyCount).toBe(1)
})

it('a letter without an exchange or without a route leads nowhere yet', () => {
  expect(letterer([], false).deadLetterSurely(place, messageOf('q'), 'rejected', null)).toBeNull()
  expect(letterer([]).deadLetterSurely(place, messageOf('q'), 'rejected', null)).toBeNull()
})
