// The quorum queue, as a client sees it: always durable, whatever a message says of itself; what comes back
// is served first; what is handed out in vain too often becomes a dead letter. The store makes it durable;
// there is no second node.
import { countReturn, failedCount } from './delivery-counts.ts'
import type { QueueKind } from './queue-kind.ts'
import { QuorumReady } from './quorum-ready.ts'

/** RabbitMQ 4: failed deliveries that a message may have, after its first. */
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
  showsCounts: true,
  createReady: (queue, parts) => new QuorumReady(queue, parts),
  // RabbitMQ 4.3: a consumer that rejects, or is lost, has failed; one that returns a message has not.
  countReturn: (counts, cause) => countReturn(counts, cause === 'rejected' || cause === 'lost'),
  isSpent: (counts) => failedCount(counts) > DELIVERY_LIMIT,
}
