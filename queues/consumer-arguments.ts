// What basic.consume may say in its arguments, by kind of queue: one row each. Whatever nobody knows is
// accepted and ignored (RabbitMQ).
import { preconditionFailed } from '../protocol/errors.ts'
import { isInteger } from '../protocol/table.ts'
import type { Field, FieldTable } from '../protocol/table.ts'
import { checkInteger, checkLease, invalidArgument } from './settings.ts'
import type { QueueKindName } from './settings.ts'

interface ConsumerArgument {
  readonly name: string
  readonly kinds: readonly QueueKindName[]
  readonly check?: (field: Field) => string | null
}

export interface ConsumerSettings {
  readonly priority: number
  /** How long a delivery may be unsettled; null: as long as the queue says. */
  readonly timeoutMs: number | null
  /** After so long an unsettled delivery returns to its queue; null: as the queue says. */
  readonly leaseMs: number | null
}

const CONSUMER_ARGUMENTS: readonly ConsumerArgument[] = [
  { name: 'x-priority', kinds: ['classic', 'quorum'], check: (field) => checkInteger(field, -Infinity) },
  { name: 'x-consumer-timeout', kinds: ['quorum'], check: (field) => checkInteger(field, 0) },
  { name: 'x-ack-timeout', kinds: ['classic', 'quorum'], check: checkLease },
  { name: 'x-stream-offset', kinds: ['stream'] },
  { name: 'x-stream-filter', kinds: ['stream'] },
  { name: 'x-stream-match-unfiltered', kinds: ['stream'] },
]

/** `what` is `queue 'q' in vhost 'v'`. Errors: precondition-failed. */
export function readConsumerArguments(
  args: FieldTable, kind: QueueKindName, what: string,
): ConsumerSettings {
  for (const { name, kinds, check } of CONSUMER_ARGUMENTS) {
    const field = args.get(name)
    if (field === undefined) continue
    if (!kinds.includes(kind)) {
      throw preconditionFailed(`invalid arg '${name}' for ${what} of queue type rabbit_${kind}_queue`)
    }
    const problem = check?.(field) ?? null
    if (problem !== null) throw invalidArgument(name, what, problem)
  }
  const integer = (name: string): number | null => {
    const field = args.get(name)
    return field !== undefined && isInteger(field) ? Number(field.value) : null
  }
  return {
    priority: integer('x-priority') ?? 0, timeoutMs: integer('x-consumer-timeout'),
    leaseMs: integer('x-ack-timeout'),
  }
}
