// What the objects of the management API are made of: every key and type, as RabbitMQ has them. Keys that
// Leveret leaves out are a list of their own; a key that it has and RabbitMQ has not is a failure.
import { expect } from 'vitest'
import { forEachTarget } from './harness/for-each-target.ts'
import { Management, shapeOf } from './harness/management.ts'
import { eventually, until } from './harness/poll.ts'
import type { Session } from './harness/session.ts'

/** Of Erlang, its storage and what it is built from: see the ledger, `http-absent`. */
const absent = [
  /^reductions/, /garbage_collection/, /^memory$/, /^messages_(?:.*_)?ram$/,
    /^message_bytes_(?:ram|persistent)$/,
  /^messages_persistent$/, /^consumer_(?:capacity|utilisation)$/, /^head_message_timestamp$/, /^idle_since$/,
  /^storage_version$/, /consumer_timeout$/, /^user_who_performed_action$/,
    /^(?:pending_raft_commands|cached_segments)$/,
  /^send_pend$/, /erlang|crypto/, /^require_definition_json_extension$/, /disk_(?:reads|writes)/,
    /socket_opts/,
  /^contexts/, /^(?:recv|send)_oct/, /^message_stats/, /_details\.rate$/,
]
/** Where a key of that name is there after all. */
const presentIn: Readonly<Record<string, readonly RegExp[]>> = {
  queue: [/^message_stats/, /^(?!reductions).*_details\.rate$/],
  connection: [/^(?:recv|send)_oct/, /^(?!reductions).*_details\.rate$/, /^user_who_performed_action$/],
  channel: [/^message_stats/, /^(?!reductions).*_details\.rate$/, /^user_who_performed_action$/],
  exchange: [/^message_stats/, /_details\.rate$/],
  overview: [/^message_stats/, /_details\.rate$/, /^contexts\[\]\.(?!cowboy_opts|ip$)/],
}
/** RabbitMQ: channels have no channel-wide prefetch any more. */
const added: Readonly<Record<string, readonly string[]>> = { channel: ['global_prefetch_count: number'] }

/** Something of everything: a queue with a message and a consumer, an exchange with bindings. */
async function prepare({ name, connect,
  confirmChannel }: Session): Promise<{ queue: string; exchange: string }> {
  const connection = await connect({ clientProperties: { connection_name: 'shapes' } })
  const channel = await confirmChannel(connection)
  const [queue, exchange] = [name(), name('x')]
  await channel.assertQueue(queue, { durable: true })
  await channel.assertExchange(exchange, 'topic')
  await channel.bindQueue(queue, exchange, 'a.#')
  await channel.prefetch(5)
  for (let n = 0; n < 10; n++) channel.publish(exchange, 'a.b', Buffer.from('x'), { persistent: true })
  await channel.waitForConfirms()
  await channel.consume(queue, () => undefined, { consumerTag: 'shapes' })
  return { queue, exchange }
}

/** Keys and types of RabbitMQ 4.3, taken from the run on RabbitMQ itself when both are in it. */
const expectShape = (differs: Session['differs'], kind: string, expected: readonly string[],
  got: unknown): void => {
  const shape = shapeOf(got).filter((line) => !line.startsWith('client_properties.'))
  const isAbsent = differs('http-absent')
  const isLeftOut = (line: string): boolean => {
    const key = line.slice(0, line.lastIndexOf(':'))
    return isAbsent && absent.some((pattern) => pattern.test(key))
      && !(presentIn[kind] ?? []).some((pattern) => pattern.test(key))
  }
  const wanted = expected.filter((line) => !isLeftOut(line))
  expect(shape.filter((line) => !isLeftOut(line)))
    .toEqual([...wanted, ...isAbsent ? added[kind] ?? [] : []].toSorted())
}

const counted = (prefix: string, keys: readonly string[]): string[] =>
  keys.flatMap((key) => [`${prefix}${key}: number`, `${prefix}${key}_details.rate: number`])
const ofQueues = ['ack', 'deliver', 'deliver_get', 'deliver_no_ack', 'get', 'get_empty', 'get_no_ack',
  'publish',
  'redeliver']
const ofChannels = [...ofQueues, 'confirm', 'drop_unroutable', 'return_unroutable']
const gc = ['fullsweep_after', 'max_heap_size', 'min_bin_vheap_size', 'min_heap_size', 'minor_gcs']
  .map((key) => `garbage_collection.${key}: number`)
const lines = (type: string, keys: string): string[] => keys.split(' ').map((key) => `${key}: ${type}`)

const queueRow = [
  ...lines('string', 'arguments.x-queue-type name node state type vhost'),
  ...lines('boolean', 'auto_delete durable exclusive internal internal_owner'),
  ...lines('number', 'consumer_capacity consumer_utilisation consumers memory message_bytes '
    + 'message_bytes_persistent message_bytes_ram message_bytes_ready message_bytes_unacknowledged '
    + 'messages_persistent messages_ram messages_ready_ram messages_unacknowledged_ram storage_version'),
  'effective_policy_definition: {}',
  ...counted('', ['messages', 'messages_ready', 'messages_unacknowledged', 'reductions']),
  ...counted('message_stats.', ofQueues),
]
const consumer = (prefix: string): string[] => [
  ...lines('boolean', 'ack_required active exclusive'),
  ...lines('string',
    'activity_status channel_details.connection_name channel_details.name channel_details.node '
    + 'channel_details.peer_host channel_details.user consumer_tag queue.name queue.vhost'),
  ...lines('number', 'channel_details.number channel_details.peer_port consumer_timeout prefetch_count'),
  'arguments: {}',
].map((line) => prefix + line)
const connection = [
  ...lines('string', 'auth_mechanism host name node peer_host protocol state type user user_provided_name '
    + 'user_who_performed_action vhost'),
  ...lines('number',
    'channel_max channels connected_at frame_max peer_port port recv_cnt send_cnt send_pend timeout'),
  ...counted('', ['recv_oct', 'send_oct', 'reductions']), ...gc, 'ssl: boolean',
]
const tls = 'peer_cert_issuer peer_cert_serial_number peer_cert_subject peer_cert_validity ssl_cipher '
  + 'ssl_hash ssl_key_exchange ssl_protocol'
const channel = [
  ...lines('number', 'acks_uncommitted cached_segments connection_details.peer_port consumer_count '
    + 'messages_unacknowledged messages_uncommitted messages_unconfirmed number pending_raft_commands '
    + 'prefetch_count'),
  ...lines('string', 'connection_details.name connection_details.peer_host idle_since name node state user '
    + 'user_who_performed_action vhost'),
  ...lines('boolean', 'confirm transactional'),
  ...counted('', ['reductions']), ...counted('message_stats.', ofChannels), ...gc,
]
const exchangeRow = [
  ...lines('string', 'name type user_who_performed_action vhost'),
  ...lines('boolean', 'auto_delete durable internal'), 'arguments: {}',
  ...counted('message_stats.', ['publish_in', 'publish_out']),
]

forEachTarget((test, target) => {
  const http = new Management(target)

  // RabbitMQ's statistics come seconds later, one key after the other: whatever is expected is awaited.
  test('a queue', async (session) => {
    const { queue } = await prepare(session)
    const path = `/queues/%2F/${queue}`
    await eventually(async () => {
      const whole = await http.read(path)
      expectShape(session.differs, 'queue', [
        ...queueRow, ...gc, ...consumer('consumer_details[].'),
        ...lines('null', 'exclusive_consumer_tag head_message_timestamp operator_policy policy '
          + 'single_active_consumer_tag'),
        'deliveries: []', 'incoming: []', 'idle_since: string',
      ], whole)
      const { items } = await http.read<{ items: object[] }>(`/queues?page=1&name=${queue}`)
      expectShape(session.differs, 'queue', queueRow, items[0])
      expect(whole).toMatchObject({
        messages: 10, messages_ready: 5, messages_unacknowledged: 5, message_bytes: 10, consumers: 1,
        message_stats: { publish: 10, deliver: 5, deliver_get: 5, ack: 0, redeliver: 0 },
        consumer_details: [{ consumer_tag: 'shapes', prefetch_count: 5, activity_status: 'blocked',
          active: true }],
      })
    })
  })

  test('an exchange', async (session) => {
    const { exchange } = await prepare(session)
    await eventually(async () => {
      const whole = await http.read(`/exchanges/%2F/${exchange}`)
      expectShape(session.differs, 'exchange', [...exchangeRow, 'incoming: []', 'outgoing: []'], whole)
      expect(whole).toMatchObject({ message_stats: { publish_in: 10, publish_out: 10 } })
    })
  })

  test('a connection, its channel and its consumer', async (session) => {
    await prepare(session)
    const list = await until('the connection is listed', async () => {
      const all = await http.read<{ name: string; user_provided_name?: string; recv_oct_details?: object }[]>(
        '/connections')
      return all.find((each) => each.user_provided_name === 'shapes' && each.recv_oct_details !== undefined)
    })
    const path = `/connections/${encodeURIComponent(list.name)}`
    await eventually(async () => {
      const all = await http.read<{ name: string }[]>('/connections')
      expectShape(session.differs, 'connection', [...connection, ...lines('null', tls)],
        all.find((each) => each.name === list.name))
      expectShape(session.differs, 'connection', [...connection, ...lines('string', tls)],
        await http.read(path))
      const [found] = await http.read<Record<string, unknown>[]>(`${path}/channels`)
      expectShape(session.differs, 'channel', channel, found)
      expect(found).toMatchObject({
        number: 1, confirm: true, prefetch_count: 5, messages_unacknowledged: 5, messages_unconfirmed: 0,
        message_stats: { publish: 10, confirm: 10, deliver: 5 },
      })
    })
    const consumers = await http.read<{ channel_details: { connection_name: string } }[]>('/consumers')
    expectShape(session.differs, 'consumer', consumer(''),
      consumers.find((each) => each.channel_details.connection_name === list.name))
  })

  test('the small ones', async ({ differs }) => {
    expect(await http.read('/whoami')).toEqual({ name: 'guest', tags: ['administrator'],
      is_internal_user: true })
    expect((await http.call('GET', '/version', { login: null })).json).toMatch(/^4\.\d+\.\d+$/)
    expect(shapeOf(await http.read('/cluster-name'))).toEqual(['name: string'])
    expect(await http.read('/aliveness-test/%2F')).toEqual({ status: 'ok' })
    expect(await http.read('/healthchecks/node')).toEqual({ status: 'ok' })
    const extensions = await http.read('/extensions')
    expect(extensions).toEqual(differs('http-extensions') ? [] : [{ javascript: 'dispatcher.js' }])
  })

  test('health checks', async () => {
    const checks = ['alarms', 'local-alarms', 'virtual-hosts', 'is-in-service', 'below-node-connection-limit',
      'ready-to-serve-clients', 'reached-target-cluster-size', 'metadata-store/initialized',
      'quorum-queues-without-elected-leaders/all-vhosts', 'quorum-queues-without-elected-leaders/vhost/%2F',
      'certificate-expiration/1/weeks']
    for (const check of checks) {
      expect([check, await http.read(`/health/checks/${check}`)]).toEqual([check, { status: 'ok' }])
    }
    expect(await http.read('/health/checks/node-is-quorum-critical'))
      .toEqual({ status: 'ok', reason: 'single node cluster' })
    const port = Number(new URL(target.url).port)
    expect(await http.read(`/health/checks/port-listener/${port}`)).toEqual({ status: 'ok', port })
    expect(await http.get('/health/checks/port-listener/1')).toMatchObject({
      status: 503, json: { status: 'failed', reason: 'No active listener', missing: 1 },
    })
    expect(await http.read('/health/checks/protocol-listener/amqp,http')).toMatchObject({ status: 'ok' })
    expect(await http.get('/health/checks/protocol-listener/nope')).toMatchObject({
      status: 503, json: { status: 'failed', reason: 'No active listener', missing: ['nope'] },
    })
  })

  test('closing a connection tells the client why', async (session) => {
    const connection = await session.connect({ clientProperties: { connection_name: 'to be closed' } })
    const closed = new Promise<Error>((resolve) => {
      connection.on('close', resolve)
    })
    const { name } = await until('the connection is listed', async () => {
      const all = await http.read<{ name: string; user_provided_name?: string }[]>('/connections')
      return all.find((each) => each.user_provided_name === 'to be closed')
    })
    const path = `/connections/${encodeURIComponent(name)}`
    const answer = await http.call('DELETE', path, { headers: { 'x-reason': 'night night' } })
    expect(answer.status).toBe(204)
    expect((await closed).message)
      .toContain('320 (CONNECTION-FORCED) with message "CONNECTION_FORCED - night night"')
    await until('the connection is gone', async () => (await http.get(path)).status === 404)
  })
}, ({ httpUrl }) => httpUrl !== null)
