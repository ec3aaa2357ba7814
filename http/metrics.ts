// GET /metrics: one row per metric, under the names that RabbitMQ's Grafana dashboards and alert rules query.
// docs/reference/metrics.md lists the same rows. Invariant: a row is there only if its number is counted; a
// panel that stays empty misleads less than one that shows an invented zero.

import { SIZE_STEPS } from '../base/size-histogram.ts'
import type { SizeHistogram } from '../base/size-histogram.ts'
import { TIME_STEPS_MS } from '../base/time-histogram.ts'
import type { TimeHistogram } from '../base/time-histogram.ts'
import type { Alarms } from '../broker/alarms.ts'
import type { AllCounters } from '../broker/counters.ts'
import type { NodeUsage, NodeView, WebhookKeeper } from './node-view.ts'
import { familyHead, sample } from './prometheus-text.ts'
import { RABBITMQ_VERSION } from './rabbitmq-version.ts'
import { delivered } from './totals.ts'
import type { Totals } from './totals.ts'

/** What the rows read: taken once per scrape. */
export interface Reading {
  readonly node: NodeView
  readonly clusterName: string
  readonly totals: Totals
  readonly nowMs: number
  readonly usage: NodeUsage
  readonly alarms: Alarms
  readonly webhooks: WebhookKeeper['counts']
  /** Which of RabbitMQ's scrapes this is. */
  readonly endpoint: 'aggregated' | 'per-object' | 'detailed'
}

export interface Metric {
  readonly name: string
  readonly type: 'gauge' | 'counter'
  readonly help: string
  readonly labels: (reading: Reading) => Readonly<Record<string, string>>
  readonly read: (reading: Reading) => number
}

type Labels = Metric['labels']

const unlabelled: Labels = () => ({})
// RabbitMQ labels its global counters with the protocol, and its dashboards sum over it.
const amqp: Labels = () => ({ protocol: 'amqp091' })

function gauge(name: string, help: string, read: Metric['read'], labels = unlabelled): Metric {
  return { name, type: 'gauge', help, labels, read }
}

function counter(name: string, help: string, read: Metric['read'], labels = unlabelled): Metric {
  return { name, type: 'counter', help, labels, read }
}

function total(name: string, help: string, read: (counters: AllCounters) => number): Metric {
  return counter(`rabbitmq_global_messages_${name}_total`, help, ({ totals }) => read(totals.counters), amqp)
}

const deathReasons = ['rejected', 'expired', 'maxlen', 'delivery_limit'] as const
const deaths = {
  rejected: 'rejected', expired: 'too old', maxlen: 'too many', delivery_limit: 'returned too often',
} as const

export const metrics: readonly Metric[] = [
  gauge('rabbitmq_identity_info', 'Names of the node, for joins. Always 1.', () => 1,
    ({ node, clusterName, endpoint }) => ({
    rabbitmq_node: node.nodeName, rabbitmq_cluster: clusterName, rabbitmq_endpoint: endpoint,
  })),
  gauge('rabbitmq_build_info', 'Product and version. Always 1.', () => 1, ({ node }) => ({
    rabbitmq_version: RABBITMQ_VERSION, product_name: node.productName, product_version: node.productVersion,
  })),

  gauge('rabbitmq_connections', 'Connections that are open.', ({ totals }) => totals.connections),
  gauge('rabbitmq_channels', 'Channels that are open.', ({ totals }) => totals.channels),
  gauge('rabbitmq_queues', 'Queues.', ({ totals }) => totals.queues),
  gauge('rabbitmq_consumers', 'Consumers.', ({ totals }) => totals.consumers),
  gauge('rabbitmq_global_consumers', 'Consumers, by protocol.', ({ totals }) => totals.consumers, amqp),
  gauge('rabbitmq_global_publishers', 'Channels that have published, by protocol.',
    ({ totals }) => totals.publishers, amqp),
  gauge('rabbitmq_queue_messages_ready', 'Messages ready to be delivered.',
    ({ totals }) => totals.messagesReady),
  gauge('rabbitmq_queue_messages_unacked', 'Messages delivered and not settled.',
    ({ totals }) => totals.messagesUnacked),
  gauge('rabbitmq_queue_messages', 'Messages, ready and unacked.',
    ({ totals }) => totals.messagesReady + totals.messagesUnacked),

  counter('rabbitmq_connections_opened_total', 'Connections opened.',
    ({ totals }) => totals.counters.connectionsOpened),
  counter('rabbitmq_connections_closed_total', 'Connections closed.',
    ({ totals }) => totals.counters.connectionsClosed),
  counter('rabbitmq_channels_opened_total', 'Channels opened.',
    ({ totals }) => totals.counters.channelsOpened),
  counter('rabbitmq_channels_closed_total', 'Channels closed.',
    ({ totals }) => totals.counters.channelsClosed),
  counter('rabbitmq_queues_declared_total', 'queue.declare accepted, for new and existing queues.',
    ({ totals }) => totals.counters.queuesDeclared),
  counter('rabbitmq_queues_created_total', 'Queues created.', ({ totals }) => totals.counters.queuesCreated),
  counter('rabbitmq_queues_deleted_total', 'Queues deleted.', ({ totals }) => totals.counters.queuesDeleted),

  total('received', 'Messages published.', (counters) => counters.published),
  total('received_confirm', 'Messages published on channels in confirm mode.',
    (counters) => counters.publishedForConfirm),
  total('routed', 'Messages routed to at least one queue.', (counters) => counters.routed),
  total('confirmed', 'Messages confirmed to their publishers.', (counters) => counters.confirmed),
  total('unroutable_returned', 'Unroutable mandatory messages, returned.', (counters) => counters.returned),
  total('unroutable_dropped', 'Unroutable messages that were not mandatory.',
    (counters) => counters.droppedUnroutable),
  total('delivered', 'Messages delivered to consumers or fetched with basic.get.', delivered),
  total('delivered_consume_manual_ack', 'Messages delivered to consumers that acknowledge.',
    (counters) => counters.deliveredManualAck),
  total('delivered_consume_auto_ack', 'Messages delivered to consumers with no-ack.',
    (counters) => counters.deliveredAutoAck),
  total('delivered_get_manual_ack', 'Messages fetched, to be acknowledged.',
    (counters) => counters.gotManualAck),
  total('delivered_get_auto_ack', 'Messages fetched with no-ack.', (counters) => counters.gotAutoAck),
  total('get_empty', 'basic.get that found no message.', (counters) => counters.gotEmpty),
  total('redelivered', 'Messages delivered again.', (counters) => counters.redelivered),
  total('acknowledged', 'Messages acknowledged.', (counters) => counters.acked),
  ...deathReasons.map((reason) => counter(`rabbitmq_global_messages_dead_lettered_${reason}_total`,
    `Messages sent to a dead-letter exchange because they were ${deaths[reason]}.`,
    ({ totals }) => totals.counters.deadLettered[reason], amqp)),

  gauge('leveret_oldest_message_age_seconds',
    'The longest that a message which is next in its queue has been in the broker.',
    ({ totals }) => totals.oldestMs / 1000),

  gauge('rabbitmq_alarms_memory_used_watermark', '1 while publishers are blocked for want of memory.',
    ({ alarms }) => Number(alarms.isMemoryLow)),
  gauge('rabbitmq_alarms_free_disk_space_watermark', '1 while publishers are blocked for want of disk space.',
    ({ alarms }) => Number(alarms.isDiskLow)),
  gauge('rabbitmq_resident_memory_limit_bytes', 'Memory in use from which on publishers are blocked.',
    ({ alarms }) => alarms.reading.memoryLimitBytes),
  gauge('rabbitmq_disk_space_available_bytes', 'Free space on the disk of the data directory.',
    ({ alarms }) => alarms.reading.diskFreeBytes),
  gauge('rabbitmq_disk_space_available_limit_bytes', 'Free space below which publishers are blocked.',
    ({ alarms }) => alarms.reading.diskFreeLimitBytes),

  gauge('leveret_store_damaged_messages',
    'Messages that were not what had been stored: parked, never delivered. `leveret check` names others.',
    ({ node }) => node.damagedMessages()),

  counter('leveret_webhook_delivered_total', 'Requests of webhooks that were answered with 2xx.',
    ({ webhooks }) => webhooks.delivered),
  counter('leveret_webhook_failed_total', 'Requests of webhooks that were answered otherwise, or not.',
    ({ webhooks }) => webhooks.failed),
  gauge('leveret_webhook_requests', 'Requests of webhooks that are under way.',
    ({ webhooks }) => webhooks.inFlight),

  gauge('rabbitmq_erlang_uptime_seconds', 'Time since start, as the dashboards name it.',
    ({ node, nowMs }) => (nowMs - node.startedAtMs) / 1000),
  gauge('rabbitmq_process_resident_memory_bytes', 'Resident memory, as the dashboards name it.',
    ({ usage }) => usage.residentBytes),
  gauge('rabbitmq_process_open_fds', 'Open files and sockets.', ({ usage }) => usage.openFiles),
  gauge('rabbitmq_process_max_fds', 'Files and sockets that may be open.', ({ usage }) => usage.openFilesMax),
  gauge('process_resident_memory_bytes', 'Resident memory.', ({ usage }) => usage.residentBytes),
  gauge('process_start_time_seconds', 'Start, in seconds since 1970.', ({ node }) => node.startedAtMs / 1000),
  counter('process_cpu_seconds_total', 'CPU time, user and system.', ({ usage }) => usage.cpuSeconds),
  gauge('nodejs_heap_size_used_bytes', 'JavaScript heap in use.', ({ usage }) => usage.heapUsedBytes),
]

export interface HistogramRow {
  readonly name: string
  readonly help: string
  /** Null: there is nothing to be timed here. */
  readonly read: (reading: Reading) => TimeHistogram | null
}

export const histograms: readonly HistogramRow[] = [
  {
    name: 'leveret_message_queue_time_seconds',
    help: 'From a message\'s arrival to each time it was handed out. What came before the start counts '
      + 'from there.',
    read: ({ totals }) => totals.counters.queueTimes,
  },
  {
    name: 'leveret_confirm_latency_seconds',
    help: 'From a publish to its confirm; of those confirmed together the longest counts for all.',
    read: ({ totals }) => totals.counters.confirmTimes,
  },
  {
    name: 'leveret_commit_latency_seconds', help: 'From handing a batch to the disk until it is synced.',
    read: ({ node }) => node.commitTimes,
  },
]

/** Rows whose names the metrics of single queues take over are left out on request. */
export function prometheusText(reading: Reading, isWanted: (name: string) => boolean = () => true): string {
  const rows = metrics.filter(({ name }) => isWanted(name)).map((metric) =>
    familyHead(metric.name, metric.type, metric.help)
    + sample(metric.name, metric.labels(reading), metric.read(reading)))
  return rows.join('') + histograms.map((row) => timesText(row, reading)).join('')
    + (isWanted(SIZES) ? sizesText(reading.totals.counters.sizes) : '')
}

const SIZES = 'rabbitmq_message_size_bytes'

/** RabbitMQ's dashboards select steps as Go writes floats: `100.0`, `1e+06`. */
function sizesText(sizes: SizeHistogram): string {
  const name = SIZES
  const labels = { protocol: 'amqp091' }
  let count = 0
  const buckets = sizes.counts.map((inBucket, at) => {
    count += inBucket
    return sample(`${name}_bucket`, { ...labels, le: stepText(SIZE_STEPS[at]) }, count)
  })
  return familyHead(name, 'histogram', 'Bodies of published messages, in bytes.') + buckets.join('')
    + sample(`${name}_count`, labels, count) + sample(`${name}_sum`, labels, sizes.bytes)
}

function timesText({ name, help, read }: HistogramRow, reading: Reading): string {
  const times = read(reading)
  if (times === null) return ''
  let count = 0
  const buckets = times.counts.map((inBucket, at) => {
    count += inBucket
    const step = TIME_STEPS_MS[at]
    return sample(`${name}_bucket`, { le: step === undefined ? '+Inf' : String(step / 1000) }, count)
  })
  return familyHead(name, 'histogram', help) + buckets.join('') + sample(`${name}_count`, {}, count)
    + sample(`${name}_sum`, {}, times.sumMs / 1000)
}

function stepText(step: number | undefined): string {
  if (step === undefined) return '+Inf'
  return step < 1e6 ? `${step}.0` : step.toExponential().replace(/e\+(\d)$/, 'e+0$1')
}
