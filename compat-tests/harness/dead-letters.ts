// A queue with a dead-letter queue behind it, and the history that a dead letter carries, read with amqplib.
// Called by the dead-letter tests. Invariant: the names are the session's, so what is made here ends with the
// test.

import type { ConfirmChannel, Message, Options } from 'amqplib'
import type { Session } from './session.ts'

/** Arguments of a queue whose dead letters go to the queue of this name. */
export const lettersTo = (queue: string): Options.AssertQueue =>
  ({ deadLetterExchange: '', deadLetterRoutingKey: queue })

export interface Pair {
  ch: ConfirmChannel
  source: string
  dead: string
}

/** A source queue whose dead letters go straight to another queue. */
export async function pair(
  { confirmChannel, name }: Session, options: Options.AssertQueue = {}, deadOptions: Options.AssertQueue = {},
): Promise<Pair> {
  const ch = await confirmChannel()
  const { queue: dead } = await ch.assertQueue(name('dead'), deadOptions)
  const { queue: source } = await ch.assertQueue(name('source'), { ...lettersTo(dead), ...options })
  return { ch, source, dead }
}

interface XDeath {
  count: number
  reason: string
  queue: string
}

/** x-death as [queue, reason, count], latest first. */
export function deaths(message: Message): [string, string, number][] {
  const entries = (message.properties.headers?.['x-death'] ?? []) as unknown as XDeath[]
  return entries.map(({ queue, reason, count }) => [queue, reason, count])
}
