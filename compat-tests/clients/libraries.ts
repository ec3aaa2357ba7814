// The client libraries, one row each: where it comes from, its program, and the scenarios its interface
// allows. Read by clients.test.ts and clients-page.ts. Invariant: a scenario that is not in a row has no
// counterpart in that library; what it cannot do is said beside it.

import type { ScenarioName } from './scenarios.ts'

export interface Library {
  /** As it is called where it is published, and with `prefix` before the names of its queues. */
  readonly name: string
  readonly prefix: string
  /** The package whose version is reported: npm's, or Debian's. */
  readonly package: string
  readonly runtime: Runtime
  /** Path of the program in this folder. */
  readonly program: string
  readonly plays: readonly ScenarioName[]
  /** What of a scenario's lines this library does not show. */
  readonly hides?: readonly string[]
}

export type Runtime = 'node' | 'tsx' | 'python' | 'ruby' | 'php' | 'shell'

const all = ['work', 'dead-letters', 'request-reply', 'large', 'many', 'refusal', 'reconnect'] as const
/** For a library whose errors come without the broker's code. */
const withoutRefusal = ['work', 'dead-letters', 'request-reply', 'large', 'many', 'reconnect'] as const
const ofNest = ['work', 'dead-letters', 'request-reply', 'events', 'large', 'many', 'reconnect'] as const

export const libraries: readonly Library[] = [
  {
    name: 'amqplib', prefix: 'amqplib', package: 'amqplib', runtime: 'node', program: 'node/amqplib.mjs',
    plays: all,
  },
  {
    name: 'amqp-connection-manager', prefix: 'amqp-connection-manager', package: 'amqp-connection-manager',
    runtime: 'node', program: 'node/amqp-connection-manager.mjs', plays: withoutRefusal,
  },
  {
    name: 'rabbitmq-client', prefix: 'rabbitmq-client', package: 'rabbitmq-client', runtime: 'node',
    program: 'node/rabbitmq-client.mjs', plays: all,
  },
  {
    name: '@cloudamqp/amqp-client', prefix: 'cloudamqp', package: '@cloudamqp/amqp-client', runtime: 'node',
    program: 'node/cloudamqp.mjs', plays: all,
  },
  {
    name: 'rascal', prefix: 'rascal', package: 'rascal', runtime: 'node', program: 'node/rascal.mjs',
    plays: withoutRefusal, hides: ['left', 'inOrder'],
  },
  {
    name: '@nestjs/microservices', prefix: 'nestjs', package: '@nestjs/microservices', runtime: 'tsx',
    program: 'node/nestjs.ts', plays: ofNest, hides: ['left'],
  },
  {
    name: '@golevelup/nestjs-rabbitmq', prefix: 'golevelup', package: '@golevelup/nestjs-rabbitmq',
    runtime: 'tsx', program: 'node/golevelup/golevelup.ts', plays: ofNest, hides: ['left'],
  },
  {
    name: 'pika', prefix: 'pika', package: 'python3-pika', runtime: 'python', program: 'python/play_pika.py',
    plays: all,
  },
  {
    name: 'aio-pika', prefix: 'aio-pika', package: 'python3-aio-pika', runtime: 'python',
    program: 'python/play_aio_pika.py', plays: all,
  },
  {
    name: 'kombu', prefix: 'kombu', package: 'python3-kombu', runtime: 'python',
    program: 'python/play_kombu.py', plays: all,
  },
  {
    name: 'Celery', prefix: 'celery', package: 'python3-celery', runtime: 'python',
    program: 'python/play_celery.py', plays: ['request-reply', 'retries', 'large', 'tasks', 'reconnect'],
    hides: ['deliveryMode'],
  },
  {
    name: 'bunny', prefix: 'bunny', package: 'ruby-bunny', runtime: 'ruby', program: 'ruby/play_bunny.rb',
    plays: all,
  },
  {
    name: 'php-amqplib', prefix: 'php-amqplib', package: 'php-amqplib', runtime: 'php',
    program: 'php/play_php_amqplib.php', plays: all,
  },
  {
    // a process per message: not for many, and it does not reject
    name: 'rabbitmq-c amqp-tools', prefix: 'amqp-tools', package: 'amqp-tools', runtime: 'shell',
    program: 'shell/play_amqp_tools.sh', plays: ['work', 'request-reply', 'large', 'refusal', 'reconnect'],
    hides: ['redelivered', 'contentType', 'deliveryMode'],
  },
]

/** Debian's packages run in a root folder of their own, npm's on the machine itself. */
export function isDebian(library: Library): boolean {
  return library.runtime !== 'node' && library.runtime !== 'tsx'
}
