// Programs over which the two brokers once differed: between a queue and its consumers. Taken together in
// ../corpus.ts.

import type { Reproducer } from '../program.ts'

export const consuming: readonly Reproducer[] = [
  {
    title: 'a get counts what is left without what expired behind it',
    generator: 'dead-letters', seed: 2000073,
    steps: [
      { on: '0.1', do: 'queue.declare', args: { queue: '%q1' } },
      { on: '0.1', do: 'basic.publish', args: { 'routing-key': '%q1' }, body: 'm0' },
      {
        on: '0.1',
        do: 'basic.publish',
        args: { 'routing-key': '%q1' },
        body: 'm6',
        properties: { expiration: '0' },
      },
      { on: '0.91', drain: '%q1' },
    ],
  },
  {
    title: 'what is requeued into a full queue is dropped before it is handed out',
    generator: 'limits', seed: 2000378,
    steps: [
      { on: '0.1', do: 'queue.declare', args: { queue: '%q1', arguments: [['x-max-length', 'I', 0]] } },
      { on: '1.11', do: 'basic.consume', args: { queue: '%q1' } },
      { on: '0.1', do: 'basic.publish', args: { 'routing-key': '%q1' }, body: 'm1' },
      { on: '0.11', do: 'basic.consume', args: { queue: '%q1' } },
      { on: '1.1', do: 'connection.close', args: {} },
    ],
  },
  {
    title: 'a letter comes after the message that it makes room for in another queue',
    generator: 'dead-letters', seed: 2000514,
    steps: [
      {
        on: '0.1',
        do: 'queue.declare',
        args: { queue: '%q0', arguments: [['x-dead-letter-exchange', 'S', ''], ['x-max-length', 'I', 0]] },
      },
      { on: '0.1', do: 'queue.declare', args: { queue: '%q1' } },
      {
        on: '0.1',
        do: 'basic.publish',
        args: { 'routing-key': '%q0' },
        body: 'm1',
        properties: { headers: [['CC', 'A', [['S', '%q1'], ['S', 'a']]]] },
      },
      { on: '0.91', drain: '%q1' },
    ],
  },
  {
    title: 'a letter with a key of its own goes no longer by its CC header',
    generator: 'dead-letters', seed: 3000280,
    steps: [
      {
        on: '0.1',
        do: 'queue.declare',
        args: {
          queue: '%q0',
          arguments: [
            ['x-dead-letter-exchange', 'S', ''],
            ['x-dead-letter-routing-key', 'S', '%q2'],
            ['x-message-ttl', 'I', 0],
          ],
        },
      },
      {
        on: '0.1',
        do: 'queue.declare',
        args: {
          queue: '%q1',
          arguments: [['x-dead-letter-exchange', 'S', ''], ['x-dead-letter-routing-key', 'S', '%q0']],
        },
      },
      { on: '0.1', do: 'queue.declare', args: { queue: '%q2' } },
      {
        on: '0.1',
        do: 'basic.publish',
        args: {},
        body: 'm1',
        properties: { expiration: '0', headers: [['CC', 'A', [['S', '%q1'], ['S', 'a']]]] },
      },
      { on: '0.91', drain: '%q2' },
    ],
  },
  {
    title: 'what comes back is dropped in the order of its places when all of it is back',
    generator: 'limits', seed: 5001466,
    steps: [
      {
        on: '0.1',
        do: 'queue.declare',
        args: {
          queue: '%q0',
          arguments: [
            ['x-max-length', 'I', 1],
            ['x-dead-letter-exchange', 'S', ''],
            ['x-dead-letter-routing-key', 'S', '%q2'],
          ],
        },
      },
      { on: '0.1', do: 'queue.declare', args: { queue: '%q2', arguments: [] } },
      { on: '0.10', do: 'basic.consume', args: { 'queue': '%q0', 'consumer-tag': 'c0' } },
      {
        on: '0.1',
        do: 'basic.publish',
        args: { 'exchange': '', 'routing-key': '%q0' },
        body: 'm0',
        times: 2,
      },
      { on: '0.10', do: 'basic.cancel', args: { 'consumer-tag': 'c0' } },
      { on: '0.20', do: 'basic.consume', args: { queue: '%q0' } },
      { on: '0.1', do: 'basic.publish', args: { 'exchange': '', 'routing-key': '%q0' }, body: 'm1' },
      { on: '0.1', do: 'basic.publish', args: { 'exchange': '', 'routing-key': '%q0' }, body: 'm2' },
      { on: '0.10', do: 'channel.close', args: {} },
      { on: '0.20', do: 'channel.close', args: {} },
      { on: '0.91', drain: '%q2' },
    ],
  },
  {
    title: 'a time to live of 0 is over before the next message is too much',
    generator: 'letters-by-commit', seed: 1000015,
    steps: [
      {
        on: '0.1',
        do: 'queue.declare',
        args: {
          queue: '%q0',
          arguments: [
            ['x-dead-letter-exchange', 'S', ''],
            ['x-dead-letter-routing-key', 'S', '%q1'],
            ['x-max-length', 'I', 1],
            ['x-message-ttl', 'I', 0],
          ],
        },
      },
      { on: '0.1', do: 'queue.declare', args: { queue: '%q1' } },
      { on: '0.1', do: 'tx.select', args: {} },
      { on: '0.1', do: 'basic.publish', args: { 'exchange': '', 'routing-key': '%q0' }, body: 'm5' },
      { on: '0.1', do: 'basic.publish', args: { 'exchange': '', 'routing-key': '%q0' }, body: 'm6' },
      { on: '0.1', do: 'tx.commit', args: {} },
      { on: '0.91', drain: '%q1' },
    ],
  },
  {
    title: 'what an overflow uncovers expires at once',
    generator: 'letters-by-commit', seed: 2000018,
    steps: [
      {
        on: '0.1',
        do: 'queue.declare',
        args: {
          queue: '%q0',
          arguments: [
            ['x-dead-letter-exchange', 'S', ''],
            ['x-dead-letter-routing-key', 'S', '%q1'],
            ['x-max-length', 'I', 2],
          ],
        },
      },
      { on: '0.1', do: 'queue.declare', args: { queue: '%q1' } },
      { on: '0.40', do: 'basic.publish', args: { 'exchange': '', 'routing-key': '%q0' }, body: 'm4' },
      {
        on: '0.10',
        do: 'basic.publish',
        args: { 'exchange': '', 'routing-key': '%q0' },
        body: 'm5',
        properties: { expiration: '0' },
      },
      {
        on: '0.40',
        do: 'basic.publish',
        args: { 'exchange': '', 'routing-key': '%q0' },
        body: 'm6',
        times: 2,
      },
      { on: '0.91', drain: '%q1' },
    ],
  },
  {
    title: 'a commit hands out what it published before what it requeues',
    generator: 'letters-by-commit', seed: 101000915,
    steps: [
      { on: '0.1', do: 'queue.declare', args: { queue: '%q0' } },
      { on: '0.40', do: 'tx.select', args: {} },
      { on: '1.10', do: 'basic.publish', args: { 'exchange': '', 'routing-key': '%q0' }, body: 'm0' },
      { on: '0.40', do: 'basic.publish', args: { 'exchange': '', 'routing-key': '%q0' }, body: 'm1' },
      { on: '0.40', do: 'basic.get', args: { queue: '%q0' } },
      { on: '0.40', do: 'basic.nack', pick: 0, args: { requeue: true } },
      { on: '1.10', do: 'basic.consume', args: { queue: '%q0' } },
      { on: '0.40', do: 'tx.commit', args: {} },
    ],
  },
  {
    title: 'a queue that is in use and not empty is said to be not empty',
    generator: 'limits', seed: 302001035,
    steps: [
      { on: '0.1', do: 'queue.declare', args: { queue: '%q0' } },
      { on: '0.10', do: 'basic.qos', args: { 'prefetch-count': 1 } },
      { on: '0.10', do: 'basic.consume', args: { queue: '%q0' } },
      {
        on: '0.1',
        do: 'basic.publish',
        args: { 'exchange': '', 'routing-key': '%q0' },
        body: 'm0',
        times: 2,
      },
      { on: '0.1', do: 'queue.delete', args: { 'queue': '%q0', 'if-unused': true, 'if-empty': true } },
    ],
  },
  {
    title: 'a consumer tag in use is refused before the queue is looked for',
    generator: 'mistakes', seed: 3202010881,
    steps: [
      { on: '0.1', do: 'queue.declare', args: { queue: '%q1' } },
      { on: '0.11', do: 'basic.consume', args: { 'queue': '%q1', 'consumer-tag': 'a' } },
      { on: '0.11', do: 'basic.consume', args: { 'queue': '%q2', 'consumer-tag': 'a' } },
    ],
  },
  {
    title: 'a get counts what is left without the letters of what expired behind it',
    generator: 'dead-letters', seed: 706050615,
    steps: [
      { on: '0.1', do: 'exchange.declare', args: { exchange: '%e0', type: 'fanout' } },
      {
        on: '0.1',
        do: 'queue.declare',
        args: { queue: '%q0', arguments: [['x-dead-letter-exchange', 'S', '%e0']] },
      },
      { on: '0.1', do: 'queue.bind', args: { queue: '%q0', exchange: '%e0' } },
      {
        on: '0.1',
        do: 'queue.declare',
        args: { queue: '%q3', arguments: [['x-dead-letter-exchange', 'S', '%e0'], ['x-max-length', 'I', 2]] },
      },
      { on: '0.1', do: 'queue.bind', args: { queue: '%q3', exchange: '%e0' } },
      { on: '0.1', do: 'basic.publish', args: { 'routing-key': '%q3' }, body: 'm1' },
      { on: '0.1', do: 'basic.publish', args: { 'routing-key': '%q0' }, body: 'm2' },
      { on: '0.1', do: 'basic.publish', args: { 'routing-key': '%q3' }, body: 'm3' },
      {
        on: '0.1',
        do: 'basic.publish',
        args: { 'routing-key': '%q0' },
        body: 'm4',
        properties: { expiration: '0' },
      },
      { on: '0.91', drain: '%q0' },
    ],
  },
]
