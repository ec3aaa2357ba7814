// GET /api/overview: RabbitMQ's names and nesting, and only what is true here. Monitoring agents (Telegraf,
// Datadog) demand object_totals, queue_totals and message_stats, so these are always there, zeros included.
import { isMonitor } from '../access.ts'
import { json } from '../answer.ts'
import { endpoint } from '../endpoint.ts'
import { curveOf, curveQuery, statKeys, withDetails } from '../message-stats.ts'
import type { CurveQuery } from '../message-stats.ts'
import type { Door, NodeView } from '../node-view.ts'
import { RABBITMQ_VERSION } from '../rabbitmq-version.ts'
import { readTotals } from '../totals.ts'
import { contextsOf, describeExchangeTypes } from './nodes.ts'

export const overviewEndpoints = [
  endpoint({
    method: 'GET', path: '/api/overview', access: 'management', query: curveQuery,
    doc: 'Totals, rates and versions. Only fields that are true here are sent: no Erlang versions. `node`, '
      + '`listeners` and `contexts` are for users tagged monitoring or administrator.',
    handle({ door, user, query }) {
      const forAll = { ...facts(door), ...statistics(door, query) }
      return json(isMonitor(user) ? { ...forAll, ...aboutNode(door.node) } : forAll)
    },
  }),
]

function facts({ broker, node }: Door): object {
  return {
    management_version: RABBITMQ_VERSION, rabbitmq_version: RABBITMQ_VERSION,
    product_name: node.productName, product_version: node.productVersion,
    cluster_name: broker.clusterName, cluster_tags: {}, node_tags: {},
    rates_mode: 'basic', default_queue_type: 'classic', disable_stats: false, enable_queue_totals: false,
    is_op_policy_updating_enabled: true, statistics_db_event_queue: 0,
    exchange_types: describeExchangeTypes(),
    sample_retention_policies: { global: [600, 3600, 86_400], basic: [60], detailed: [60] },
  }
}

function statistics({ broker, sampler }: Door, query: CurveQuery): object {
  const { channels, consumers, connections, exchanges, queues, messagesReady, messagesUnacked, counters }
    = readTotals(broker)
  const rates = curveOf(query, 'msg_rates')
  const lengths = curveOf(query, 'lengths')
  const levels = { readyCount: messagesReady, unackedCount: messagesUnacked }
  return {
    object_totals: { channels, consumers, connections, exchanges, queues },
    queue_totals: withDetails(statKeys.lengths, levels, sampler.totals(lengths?.ageMs), lengths),
    message_stats: withDetails(statKeys.channel, counters, sampler.totals(rates?.ageMs), rates),
    churn_rates: withDetails(statKeys.churn, counters, sampler.totals(rates?.ageMs), rates),
  }
}

function aboutNode(node: NodeView): object {
  const listeners = node.listeners()
  return {
    node: node.nodeName,
    listeners: listeners.map((listener) => ({
      node: node.nodeName,
      protocol: listener.protocol,
      ip_address: listener.address,
      port: listener.port,
      tls: listener.isTls,
      socket_opts: [],
    })),
    contexts: contextsOf(listeners).map((context) => ({ ...context, node: node.nodeName })),
  }
}
