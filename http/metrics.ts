// GET /metrics: one row per metric, under the names that RabbitMQ's Grafana dashboards and alert rules query.
// docs/reference/metrics.md lists the same rows. Invariant: a row is there only if its number is counted; a
// panel that stays empty misleads less than one that shows an invented zero.

import { delivered } from './broker-view.ts'
import type { BrokerTotals, BrokerView } from './broker-view.ts'
import type { Answer } from './endpoint.ts'

/** What the rows read: taken once per scrape. */
export interface Reading {
  readonly view: BrokerView
  readonly totals: BrokerTotals
  readonly nowMs: number
  readonly residentBytes: number
  readonly heapUsedBytes: number
  readonly cpuSeconds: number
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

function total(name: string, help: string, read: (totals: BrokerTotals) => number): Metric {
  return counter(`rabbitmq_global_messages_${name}_total`, help, ({ totals }) => read(totals), amqp)
}

export const metrics: readonly Metric[] = [
  gauge('rabbitmq_identity_info', 'Names of the node, for joins. Always 1.', () => 1, ({ view }) => ({
    rabbitmq_node: view.nodeName, rabbitmq_cluster: view.nodeName, rabbitmq_endpoint: 'aggregated',
  })),
  gauge('rabbitmq_build_info', 'Product and version. Always 1.', () => 1, ({ view }) => ({
    product_name: view.productName, product_version: view.productVersion,
  })),

  gauge('rabbitmq_connections', 'Connections that are open.', ({ totals }) => totals.connections),
  gauge('rabbitmq_channels', 'Channels that are open.', ({ totals }) => totals.channels),
  gauge('rabbitmq_queues', 'Queues.', ({ totals }) => totals.queues),
  gauge('rabbitmq_consumers', 'Consumers.', ({ totals }) => totals.consumers),
  gauge('rabbitmq_global_consumers', 'Consumers, by protocol.', ({ totals }) => totals.consumers, amqp),
  gauge('rabbitmq_queue_messages_ready', 'Messages ready to be delivered.',
    ({ totals }) => totals.messagesReady),
  gauge('rabbitmq_queue_messages_unacked', 'Messages delivered and not settled.',
    ({ totals }) => totals.messagesUnacked),
  gauge('rabbitmq_queue_messages', 'Messages, ready and unacked.',
    ({ totals }) => totals.messagesReady + totals.messagesUnacked),

  counter('rabbitmq_connections_opened_total', 'Connections opened.',
    ({ totals }) => totals.connectionsOpened),
  counter('rabbitmq_connections_closed_total', 'Connections closed.',
    ({ totals }) => totals.connectionsClosed),
  counter('rabbitmq_channels_opened_total', 'Channels opened.', ({ totals }) => totals.channelsOpened),
  counter('rabbitmq_channels_closed_total', 'Channels closed.', ({ totals }) => totals.channelsClosed),
  counter('rabbitmq_queues_declared_total', 'queue.declare accepted, for new and existing queues.',
    ({ totals }) => totals.queuesDeclared),
  counter('rabbitmq_queues_created_total', 'Queues created.', ({ totals }) => totals.queuesCreated),
  counter('rabbitmq_queues_deleted_total', 'Queues deleted.', ({ totals }) => totals.queuesDeleted),

  total('received', 'Messages published.', (totals) => totals.published),
  total('received_confirm', 'Messages published on channels in confirm mode.',
    (totals) => totals.publishedForConfirm),
  total('routed', 'Messages routed to at least one queue.', (totals) => totals.routed),
  total('confirmed', 'Messages confirmed to their publishers.', (totals) => totals.confirmed),
  total('unroutable_returned', 'Unroutable mandatory messages, returned.', (totals) => totals.returned),
  total('unroutable_dropped', 'Unroutable messages that were not mandatory.',
    (totals) => totals.droppedUnroutable),
  total('delivered', 'Messages delivered to consumers or fetched with basic.get.', delivered),
  total('delivered_consume_manual_ack', 'Messages delivered to consumers that acknowledge.',
    (totals) => totals.deliveredManualAck),
  total('delivered_consume_auto_ack', 'Messages delivered to consumers with no-ack.',
    (totals) => totals.deliveredAutoAck),
  total('delivered_get_manual_ack', 'Messages fetched, to be acknowledged.', (totals) => totals.gotManualAck),
  total('delivered_get_auto_ack', 'Messages fetched with no-ack.', (totals) => totals.gotAutoAck),
  total('get_empty', 'basic.get that found no message.', (totals) => totals.gotEmpty),
  total('redelivered', 'Messages delivered again.', (totals) => totals.redelivered),
  total('acknowledged', 'Messages acknowledged.', (totals) => totals.acked),

  gauge('rabbitmq_alarms_memory_used_watermark', '1 while publishers are blocked for want of memory.',
    ({ view }) => Number(view.resources().isMemoryLow)),
  gauge('rabbitmq_alarms_free_disk_space_watermark', '1 while publishers are blocked for want of disk space.',
    ({ view }) => Number(view.resources().isDiskLow)),
  gauge('rabbitmq_resident_memory_limit_bytes', 'Memory in use from which on publishers are blocked.',
    ({ view }) => view.resources().memoryLimitBytes),
  gauge('rabbitmq_disk_space_available_bytes', 'Free space on the disk of the data directory.',
    ({ view }) => view.resources().diskFreeBytes),
  gauge('rabbitmq_disk_space_available_limit_bytes', 'Free space below which publishers are blocked.',
    ({ view }) => view.resources().diskFreeLimitBytes),

  gauge('leveret_store_damaged_messages',
    'Messages that were not what had been stored: parked, never delivered. `leveret check` names others.',
    ({ view }) => view.damagedMessages()),

  gauge('rabbitmq_erlang_uptime_seconds', 'Time since start, as the dashboards name it.',
    ({ view, nowMs }) => (nowMs - view.startedAtMs) / 1000),
  gauge('rabbitmq_process_resident_memory_bytes', 'Resident memory, as the dashboards name it.',
    ({ residentBytes }) => residentBytes),
  gauge('process_resident_memory_bytes', 'Resident memory.', ({ residentBytes }) => residentBytes),
  gauge('process_start_time_seconds', 'Start, in seconds since 1970.', ({ view }) => view.startedAtMs / 1000),
  counter('process_cpu_seconds_total', 'CPU time, user and system.', ({ cpuSeconds }) => cpuSeconds),
  gauge('nodejs_heap_size_used_bytes', 'JavaScript heap in use.', ({ heapUsedBytes }) => heapUsedBytes),
]

export function prometheusAnswer(view: BrokerView): Answer {
  const memory = process.memoryUsage()
  const cpu = process.cpuUsage()
  const body = prometheusText({
    view, totals: view.totals(), nowMs: Date.now(), residentBytes: memory.rss, heapUsedBytes: memory.heapUsed,
    cpuSeconds: (cpu.user + cpu.system) / 1_000_000,
  })
  return { status: 200, body, contentType: 'text/plain; version=0.0.4; charset=utf-8' }
}

export function prometheusText(reading: Reading): string {
  return metrics.map((metric) => [
    `# TYPE ${metric.name} ${metric.type}`,
    `# HELP ${metric.name} ${metric.help}`,
    `${metric.name}${labelText(metric.labels(reading))} ${numberText(metric.read(reading))}`,
    '',
  ].join('\n')).join('')
}

/** Prometheus spells it so. */
function numberText(value: number): string {
  return value === Infinity ? '+Inf' : String(value)
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
