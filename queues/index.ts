// The kinds of queue. One that is not here is unavailable: a declaration that asks for it is refused.
import type { FieldTable } from '../protocol/table.ts'
import { classic } from './classic.ts'
import type { QueueKind } from './queue-kind.ts'
import { quorum } from './quorum.ts'
import { findKindName } from './settings.ts'

const queueKinds: ReadonlyMap<string, QueueKind> = new Map([classic, quorum].map((kind) => [kind.name, kind]))

/** What the arguments ask for; null for a kind that there is not, which validateQueueArguments refuses. */
export function findQueueKind(args: FieldTable): QueueKind | null {
  return queueKinds.get(findKindName(args)) ?? null
}
