// Generators for what an administrator changes while clients are at work: policies and operator policies, and
// what a user may do. Rows of the table in index.ts. Connection 3 of a program is the limited user's.

import type { Args, Field } from '../../harness/wire.ts'
import type { Dice } from '../dice.ts'
import { limitedConnection } from '../program.ts'
import { everyday } from './consuming.ts'
import { Draft, exchangeName, queueName, repeat } from './draft.ts'
import { keys, queueArguments } from './vocabulary.ts'

type Write = (draft: Draft, dice: Dice) => void

const definitionRow = (dice: Dice): readonly [string, unknown] =>
  dice.weighted<readonly [string, unknown]>([
    [4, ['max-length', dice.below(4)]], [2, ['max-length-bytes', dice.pick([0, 2, 5, 9])]],
    [2, ['overflow', dice.pick(['drop-head', 'reject-publish', 'reject-publish-dlx'])]],
    [2, ['message-ttl', dice.pick([60_000, 60_000, 0])]], [1, ['expires', 600_000]],
    [3, ['dead-letter-exchange', dice.pick(['', exchangeName(0)])]],
    [3, ['dead-letter-routing-key', queueName(2)]],
    [2, ['alternate-exchange', dice.pick([exchangeName(1), exchangeName(9)])]],
    [0.3, ['max-length', -1]], [0.3, ['overflow', 'drop-tail']], [0.3, ['nosuch', 1]],
  ])

function policy(dice: Dice): Args {
  return {
    'pattern': dice.weighted([[5, '^%'], [3, '^%q0$'], [2, '^%q'], [2, '^%e'], [0.2, '[']]),
    'definition': Object.fromEntries(Array.from({ length: 1 + dice.below(3) }, () => definitionRow(dice))),
    'priority': dice.below(3),
    'apply-to': dice.weighted([
      [6, 'all'], [3, 'queues'], [2, 'exchanges'], [1, 'classic_queues'], [0.2, 'x'],
    ]),
  }
}

const operatorRow = (dice: Dice): readonly [string, unknown] =>
  dice.pick<readonly [string, unknown]>([
    ['max-length', dice.below(4)], ['max-length-bytes', dice.pick([2, 5])], ['message-ttl', 60_000],
    ['expires', 700_000],
  ])

/** Policies put, replaced and taken away between publishes, deliveries and settlements. */
export const policies: Write = (draft, dice) => {
  draft.exchange(0, 'fanout')
  draft.exchange(1, 'direct')
  for (let n = 0; n < 2; n++) {
    const args: Field[] = dice.chance(0.2) ? [['x-max-length', 'I', 1 + dice.below(3)]] : []
    draft.queue(n, dice.chance(0.2) ? queueArguments(dice, 1) : args, { durable: dice.chance(0.5) })
  }
  draft.queue(2)
  draft.bind(2, exchangeName(0))
  draft.bind(0, exchangeName(1), 'a')
  if (dice.chance(0.6)) draft.add('0.1', 'confirm.select')
  repeat(dice, 16 + dice.below(12), [
    [4, () => draft.manage('PUT', `/policies/{vhost}/%p${dice.below(2)}`, policy(dice))],
    [1, () => draft.manage('PUT', '/operator-policies/{vhost}/%o0', {
      'pattern': dice.pick(['^%', '^%q0']), 'apply-to': 'queues',
      'definition': Object.fromEntries([operatorRow(dice)]),
    })],
    [1, () => draft.manage('DELETE', `/policies/{vhost}/%p${dice.below(2)}`)],
    [0.5, () => draft.manage('DELETE', '/operator-policies/{vhost}/%o0')],
    [5, () => draft.publish('0.1', {
      key: queueName(dice.below(2)), ...dice.chance(0.3) && { times: 2 + dice.below(3) },
    })],
    [2, () => draft.publish('0.1', {
      exchange: exchangeName(1), key: dice.pick(['a', 'none']), mandatory: true,
    })],
    [1, () => draft.add('0.2', 'queue.declare', { queue: queueName(dice.below(3)), passive: true })],
    [8, () => everyday(draft, dice, 2, 1)],
  ])
}

const patterns = [
  '', '.*', '.*', '^%', '^%q0$', '^%q', '^%e', '^(%q0|%e0)$', '^amq\\.default$', '^(amq\\.default|%q)', '[',
] as const

/** A user who may do some things, and what it may changes; the administrator works beside it. */
export const permissions: Write = (draft, dice) => {
  const user = (): string => `${limitedConnection}.${1 + dice.below(2)}`
  const queue = (): string => queueName(dice.below(3))
  const exchange = (): string => dice.weighted([
    [5, exchangeName(dice.below(3))], [2, ''], [1, 'amq.topic'], [0.5, 'amq.none'],
  ])
  const permit = (): void => draft.manage('PUT', '/permissions/{vhost}/{user}', {
    configure: dice.pick(patterns), write: dice.pick(patterns), read: dice.pick(patterns),
  })
  draft.queue(0)
  draft.exchange(0, dice.pick(['topic', 'direct', 'fanout']))
  draft.exchange(1, 'topic')
  permit()
  repeat(dice, 18 + dice.below(14), [
    [2, permit],
    [1.5, () => draft.manage('PUT', '/topic-permissions/{vhost}/{user}', {
      exchange: dice.pick(['%e0', '%e1', 'amq.topic']), write: dice.pick(['', '^a', 'b$']),
      read: dice.pick(['', '^a', '.*']),
    })],
    [0.5, () => draft.manage('DELETE', '/topic-permissions/{vhost}/{user}')],
    [4, () => draft.add(user(), 'queue.declare', {
      'queue': dice.weighted([[8, queue()], [1, '']]), 'passive': dice.chance(0.2),
      'exclusive': dice.chance(0.1), 'arguments': dice.chance(0.3)
        ? [['x-dead-letter-exchange', 'S', exchange()]] : [],
    })],
    [3, () => draft.add(user(), 'exchange.declare', {
      'exchange': exchange(), 'type': 'topic', 'passive': dice.chance(0.2),
      'arguments': dice.chance(0.4) ? [['alternate-exchange', 'S', exchange()]] : [],
    })],
    [4, () => draft.add(user(), dice.pick(['queue.bind', 'queue.unbind']), {
      'queue': queue(), 'exchange': exchange(), 'routing-key': dice.pick(keys),
    })],
    [2, () => draft.add(user(), dice.pick(['exchange.bind', 'exchange.unbind']), {
      'destination': exchange(), 'source': exchange(), 'routing-key': dice.pick(keys),
    })],
    [5, () => draft.publish(user(), {
      exchange: exchange(), key: dice.pick(['a', 'a.b', 'b', queueName(0)]), mandatory: dice.chance(0.5),
      ...dice.chance(0.3) && {
        properties: { 'headers': [['CC', 'A', [['S', 'b']]]], ...dice.chance(0.3) && { 'user-id': 'guest' } },
      },
    })],
    [2, () => draft.publish('0.1', { key: queueName(0) })],
    [3, () => draft.add(`${limitedConnection}.40`, 'basic.get', { 'queue': queue(), 'no-ack': true })],
    [2, () => draft.add(`${limitedConnection}.${10 + dice.below(2)}`, 'basic.consume', {
      'queue': queue(), 'no-ack': true,
    })],
    [1, () => draft.add(user(), 'queue.purge', { queue: queue() })],
    [1, () => draft.add(user(), 'queue.delete', { queue: queue() })],
    [1, () => draft.add(user(), 'exchange.delete', { exchange: exchange() })],
    [0.5, () => draft.add(user(), 'basic.qos', { 'prefetch-count': 1 })],
  ])
}
