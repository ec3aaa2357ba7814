// Programs over which the two brokers once differed: quorum queues. Taken together in ../corpus.ts.

import type { Reproducer } from '../program.ts'

export const quorum: readonly Reproducer[] = [
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
    title: 'a single active consumer that gives way goes on doing so when the newcomer leaves',
    generator: 'quorum', seed: 302001268,
    steps: [
      {
        on: '0.1',
        do: 'queue.declare',
        args: {
          queue: '%q0',
          durable: true,
          arguments: [['x-queue-type', 'S', 'quorum'], ['x-single-active-consumer', 't', true]],
        },
      },
      { on: '0.10', do: 'basic.consume', args: { queue: '%q0' } },
      { on: '0.1', do: 'basic.publish', args: { 'exchange': '', 'routing-key': '%q0' }, body: 'm1' },
      {
        on: '2.20',
        do: 'basic.consume',
        args: { 'queue': '%q0', 'consumer-tag': 'c2', 'arguments': [['x-priority', 'I', 1]] },
      },
      { on: '0.1', do: 'basic.publish', args: { 'exchange': '', 'routing-key': '%q0' }, body: 'm4' },
      { on: '2.20', do: 'basic.cancel', args: { 'consumer-tag': 'c2' } },
      { on: '0.10', do: 'basic.ack', pick: 0, args: {} },
    ],
  },
  {
    title: 'of equal consumers that wait the one of the larger prefetch is the next single active one',
    generator: 'quorum', seed: 0,
    steps: [
      {
        on: '0.1',
        do: 'queue.declare',
        args: {
          queue: '%q0',
          durable: true,
          arguments: [['x-queue-type', 'S', 'quorum'], ['x-single-active-consumer', 't', true]],
        },
      },
      { on: '0.10', do: 'basic.consume', args: { 'queue': '%q0', 'consumer-tag': 'c0' } },
      { on: '0.20', do: 'basic.qos', args: { 'prefetch-count': 1 } },
      { on: '0.20', do: 'basic.consume', args: { queue: '%q0' } },
      { on: '0.30', do: 'basic.qos', args: { 'prefetch-count': 2 } },
      { on: '0.30', do: 'basic.consume', args: { queue: '%q0' } },
      { on: '0.10', do: 'basic.cancel', args: { 'consumer-tag': 'c0' } },
      { on: '0.1', do: 'basic.publish', args: { 'exchange': '', 'routing-key': '%q0' }, body: 'm0' },
    ],
  },
  {
    title: 'a consumer of a quorum queue without acks gets no more than its prefetch at once',
    generator: 'quorum', seed: 301002107,
    steps: [
      {
        on: '0.1',
        do: 'queue.declare',
        args: {
          queue: '%q0',
          durable: true,
          arguments: [['x-queue-type', 'S', 'quorum'], ['x-max-length', 'I', 1]],
        },
      },
      { on: '2.10', do: 'basic.qos', args: { 'prefetch-count': 1 } },
      { on: '2.10', do: 'basic.consume', args: { 'queue': '%q0', 'no-ack': true } },
      {
        on: '0.1',
        do: 'basic.publish',
        args: { 'exchange': '', 'routing-key': '%q0' },
        body: 'm2',
        times: 3,
      },
    ],
  },
]
