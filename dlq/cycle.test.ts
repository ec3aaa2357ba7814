// When a dead letter goes round in a circle that nobody in it breaks (behaviours §7.5).
import { expect, it } from 'vitest'
import { tableOf } from '../protocol/table-encode.ts'
import { isCycle } from './cycle.ts'

/** `a.rejected`: died in a, rejected. */
const historyOf = (deaths: string): ReturnType<typeof tableOf>[] =>
  deaths.split(' ').filter((death) => death !== '').map((death) => {
    const [queue = '', reason = ''] = death.split('.')
    return tableOf({ count: 1, reason, queue })
  })

it.each([
  // history, the latest death first, and where it would go
  ['', 'a', false],
  ['b.expired', 'a', false],
  ['a.expired', 'a', true],
  ['a.maxlen', 'a', true],
  ['b.expired a.expired', 'a', true],
  ['b.maxlen a.expired', 'a', true],
  ['b.expired c.expired a.maxlen', 'a', true],
  ['b.rejected a.expired', 'a', false],
  ['b.expired a.rejected', 'a', false],
  ['b.expired c.rejected a.expired', 'a', false],
  // Rejected before its last death there: that does not count any more.
  ['b.expired a.expired c.rejected', 'a', true],
  ['a.expired b.expired a.rejected', 'a', true],
  ['a.rejected b.expired a.expired', 'a', false],
  ['b.expired a.expired', 'c', false],
  ['b.rejected', 'a', false],
])('after %j to %s: %s', (deaths, queue, expected) => {
  expect(isCycle(historyOf(deaths), queue)).toBe(expected)
})
