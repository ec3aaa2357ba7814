// Generators for what happens before a queue: declarations, bindings, exchange graphs, matching, properties,
// direct replies, mistakes of any kind. Rows of the table in index.ts.

import { methods } from '../../harness/amqp-methods.ts'
import type { MethodName } from '../../harness/amqp-methods.ts'
import type { Args, Field, Item } from '../../harness/wire.ts'
import type { Dice } from '../dice.ts'
import { everyday } from './consuming.ts'
import { Draft, exchangeName, queueName, repeat } from './draft.ts'
import { item, keys, properties, queueArguments, table, uniqueTable, wrongProperties } from './vocabulary.ts'

type Write = (draft: Draft, dice: Dice) => void

const types = ['direct', 'fanout', 'topic', 'headers'] as const
const flag = (dice: Dice, probability: number): boolean => dice.chance(probability)

const anyQueue = (dice: Dice): string =>
  dice.weighted([
    [8, queueName(dice.below(3))], [1, ''], [0.5, 'amq.gen-none'], [0.5, 'amq.rabbitmq.reply-to'],
  ])
const anyExchange = (dice: Dice): string =>
  dice.weighted([
    [8, exchangeName(dice.below(3))], [1, ''], [1, 'amq.direct'], [0.5, 'amq.topic'], [0.5, 'amq.none'],
  ])

/** Declares, declares again otherwise, binds, unbinds, deletes; from several connections. */
export const topology: Write = (draft, dice) => {
  const on = (): string => `${dice.weighted([[5, 0], [2, 1]])}.${1 + dice.below(2)}`
  repeat(dice, 18 + dice.below(20), [
    [8, () => draft.add(on(), 'queue.declare', {
      'queue': anyQueue(dice), 'durable': flag(dice, 0.4), 'exclusive': flag(dice, 0.15),
      'auto-delete': flag(dice, 0.15), 'passive': flag(dice, 0.15), 'nowait': flag(dice, 0.1),
      'arguments': queueArguments(dice),
    })],
    [6, () => draft.add(on(), 'exchange.declare', {
      'exchange': anyExchange(dice), 'type': dice.weighted([[9, dice.pick(types)], [1, 'nosuch']]),
      'durable': flag(dice, 0.4), 'auto-delete': flag(dice, 0.2), 'internal': flag(dice, 0.1),
      'passive': flag(dice, 0.15), 'nowait': flag(dice, 0.1),
      'arguments': flag(dice, 0.3) ? [dice.pick<Field>([
        ['alternate-exchange', 'S', '%e1'], ['alternate-exchange', 'S', '%e2'],
        ['alternate-exchange', 'I', 1],
      ])] : [],
    })],
    [7, () => draft.add(on(), dice.pick(['queue.bind', 'queue.bind', 'queue.unbind']), {
      'queue': anyQueue(dice), 'exchange': anyExchange(dice), 'routing-key': dice.pick(keys),
      'arguments': flag(dice, 0.3) ? uniqueTable(dice) : [],
    })],
    [5, () => draft.add(on(), dice.pick(['exchange.bind', 'exchange.bind', 'exchange.unbind']), {
      'destination': anyExchange(dice), 'source': anyExchange(dice), 'routing-key': dice.pick(keys),
      'arguments': flag(dice, 0.2) ? uniqueTable(dice) : [], 'nowait': flag(dice, 0.1),
    })],
    [2, () => draft.add(on(), 'queue.delete', {
      'queue': anyQueue(dice), 'if-unused': flag(dice, 0.3), 'if-empty': flag(dice, 0.3),
      'nowait': flag(dice, 0.1),
    })],
    [2, () => draft.add(on(), 'exchange.delete', {
      'exchange': anyExchange(dice), 'if-unused': flag(dice, 0.4), 'nowait': flag(dice, 0.1),
    })],
    [3, () => draft.publish('0.1', {
      exchange: anyExchange(dice), key: dice.pick([...keys, queueName(dice.below(3))]), mandatory: true,
    })],
    [1, () => draft.add(on(), 'queue.purge', { queue: anyQueue(dice) })],
    [1, () => draft.add('1.1', 'connection.close', { 'reply-code': 200 })],
  ])
}

/** Graphs of exchanges with circles, alternates and auto-delete, and messages through them. */
export const graphs: Write = (draft, dice) => {
  const exchanges = 2 + dice.below(4)
  for (let n = 0; n < exchanges; n++) {
    const args: Field[] = flag(dice, 0.3)
      ? [['alternate-exchange', 'S', dice.pick([exchangeName(dice.below(exchanges)), '%e9', ''])]] : []
    draft.exchange(n, dice.pick(types), args, { 'auto-delete': flag(dice, 0.3), 'internal': flag(dice, 0.1) })
  }
  for (let n = 0; n < 3; n++) draft.queue(n, [], { 'auto-delete': flag(dice, 0.2) })
  const few = keys.slice(0, 6)
  repeat(dice, 6 + dice.below(8), [
    [3, () => draft.add('0.1', 'exchange.bind', {
      'destination': exchangeName(dice.below(exchanges)), 'source': exchangeName(dice.below(exchanges)),
      'routing-key': dice.pick([...few, '#', 'a.*']),
    })],
    [3, () => draft.bind(dice.below(3), exchangeName(dice.below(exchanges)), dice.pick([...few, '#']))],
  ])
  repeat(dice, 8 + dice.below(10), [
    [8, () => draft.publish('0.1', {
      exchange: exchangeName(dice.below(exchanges)), key: dice.pick(few), mandatory: flag(dice, 0.7),
      ...flag(dice, 0.3) && { properties: { headers: copies(dice) } },
    })],
    [1, () => draft.add('0.1', 'exchange.unbind', {
      'destination': exchangeName(dice.below(exchanges)), 'source': exchangeName(dice.below(exchanges)),
      'routing-key': dice.pick(few),
    })],
    [1, () => draft.add('0.1', 'queue.unbind', {
      'queue': queueName(dice.below(3)), 'exchange': exchangeName(dice.below(exchanges)),
      'routing-key': dice.pick(few),
    })],
    [0.5, () => draft.add('0.1', 'queue.delete', { queue: queueName(dice.below(3)) })],
    [0.5, () => draft.add('0.1', 'exchange.delete', {
      'exchange': exchangeName(dice.below(exchanges)), 'if-unused': flag(dice, 0.5),
    })],
    [1, () => everyday(draft, dice, 3, 1)],
  ])
}

function copies(dice: Dice): Field[] {
  const list = (): Field[2] => Array.from({ length: dice.below(4) }, () =>
    (dice.chance(0.85) ? ['S', dice.pick([...keys.slice(0, 6), queueName(dice.below(3))])] : item(dice)))
  const headers: Field[] = []
  if (dice.chance(0.6)) headers.push(['CC', 'A', list()])
  if (dice.chance(0.5)) headers.push(['BCC', 'A', list()])
  if (dice.chance(0.2)) headers.push(['cc', 'A', list()])
  return headers
}

export const headers: Write = (draft, dice) => {
  draft.exchange(0, 'headers')
  for (let n = 0; n < 3; n++) {
    draft.queue(n)
    const match = dice.weighted<readonly Field[]>([
      [2, []], [8, [['x-match', 'S', dice.pick(['all', 'any', 'all-with-x', 'any-with-x'])]]],
      [0.3, [['x-match', 'S', 'some']]], [0.3, [['x-match', 'I', 1]]],
    ])
    draft.bind(n, exchangeName(0), dice.pick(['', 'a']), [...match, ...uniqueTable(dice)])
  }
  repeat(dice, 10 + dice.below(12), [
    [9, () => draft.publish('0.1', {
      exchange: exchangeName(0), key: dice.pick(['', 'a']), mandatory: true,
      ...flag(dice, 0.95) && { properties: { headers: table(dice) } },
    })],
    [1, () => draft.add('0.1', 'queue.unbind', {
      queue: queueName(dice.below(3)), exchange: exchangeName(0), arguments: uniqueTable(dice),
    })],
  ])
}

const words = ['', 'a', 'b', '*', '#', 'ab', 'ü'] as const

export const topics: Write = (draft, dice) => {
  const pattern = (isBinding: boolean): string => Array.from({ length: dice.below(5) }, () =>
    dice.pick(isBinding ? words : ['', 'a', 'b', 'ab', 'ü', 'a', 'b'])).join('.')
  draft.exchange(0, 'topic')
  for (let n = 0; n < 4; n++) {
    draft.queue(n)
    for (let m = 0; m < 2; m++) draft.bind(n, exchangeName(0), pattern(true))
  }
  repeat(dice, 14 + dice.below(14), [
    [9, () => draft.publish('0.1', { exchange: exchangeName(0), key: pattern(false), mandatory: true })],
    [1, () => draft.add('0.1', 'queue.unbind', {
      'queue': queueName(dice.below(4)), 'exchange': exchangeName(0), 'routing-key': pattern(true),
    })],
    [1, () => draft.bind(dice.below(4), exchangeName(0), pattern(true))],
  ])
}

export const messages: Write = (draft, dice) => {
  draft.queue(0, [], { durable: flag(dice, 0.5) })
  draft.exchange(0, dice.pick(types))
  draft.bind(0, exchangeName(0), dice.pick(keys))
  if (flag(dice, 0.5)) draft.add('0.1', 'confirm.select')
  repeat(dice, 12 + dice.below(12), [
    [8, () => draft.publish('0.1', {
      exchange: dice.pick(['', exchangeName(0)]), key: dice.pick([queueName(0), queueName(0), ...keys]),
      mandatory: flag(dice, 0.5), properties: properties(dice), body: dice.pick(['', 'x', 'y'.repeat(50)]),
    })],
    [1, () => draft.publish('0.1', {
      key: queueName(0), properties: wrongProperties(dice), mandatory: true,
    })],
    [2, () => draft.publish('0.1', {
      key: queueName(0), properties: { headers: copies(dice) }, mandatory: true,
    })],
    [3, () => draft.get(0, 0, true)],
  ])
}

const furtherTypes = [
  'x-consistent-hash', 'x-modulus-hash', 'x-random', 'x-local-random', 'x-recent-history',
] as const

/** One queue is bound, so that what hashes or chooses has no choice; x-recent-history has its history. */
export const exchangeTypes: Write = (draft, dice) => {
  const type = dice.pick(furtherTypes)
  const weight = dice.pick(['1', '5'])
  // One weight: a queue that is bound by two and loses one is in the ledger (`hash-rebound`).
  const key = (): string => (type === 'x-consistent-hash'
    ? dice.weighted([[8, weight], [0.5, '0'], [0.5, 'abc'], [0.5, '']]) : dice.pick(['', 'a']))
  draft.exchange(0, type, exchangeTypeArguments(dice, type), { durable: flag(dice, 0.5) })
  draft.queue(0)
  if (type === 'x-recent-history') draft.queue(1)
  const queues = type === 'x-recent-history' ? 2 : 1
  repeat(dice, 10 + dice.below(10), [
    [8, () => draft.publish('0.1', {
      exchange: exchangeName(0), key: dice.pick(['', 'a', 'b']), mandatory: true,
      ...flag(dice, 0.4) && { properties: { ...properties(dice), ...flag(dice, 0.5) && {
        headers: [dice.pick<Field>([
          ['h', 'S', 'x'], ['h', 'I', 1], ['x-recent-history-no-store', 't', true],
        ])],
      } } },
    })],
    [4, () => draft.bind(dice.below(queues), exchangeName(0), key())],
    [2, () => draft.add('0.1', 'queue.unbind', {
      'queue': queueName(dice.below(queues)), 'exchange': exchangeName(0), 'routing-key': key(),
    })],
    [1, () => draft.add('0.2', 'exchange.declare', {
      exchange: exchangeName(0), type: dice.pick(furtherTypes), passive: flag(dice, 0.2),
      arguments: exchangeTypeArguments(dice, type),
    })],
    [1, () => draft.add('0.1', 'queue.delete', { queue: queueName(0) })],
    [1, () => draft.queue(0)],
    [0.5, () => draft.add('0.1', 'exchange.delete', { exchange: exchangeName(0) })],
    [2, () => everyday(draft, dice, queues, 1)],
  ])
}

/** Right and wrong ones; a hash-header that is no string is in the ledger (`hash-header-type`). */
function exchangeTypeArguments(dice: Dice, type: string): Field[] {
  if (type === 'x-recent-history' && flag(dice, 0.5)) {
    const length = dice.pick<Item>([['I', 1], ['I', 2], ['I', 0], ['S', 'x'], ['I', -1]])
    return [['x-recent-history-length', ...length]]
  }
  if (type !== 'x-consistent-hash' || flag(dice, 0.5)) return []
  return dice.pick<Field[]>([
    [['hash-header', 'S', 'h']], [['hash-property', 'S', 'message_id']], [['hash-property', 'S', 'nosuch']],
    [['hash-header', 'S', 'h'], ['hash-property', 'S', 'message_id']],
  ])
}

export const replies: Write = (draft, dice) => {
  draft.queue(0)
  const requester = (): string => dice.pick(['0.2', '0.3', '1.2'])
  draft.add('0.2', 'basic.consume', { 'queue': 'amq.rabbitmq.reply-to', 'consumer-tag': 'r', 'no-ack': true })
  repeat(dice, 10 + dice.below(12), [
    [2, () => draft.add(requester(), 'basic.consume', {
      'queue': 'amq.rabbitmq.reply-to', 'consumer-tag': dice.pick(['r', '']), 'no-ack': flag(dice, 0.9),
      'exclusive': flag(dice, 0.1),
    })],
    [6, () => draft.publish(requester(), {
      key: queueName(0),
      properties: { 'reply-to': 'amq.rabbitmq.reply-to', ...flag(dice, 0.2) && properties(dice) },
    })],
    [5, () => draft.get(1, 0, true)],
    [6, () => draft.publish(dice.pick(['1.1', '0.1']), {
      key: '%reply', mandatory: flag(dice, 0.4), properties: properties(dice),
    })],
    [1, () => draft.add('0.1', 'queue.declare', { queue: '%reply', passive: flag(dice, 0.7) })],
    [1, () => draft.add(requester(), 'basic.cancel', { 'consumer-tag': 'r' })],
    [1, () => draft.add(requester(), 'channel.close', { 'reply-code': 200 })],
    [1, () => draft.publish('1.1', { exchange: 'amq.direct', key: '%reply', mandatory: true })],
    [0.5, () => draft.add('0.1', dice.pick(['queue.delete', 'queue.purge', 'basic.get']), {
      queue: '%reply',
    })],
    [0.5, () => draft.bind(0, 'amq.fanout', '%reply')],
    [0.5, () => draft.add('1.1', 'confirm.select')],
  ])
}

const clientMethods = (Object.keys(methods) as MethodName[]).filter((name) => !name.startsWith('connection.')
  && !/^(?:tx|access|channel)\.|-ok$|return|deliver|get-empty|update|publish/.test(name))

/** Any method with any arguments. */
export const mistakes: Write = (draft, dice) => {
  for (let n = 0; n < 2; n++) draft.queue(n, queueArguments(dice, 1))
  draft.exchange(0, dice.pick(types))
  const value = (name: string, type: string): unknown => {
    if (name === 'queue') return anyQueue(dice)
    if (['exchange', 'source', 'destination'].includes(name)) return anyExchange(dice)
    if (name === 'type') return dice.pick(types)
    if (name === 'consumer-tag') return dice.pick(['', 'a', 'b'])
    if (name === 'global' || name === 'ticket' || (name === 'no-ack' && dice.chance(0.7))) return undefined
    if (name === 'prefetch-size') return dice.weighted([[9, 0], [1, 10]])
    if (type === 'bit') return dice.chance(0.3)
    if (type === 'table') return dice.chance(0.7) ? [] : uniqueTable(dice)
    if (type === 'shortstr') return dice.pick(keys)
    return dice.below(4)
  }
  repeat(dice, 16 + dice.below(16), [
    [9, () => {
      const name = dice.pick(clientMethods)
      const args: Args = {}
      for (const spec of methods[name][2].split(' ').filter((each) => each !== '')) {
        const [arg, type] = spec.split(':') as [string, string]
        const chosen = value(arg, type)
        if (chosen !== undefined) args[arg] = chosen
      }
      const isOfQueue = name === 'basic.consume' || name === 'basic.get'
      draft.add(isOfQueue ? `0.${10 + dice.below(2)}` : `${dice.below(2)}.1`, name, args)
    }],
    [3, () => draft.publish(`${dice.below(2)}.1`, { key: queueName(dice.below(2)) })],
    [1, () => draft.add('0.1', 'channel.open')],
    [1, () => draft.add('0.1', 'channel.flow', { active: flag(dice, 0.5) })],
    [0.5, () => draft.add('0.1', 'channel.close-ok')],
  ])
}
