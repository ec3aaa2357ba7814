// The classic queue: what a kind may decide is decided the plain way.
import { countReturn } from './delivery-counts.ts'
import { PagedReady } from './paged-ready.ts'
import { PriorityReady } from './priority-ready.ts'
import type { QueueKind } from './queue-kind.ts'

export const classic: QueueKind = {
  name: 'classic',
  refusedProperties: [],
  canBeServerNamed: true,
  canBeDeletedIf: true,
  canBeGotBesideSingleActive: true,
  singleActiveYields: false,
  hasConsumerTimeout: false,
  storesTransient: false,
  showsCounts: false,
  createReady: (queue, parts, { priorityMax }) => (priorityMax === null
    ? new PagedReady(queue, parts) : new PriorityReady(queue, parts, priorityMax)),
  countReturn: (counts) => countReturn(counts, false),
  isSpent: () => false,
}
