// Programs over which the two brokers once differed: policies and permissions. Taken together in
// ../corpus.ts.

import type { Reproducer } from '../program.ts'

export const administration: readonly Reproducer[] = [
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
    title: 'a policy is in force everywhere before a letter reaches a queue',
    generator: 'policies', seed: 3301010137,
    steps: [
      { on: '0.1', do: 'exchange.declare', args: { exchange: '%e0', type: 'fanout' } },
      { on: '0.1', do: 'queue.declare', args: { queue: '%q0' } },
      { on: '0.1', do: 'queue.declare', args: { queue: '%q2' } },
      { on: '0.1', do: 'queue.bind', args: { queue: '%q2', exchange: '%e0' } },
      { on: '0.1', do: 'confirm.select', args: {} },
      {
        on: '0.1',
        do: 'basic.publish',
        args: { 'exchange': '', 'routing-key': '%q0' },
        body: 'm3',
        times: 4,
      },
      {
        manage: 'PUT',
        path: '/policies/{vhost}/%p1',
        body: {
          'pattern': '^%',
          'definition': { 'max-length': 3, 'message-ttl': 0, 'dead-letter-exchange': '%e0' },
          'priority': 1,
          'apply-to': 'all',
        },
      },
      { on: '0.90', do: 'queue.declare', args: { queue: '%q2' } },
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
    title: 'a topic permission goes with its exchange',
    generator: 'permissions', seed: 3201011481,
    steps: [
      { on: '0.1', do: 'exchange.declare', args: { exchange: '%e0', type: 'fanout', arguments: [] } },
      {
        manage: 'PUT',
        path: '/topic-permissions/{vhost}/{user}',
        body: { exchange: '%e0', write: 'b$', read: '.*' },
      },
      { on: '0.1', do: 'exchange.delete', args: { exchange: '%e0' } },
      {
        manage: 'PUT',
        path: '/topic-permissions/{vhost}/{user}',
        body: { exchange: 'amq.topic', write: 'b$', read: '^a' },
      },
    ],
  },
  {
    title: 'a time to live of 0 that comes by a policy keeps out what nobody takes, also behind others',
    generator: 'policies', seed: 2000007,
    steps: [
      { on: '0.1', do: 'queue.declare', args: { queue: '%q0' } },
      { on: '0.1', do: 'basic.publish', args: { 'exchange': '', 'routing-key': '%q0' }, body: 'm0' },
      {
        manage: 'PUT',
        path: '/policies/{vhost}/%p1',
        body: { 'pattern': '^%q', 'definition': { 'message-ttl': 0 }, 'priority': 0, 'apply-to': 'all' },
      },
      { on: '0.1', do: 'basic.publish', args: { 'exchange': '', 'routing-key': '%q0' }, body: 'm6' },
      { on: '0.90', do: 'queue.declare', args: { queue: '%q0', passive: true } },
    ],
  },
]
