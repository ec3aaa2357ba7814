// The classic queue: what a kind may decide is decided the plain way.
import { countReturn, failedCount } from './delivery-counts.ts'
import { PagedReady } from './paged-ready.ts'
import { PriorityReady } from './priority-ready.ts'
import type { Priorities } from './priority-ready.ts'
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
  servesReturnsFirst: false,
  overflowComesLast: true,
  zeroTtlStaysOut: true,
  fullConsumersLeave: false,
  showsCounts: ({ deliveryLimit, retry }) => deliveryLimit !== null || retry !== null,
  createReady: (queue, parts, { priorityMax }) => (priorityMax === null
    ? new PagedReady(queue, parts) : new PriorityReady(queue, parts, prioritiesTo(priorityMax))),
  // RabbitMQ has no limit here, and Leveret none that nobody asked for (difference 'classic-delivery-limit').
  countReturn: (counts, _cause, { deliveryLimit }) =>
    countReturn(counts, deliveryLimit !== null && deliveryLimit !== Infinity),
  isSpent: (counts, { deliveryLimit }) => failedCount(counts) > (deliveryLimit ?? Infinity),
}

/** A message above the maximum counts as the maximum, one without a priority as 0 (RabbitMQ). */
function prioritiesTo(max: number): Priorities {
  return { max, usual: 0, of: ({ priority }) => Math.min(priority, max) }
}
