// Generators for what happens between a queue and its consumers: deliveries, settlements, hand-over, limits,
// priorities, dead letters, expiry. Rows of the table in index.ts.

import type { Field } from '../../harness/wire.ts'
import type { Dice } from '../dice.ts'
import { Draft, exchangeName, queueName, repeat } from './draft.ts'
import { properties, queueArguments } from './vocabulary.ts'

type Write = (draft: Draft, dice: Dice) => void

const connection = (dice: Dice): number => dice.weighted([[6, 0], [3, 1], [1, 2]])

/** Publishing, consuming and settling, in any order, on a few queues. */
export function everyday(draft: Draft, dice: Dice, queues: number, count: number): void {
  const any = (): number => dice.below(queues)
  const tags: [string, string][] = []
  repeat(dice, count, [
    [10, () => draft.publish(`${connection(dice)}.1`, {
      key: queueName(any()), ...dice.chance(0.3) && { properties: properties(dice) },
      ...dice.chance(0.15) && { times: 2 + dice.below(4) }, mandatory: dice.chance(0.1),
    })],
    [4, () => {
      const [c, q] = [connection(dice), any()]
      if (dice.chance(0.4)) {
        draft.add(draft.consuming(c, q), 'basic.qos', { 'prefetch-count': dice.below(3) })
      }
      const args: Field[] = dice.chance(0.2) ? [['x-priority', 'I', dice.below(3) - 1]] : []
      tags.push(draft.consume(c, q, {
        ...dice.chance(0.25) && { 'no-ack': true }, ...dice.chance(0.08) && { exclusive: true },
        ...dice.chance(0.1) && { nowait: true }, ...args.length > 0 && { arguments: args },
      }))
    }],
    [6, () => draft.get(connection(dice), any(), dice.chance(0.3))],
    [12, () => draft.settle(connection(dice), any())],
    [2, () => {
      if (tags.length === 0) return
      const [on, tag] = dice.pick(tags)
      draft.add(on, 'basic.cancel', { 'consumer-tag': tag, ...dice.chance(0.2) && { nowait: true } })
    }],
    [1, () => draft.add(draft.consuming(connection(dice), any()), 'basic.recover', { requeue: true })],
    [1, () => draft.add('0.1', 'queue.purge', { queue: queueName(any()) })],
    [1, () => draft.add(draft.consuming(connection(dice), any()), 'channel.close', { 'reply-code': 200 })],
    [0.5, () => draft.closeConnection(1 + dice.below(2))],
    [1, () => draft.add('0.2', 'queue.declare', { queue: queueName(any()), passive: true })],
    [0.5, () => draft.add('0.1', 'queue.delete', {
      'queue': queueName(any()), 'if-unused': dice.chance(0.4), 'if-empty': dice.chance(0.4),
    })],
  ])
}

const confirming: Write = (draft, dice) => {
  for (const on of ['0.1', '1.1']) {
    if (dice.chance(0.5)) draft.add(on, 'confirm.select', { nowait: dice.chance(0.2) })
  }
}

export const queues: Write = (draft, dice) => {
  const count = 1 + dice.below(3)
  for (let n = 0; n < count; n++) {
    draft.queue(n, dice.chance(0.2) ? queueArguments(dice, 1) : [], {
      'durable': dice.chance(0.5), 'auto-delete': dice.chance(0.15), 'exclusive': dice.chance(0.1),
    })
  }
  confirming(draft, dice)
  everyday(draft, dice, count, 12 + dice.below(20))
}

export const singleActive: Write = (draft, dice) => {
  draft.queue(0, [['x-single-active-consumer', 't', true], ...dice.chance(0.3)
    ? [['x-max-priority', 'I', 2] as Field] : []], { 'auto-delete': dice.chance(0.2) })
  everyday(draft, dice, 1, 4)
  for (let n = 0; n < 3; n++) draft.consume(dice.below(3), 0, { 'no-ack': dice.chance(0.2) })
  everyday(draft, dice, 1, 10 + dice.below(15))
}

export const limits: Write = (draft, dice) => {
  const count = 1 + dice.below(2)
  for (let n = 0; n < count; n++) {
    const overflow = dice.pick(['drop-head', 'reject-publish', 'reject-publish-dlx'])
    const args: Field[] = [['x-overflow', 'S', overflow]]
    if (dice.chance(0.7)) args.push(['x-max-length', 'I', dice.below(4)])
    if (dice.chance(0.4)) args.push(['x-max-length-bytes', 'I', dice.pick([0, 2, 4, 5, 9])])
    // One queue only: two that die of one message race each other.
    if (n === 0 && dice.chance(0.7)) {
      args.push(['x-dead-letter-exchange', 'S', ''], ['x-dead-letter-routing-key', 'S', '%q2'])
    }
    if (dice.chance(0.2)) args.push(['x-max-priority', 'I', 3])
    draft.queue(n, args, { durable: dice.chance(0.5) })
  }
  draft.queue(2)
  if (dice.chance(0.3)) {
    draft.exchange(0, 'fanout')
    for (let n = 0; n < count; n++) draft.bind(n, exchangeName(0))
    draft.add('0.1', 'confirm.select')
    draft.publish('0.1', { exchange: exchangeName(0), times: 3 })
  } else confirming(draft, dice)
  everyday(draft, dice, count, 14 + dice.below(16))
}

export const priorities: Write = (draft, dice) => {
  const args: Field[] = [['x-max-priority', 'I', dice.pick([0, 1, 2, 5, 10, 255])]]
  if (dice.chance(0.3)) args.push(['x-max-length', 'I', 1 + dice.below(4)])
  draft.queue(0, args, { durable: dice.chance(0.5) })
  confirming(draft, dice)
  repeat(dice, 15 + dice.below(15), [
    [8, () => draft.publish('0.1', {
      key: queueName(0),
      properties: dice.chance(0.1) ? {} : { priority: dice.pick([0, 0, 1, 2, 3, 5, 9, 255]) },
    })],
    [6, () => everyday(draft, dice, 1, 1)],
  ])
}

/** Dead letters in chains and circles, by all three reasons. */
export const deadLetters: Write = (draft, dice) => {
  const count = 2 + dice.below(3)
  const hasExchange = dice.chance(0.5)
  const type = dice.pick(['direct', 'fanout', 'topic'])
  if (hasExchange) draft.exchange(0, type, [], { internal: dice.chance(0.2) })
  for (let n = 0; n < count; n++) {
    const args: Field[] = []
    if (dice.chance(0.85)) {
      const toExchange = hasExchange && dice.chance(0.5)
      args.push(['x-dead-letter-exchange', 'S', toExchange ? exchangeName(0) : dice.pick(['', '', '%e9'])])
      if (dice.chance(0.8)) {
        const key = toExchange ? dice.pick(['a', 'b']) : queueName(dice.below(count))
        args.push(['x-dead-letter-routing-key', 'S', key])
      }
    }
    if (dice.chance(0.3)) args.push(['x-max-length', 'I', dice.below(3)])
    if (dice.chance(0.2)) args.push(['x-overflow', 'S', 'reject-publish-dlx'])
    if (dice.chance(0.25)) args.push(['x-message-ttl', 'I', 0])
    draft.queue(n, args, { durable: dice.chance(0.5) })
    if (hasExchange && dice.chance(0.5)) draft.bind(n, exchangeName(0), dice.pick(['a', 'b', queueName(n)]))
  }
  draft.queue(count)
  confirming(draft, dice)
  repeat(dice, 12 + dice.below(12), [
    [5, () => draft.publish('0.1', {
      key: queueName(dice.below(count)), ...dice.chance(0.5) && { properties: lethal(dice, count) },
    })],
    [5, () => draft.settle(connection(dice), dice.below(count))],
    [3, () => draft.get(connection(dice), dice.below(count))],
    [4, () => everyday(draft, dice, count, 1)],
  ])
}

function lethal(dice: Dice, queues: number): Record<string, unknown> {
  const headers: Field[] = []
  // Not a queue of those that kill: two that die of one message race each other.
  if (dice.chance(0.3)) headers.push(['CC', 'A', [['S', queueName(queues)], ['S', 'a']]])
  if (dice.chance(0.2)) headers.push(['x-death', 'A', []])
  if (dice.chance(0.1)) headers.push(['x-first-death-queue', 'S', 'mine'])
  if (dice.chance(0.1)) headers.push(['x-last-death-reason', 'I', 1])
  return {
    ...dice.chance(0.4) && { expiration: dice.pick(['0', '60000']) }, ...headers.length > 0 && { headers },
    ...dice.chance(0.3) && { 'delivery-mode': 2 }, ...dice.chance(0.3) && { priority: dice.below(3) },
  }
}

/** Publishes and settlements that take effect together, or not. */
export const transactions: Write = (draft, dice) => {
  const count = 1 + dice.below(2)
  for (let n = 0; n < count; n++) {
    const args: Field[] = dice.chance(0.3) ? [['x-max-length', 'I', dice.below(3)]] : []
    if (dice.chance(0.3)) args.push(['x-overflow', 'S', 'reject-publish'])
    draft.queue(n, args, { durable: dice.chance(0.5) })
  }
  const on = (): string => dice.pick(['0.1', '0.10', '0.40', '1.10', '1.40'])
  repeat(dice, 18 + dice.below(14), [
    [3, () => draft.add(on(), 'tx.select')],
    [4, () => draft.add(on(), 'tx.commit')],
    [2, () => draft.add(on(), 'tx.rollback')],
    [0.5, () => draft.add(on(), 'confirm.select')],
    [6, () => draft.publish(on(), {
      key: dice.weighted([[5, queueName(dice.below(count))], [1, '%q9']]), mandatory: dice.chance(0.4),
      properties: { 'delivery-mode': 1 + dice.below(2) },
    })],
    [4, () => draft.get(dice.below(2), dice.below(count))],
    [5, () => draft.settle(dice.below(2), dice.below(count))],
    [2, () => everyday(draft, dice, count, 1)],
  ])
}

/** Transactions on a queue whose messages die, by whatever a commit does to it. */
export const lettersByCommit: Write = (draft, dice) => {
  const args: Field[] = [['x-dead-letter-exchange', 'S', '']]
  args.push(['x-dead-letter-routing-key', 'S', queueName(1)])
  if (dice.chance(0.6)) args.push(['x-max-length', 'I', dice.below(3)])
  if (dice.chance(0.3)) args.push(['x-overflow', 'S', dice.pick(['reject-publish', 'reject-publish-dlx'])])
  if (dice.chance(0.2)) args.push(['x-message-ttl', 'I', 0])
  draft.queue(0, args, { durable: dice.chance(0.5) })
  draft.queue(1, dice.chance(0.3) ? [['x-max-length', 'I', 2]] : [])
  const on = (): string => dice.pick(['0.1', '0.40', '0.10', '1.40', '1.10'])
  for (const first of ['0.1', '0.40', '1.40']) if (dice.chance(0.7)) draft.add(first, 'tx.select')
  repeat(dice, 18 + dice.below(14), [
    [6, () => draft.publish(on(), {
      key: queueName(0), ...dice.chance(0.2) && { properties: { expiration: '0' } },
      ...dice.chance(0.2) && { times: 2 },
    })],
    [4, () => draft.get(dice.below(2), 0)],
    [6, () => draft.settle(dice.below(2), 0)],
    [4, () => draft.add(on(), 'tx.commit')],
    [1, () => draft.add(on(), 'tx.rollback')],
    [1, () => draft.add(on(), 'tx.select')],
    [2, () => everyday(draft, dice, 1, 1)],
  ])
}

/** Times to live that end while the program waits: the shorter ones are over, the longer ones never. */
export const expiry: Write = (draft, dice) => {
  const count = 1 + dice.below(2)
  for (let n = 0; n < count; n++) {
    const args: Field[] = []
    if (dice.chance(0.5)) args.push(['x-message-ttl', 'I', dice.pick([0, 60, 60_000])])
    const key = queueName(dice.below(3))
    if (dice.chance(0.5)) {
      args.push(['x-dead-letter-exchange', 'S', ''], ['x-dead-letter-routing-key', 'S', key])
    }
    if (dice.chance(0.15)) args.push(['x-max-length', 'I', 1 + dice.below(2)])
    draft.queue(n, args)
  }
  draft.queue(2)
  repeat(dice, 8 + dice.below(8), [
    [6, () => {
      draft.publish('0.1', {
        key: queueName(dice.below(count)), properties: { expiration: dice.pick(['0', '60', '60000']) },
        ...dice.chance(0.3) && { times: 2 },
      })
      draft.elapse(600)
    }],
    [5, () => {
      everyday(draft, dice, count, 1)
      draft.elapse(600)
    }],
  ])
}

export const leases: Write = (draft, dice) => {
  draft.queue(0, [['x-expires', 'I', 1_200]])
  if (dice.chance(0.5)) draft.queue(1, [['x-expires', 'I', 600_000]])
  repeat(dice, 4 + dice.below(4), [
    [3, () => draft.elapse(2_500)],
    [2, () => draft.consume(0, 0)],
    [1, () => draft.add('0.10', 'basic.cancel', { 'consumer-tag': 'c0' })],
    [1, () => draft.publish('0.1', { key: queueName(0), mandatory: true })],
    [1, () => draft.add('0.10', 'channel.close', { 'reply-code': 200 })],
  ])
}

export const consumers: Write = (draft, dice) => {
  draft.queue(0, dice.chance(0.3) ? [['x-max-priority', 'I', 2]] : [], { 'auto-delete': dice.chance(0.3) })
  const tags: [string, string][] = []
  repeat(dice, 4 + dice.below(4), [
    [3, () => {
      const c = dice.below(3)
      draft.add(draft.consuming(c, 0), 'basic.qos', { 'prefetch-count': dice.below(4) })
      const priority: Field = ['x-priority', dice.pick(['I', 'l', 'b']), dice.below(5) - 2]
      tags.push(draft.consume(c, 0, {
        'no-ack': dice.chance(0.3), ...dice.chance(0.5) && { arguments: [priority] },
      }))
    }],
    [2, () => draft.publish('0.1', { key: queueName(0), times: 1 + dice.below(6) })],
  ])
  repeat(dice, 10 + dice.below(15), [
    [5, () => draft.publish('0.1', {
      key: queueName(0), ...dice.chance(0.4) && { times: 1 + dice.below(5) },
    })],
    [6, () => draft.settle(dice.below(3), 0)],
    [2, () => {
      if (tags.length === 0) return
      const [on, tag] = dice.pick(tags)
      draft.add(on, 'basic.cancel', { 'consumer-tag': tag })
    }],
    [2, () => everyday(draft, dice, 1, 1)],
  ])
}
