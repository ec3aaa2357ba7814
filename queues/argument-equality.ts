// Whether a queue that is there is declared again with the arguments it has. Called by
// broker/queue-declarations.ts. Invariant: an argument counts when the queue's own type knows it, and of two
// that differ the one is told that RabbitMQ tells (behaviours §4.5).
import { preconditionFailed } from '../protocol/errors.ts'
import type { Field, FieldTable } from '../protocol/table.ts'
import { describeDifference } from './argument-difference.ts'
import { QUEUE_ARGUMENTS, findKindName, isTypeSaid } from './settings.ts'
import type { QueueKindName } from './settings.ts'

/** RabbitMQ compares those of a classic queue as it checks them, of a quorum queue as here, others last. */
const QUORUM_ORDER: readonly string[] = [
  'x-dead-letter-exchange', 'x-dead-letter-routing-key', 'x-dead-letter-strategy', 'x-expires',
  'x-max-length', 'x-max-length-bytes', 'x-max-in-memory-length', 'x-max-in-memory-bytes', 'x-overflow',
  'x-single-active-consumer', 'x-queue-type', 'x-quorum-initial-group-size', 'x-delivery-limit',
  'x-message-ttl', 'x-queue-leader-locator', 'x-consumer-disconnected-timeout', 'x-consumer-timeout',
]

const known = (kind: QueueKindName): string[] =>
  QUEUE_ARGUMENTS.filter(({ kinds }) => kinds.includes(kind)).map(({ name }) => name)

const ORDERS: Readonly<Record<QueueKindName, readonly string[]>> = {
  classic: known('classic'), quorum: [...new Set([...QUORUM_ORDER, ...known('quorum')])],
  stream: known('stream'),
}

/** Errors: precondition-failed for the first argument known to the queue's type that differs. */
export function checkQueueArgumentsEqual(current: FieldTable, received: FieldTable, what: string): void {
  for (const name of ORDERS[findKindName(current)]) {
    const difference = describeDifference(valueOf(name, current), valueOf(name, received))
    if (difference !== null) throw preconditionFailed(`inequivalent arg '${name}' for ${what}: ${difference}`)
  }
}

/** RabbitMQ 4 keeps the default type as an argument of every queue. */
function valueOf(name: string, args: FieldTable): Field | undefined {
  return name !== 'x-queue-type' || isTypeSaid(args) ? args.get(name) : { tag: 'S', value: 'classic' }
}
