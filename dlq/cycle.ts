// When a dead letter comes back to a queue where it has died before: dropped there, unless somebody rejected
// it since. A loop of expiries alone would go round for ever; one with a client in it is how retries are
// built (RabbitMQ).
import type { FieldTable } from '../protocol/table.ts'

/** `history` has the latest death first, the present one included. */
export function isCycle(history: readonly FieldTable[], queue: string): boolean {
  const since = history.findIndex((entry) => entry.get('queue')?.value === queue)
  if (since < 0) return false
  return !history.slice(0, since + 1).some((entry) => entry.get('reason')?.value === 'rejected')
}
