// All endpoints, one row each, and what of RabbitMQ's management API is not built yet: those paths answer
// 501, so that a tool which needs one says so instead of looking for its own mistake. server.ts and
// docs/generate.ts read both.

import { endpoint } from './endpoint.ts'
import type { Endpoint } from './endpoint.ts'
import { readiness } from './health.ts'
import { prometheusAnswer } from './metrics.ts'
import { overview } from './overview.ts'

export const endpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET', path: '/api/overview', auth: 'management', handler: overview,
    doc: 'Totals, counters and versions. Only fields that are true here are sent: no rates, no Erlang '
      + 'versions. `node` and `listeners` are for users tagged monitoring or administrator.',
  }),
  endpoint({
    method: 'GET', path: '/api/health/checks/ready-to-serve-clients', auth: 'anonymous', handler: readiness,
    doc: '200 `{"status":"ok"}` once AMQP clients can connect, else 503 `{"status":"failed","reason":…}`. '
      + 'The readiness probe for containers.',
  }),
  endpoint({
    method: 'GET', path: '/metrics', auth: 'anonymous', handler: prometheusAnswer,
    doc: 'Metrics in the Prometheus text format: [metrics.md](metrics.md).',
  }),
]

/** First segments under /api of RabbitMQ 4.3's management API and of the plugins it is commonly run with. */
export const rabbitSegments: readonly string[] = [
  'aliveness-test', 'all-configuration', 'auth', 'bindings', 'channels', 'cluster-name', 'config',
  'connections', 'consumers', 'definitions', 'deprecated-features', 'exchanges', 'extensions',
  'feature-flags', 'federation-links', 'global-parameters', 'health', 'healthchecks', 'login', 'nodes',
  'operator-policies', 'parameters', 'permissions', 'policies', 'process', 'queues', 'rebalance', 'reset',
  'shovels', 'stream', 'top', 'topic-permissions', 'trace-files', 'traces', 'user-limits', 'users',
  'version', 'vhost-limits', 'vhosts', 'whoami',
]

export function isRabbitPath(path: string): boolean {
  const [, root, segment] = path.split('/')
  return root === 'api' && segment !== undefined && rabbitSegments.includes(segment)
}
