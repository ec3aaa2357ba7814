// RabbitMQ's management API, rows of methods by path: what is there in RabbitMQ 4.3 with the plugins that the
// suite enables. http-inventory.test.ts holds each row against both brokers, http-report.ts makes a page of
// them. Invariant: what Leveret has not says why.

export interface HttpPath {
  /** After `/api`; names in braces. */
  readonly path: string
  /** With spaces between them, HEAD and OPTIONS left out. */
  readonly methods: string
  /** Why Leveret has not got it. */
  readonly missing?: string
}

const there = (methods: string, ...paths: readonly string[]): HttpPath[] =>
  paths.map((path) => ({ path, methods }))
const missing = (reason: string, methods: string, ...paths: readonly string[]): HttpPath[] =>
  paths.map((path) => ({ path, methods, missing: reason }))

const ERLANG = 'It shows the inside of Erlang.'
const CLUSTER = 'There is one node, and nothing to move between nodes.'

export const httpInventory: readonly HttpPath[] = [
  ...there('GET', '/overview', '/version', '/whoami', '/extensions', '/feature-flags', '/deprecated-features',
    '/deprecated-features/used'),
  ...there('GET PUT', '/cluster-name'),
  ...there('GET', '/nodes', '/nodes/{node}', '/nodes/{node}/memory'),
  ...missing(ERLANG, 'GET', '/nodes/{node}/memory/relative', '/nodes/{node}/memory/ets',
    '/nodes/{node}/memory/ets/relative'),
  ...there('GET POST', '/definitions', '/definitions/{vhost}', '/all-configuration'),
  ...there('GET', '/connections', '/connections/{connection}/channels', '/vhosts/{vhost}/connections'),
  ...there('GET DELETE', '/connections/{connection}', '/connections/username/{user}'),
  ...missing('Sessions are AMQP 1.0\'s.', 'GET', '/connections/{connection}/sessions'),
  ...there('GET', '/channels', '/channels/{channel}', '/vhosts/{vhost}/channels'),
  ...there('GET', '/consumers', '/consumers/{vhost}'),
  ...there('GET', '/exchanges', '/exchanges/{vhost}', '/exchanges/{vhost}/{exchange}/bindings/source',
    '/exchanges/{vhost}/{exchange}/bindings/destination'),
  ...there('GET PUT DELETE', '/exchanges/{vhost}/{exchange}'),
  ...there('POST', '/exchanges/{vhost}/{exchange}/publish'),
  ...there('GET', '/queues', '/queues/detailed', '/queues/{vhost}', '/queues/{vhost}/{queue}/bindings'),
  ...there('GET PUT DELETE', '/queues/{vhost}/{queue}'),
  ...there('DELETE', '/queues/{vhost}/{queue}/contents'),
  ...there('POST', '/queues/{vhost}/{queue}/get', '/queues/{vhost}/{queue}/actions'),
  ...missing(CLUSTER, 'GET', '/queues/quorum/{vhost}/{queue}/status'),
  ...missing(CLUSTER, 'POST', '/queues/quorum/{vhost}/{queue}/replicas/add',
    '/queues/quorum/replicas/on/{node}/grow'),
  ...there('POST', '/rebalance/queues'),
  ...missing(CLUSTER, 'DELETE', '/queues/quorum/{vhost}/{queue}/replicas/delete',
    '/queues/quorum/replicas/on/{node}/shrink'),
  ...there('GET', '/bindings', '/bindings/{vhost}'),
  ...there('GET POST', '/bindings/{vhost}/e/{source}/q/{destination}',
    '/bindings/{vhost}/e/{source}/e/{destination}'),
  ...there('GET DELETE', '/bindings/{vhost}/e/{source}/q/{destination}/{props}',
    '/bindings/{vhost}/e/{source}/e/{destination}/{props}'),
  ...there('GET', '/vhosts', '/vhosts/{vhost}/permissions', '/vhosts/{vhost}/topic-permissions'),
  ...there('GET PUT DELETE', '/vhosts/{vhost}'),
  ...there('POST DELETE', '/vhosts/{vhost}/deletion/protection'),
  ...missing('RabbitMQ answers 500.', 'GET', '/vhosts/{vhost}/deletion/protection'),
  ...there('POST', '/vhosts/{vhost}/start/{node}'),
  ...there('GET', '/users', '/users/without-permissions', '/users/{user}/permissions',
    '/users/{user}/topic-permissions'),
  ...there('GET PUT DELETE', '/users/{user}'),
  ...there('POST', '/users/bulk-delete'),
  ...there('GET', '/user-limits', '/user-limits/{user}', '/vhost-limits', '/vhost-limits/{vhost}'),
  ...there('PUT DELETE', '/user-limits/{user}/{limit}', '/vhost-limits/{vhost}/{limit}'),
  ...there('GET', '/permissions', '/topic-permissions'),
  ...there('GET PUT DELETE', '/permissions/{vhost}/{user}', '/topic-permissions/{vhost}/{user}',
    '/topic-permissions/{vhost}/{user}/{exchange}'),
  ...there('GET', '/parameters', '/parameters/{component}', '/parameters/{component}/{vhost}',
    '/global-parameters', '/policies', '/policies/{vhost}', '/operator-policies',
    '/operator-policies/{vhost}'),
  ...there('GET PUT DELETE', '/parameters/{component}/{vhost}/{name}', '/global-parameters/{name}',
    '/policies/{vhost}/{policy}', '/operator-policies/{vhost}/{policy}'),
  ...there('GET', '/aliveness-test/{vhost}', '/healthchecks/node', '/healthchecks/node/{node}'),
  ...there('GET', ...[
    'alarms', 'local-alarms', 'virtual-hosts', 'is-in-service', 'below-node-connection-limit',
    'ready-to-serve-clients', 'reached-target-cluster-size', 'node-is-quorum-critical',
    'metadata-store/initialized', 'metadata-store/initialized/with-data',
    'quorum-queues-without-elected-leaders/all-vhosts', 'quorum-queues-without-elected-leaders/vhost/{vhost}',
    'certificate-expiration/{within}/{unit}',
    'port-listener/{port}', 'protocol-listener/{protocols}',
  ].map((check) => `/health/checks/${check}`)),
  ...there('POST DELETE', '/login'),
  ...there('GET', '/auth/hash_password/{password}'),
  ...there('GET DELETE', '/auth/attempts/{node}', '/auth/attempts/{node}/source'),
  ...missing('Settings are `leveret --print-config`\'s.', 'GET', '/config/effective'),
  ...missing('Statistics are counted where things happen: there is no database of them to be emptied.',
    'DELETE', '/reset', '/reset/{node}'),
  ...missing('There are no feature flags to enable.', 'PUT', '/feature-flags/{name}/enable'),
]
