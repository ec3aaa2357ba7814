// What every client library is asked to do, and what each must then see, on both brokers and in every
// language. Read by clients.test.ts (to compare) and clients-page.ts (the columns). Invariant: a program
// prints exactly these lines for a scenario, with its library's name before each queue's, or that library
// differs.

/** One line of a program, without the name of its scenario. */
export type Seen = Readonly<Record<string, string | number | boolean>>

export interface Scenario {
  readonly title: string
  readonly sees: readonly Seen[]
}

const large = {
  bytes: 1_048_576,
  sha256: 'aca1cd027e979588d14b877b7b0cb8585ad9fec599eb45801992ee5382b3760f',
}

export const scenarios = {
  'work': {
    title: 'declare, publish, consume one by one, ack',
    sees: [
      { body: 'one', redelivered: false, contentType: 'text/plain', deliveryMode: 2 },
      { body: 'two', redelivered: false, contentType: 'text/plain', deliveryMode: 2 },
      { body: 'three', redelivered: false, contentType: 'text/plain', deliveryMode: 2 },
      { left: 0 },
    ],
  },
  'dead-letters': {
    title: 'requeue once, then reject to a dead-letter queue',
    sees: [
      { body: 'bad', redelivered: false },
      { body: 'bad', redelivered: true },
      { dead: 'bad', reason: 'rejected', queue: 'dead-letters', count: 1 },
    ],
  },
  'request-reply': {
    title: 'three requests at once, replies by correlation id',
    sees: [{ asked: 'a', reply: 'A' }, { asked: 'b', reply: 'B' }, { asked: 'c', reply: 'C' }],
  },
  'events': {
    title: 'one event to two subscribers',
    sees: [{ subscriber: 'first', event: 'created' }, { subscriber: 'second', event: 'created' }],
  },
  'retries': {
    title: 'a task that fails twice, is tried again and returns its result',
    sees: [{ attempt: 1 }, { attempt: 2 }, { attempt: 3 }, { result: 'done at last' }],
  },
  'tasks': {
    title: '500 tasks and their results',
    sees: [{ sent: 500 }, { received: 500, inOrder: true }],
  },
  'large': { title: 'a message of 1 MiB', sees: [large] },
  'many': {
    title: '5,000 messages, with confirms where the library has them',
    sees: [{ sent: 5_000 }, { received: 5_000, inOrder: true }],
  },
  'refusal': {
    title: 'the broker\'s errors 404 and 406, as the library shows them',
    sees: [
      { code: 404, text: 'NOT_FOUND - no queue \'nowhere\' in vhost \'/\'' },
      {
        code: 406,
        text: 'PRECONDITION_FAILED - inequivalent arg \'durable\' for queue \'refusal\' in vhost \'/\': '
          + 'received \'false\' but current is \'true\'',
      },
    ],
  },
  'reconnect': {
    title: 'the broker restarts: consume again, the persistent message is still there',
    sees: [{ body: 'before' }, { body: 'after' }, { body: 'kept', deliveryMode: 2 }],
  },
} as const satisfies Record<string, Scenario>

export type ScenarioName = keyof typeof scenarios
