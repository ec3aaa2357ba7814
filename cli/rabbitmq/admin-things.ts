// What rabbitmqadmin lists, declares and deletes: a row per thing, with its keys and its place in the
// management API. Read by admin.ts.

export interface AdminKeys {
  readonly needed: readonly string[]
  readonly optional: readonly string[]
}

export interface AdminThing {
  readonly name: string
  /** Under /api, of the keys; `vhost` is always one of them. */
  readonly path: (keys: Readonly<Record<string, string>>) => string
  /** Keys whose values are JSON. */
  readonly json?: readonly string[]
  /** Of a declaration. */
  readonly defaults?: Readonly<Record<string, unknown>>
  readonly declare?: AdminKeys
  readonly delete?: AdminKeys
  readonly close?: AdminKeys
  readonly purge?: AdminKeys
}

type Names = Readonly<Record<string, string>>

const keys = (needed: string, optional = ''): AdminKeys => ({
  needed: needed.split(' '), optional: optional.split(' ').filter((key) => key !== ''),
})
const at = (collection: string, ...names: readonly string[]) => (given: Names): string =>
  `/${collection}${names.map((name) => `/${encodeURIComponent(given[name] ?? '')}`).join('')}`

const policy = (name: string, collection: string): AdminThing => ({
  name, path: at(collection, 'vhost', 'name'), json: ['definition', 'priority'], defaults: { priority: 0 },
  declare: keys('name pattern definition', 'priority apply-to'), delete: keys('name'),
})

/** Without a key of its own a binding has the routing key's, `~` for none. */
function bindingPath(given: Names): string {
  const letter = (given['destination_type'] ?? 'queue') === 'exchange' ? 'e' : 'q'
  const between = at('bindings', 'vhost')(given) + at('e', 'source')(given) + at(letter, 'destination')(given)
  return given['properties_key'] === undefined ? between
    : `${between}/${encodeURIComponent(given['properties_key'])}`
}

export const adminThings: readonly AdminThing[] = [
  {
    name: 'queue', path: at('queues', 'vhost', 'name'), json: ['arguments'], defaults: { durable: 'true',
      arguments: {} },
    declare: keys('name', 'auto_delete durable arguments node queue_type'), delete: keys('name'),
      purge: keys('name'),
  },
  {
    name: 'exchange', path: at('exchanges', 'vhost', 'name'), json: ['arguments'],
    defaults: { durable: 'true', arguments: {} },
    declare: keys('name type', 'auto_delete durable internal arguments'), delete: keys('name'),
  },
  {
    name: 'binding', path: bindingPath, json: ['arguments'], defaults: { routing_key: '', arguments: {} },
    declare: keys('source destination', 'destination_type routing_key arguments'),
  },
  {
    name: 'binding', path: (given) => bindingPath({ properties_key: '~', ...given }),
    delete: keys('source destination_type destination', 'properties_key'),
  },
  { name: 'vhost', path: at('vhosts', 'name'), declare: keys('name', 'tracing'), delete: keys('name') },
  {
    name: 'user', path: at('users', 'name'), delete: keys('name'),
    declare: keys('name tags', 'password password_hash hashing_algorithm'),
  },
  {
    name: 'permission', path: at('permissions', 'vhost', 'user'),
      declare: keys('vhost user configure write read'),
    delete: keys('vhost user'),
  },
  {
    name: 'parameter', path: at('parameters', 'component', 'vhost', 'name'), json: ['value'],
    declare: keys('component name value'), delete: keys('component name'),
  },
  policy('policy', 'policies'), policy('operator_policy', 'operator-policies'),
  {
    name: 'vhost_limit', path: at('vhost-limits', 'vhost', 'name'), json: ['value'],
    declare: keys('vhost name value'), delete: keys('vhost name'),
  },
  { name: 'connection', path: at('connections', 'name'), close: keys('name') },
]

interface Listed {
  readonly name: string
  readonly path: string
  readonly isInVHost: boolean
  /** Empty: every field. */
  readonly columns: readonly string[]
}

const listed = (name: string, isInVHost: boolean, columns = ''): Listed => ({
  name, isInVHost, path: `/${name.replace('_', '-')}`, columns: columns.split(' ').filter((column) =>
    column !== ''),
})

export const listedThings: readonly Listed[] = [
  listed('queues', true, 'name messages'), listed('exchanges', true, 'name type'),
  listed('bindings', true, 'source destination routing_key'), listed('consumers', true),
  listed('connections', false, 'name user channels'), listed('channels', false, 'name user'),
  listed('users', false), listed('vhosts', false, 'name messages'), listed('permissions', false),
  listed('nodes', false, 'name type mem_used'), listed('parameters', false), listed('policies', false),
  listed('operator_policies', false), listed('vhost_limits', false),
]

export const listedColumns = {
  overview: ['rabbitmq_version', 'cluster_name', 'queue_totals.messages', 'object_totals.queues'],
  messages: [
    'routing_key', 'exchange', 'message_count', 'payload', 'payload_bytes', 'payload_encoding', 'redelivered',
  ],
} as const
