// Programs over which the two brokers once differed, as the fuzzer shrank them: reproducers that stay. Played
// by fuzz.test.ts on both brokers. A new one is printed by `npm run fuzz:diff`; its seed is that of the
// program in which it was found.

import type { Program } from './program.ts'

interface Reproducer extends Program {
  readonly title: string
}

export const corpus: readonly Reproducer[] = [
  {
    title: 'of two wrong arguments the same one is named',
    generator: 'topology', seed: 2000019,
    steps: [
      {
        on: '0.1',
        do: 'queue.declare',
        args: {
          queue: '%q0',
          arguments: [['x-stream-max-segment-size-bytes', 'I', 100], ['x-queue-version', 'S', '2']],
        },
      },
    ],
  },
  {
    title: 'of two arguments that differ the same one is named',
    generator: 'topology', seed: 3105080048,
    steps: [
      { on: '0.2', do: 'queue.declare', args: { queue: '%q1' } },
      {
        on: '1.2',
        do: 'queue.declare',
        args: {
          queue: '%q1',
          arguments: [['x-queue-type', 'S', 'quorum'], ['x-single-active-consumer', 't', true]],
        },
      },
    ],
  },
  {
    title: 'an absent argument that is declared void is named undefined',
    generator: 'topology', seed: 2000157,
    steps: [
      { on: '0.2', do: 'queue.declare', args: { queue: '%q1' } },
      { on: '1.2', do: 'queue.declare', args: { queue: '%q1', arguments: [['x-max-length-bytes', 'V']] } },
    ],
  },
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
    title: 'an empty table in a message\'s headers matches an empty array in a binding',
    generator: 'headers', seed: 2000534,
    steps: [
      { on: '0.1', do: 'exchange.declare', args: { exchange: '%e0', type: 'headers' } },
      { on: '0.1', do: 'queue.declare', args: { queue: '%q0' } },
      {
        on: '0.1',
        do: 'queue.bind',
        args: {
          queue: '%q0',
          exchange: '%e0',
          arguments: [['x-match', 'S', 'any-with-x'], ['x-match-not', 'A', []]],
        },
      },
      {
        on: '0.1',
        do: 'basic.publish',
        args: { exchange: '%e0' },
        body: 'm8',
        properties: { headers: [['x-match-not', 'F', []]] },
      },
      { on: '0.90', do: 'queue.declare', args: { queue: '%q0', passive: true } },
    ],
  },
  {
    title: 'a reply to a name that is nobody\'s is returned',
    generator: 'replies', seed: 2000118,
    steps: [
      { on: '0.1', do: 'basic.publish', args: { 'routing-key': '%reply', 'mandatory': true }, body: 'm5' },
    ],
  },
  {
    title: 'a name that is no requester\'s cannot be purged',
    generator: 'replies', seed: 2000501,
    steps: [
      { on: '0.1', do: 'queue.purge', args: { queue: '%reply' } },
    ],
  },
  {
    title: 'a name that is no requester\'s cannot be asked',
    generator: 'replies', seed: 1000085,
    steps: [
      { on: '0.1', do: 'basic.get', args: { queue: '%reply' } },
    ],
  },
  {
    title: 'a second reply consumer with acks is told about the acks',
    generator: 'replies', seed: 3000348,
    steps: [
      { on: '0.2', do: 'basic.consume', args: { 'queue': 'amq.rabbitmq.reply-to', 'no-ack': true } },
      { on: '0.2', do: 'basic.consume', args: { queue: 'amq.rabbitmq.reply-to' } },
    ],
  },
  {
    title: 'the pseudo-queue of direct replies is the last queue once it was declared',
    generator: 'topology', seed: 5000241,
    steps: [
      { on: '0.2', do: 'queue.declare', args: { queue: 'amq.rabbitmq.reply-to' } },
      { on: '0.2', do: 'queue.bind', args: { queue: '', exchange: '' } },
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
    title: 'what comes back to a full quorum queue is served before it is dropped',
    generator: 'quorum', seed: 1000023,
    steps: [
      {
        on: '0.1',
        do: 'queue.declare',
        args: {
          queue: '%q0',
          durable: true,
          arguments: [['x-queue-type', 'S', 'quorum'], ['x-max-length', 'I', 2]],
        },
      },
      { on: '0.10', do: 'basic.consume', args: { queue: '%q0', arguments: [] } },
      { on: '0.1', do: 'basic.publish', args: { 'exchange': '', 'routing-key': '%q0' }, body: 'm1' },
      { on: '1.10', do: 'basic.consume', args: { queue: '%q0', arguments: [] } },
      {
        on: '0.1',
        do: 'basic.publish',
        args: { 'exchange': '', 'routing-key': '%q0' },
        body: 'm2',
        times: 3,
      },
      { on: '0.10', do: 'channel.close', args: {} },
    ],
  },
  {
    title: 'a consumer of a quorum queue that had no credit is last in the rotation',
    generator: 'quorum', seed: 2000016,
    steps: [
      {
        on: '0.1',
        do: 'queue.declare',
        args: { queue: '%q0', durable: true, arguments: [['x-queue-type', 'S', 'quorum']] },
      },
      { on: '0.1', do: 'basic.publish', args: { 'exchange': '', 'routing-key': '%q0' }, body: 'm0' },
      { on: '0.1', do: 'basic.publish', args: { 'exchange': '', 'routing-key': '%q0' }, body: 'm1' },
      { on: '1.40', do: 'basic.get', args: { queue: '%q0' } },
      { on: '0.10', do: 'basic.qos', args: { 'prefetch-count': 2 } },
      { on: '0.10', do: 'basic.consume', args: { queue: '%q0' } },
      { on: '0.20', do: 'basic.consume', args: { queue: '%q0', arguments: [] } },
      { on: '0.1', do: 'basic.publish', args: { 'exchange': '', 'routing-key': '%q0' }, body: 'm3' },
      { on: '1.40', do: 'channel.close', args: {} },
      { on: '0.10', do: 'basic.ack', pick: 2, args: {} },
      { on: '0.1', do: 'basic.publish', args: { 'exchange': '', 'routing-key': '%q0' }, body: 'm4' },
    ],
  },
  {
    title: 'a policy\'s limits cut before its overflow counts',
    generator: 'policies', seed: 1000039,
    steps: [
      { on: '0.1', do: 'queue.declare', args: { queue: '%q0', arguments: [] } },
      { on: '0.1', do: 'confirm.select', args: {} },
      {
        on: '1.1',
        do: 'basic.publish',
        args: { 'exchange': '', 'routing-key': '%q0' },
        body: 'm3',
        times: 2,
      },
      { on: '0.1', do: 'basic.publish', args: { 'exchange': '', 'routing-key': '%q0' }, body: 'm4' },
      {
        manage: 'PUT',
        path: '/policies/{vhost}/%p0',
        body: {
          'pattern': '^%',
          'definition': { 'overflow': 'reject-publish', 'max-length-bytes': 9 },
          'priority': 2,
          'apply-to': 'all',
        },
      },
      { on: '0.1', do: 'basic.publish', args: { 'exchange': '', 'routing-key': '%q0' }, body: 'm5' },
    ],
  },
  {
    title: 'the right to write goes before the default exchange',
    generator: 'permissions', seed: 1000016,
    steps: [
      { on: '3.2', do: 'exchange.unbind', args: { destination: '' } },
    ],
  },
  {
    title: 'a second topic permission is no creation',
    generator: 'permissions', seed: 1000024,
    steps: [
      { on: '0.1', do: 'exchange.declare', args: { exchange: '%e0', type: 'direct', arguments: [] } },
      { on: '0.1', do: 'exchange.declare', args: { exchange: '%e1', type: 'topic', arguments: [] } },
      {
        manage: 'PUT',
        path: '/topic-permissions/{vhost}/{user}',
        body: { exchange: '%e0', write: '', read: '' },
      },
      {
        manage: 'PUT',
        path: '/topic-permissions/{vhost}/{user}',
        body: { exchange: '%e1', write: '^a', read: '' },
      },
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
]
