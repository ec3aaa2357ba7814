// Random words of AMQP: field values, headers, properties, arguments, keys. Called by the generators. What
// differences.ts says Leveret does otherwise is left out here where it cannot be made alike afterwards:
// tag `L`, `+5` as an expiration, timestamps in bindings, BCC with dead-lettering, global qos, delivery
// limits of classic queues.

import type { Args, Field, Item } from '../../harness/wire.ts'
import type { Dice } from '../dice.ts'

export const keys = [
  '', 'a', 'b', 'a.b', 'a.b.c', 'b.a', '.', 'a.', '.a', 'a..b', 'ä.ö', 'A', '*', '#', 'a.*', 'a.#',
] as const

export function item(dice: Dice, depth = 0): Item {
  const small = dice.below(4)
  return dice.weighted<() => Item>([
    [4, () => ['S', dice.pick(['', 'x', 'y', 'ü', '1', 'true'])]],
    [3, () => ['I', small - 1]],
    [2, () => ['l', small - 1]],
    [1, () => ['b', small - 1]], [1, () => ['B', small]],
    [1, () => ['s', small - 1]], [1, () => ['u', small]],
    [1, () => ['i', small]],
    [2, () => ['t', dice.chance(0.5)]],
    [1, () => ['d', dice.pick([0, 1, 1.5, -2])]], [1, () => ['f', dice.pick([0, 1, 1.5])]],
    [1, () => ['D', [dice.below(3), small]]],
    [1, () => ['V']],
    [depth < 2 ? 1 : 0, () => ['F', table(dice, depth + 1)]],
    [depth < 2 ? 1 : 0, () => ['A', Array.from({ length: dice.below(3) }, () => item(dice, depth + 1))]],
  ])()
}

const names = ['h', 'k', 'x-y', 'H', 'ü', '', 'aa', 'x-match-not']

export function table(dice: Dice, depth = 0): Field[] {
  return Array.from({ length: dice.below(4) }, (): Field => [dice.pick(names), ...item(dice, depth)] as Field)
}

/** For arguments, of which Leveret keeps one of a name (ledger `duplicate-arguments`). */
export function uniqueTable(dice: Dice): Field[] {
  const fields = table(dice)
  return fields.filter(([name], at) => fields.findIndex(([other]) => other === name) === at)
}

export function properties(dice: Dice): Args {
  const all: Args = {
    'content-type': dice.pick(['', 'text/plain']), 'content-encoding': 'utf-8', 'headers': table(dice),
    'delivery-mode': dice.pick([0, 1, 2, 2, 3]), 'priority': dice.pick([0, 1, 5, 9, 255]),
    'correlation-id': dice.pick(['', 'c']), 'reply-to': dice.pick(['', 'r', '%q0']),
    'expiration': dice.pick(['60000', '600000', '315360000000', '99999999']), 'message-id': 'ü',
    'timestamp': dice.pick([0, 1, 1_700_000_000]), 'type': 't', 'user-id': 'guest', 'app-id': 'app',
    'cluster-id': 'c',
  }
  return Object.fromEntries(Object.entries(all).filter(() => dice.chance(0.25)))
}

/** Mistakes in properties that close the channel. */
export function wrongProperties(dice: Dice): Args {
  return dice.pick<Args>([
    { expiration: '' }, { expiration: 'abc' }, { expiration: '1.5' }, { expiration: '-1' },
    { expiration: '5 ' },
    { expiration: '315360000001' }, { expiration: ' 5' }, { 'user-id': 'somebody' }, { 'user-id': '' },
    { headers: [['CC', 'S', 'a']] }, { headers: [['BCC', 'I', 1]] }, { headers: [['CC', 'F', []]] },
    { headers: [['CC', 'V']], expiration: 'x' }, { 'reply-to': 'amq.rabbitmq.reply-to' },
    { 'expiration': 'x', 'user-id': 'y' },
  ])
}

/** Arguments of a queue, right and wrong, of which several may come together. */
export function queueArguments(dice: Dice, count = dice.below(4)): Field[] {
  const row = (): Field => dice.pick<Field>([
    ['x-message-ttl', 'I', dice.pick([0, 60_000, 60_001])], ['x-message-ttl', 'l', 60_000],
    ['x-message-ttl', 'S', '60000'], ['x-message-ttl', 'I', -1], ['x-message-ttl', 'd', 60_000],
    ['x-expires', 'I', 600_000], ['x-expires', 'I', 0], ['x-expires', 'l', 315_360_000_001],
    ['x-max-length', 'I', dice.below(4)], ['x-max-length', 'b', 2], ['x-max-length', 'I', -1],
    ['x-max-length', 'S', 'many'], ['x-max-length', 't', true],
    ['x-max-length-bytes', 'I', dice.pick([0, 5, 100])], ['x-max-length-bytes', 'V'],
    ['x-overflow', 'S', dice.pick(['drop-head', 'reject-publish', 'reject-publish-dlx', 'drop-tail', ''])],
    ['x-overflow', 'I', 1],
    ['x-dead-letter-exchange', 'S', dice.pick(['', '%e0', 'amq.fanout'])], ['x-dead-letter-exchange', 'I', 1],
    ['x-dead-letter-routing-key', 'S', dice.pick(['', 'a', '%q1'])], ['x-dead-letter-routing-key', 'I', 1],
    ['x-max-priority', 'I', dice.pick([0, 1, 5, 255, 256, -1])], ['x-max-priority', 'S', '5'],
    ['x-max-priority', 'B', 5],
    ['x-single-active-consumer', 't', dice.chance(0.7)], ['x-single-active-consumer', 'S', 'true'],
    ['x-queue-type', 'S', dice.pick(['classic', 'classic', 'nosuch', ''])], ['x-queue-type', 'I', 1],
    ['x-queue-mode', 'S', dice.pick(['lazy', 'default', 'x'])],
    ['x-queue-version', 'I', dice.pick([1, 2, 3])], ['x-queue-version', 'S', '2'],
    ['x-queue-leader-locator', 'S', dice.pick(['client-local', 'balanced', 'x'])],
    ['x-max-age', 'S', '1h'], ['x-dead-letter-strategy', 'S', 'at-most-once'],
    ['x-quorum-initial-group-size', 'I', 1], ['x-stream-max-segment-size-bytes', 'I', 100],
    ['x-foo', ...item(dice)] as Field, ['', 'S', 'x'],
  ])
  const rows = Array.from({ length: count }, row)
  return rows.filter(([name], at) => rows.findIndex(([other]) => other === name) === at)
}
