// The quorum queue, as a client sees it: always durable, whatever a message says of itself; what comes back
// is served first; what is handed out in vain too often becomes a dead letter. The store makes it durable;
// there is no second node.
import { countReturn, failedCount } from './delivery-counts.ts'
import { PagedReady } from './paged-ready.ts'
import type { QueueKind } from './queue-kind.ts'
import { QuorumReady } from './quorum-ready.ts'
import type { QueueSettings } from './settings.ts'

/** RabbitMQ 4: so often a failed delivery is tried again. */
const DELIVERY_LIMIT = 20

export const quorum: QueueKind = {
  name: 'quorum',
  refusedProperties: ['auto-delete', 'exclusive-owner', 'non-durable'],
  canBeServerNamed: false,
  canBeDeletedIf: false,
  canBeGotBesideSingleActive: false,
  singleActiveYields: true,
  hasConsumerTimeout: true,
  storesTransient: true,
  servesReturnsFirst: true,
  overflowComesLast: false,
  zeroTtlStaysOut: false,
  fullConsumersLeave: true,
  showsCounts: () => true,
  // The order in a group is that of arrival, whatever priority a message has, also when it came back.
  createReady: (queue, parts, { groupHeader }) =>
    (groupHeader === null ? new QuorumReady(queue, parts) : new PagedReady(queue, parts)),
  // RabbitMQ 4.3: a consumer that rejects, or is lost, has failed; one that returns a message has not. Where
  // a limit was asked for every return counts, as in 3.x: clients requeue by basic.nack, and would go round
  // for ever (difference 'delivery-limit-nack').
  countReturn: (counts, cause, settings) =>
    countReturn(counts, cause === 'rejected' || cause === 'lost' || hasOwnLimit(settings)),
  isSpent: (counts, { deliveryLimit }) => failedCount(counts) > (deliveryLimit ?? DELIVERY_LIMIT),
}

const hasOwnLimit = ({ deliveryLimit }: QueueSettings): boolean =>
  deliveryLimit !== null && deliveryLimit !== Infinity
