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
  /** Path of the program in this folder; for npm's packages it also decides which copy is resolved. */
  readonly program: string
  readonly plays: readonly ScenarioName[]
}

export type Runtime = 'node' | 'tsx' | 'python' | 'ruby' | 'php' | 'shell'

const all = ['work', 'dead-letters', 'request-reply', 'large', 'many', 'refusal', 'reconnect'] as const

export const libraries: readonly Library[] = [
  {
    name: 'amqplib', prefix: 'amqplib', package: 'amqplib', runtime: 'node', program: 'node/amqplib.mjs',
    plays: all,
  },
  {
    name: 'pika', prefix: 'pika', package: 'python3-pika', runtime: 'python', program: 'python/play_pika.py',
    plays: all,
  },
]

/** Debian's packages run in a root folder of their own, npm's on the machine itself. */
export function isDebian(library: Library): boolean {
  return library.runtime !== 'node' && library.runtime !== 'tsx'
}
