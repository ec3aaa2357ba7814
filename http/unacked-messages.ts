// What consumers hold of a queue and have not settled, over AMQP or HTTP: for those who look at it, and for
// those who give one of them more time. Called by routes/browse.ts and routes/selection.ts. Invariant: a
// request looks at a bounded number of deliveries.
import { connectionName } from '../broker/connection-view.ts'
import type { UnackedDelivery } from '../broker/connection-view.ts'
import type { VHost } from '../broker/vhost.ts'
import { isShown } from '../queues/browser.ts'
import type { Queue } from '../queues/queue.ts'
import { parsePlace } from './browsing.ts'
import type { Shown, Showing } from './browsing.ts'
import { channelsOf } from './describe-connection.ts'
import type { PlacedChannel } from './describe-connection.ts'
import { describeMessage } from './describe-message.ts'
import type { Door } from './node-view.ts'

/** Looked at by one request. */
const SCAN_MAX = 5_000

export interface PlacedDelivery {
  readonly placed: PlacedChannel
  readonly delivery: UnackedDelivery
}

/** Connection by connection, channel by channel, the oldest first. */
export function* deliveriesOf(
  { broker }: Door, vhost: VHost, queue: Queue,
): IterableIterator<PlacedDelivery> {
  const connections = [...broker.connections].filter((connection) => connection.vhost === vhost)
  for (const placed of channelsOf(connections)) {
    for (const delivery of placed.channel.unacked.deliveries()) {
      if (delivery.entry.queue === queue) yield { placed, delivery }
    }
  }
}

/** `from` counts deliveries. */
export function browseUnacked(door: Door, vhost: VHost, queue: Queue, wish: Showing): Shown {
  const { position: first } = parsePlace(wish.from)
  const items: object[] = []
  let position = 0
  for (const placed of deliveriesOf(door, vhost, queue)) {
    const at = position++
    if (at < first) continue
    if (items.length >= wish.limit || at - first >= SCAN_MAX) {
      return { items, next: String(at), scanned: at - first }
    }
    const { entry } = placed.delivery
    if (!isShown(wish.filter, entry.message)) continue
    items.push({
      position: at, state: 'unacked', ...describeMessage(entry, wish.truncate), held: describeHolder(placed),
    })
  }
  return { items, next: null, scanned: Math.max(0, position - first) }
}

/** `consumer_tag` is null after basic.get, and when the consumer was cancelled since. */
function describeHolder({ placed: { connection, channel }, delivery }: PlacedDelivery): object {
  const { tag, sinceMs, entry } = delivery
  const consumer = [...channel.consumers.values()].find((each) => (each as object) === entry.consumer)
  return {
    connection: connectionName(connection), channel: channel.number, user: channel.user.name,
    consumer_tag: consumer?.tag ?? null, delivery_tag: tag, since: new Date(sinceMs).toISOString(),
  }
}
