// What the broker holds and has counted, added up when somebody asks. Called by the overview and the metrics.
import type { Broker } from '../broker/broker.ts'
import type { AllCounters } from '../broker/counters.ts'
import type { Queue } from '../queues/queue.ts'

export interface Totals {
  readonly connections: number
  readonly channels: number
  readonly exchanges: number
  readonly queues: number
  readonly consumers: number
  /** Channels that have published. */
  readonly publishers: number
  readonly messagesReady: number
  readonly messagesUnacked: number
  readonly counters: AllCounters
  /** Of the ready messages that are next in their queues,
    the one that came first; 0 when nothing is ready. */
  readonly oldestMs: number
}

export function readTotals(broker: Broker): Totals {
  const totals = {
    connections: broker.connections.size, channels: 0, exchanges: 0, queues: 0, consumers: 0,
    publishers: 0,
    messagesReady: 0, messagesUnacked: 0, counters: broker.countAll(), oldestMs: 0,
  }
  for (const connection of broker.connections) {
    totals.channels += connection.channelCount
    for (const { traffic } of connection.channelViews()) if (traffic.published > 0) totals.publishers++
  }
  for (const vhost of broker.vhosts.values()) {
    totals.exchanges += vhost.exchanges.size
    totals.queues += vhost.queues.size
    for (const queue of vhost.queues.values()) {
      totals.consumers += queue.consumers.count
      totals.messagesReady += queue.readyCount
      totals.messagesUnacked += queue.unackedCount
      totals.oldestMs = Math.max(totals.oldestMs, headAgeMs(broker, queue))
    }
  }
  return totals
}

/** All that left a queue towards a client, whether pushed or fetched. */
export function delivered(counters: AllCounters): number {
  return counters.deliveredManualAck + counters.deliveredAutoAck + counters.gotManualAck + counters.gotAutoAck
}

/**
 * How long the message that is next has been here, or the one that is blocked for longest; while it has to
 * come from the store, at least as told.
 */
export function headAgeMs(broker: Broker, queue: Queue): number {
  const oldest = queue.groups?.eldest ?? queue.ready
  return queue.readyCount === 0 ? 0 : broker.arrivals.ageMs(oldest.first()?.id ?? 0)
}
