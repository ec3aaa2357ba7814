// `leveret list THINGS` and `leveret status`. A row per kind of thing: where the management API lists it,
// and the columns that people want first. Called through commands.ts.
import { pathOf } from '../broker-client.ts'
import type { Call, Command, Output } from '../command.ts'
import { factsText, tableOutput } from '../text-table.ts'
import type { Row } from '../text-table.ts'

interface Kind {
  readonly name: string
  /** Of every vhost, or of one when it is given. */
  readonly path: (vhost: string | null) => string
  readonly columns: readonly string[]
  readonly doc: string
}

const under = (collection: string) => (vhost: string | null): string =>
  (vhost === null ? collection : collection + pathOf(vhost))
const inVHost = (collection: string) => (vhost: string | null): string =>
  (vhost === null ? `/${collection}` : `/vhosts${pathOf(vhost)}/${collection}`)

export const kinds: readonly Kind[] = [
  {
    name: 'queues', path: under('/queues'), doc: 'Queues with their lengths.',
    columns: ['vhost', 'name', 'type', 'messages_ready', 'messages_unacknowledged', 'consumers', 'policy'],
  },
  {
    name: 'exchanges', path: under('/exchanges'), doc: 'Exchanges.',
    columns: ['vhost', 'name', 'type', 'durable', 'auto_delete', 'internal'],
  },
  {
    name: 'bindings', path: under('/bindings'), doc: 'Bindings, those of the default exchange too.',
    columns: ['vhost', 'source', 'destination_type', 'destination', 'routing_key', 'arguments'],
  },
  {
    name: 'connections', path: inVHost('connections'), doc: 'Open connections.',
    columns: ['name', 'user', 'vhost', 'state', 'channels', 'recv_oct', 'send_oct'],
  },
  {
    name: 'channels', path: inVHost('channels'), doc: 'Open channels.',
    columns: ['name', 'user', 'vhost', 'consumer_count', 'messages_unacknowledged', 'prefetch_count',
      'confirm'],
  },
  {
    name: 'consumers', path: under('/consumers'), doc: 'Consumers and the queues they consume.',
    columns: ['queue.vhost', 'queue.name', 'consumer_tag', 'channel_details.name', 'ack_required',
      'prefetch_count', 'active'],
  },
  { name: 'users', path: () => '/users', columns: ['name', 'tags'], doc: 'Users and their tags.' },
  {
    name: 'vhosts', path: () => '/vhosts', doc: 'Vhosts with what waits in them.',
    columns: ['name', 'messages', 'description', 'tags'],
  },
  {
    name: 'policies', path: under('/policies'), doc: 'Policies.',
    columns: ['vhost', 'name', 'pattern', 'apply-to', 'priority', 'definition'],
  },
  {
    name: 'permissions', path: inVHost('permissions'), doc: 'Who may configure, write and read what.',
    columns: ['vhost', 'user', 'configure', 'write', 'read'],
  },
]

/** Without columns: people get the first ones, programs every field. */
export async function list(call: Call, name: string, columns: readonly string[]): Promise<Output> {
  const kind = kinds.find((each) => each.name === name)!
  const rows = await call.broker.get<Row[]>(kind.path(call.settings.vhost))
  const table = tableOutput(rows, columns.length === 0 ? kind.columns : columns)
  return columns.length === 0 ? { ...table, value: rows } : table
}

interface Overview {
  readonly product_name: string
  readonly product_version: string
  readonly cluster_name: string
  readonly object_totals: Readonly<Record<string, number>>
  readonly queue_totals: Readonly<Record<string, number>>
  readonly message_stats: Readonly<Record<string, number | { readonly rate: number }>>
  readonly listeners?: readonly { readonly protocol: string; readonly port: number }[]
}

interface Alarms {
  readonly status: string
  readonly reason?: string
}

async function status({ broker }: Call): Promise<Output> {
  const [overview, alarms] = await Promise.all([
    broker.get<Overview>('/overview'), broker.get<Alarms>('/health/checks/alarms'),
  ])
  const { object_totals: objects, queue_totals: totals, message_stats: stats, listeners = [] } = overview
  const rate = (key: string): string => {
    const details = stats[`${key}_details`]
    return typeof details === 'object' ? `${Math.round(details.rate)}/s` : ''
  }
  const facts = {
    broker: `${overview.product_name} ${overview.product_version} at ${broker.url}`,
    node: overview.cluster_name,
    ...listeners.length > 0
      && { listeners: listeners.map(({ protocol, port }) => `${protocol} ${port}`).join(', ') },
    alarms: alarms.status === 'ok' ? 'none' : alarms.reason ?? alarms.status,
    ready: totals['messages_ready'], unacked: totals['messages_unacknowledged'],
    published: rate('publish'), delivered: rate('deliver_get'), acked: rate('ack'),
    ...objects,
  }
  return { value: { ...overview, alarms }, text: factsText(facts) }
}

export const listingCommands: readonly Command[] = [
  {
    words: 'status', operands: '', options: [], run: status,
    doc: 'What the broker is, where it listens, what it holds and how much passes.',
  },
  ...kinds.map(({ name, columns, doc }): Command => ({
    words: `list ${name}`, operands: '[COLUMN…]', options: [],
    doc: `${doc} Columns are fields of the HTTP API, also within others (\`message_stats.publish\`); without `
      + `any: ${columns.join(', ')}.`,
    run: (call) => list(call, name, call.operands),
  })),
]
