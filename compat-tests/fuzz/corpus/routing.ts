// Programs over which the two brokers once differed: names, bindings, headers, replies. Taken together in
// ../corpus.ts.

import type { Reproducer } from '../program.ts'

export const routing: readonly Reproducer[] = [
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
    title: 'of two arguments of another type the same one is named',
    generator: 'topology', seed: 3301010428,
    steps: [
      {
        on: '0.2',
        do: 'queue.declare',
        args: {
          arguments: [
            ['x-stream-max-segment-size-bytes', 'I', 100],
            ['x-queue-type', 'S', 'classic'],
            ['x-dead-letter-strategy', 'S', 'at-most-once'],
          ],
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
]
