// Metrics of single queues, exchanges, channels and connections: one row per metric, under RabbitMQ's names
// and in its families. /metrics/per-object has all of them, /metrics/detailed those of the families it is
// asked for, with `rabbitmq_detailed_` before the name. Written in slices, as a broker may have many queues.
import type { ConnectionView } from '../broker/connection-view.ts'
import { connectionName } from '../broker/connection-view.ts'
import type { Broker } from '../broker/broker.ts'
import type { VHost } from '../broker/vhost.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import { channelName, channelsOf } from './describe-connection.ts'
import type { PlacedChannel } from './describe-connection.ts'
import type { PlacedQueue } from './describe-queue.ts'
import type { Door } from './node-view.ts'
import { familyHead, sample } from './prometheus-text.ts'
import type { Labels } from './prometheus-text.ts'
import { inSlices } from './slices.ts'
import { headAgeMs } from './totals.ts'

interface PlacedExchange {
  readonly vhost: VHost
  readonly exchange: Exchange
}

/** What there is, once per scrape. */
interface Objects {
  readonly queues: readonly PlacedQueue[]
  readonly exchanges: readonly PlacedExchange[]
  readonly channels: readonly PlacedChannel[]
  readonly connections: readonly ConnectionView[]
}

interface Kind<T> {
  readonly of: (objects: Objects) => readonly T[]
  readonly labels: (object: T) => Labels
}

export interface ObjectMetric<T = unknown> {
  readonly family: string
  /** Without the prefix of RabbitMQ's; what RabbitMQ has not begins with `leveret_`. */
  readonly name: string
  readonly type: 'gauge' | 'counter'
  readonly help: string
  readonly kind: Kind<T>
  readonly read: (object: T, broker: Broker) => number
}

const queues: Kind<PlacedQueue> = {
  of: (objects) => objects.queues, labels: ({ vhost, queue }) => ({ vhost: vhost.name, queue: queue.name }),
}
const exchanges: Kind<PlacedExchange> = {
  of: (objects) => objects.exchanges,
  labels: ({ vhost, exchange }) => ({ vhost: vhost.name, exchange: exchange.name }),
}
// RabbitMQ labels both with `channel`, and so do the dashboards that query them.
const channels: Kind<PlacedChannel> = {
  of: (objects) => objects.channels, labels: (placed) => ({ channel: channelName(placed) }),
}
const connections: Kind<ConnectionView> = {
  of: (objects) => objects.connections, labels: (connection) => ({ channel: connectionName(connection) }),
}

function rowsOf<T>(family: string, kind: Kind<T>) {
  const make = (type: 'gauge' | 'counter') =>
    (name: string, help: string, read: ObjectMetric<T>['read']): ObjectMetric =>
      ({ family, kind, type, name, help, read } as ObjectMetric<T> as unknown as ObjectMetric)
  return { gauge: make('gauge'), counter: make('counter') }
}

const coarse = rowsOf('queue_coarse_metrics', queues)
const ofQueue = rowsOf('queue_metrics', queues)
const consumerCount = rowsOf('queue_consumer_count', queues)
const delivery = rowsOf('queue_delivery_metrics', queues)
const published = rowsOf('channel_queue_exchange_metrics', queues)
const ofExchange = rowsOf('exchange_metrics', exchanges)
const ofChannel = rowsOf('channel_metrics', channels)
const ofConnection = rowsOf('connection_coarse_metrics', connections)

export const objectMetrics: readonly ObjectMetric[] = [
  coarse.gauge('queue_messages_ready', 'Messages ready to be delivered.', ({ queue }) => queue.readyCount),
  coarse.gauge('queue_messages_unacked', 'Messages delivered and not settled.',
    ({ queue }) => queue.unackedCount),
  coarse.gauge('queue_messages', 'Messages, ready and unacked.',
    ({ queue }) => queue.readyCount + queue.unackedCount),
  consumerCount.gauge('queue_consumers', 'Consumers.', ({ queue }) => queue.consumers.count),
  ofQueue.gauge('queue_messages_bytes', 'Bodies of all messages.',
    ({ queue }) => queue.readyBytes + queue.unackedBytes),
  ofQueue.gauge('queue_messages_ready_bytes', 'Bodies of ready messages.', ({ queue }) => queue.readyBytes),
  ofQueue.gauge('queue_messages_unacked_bytes', 'Bodies of unacked messages.',
    ({ queue }) => queue.unackedBytes),
  ofQueue.gauge('leveret_queue_head_age_seconds',
    'How long the message that is next has been in the broker; in a FIFO queue it is the oldest.',
    ({ queue }, broker) => headAgeMs(broker, queue) / 1000),
  ofQueue.gauge('leveret_queue_messages_parked',
    'Ready messages that are kept in memory because their group is blocked.',
    ({ queue }) => queue.groups?.parkedCount ?? 0),
  published.counter('queue_messages_published_total', 'Messages that came in.',
    ({ queue }) => queue.traffic.published),
  published.counter('leveret_queue_duplicates_total',
    'Messages that came with a key which the queue knew, and were not stored.',
    ({ queue }) => queue.traffic.duplicates),
  delivery.counter('queue_get_ack_total', 'Messages fetched, to be acknowledged.',
    ({ queue }) => queue.traffic.gotManualAck),
  delivery.counter('queue_get_total', 'Messages fetched with no-ack.',
    ({ queue }) => queue.traffic.gotAutoAck),
  delivery.counter('queue_get_empty_total', 'basic.get that found nothing.',
    ({ queue }) => queue.traffic.gotEmpty),
  delivery.counter('queue_messages_delivered_ack_total', 'Messages delivered, to be acknowledged.',
    ({ queue }) => queue.traffic.deliveredManualAck),
  delivery.counter('queue_messages_delivered_total', 'Messages delivered with no-ack.',
    ({ queue }) => queue.traffic.deliveredAutoAck),
  delivery.counter('queue_messages_redelivered_total', 'Messages handed out again.',
    ({ queue }) => queue.traffic.redelivered),
  delivery.counter('queue_messages_acked_total', 'Messages acknowledged.',
    ({ queue }) => queue.traffic.acked),

  ofExchange.counter('exchange_messages_published_total', 'Messages published to it.',
    ({ exchange }) => exchange.traffic.publishedIn),
  ofExchange.counter('exchange_messages_routed_total', 'Messages put into queues, once for each.',
    ({ exchange }) => exchange.traffic.publishedOut),
  ofExchange.counter('leveret_exchange_duplicates_total',
    'Messages that came with a key which the exchange knew, and were not routed.',
    ({ exchange }) => exchange.traffic.duplicates),

  ofChannel.gauge('channel_consumers', 'Consumers.', ({ channel }) => channel.consumers.size),
  ofChannel.gauge('channel_messages_unacked', 'Messages delivered and not settled.',
    ({ channel }) => channel.unackedCount),
  ofChannel.gauge('channel_messages_unconfirmed', 'Messages published and not confirmed.',
    ({ channel }) => channel.confirms?.unansweredCount ?? 0),
  ofChannel.gauge('consumer_prefetch', 'Prefetch of the next consumer.',
    ({ channel }) => channel.consumerPrefetch),
  ofChannel.gauge('channel_prefetch', 'Prefetch of all consumers together.',
    ({ channel }) => channel.channelPrefetch),
  ofChannel.counter('channel_messages_published_total', 'Messages published.',
    ({ channel }) => channel.traffic.published),
  ofChannel.counter('channel_messages_confirmed_total', 'Messages confirmed.',
    ({ channel }) => channel.traffic.confirmed),
  ofChannel.counter('channel_messages_acked_total', 'Messages acknowledged.',
    ({ channel }) => channel.traffic.acked),

  ofConnection.counter('connection_incoming_bytes_total', 'Bytes read.',
    (connection) => connection.traffic.bytesIn),
  ofConnection.counter('connection_outgoing_bytes_total', 'Bytes written.',
    (connection) => connection.traffic.bytesOut),
  ofConnection.gauge('connection_channels', 'Channels that are open.',
    (connection) => connection.channelCount),
]

/** `families` null: all; `vhost` null: those of every vhost. */
export async function objectMetricsText(
  { broker }: Door, prefix: string, families: readonly string[] | null, vhostName: string | null,
): Promise<string> {
  const vhosts = [...broker.vhosts.values()].filter(({ name }) => vhostName === null || name === vhostName)
  const open = [...broker.connections].filter((connection) =>
    connection.vhost !== null && vhosts.includes(connection.vhost))
  const objects: Objects = {
    queues: vhosts.flatMap((vhost) => [...vhost.queues.values()].map((queue) => ({ vhost, queue }))),
    exchanges: vhosts.flatMap((vhost) => [...vhost.exchanges.values()].map((exchange) => ({ vhost,
      exchange }))),
    channels: [...channelsOf(open)], connections: open,
  }
  const pieces: string[] = []
  for (const { family, name, type, help, kind, read } of objectMetrics) {
    if (families !== null && !families.includes(family)) continue
    const fullName = fullNameOf(name, prefix)
    pieces.push(familyHead(fullName, type, help))
    await inSlices(kind.of(objects), (object) => {
      pieces.push(sample(fullName, kind.labels(object), read(object, broker)))
    })
  }
  return pieces.join('')
}

/** RabbitMQ names those of /metrics/detailed apart from the others. */
function fullNameOf(name: string, prefix: string): string {
  return name.startsWith('leveret_') ? name : prefix + name
}
