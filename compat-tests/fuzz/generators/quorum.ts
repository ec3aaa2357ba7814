// Generator for quorum queues: the order of what comes back, counts in headers, delivery limits, dead
// letters, single active consumers. A row of the table in index.ts. Publishes are confirmed, since nothing
// else tells when such a queue has one. Left out is what the ledger has otherwise: lengths in bytes,
// reject-publish, exclusive consumers, gets beside a single active one, publishes at once with a time to live
// of 0; and counts of passive declares, which RabbitMQ has late, and in which a get is a consumer until it is
// settled (`quorum-get-consumer`) and one that waits beside a single active one is none.

import type { Field } from '../../harness/wire.ts'
import type { Dice } from '../dice.ts'
import { Draft, queueName, repeat } from './draft.ts'

type Write = (draft: Draft, dice: Dice) => void

const connection = (dice: Dice): number => dice.weighted([[6, 0], [3, 1], [1, 2]])

interface Kind {
  readonly hasLimit: boolean
  readonly isSingle: boolean
  readonly hasZeroTtl: boolean
}

function declare(draft: Draft, dice: Dice): Kind {
  const [hasLimit, isSingle] = [dice.chance(0.5), dice.chance(0.2)]
  const args: Field[] = [['x-queue-type', 'S', 'quorum']]
  if (hasLimit) args.push(['x-delivery-limit', 'I', dice.below(4)])
  if (isSingle) args.push(['x-single-active-consumer', 't', true])
  if (dice.chance(0.25)) args.push(['x-max-length', 'I', 1 + dice.below(3)])
  if (dice.chance(0.5)) {
    args.push(['x-dead-letter-exchange', 'S', ''], ['x-dead-letter-routing-key', 'S', queueName(1)])
  }
  const ttlMs = dice.chance(0.1) ? dice.pick([0, 60_000]) : null
  if (ttlMs !== null) args.push(['x-message-ttl', 'I', ttlMs])
  draft.queue(0, args, { durable: true })
  draft.queue(1, [], { durable: true })
  return { hasLimit, isSingle, hasZeroTtl: ttlMs === 0 }
}

/** With a limit, Leveret counts what nack and recover bring back (ledger `delivery-limit-nack`). */
function settle(draft: Draft, dice: Dice, on: string, { hasLimit }: Kind): void {
  const pick = dice.weighted([[6, 0], [2, 1], [1, 2], [0.5, 7]])
  const method = dice.weighted([[5, 'basic.ack'], [3, 'basic.nack'], [4, 'basic.reject']] as const)
  const isRequeued = method !== 'basic.ack' && dice.chance(0.6) && !(hasLimit && method === 'basic.nack')
  draft.steps.push({
    on, do: method, pick,
    args: {
      ...method !== 'basic.reject' && dice.chance(0.25) && { multiple: true },
      ...isRequeued && { requeue: true },
    },
  })
}

export const quorum: Write = (draft, dice) => {
  draft.hasCounts = false
  const kind = declare(draft, dice)
  draft.add('0.1', 'confirm.select')
  const tags: [string, string][] = []
  repeat(dice, 14 + dice.below(18), [
    [9, () => draft.publish('0.1', {
      key: queueName(0), ...dice.chance(0.25) && !kind.hasZeroTtl && { times: 2 + dice.below(3) },
      ...dice.chance(0.15) && { properties: { priority: dice.pick([0, 4, 5, 9]) } },
    })],
    [4, () => {
      const [c, args]: [number, Field[]] = [connection(dice), []]
      if (draft.hasConsumers(c, 0)) return
      if (dice.chance(0.15)) args.push(['x-priority', 'I', dice.below(3) - 1])
      if (dice.chance(0.7)) {
        draft.add(draft.consuming(c, 0), 'basic.qos', { 'prefetch-count': 1 + dice.below(3) })
      }
      tags.push(draft.consume(c, 0, { 'no-ack': dice.chance(0.15), 'arguments': args }))
    }],
    [kind.isSingle ? 0 : 4, () => draft.get(connection(dice), 0, dice.chance(0.2))],
    [12, () => settle(draft, dice, draft.consuming(connection(dice), 0), kind)],
    [2, () => {
      if (tags.length === 0) return
      const [on, tag] = dice.pick(tags)
      draft.add(on, 'basic.cancel', { 'consumer-tag': tag })
    }],
    [kind.hasLimit ? 0 : 1, () =>
      draft.add(draft.consuming(connection(dice), 0), 'basic.recover', { requeue: true })],
    [1, () => draft.add(draft.consuming(connection(dice), 0), 'channel.close', { 'reply-code': 200 })],
    [0.5, () => {
      const c = 1 + dice.below(2)
      draft.closeChannels((on) => on.startsWith(`${c}.`))
      draft.closeConnection(c)
    }],
    [0.5, () => draft.add('0.1', 'queue.purge', { queue: queueName(0) })],
  ])
}
