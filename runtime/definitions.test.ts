// Definitions in and out: a file as RabbitMQ exports it, over a restart, and files that are wrong.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '../base/log.ts'
import { SeededRandom } from '../base/random.ts'
import { TimerWheel } from '../base/timer-wheel.ts'
import { Turn } from '../base/turn.ts'
import { Broker } from '../broker/broker.ts'
import { exportDefinitions, exportVHostDefinitions } from '../broker/definitions-export.ts'
import { parseDefinitions, scopeDefinitions } from '../broker/definitions-file.ts'
import type { Access } from '../broker/access.ts'
import { WINDOW } from '../queues/paged-ready.ts'
import { MemoryEngine } from '../store/memory.ts'
import { CATALOG } from '../store/store.ts'
import { importDefinitions, readDefinitions } from './definitions.ts'
import { EngineVHosts } from './engine-vhosts.ts'
import { SystemClock, nextTurn } from './world.ts'

let broker: Broker
let vhosts: EngineVHosts

async function boot(brings = { users: 0, vhosts: [] as string[] }): Promise<void> {
  const clock = new SystemClock()
  broker = new Broker({
    clock, random: new SeededRandom(1), turn: new Turn(clock, nextTurn),
    timers: new TimerWheel(clock.monotonicMs), log: silentLog, loopbackUsers: [],
    limits: {
      frameSizeMax: 131_072, channelMax: 2047, heartbeatS: 60, handshakeTimeoutMs: 10_000,
      messageSizeMax: 16_777_216, residentBytesMax: 1 << 28, window: WINDOW,
      transactionSizeMax: 1 << 27, connectionMax: 0, consumerTimeoutMs: 1_800_000,
    },
    identity: { product: 'Leveret', version: '1.2.3', platform: 'test', nodeName: 'leveret@test' },
  })
  const engine = new MemoryEngine()
  await engine.open()
  vhosts = new EngineVHosts(engine, broker, 'in memory')
  const catalog = await vhosts.acquire(CATALOG)
  broker.turn.addStore(catalog)
  const first = { user: 'guest', password: 'guest', vhost: '/' }
  for (const name of broker.restoreCatalog(catalog, await catalog.recover(), first, brings)) {
    await vhosts.open(name)
  }
}

beforeEach(() => boot())

const take = (value: unknown): Promise<void> => importDefinitions(parseDefinitions(value), broker, vhosts)

/** As a RabbitMQ 4.3 exports it (management-reference §2.1), trimmed; the password of `old` is test12. */
const FILE = {
  rabbit_version: '4.3.6', rabbitmq_definition_format: 'cluster', explanation: 'Definitions of cluster',
  users: [{
    name: 'old', password_hash: 'kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR',
    hashing_algorithm: 'rabbit_password_hashing_sha256', tags: ['management', 'x'],
    limits: { 'max-connections': 5 },
  }],
  vhosts: [{
    name: 'demo', metadata: { description: 'd', tags: ['t'], default_queue_type: 'classic' },
    limits: { 'max-queues': 9 },
  }],
  permissions: [{ user: 'old', vhost: 'demo', configure: '^a', write: '.*', read: '' }],
  topic_permissions: [{ user: 'old', vhost: 'demo', exchange: 'orders', write: '^a', read: '.*' }],
  parameters: [{
    component: 'operator_policy', vhost: 'demo', name: 'op',
    value: { 'pattern': '^o', 'definition': { 'max-length': 10 }, 'priority': 1, 'apply-to': 'queues' },
  }],
  global_parameters: [{ name: 'cluster_tags', value: [] }],
  policies: [{
    'vhost': 'demo', 'name': 'caps', 'pattern': '^orders\\.', 'apply-to': 'queues', 'priority': 1,
    'definition': { 'max-length': 5000, 'overflow': 'reject-publish' },
  }],
  queues: [{
    name: 'orders.new', vhost: 'demo', type: 'classic', durable: true, auto_delete: false,
    arguments: { 'x-dead-letter-exchange': 'dlx', 'x-message-ttl': 600000, 'x-queue-type': 'classic' },
  }],
  exchanges: [{
    name: 'orders', vhost: 'demo', type: 'topic', durable: true, auto_delete: false,
    arguments: { 'alternate-exchange': 'unrouted' },
  }, {
    name: 'amq.rabbitmq.log', vhost: 'demo', type: 'topic', durable: true, auto_delete: false, arguments: {},
  }],
  bindings: [{
    source: 'orders', vhost: 'demo', destination: 'orders.new', destination_type: 'queue',
    routing_key: 'order.*', arguments: { n: 1 },
  }],
}

describe('a file that RabbitMQ exported', () => {
  beforeEach(() => take(FILE))

  it('brings users with their old passwords', () => {
    const user = broker.authenticate('old', Buffer.from('test12'), true)
    expect(user).toMatchObject({ tags: ['management', 'x'], limits: { 'max-connections': 5 } })
    expect(broker.authenticate('old', Buffer.from('test13'), true)).toBeNull()
  })

  it('brings a vhost, and in it what is there and what counts', () => {
    const vhost = broker.vhosts.get('demo')!
    expect(vhost.facts).toMatchObject({ description: 'd', tags: ['t'], limits: { 'max-queues': 9 } })
    expect(vhost.findQueue('orders.new')?.settings).toMatchObject({
      lengthMax: 10, overflow: 'reject-publish', messageTtlMs: 600_000, deadLetterExchange: 'dlx',
    })
    expect(vhost.findExchange('orders')?.alternateName).toBe('unrouted')
    expect(vhost.findExchange('amq.rabbitmq.log')?.type.name).toBe('topic')
    const source = vhost.getExchange('orders')
    const route = vhost.findRoute(source, ['order.1'], { decodeHeaders: () => null, property: () => null })
    expect(route.queues.map(({ name }) => name)).toEqual(['orders.new'])
  })

  it('brings permissions', () => {
    const access: Access = broker.access.accessOf('old', 'demo')
    expect(access.permission).toEqual({ configure: '^a', write: '.*', read: '' })
    expect(() => access.checkTopic('write', broker.vhosts.get('demo')!.getExchange('orders'), 'b')).toThrow(
      "write access to topic 'b' in exchange 'orders'")
  })

  it('can be taken in again: nothing is made twice', async () => {
    await take(FILE)
    expect(broker.vhosts.get('demo')?.getExchange('orders').bindings.size).toBe(1)
  })

  it('comes out again as it went in', () => {
    const out = exportDefinitions(broker) as typeof FILE
    const ofFile = (items: readonly object[]): object[] => items.filter((item) =>
      !('name' in item && ['guest', '/'].includes(String(item.name)))
      && !('user' in item && item.user === 'guest'))
    const parts = ['users', 'vhosts', 'permissions', 'topic_permissions', 'global_parameters', 'policies',
      'queues', 'bindings'] as const
    for (const part of parts) {
      expect([part, ofFile(out[part])]).toEqual([part, FILE[part]])
    }
    expect(out.exchanges).toEqual([FILE.exchanges[0]])
    expect(out.parameters).toContainEqual(FILE.parameters[0])
    expect(out.parameters).toContainEqual(
      { component: 'vhost-limits', name: 'limits', value: { 'max-queues': 9 }, vhost: 'demo' })
  })

  it('comes out of one vhost, and goes into another', async () => {
    const out = exportVHostDefinitions(broker, broker.vhosts.get('demo')!)
    expect(out).toMatchObject(
      { rabbitmq_definition_format: 'single_virtual_host', original_vhost_name: 'demo' })
    expect(JSON.stringify(out)).not.toContain('"vhost":')
    await importDefinitions(scopeDefinitions(parseDefinitions(out), '/'), broker, vhosts)
    expect(broker.vhosts.get('/')?.findQueue('orders.new')?.settings.lengthMax).toBe(10)
  })
})

describe('quorum queues', () => {
  const vhost = (type: string): object => ({ name: 'demo', metadata: { default_queue_type: type } })
  const queue = { name: 'q', vhost: 'demo', arguments: {} }

  it('come out as what they are', async () => {
    await take({ vhosts: [vhost('classic')],
      queues: [{ ...queue, arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': 5 } }] })
    expect((exportDefinitions(broker) as typeof FILE).queues).toEqual([{
      name: 'q', vhost: 'demo', type: 'quorum', durable: true, auto_delete: false,
      arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': 5 },
    }])
  })

  it('are what a queue without a type is, where the vhost of the same file says so', async () => {
    await take({ vhosts: [vhost('quorum')], queues: [{ ...queue, arguments: { 'x-delivery-limit': 5 } }] })
    expect(broker.vhosts.get('demo')?.findQueue('q')?.type.name).toBe('quorum')
    expect(exportDefinitions(broker)).toMatchObject(
      { vhosts: [{ name: '/' }, { name: 'demo', metadata: { default_queue_type: 'quorum' } }] })
  })

  it('cannot be bound to an exchange of type x-local-random', async () => {
    await expect(take({
      vhosts: [vhost('quorum')], queues: [queue],
      exchanges: [{ name: 'x', vhost: 'demo', type: 'x-local-random' }],
      bindings: [{ source: 'x', vhost: 'demo', destination: 'q', destination_type: 'queue' }],
    })).rejects.toThrow('Queue type rabbit_quorum_queue not valid for this exchange type')
  })
})

describe('a user of a file', () => {
  it('whose hash was made before 3.6 has an MD5 one', async () => {
    await take({ rabbit_version: '3.5.7', users: [{ name: 'u', password_hash: 'AAAA', tags: '' }] })
    expect(broker.users.get('u')?.hashing).toBe('rabbit_password_hashing_md5')
  })

  it('may come with a password and with tags in one text', async () => {
    await take({ users: [{ name: 'u', password: 'pw', tags: 'a, b' }] })
    expect(broker.authenticate('u', Buffer.from('pw'), true)?.tags).toEqual(['a', 'b'])
  })

  it('without password and hash cannot log in', async () => {
    await take({ users: [{ name: 'u', tags: [] }] })
    expect(broker.authenticate('u', Buffer.from(''), true)).toBeNull()
  })
})

const demo = (section: string, item: object): object => ({
  users: [{ name: 'made', tags: [] }], vhosts: [{ name: 'demo' }], [section]: [{ vhost: 'demo', ...item }],
})

describe('a file that is wrong changes nothing, and', () => {
  it.each([
    [[], 'failed_to_parse_json'],
    [5, 'failed_to_parse_json'],
    [{ users: 5 }, 'users: Invalid input'],
    [{ queues: [{ name: 'q', vhost: 'nope' }] },
      'Please create virtual host "nope" prior to importing definitions.'],
    [demo('exchanges', { name: 'x', type: 'nope' }), "precondition_failed: unknown exchange type 'nope'"],
    [demo('queues', { name: 'q', arguments: { 'x-max-length': 'a' } }),
      "precondition_failed: invalid arg 'x-max-length' for queue 'q' in vhost 'demo': "
      + '"expected integer, got longstr"'],
    [demo('queues', { name: 'q', arguments: { 'x-queue-type': 'stream' } }),
      "unsupported queue type 'stream'"],
    [demo('queues', { name: 'q', durable: false, arguments: { 'x-queue-type': 'quorum' } }),
      "precondition_failed: invalid property 'non-durable' for queue 'q' in vhost 'demo'"],
    [demo('bindings', { source: 'nope', destination: 'q', destination_type: 'queue' }),
      '{resources_missing,[{not_found,{resource,<<"demo">>,exchange,<<"nope">>}}]}'],
    [demo('permissions', { user: 'nobody', configure: '', write: '', read: '' }),
      '{no_such_user,<<"nobody">>}'],
    [demo('permissions', { user: 'made', configure: '(', write: '', read: '' }), "regular expression '('"],
    [demo('policies', { name: 'p', pattern: '(', definition: { 'max-length': 1 } }),
      'pattern should be regular expression but is invalid'],
    [demo('parameters', { component: 'shovel', name: 's', value: {} }), 'component shovel not found'],
    [demo('parameters', { component: 'vhost-limits', name: 'limits', value: { 'max-x': 1 } }),
      'Unrecognised terms [{<<"max-x">>,1}] in limits'],
    [{ vhosts: [{ name: 'demo', default_queue_type: 'stream' }] },
      'default queue type stream is not built yet'],
    [{ users: [{ name: 'made', tags: [], limits: { 'max-x': 1 } }] },
      'Unrecognised terms [{<<"max-x">>,1}] in user-limits'],
  ])('%j is refused', async (file, why) => {
    await expect(async () => take(file)).rejects.toThrow(why)
    expect([[...broker.vhosts.keys()], [...broker.users.keys()]]).toEqual([['/'], ['guest']])
  })

  // RabbitMQ exports the bindings of exclusive queues, and not the queues.
  it('a binding to a queue that is nowhere is left out', async () => {
    await take(demo('bindings', { source: 'amq.fanout', destination: 'gone', destination_type: 'queue' }))
    expect(broker.vhosts.get('demo')?.getExchange('amq.fanout').bindings.size).toBe(0)
  })
})

describe('a first start', () => {
  it('with users in the file makes no default user', async () => {
    await boot({ users: 1, vhosts: [] })
    expect([[...broker.users.keys()], [...broker.vhosts.keys()]]).toEqual([[], ['/']])
  })

  it('with vhosts in the file makes no default vhost, and lets the default user into them', async () => {
    await boot({ users: 0, vhosts: ['demo'] })
    expect([...broker.vhosts.keys()]).toEqual([])
    expect(broker.access.permissions().map(({ vhost }) => vhost)).toEqual(['demo'])
  })
})

describe('a file on disk', () => {
  let folder: string
  beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'leveret-definitions-')) })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('is read', async () => {
    await writeFile(join(folder, 'd.json'), JSON.stringify(FILE))
    expect((await readDefinitions(join(folder, 'd.json'))).queues).toHaveLength(1)
  })

  it.each([['not JSON', 'not valid JSON'], ['[]', 'failed_to_parse_json']])(
    'with %j in it is named, with why', async (text, why) => {
      const path = join(folder, 'd.json')
      await writeFile(path, text)
      await expect(readDefinitions(path)).rejects.toThrow(`the definitions in ${path} can't be taken in: `)
      await expect(readDefinitions(path)).rejects.toThrow(why)
    })

  it('that is missing is named', async () => {
    await expect(readDefinitions(join(folder, 'none.json'))).rejects.toThrow('none.json')
  })
})
