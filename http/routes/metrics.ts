// /metrics, for Prometheus, on the HTTP port and on a port of its own (setting `prometheus-port`).
import { z } from 'zod'
import { plainText } from '../answer.ts'
import { endpoint } from '../endpoint.ts'
import { prometheusText } from '../metrics.ts'
import type { Reading } from '../metrics.ts'
import type { Door } from '../node-view.ts'
import { objectMetrics, objectMetricsText } from '../object-metrics.ts'
import { PROMETHEUS_TYPE } from '../prometheus-text.ts'
import { readTotals } from '../totals.ts'

const severalTexts = z.union([z.string().transform((text) => [text]), z.array(z.string())]).optional()

/** Their names are those of single queues and channels in a scrape per object. */
const perObjectNames = new Set(objectMetrics.map(({ name }) => `rabbitmq_${name}`))

async function read({ broker, node, webhooks }: Door, endpoint: Reading['endpoint']): Promise<Reading> {
  const usage = await node.usage()
  const { alarms, clusterName, clock: { nowMs } } = broker
  const totals = readTotals(broker)
  return { node, clusterName, totals, nowMs, usage, alarms, webhooks: webhooks.counts, endpoint }
}

export const metricsEndpoints = [
  endpoint({
    method: 'GET', path: '/metrics', access: 'anonymous',
    doc: 'Metrics in the Prometheus text format: [metrics.md](metrics.md).',
    handle: async ({ door }) => plainText(prometheusText(await read(door, 'aggregated')), PROMETHEUS_TYPE),
  }),
  endpoint({
    method: 'GET', path: '/metrics/per-object', access: 'anonymous',
    doc: 'The same, and those of every queue, exchange, channel and connection.',
    async handle({ door }) {
      const all = prometheusText(await read(door, 'per-object'), (name) => !perObjectNames.has(name))
      return plainText(all + await objectMetricsText(door, 'rabbitmq_', null, null), PROMETHEUS_TYPE)
    },
  }),
  endpoint({
    method: 'GET', path: '/metrics/detailed', access: 'anonymous',
    query: z.object({ family: severalTexts, vhost: severalTexts }),
    doc: 'Of single objects the `family`s that are asked for, of one `vhost` or of all.',
    async handle({ door, query: { family = [], vhost } }) {
      const identity = prometheusText(await read(door, 'detailed'),
        (name) => /_(?:identity|build)_info$/.test(name))
      const details = await objectMetricsText(door, 'rabbitmq_detailed_', family, vhost?.[0] ?? null)
      return plainText(identity + details, PROMETHEUS_TYPE)
    },
  }),
]
