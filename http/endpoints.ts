// All endpoints, from one file per resource in routes/, and what of RabbitMQ's management API is not built
// yet: those paths answer 501, so that a tool which needs one says so instead of looking for its own mistake.
// server.ts and docs/generate.ts read both.
import type { Endpoint } from './endpoint.ts'
import { backupEndpoints } from './routes/backup.ts'
import { bindingEndpoints } from './routes/bindings.ts'
import { browseEndpoints } from './routes/browse.ts'
import { channelEndpoints } from './routes/channels.ts'
import { clusterEndpoints } from './routes/cluster.ts'
import { connectionEndpoints } from './routes/connections.ts'
import { deadLetterEndpoints } from './routes/dead-letters.ts'
import { delayedEndpoints } from './routes/delayed.ts'
import { definitionEndpoints } from './routes/definitions.ts'
import { exchangeEndpoints } from './routes/exchanges.ts'
import { explainEndpoints } from './routes/explain.ts'
import { healthEndpoints } from './routes/health.ts'
import { leaseEndpoints } from './routes/leases.ts'
import { loginEndpoints } from './routes/logins.ts'
import { messageEndpoints } from './routes/messages.ts'
import { metricsEndpoints } from './routes/metrics.ts'
import { nodeEndpoints } from './routes/nodes.ts'
import { openapiEndpoints } from './routes/openapi.ts'
import { overviewEndpoints } from './routes/overview.ts'
import { pauseEndpoints } from './routes/pauses.ts'
import { parameterEndpoints } from './routes/parameters.ts'
import { permissionEndpoints } from './routes/permissions.ts'
import { policyEndpoints } from './routes/policies.ts'
import { publishingEndpoints } from './routes/publishing.ts'
import { queueEndpoints } from './routes/queues.ts'
import { redriveEndpoints } from './routes/redrive.ts'
import { settingEndpoints } from './routes/settings.ts'
import { rpcEndpoints } from './routes/rpc.ts'
import { streamEndpoints } from './routes/streams.ts'
import { selectionEndpoints } from './routes/selection.ts'
import { transferEndpoints } from './routes/transfer.ts'
import { userEndpoints } from './routes/users.ts'
import { vhostEndpoints } from './routes/vhosts.ts'
import { webhookEndpoints } from './routes/webhooks.ts'
import { whoamiEndpoints } from './routes/whoami.ts'

export const endpoints: readonly Endpoint[] = [
  ...overviewEndpoints,
  ...clusterEndpoints,
  ...nodeEndpoints,
  ...whoamiEndpoints,
  ...loginEndpoints,
  ...userEndpoints,
  ...vhostEndpoints,
  ...permissionEndpoints,
  ...policyEndpoints,
  ...parameterEndpoints,
  ...definitionEndpoints,
  ...connectionEndpoints,
  ...channelEndpoints,
  ...exchangeEndpoints,
  ...queueEndpoints,
  ...bindingEndpoints,
  ...messageEndpoints,
  ...delayedEndpoints,
  ...publishingEndpoints,
  ...pauseEndpoints,
  ...leaseEndpoints,
  ...streamEndpoints,
  ...webhookEndpoints,
  ...rpcEndpoints,
  ...explainEndpoints,
  ...browseEndpoints,
  ...selectionEndpoints,
  ...transferEndpoints,
  ...deadLetterEndpoints,
  ...redriveEndpoints,
  ...healthEndpoints,
  ...metricsEndpoints,
  ...backupEndpoints,
  ...settingEndpoints,
  ...openapiEndpoints(() => endpoints),
]

/** First segments under /api of RabbitMQ 4.3's management API and of the plugins it is commonly run with. */
const rabbitSegments: readonly string[] = [
  'aliveness-test', 'all-configuration', 'auth', 'bindings', 'channels', 'cluster-name', 'config',
  'connections', 'consumers', 'definitions', 'deprecated-features', 'exchanges', 'extensions',
  'feature-flags', 'federation-links', 'global-parameters', 'health', 'healthchecks', 'login', 'nodes',
  'operator-policies', 'parameters', 'permissions', 'policies', 'process', 'queues', 'rebalance', 'reset',
  'shovels', 'stream', 'top', 'topic-permissions', 'trace-files', 'traces', 'user-limits', 'users',
  'version', 'vhost-limits', 'vhosts',
]

/** Those of which nothing is there. */
export const unbuiltSegments = rabbitSegments.filter((segment) =>
  !endpoints.some(({ path }) => path.startsWith(`/api/${segment}`)))

export function isRabbitPath(path: string): boolean {
  const [, root, segment] = path.split('/')
  return root === 'api' && segment !== undefined && unbuiltSegments.includes(segment)
}
