// /api/nodes: the one node there is. Fields of Erlang's that tools insist on are filled with what comes
// closest: one process, no run queue.
import { exchangeTypes } from '../../exchanges/index.ts'
import { json } from '../answer.ts'
import { endpoint } from '../endpoint.ts'
import { noSuchObject } from '../errors.ts'
import { statKeys, withDetails } from '../message-stats.ts'
import type { Door } from '../node-view.ts'
import { RABBITMQ_VERSION } from '../rabbitmq-version.ts'

const MECHANISMS = ['AMQPLAIN', 'PLAIN']

export function describeExchangeTypes(): object[] {
  return [...exchangeTypes.keys()].map((name) => ({
    name, description: `AMQP ${name} exchange, as per the AMQP specification`, enabled: true,
  }))
}

async function describe({ broker, node, sampler }: Door): Promise<object> {
  const usage = await node.usage()
  const { isMemoryLow, isDiskLow, reading } = broker.alarms
  return {
    name: node.nodeName, type: 'disc', running: true, being_drained: !node.isReady(),
    uptime: broker.clock.nowMs - node.startedAtMs, os_pid: String(usage.pid), processors: usage.processors,
    fd_total: usage.openFilesMax, fd_used: usage.openFiles, sockets_total: 0, sockets_used: 0,
    proc_total: 1, proc_used: 1, run_queue: 0,
    mem_limit: finite(reading.memoryLimitBytes, usage.residentBytesMax), mem_used: usage.residentBytes,
    mem_alarm: isMemoryLow,
    mem_calculation_strategy: 'rss',
    disk_free: usage.diskFreeBytes, disk_free_limit: finite(reading.diskFreeLimitBytes, 0),
    disk_free_alarm: isDiskLow,
    rates_mode: 'basic', net_ticktime: 60, enabled_plugins: ['rabbitmq_management', 'rabbitmq_prometheus'],
    partitions: [], cluster_links: [], config_files: [], log_files: [], db_dir: usage.dataDirectory,
    exchange_types: describeExchangeTypes(),
    auth_mechanisms: MECHANISMS.map((name) => ({
      name, description: `SASL ${name} authentication mechanism`, enabled: true,
    })),
    applications: [{ name: 'rabbit', description: node.productName, version: RABBITMQ_VERSION }],
    rabbitmq_version: RABBITMQ_VERSION, contexts: contextsOf(node.listeners()),
    ...withDetails(statKeys.churn, broker.counters, sampler.totals(), null),
  }
}

/** JSON has no infinity: a limit that is not there is that of the machine. */
function finite(value: number, otherwise: number): number {
  return Number.isFinite(value) ? value : otherwise
}

/** RabbitMQ gives the port as a text here. */
export function contextsOf(listeners: readonly { protocol: string; port: number }[]): object[] {
  return listeners.filter(({ protocol }) => protocol.startsWith('http')).map(({ protocol, port }) => ({
    description: protocol === 'http' ? 'RabbitMQ Management' : 'RabbitMQ Prometheus', path: '/',
      port: String(port),
    ssl_opts: [],
  }))
}

export const nodeEndpoints = [
  endpoint({
    method: 'GET', path: '/api/nodes', access: 'monitoring', list: 'plain', doc: 'The node, in a list.',
    handle: async ({ door }) => json([await describe(door)]),
  }),
  endpoint({
    method: 'GET', path: '/api/nodes/:node', access: 'monitoring', doc: 'The node by its name.',
    handle({ door, params }) {
      if (params.node !== door.node.nodeName) throw noSuchObject()
      return describe(door).then((body) => json(body))
    },
  }),
  endpoint({
    method: 'GET', path: '/api/nodes/:node/memory', access: 'monitoring',
    doc: 'What the process has in memory, in bytes: `total`, without the parts that only Erlang has.',
    async handle({ door: { node }, params }) {
      if (params.node !== node.nodeName) throw noSuchObject()
      const { residentBytes: rss, heapUsedBytes: erlang } = await node.usage()
      return json({ memory: { strategy: 'rss', total: { erlang, rss, allocated: rss } } })
    },
  }),
]
