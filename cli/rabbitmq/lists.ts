// The list_… commands. A row per kind: where the HTTP door lists it, what RabbitMQ's columns are called and
// which are shown without being asked for. Called through tool-commands.ts. Columns that RabbitMQ knows and
// Leveret has nothing to say about stay empty; any other is refused.

import { pathOf, Refused } from '../broker-client.ts'
import type { ToolCall, ToolCommand, ToolTable } from './tool.ts'
import { wrongUse } from './tool-line.ts'

type Row = Readonly<Record<string, unknown>>

interface Kind {
  readonly name: string
  readonly usage: string
  readonly banner: (call: ToolCall) => string
  readonly path: (call: ToolCall) => string
  readonly columns: readonly string[]
  readonly defaults: readonly string[]
  /** RabbitMQ's columns of what the HTTP door says. */
  readonly row?: (row: Row) => Row
  readonly words?: readonly [number, number]
  readonly switches?: readonly string[]
}

const columnsText = '[--no-table-headers] [<column> ...] [--timeout <timeout>]'
const words = (text: string): string[] => text.split(' ')
const inVHost = (collection: string) => ({ vhost }: ToolCall): string => `/${collection}${pathOf(vhost)}`
const of = (object: unknown, key: string): unknown => (object as Row | undefined)?.[key]

const kinds: readonly Kind[] = [
  {
    name: 'list_queues', path: inVHost('queues'), defaults: ['name', 'messages'],
    usage: `[--vhost <vhost>] [--online] [--offline] [--local] ${columnsText}`,
    banner: ({ vhost }) => `Timeout: 60.0 seconds ...\nListing queues for vhost ${vhost} ...`,
    switches: ['online', 'offline', 'local'],
    columns: words('arguments auto_delete consumer_capacity consumer_utilisation consumers disk_reads '
      + 'disk_writes durable effective_policy_definition exclusive exclusive_consumer_pid '
      + 'exclusive_consumer_tag head_message_timestamp leader members memory message_bytes '
      + 'message_bytes_persistent message_bytes_ram message_bytes_ready message_bytes_unacknowledged '
      + 'messages messages_persistent messages_ram messages_ready messages_ready_ram '
      + 'messages_unacknowledged messages_unacknowledged_ram name online operator_policy owner_pid pid '
      + 'policy state type'),
  },
  {
    name: 'list_exchanges', path: inVHost('exchanges'), defaults: ['name', 'type'],
    usage: `[--vhost <vhost>] ${columnsText}`, banner: ({ vhost }) =>
      `Listing exchanges for vhost ${vhost} ...`,
    columns: words('name type durable auto_delete internal arguments policy user_who_performed_action'),
  },
  {
    name: 'list_bindings', path: inVHost('bindings'), usage: `[--vhost <vhost>] ${columnsText}`,
    banner: ({ vhost }) => `Listing bindings for vhost ${vhost}...`,
    columns: words('source_name source_kind destination_name destination_kind routing_key arguments'),
    defaults: words('source_name source_kind destination_name destination_kind routing_key arguments'),
    row: (row) => ({
      ...row, source_name: row['source'], source_kind: 'exchange', destination_name: row['destination'],
      destination_kind: row['destination_type'],
    }),
  },
  {
    name: 'list_connections', path: () => '/connections', usage: columnsText, banner: () =>
      'Listing connections ...',
    defaults: ['user', 'peer_host', 'peer_port', 'state'],
    columns: words('pid name port host peer_port peer_host ssl ssl_protocol ssl_key_exchange ssl_cipher '
      + 'ssl_hash peer_cert_subject peer_cert_issuer peer_cert_validity state channels protocol '
      + 'auth_mechanism user vhost container_id timeout frame_max channel_max client_properties recv_oct '
      + 'recv_cnt send_oct send_cnt send_pend connected_at'),
    row: (row) => ({ ...row, pid: row['name'] }),
  },
  {
    name: 'list_channels', path: () => '/channels', usage: columnsText, banner: () => 'Listing channels ...',
    defaults: ['pid', 'user', 'consumer_count', 'messages_unacknowledged'],
    columns: words('pid connection name number user vhost transactional confirm consumer_count '
      + 'messages_unacknowledged messages_uncommitted acks_uncommitted messages_unconfirmed prefetch_count '
      + 'global_prefetch_count'),
    row: (row) => ({ ...row, pid: row['name'], connection: of(row['connection_details'], 'name') }),
  },
  {
    name: 'list_consumers', path: inVHost('consumers'), usage: `[--vhost <vhost>] ${columnsText}`,
    banner: ({ vhost }) => `Listing consumers in vhost ${vhost} ...`,
    columns: words('queue_name channel_pid consumer_tag ack_required prefetch_count active activity_status '
      + 'arguments'),
    defaults: words('queue_name channel_pid consumer_tag ack_required prefetch_count active arguments'),
    row: (row) => ({
      ...row, queue_name: of(row['queue'], 'name'), channel_pid: of(row['channel_details'], 'name'),
    }),
  },
  {
    name: 'list_users', path: () => '/users', usage: '[--no-table-headers]', banner: () =>
      'Listing users ...',
    columns: ['user', 'tags'], defaults: ['user', 'tags'], words: [0, 0],
    row: ({ name, tags }) => ({ user: name, tags }),
  },
  {
    name: 'list_vhosts', path: () => '/vhosts', usage: columnsText, banner: () => 'Listing vhosts ...',
    defaults: ['name'],
    columns: words('name tracing cluster_state description tags default_queue_type protected_from_deletion '
      + 'metadata'),
  },
  {
    name: 'list_permissions', path: ({ vhost }) => `/vhosts${pathOf(vhost)}/permissions`,
    usage: '[--vhost <vhost>] [--no-table-headers]', words: [0, 0],
    banner: ({ vhost }) => `Listing permissions for vhost "${vhost}" ...`,
    columns: words('user configure write read'), defaults: words('user configure write read'),
  },
  {
    name: 'list_user_permissions', path: (call) => `/users${pathOf(call.words[0]!)}/permissions`,
    usage: '<username>', words: [1, 1], banner: (call) =>
      `Listing permissions for user "${call.words[0]}" ...`,
    columns: words('vhost configure write read'), defaults: words('vhost configure write read'),
  },
  {
    name: 'list_topic_permissions', path: ({ vhost }) => `/vhosts${pathOf(vhost)}/topic-permissions`,
    usage: '[--vhost <vhost>]', words: [0, 0],
    banner: ({ vhost }) => `Listing topic permissions for vhost "${vhost}" ...`,
    columns: words('user exchange write read'), defaults: words('user exchange write read'),
  },
  ...(['policies', 'operator_policies'] as const).map((name): Kind => ({
    name: `list_${name}`, path: inVHost(name.replace('_', '-')),
      usage: '[--vhost <vhost>] [--no-table-headers]',
    banner: ({ vhost }) =>
      `Listing ${name === 'policies' ? 'policies' : 'operator policy overrides'} for vhost `
      + `"${vhost}" ...`,
    words: [0, 0], columns: words('vhost name pattern apply-to definition priority'),
    defaults: words('vhost name pattern apply-to definition priority'),
    row: (row) => ({ ...row, definition: JSON.stringify(row['definition']) }),
  })),
  {
    name: 'list_global_parameters', path: () => '/global-parameters', usage: '[--no-table-headers]',
      words: [0, 0],
    banner: () => 'Listing global runtime parameters ...', columns: ['name', 'value'], defaults: ['name',
      'value'],
    row: ({ name, value }) => ({ name, value: JSON.stringify(value) }),
  },
  {
    name: 'list_feature_flags', path: () => '/feature-flags', usage: '[<column> ...]',
    banner: () => 'Listing feature flags ...', columns: words('name state'), defaults: words('name state'),
  },
]

function columnsOf(kind: Kind, call: ToolCall): readonly string[] {
  const words = kind.words === undefined ? call.words.flatMap((word) => word.split(',')) : []
  const columns = words.filter((word) => word !== '')
  return columns.length === 0 ? kind.defaults : columns
}

/** Errors: ToolFailed. */
function checkColumns(kind: Kind, call: ToolCall): void {
  const unknown = columnsOf(kind, call).filter((column) => !kind.columns.includes(column))
  if (unknown.length === 0) return
  throw wrongUse(call.tool, commandOf(kind), [kind.name, ...call.words],
    `Info key(s) ${unknown.join(',')} are not supported`)
}

async function list(kind: Kind, call: ToolCall): Promise<ToolTable> {
  const rows = await rowsOf(kind, call)
  return { columns: columnsOf(kind, call), rows: kind.row === undefined ? rows : rows.map(kind.row) }
}

/** RabbitMQ lists nothing in a vhost that is not there. */
async function rowsOf(kind: Kind, call: ToolCall): Promise<Row[]> {
  try {
    return await call.broker.get<Row[]>(kind.path(call))
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return []
    throw error
  }
}

function commandOf(kind: Kind): ToolCommand {
  return {
    name: kind.name, usage: kind.usage, words: kind.words ?? [0, Infinity], banner: kind.banner,
    switches: kind.switches ?? [], check: (call) => checkColumns(kind, call), run: (call) => list(kind, call),
  }
}

export const listCommands: readonly ToolCommand[] = kinds.map(commandOf)
