// Vhosts made and deleted while the broker runs: on both engines, over a restart.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '../base/log.ts'
import { SeededRandom } from '../base/random.ts'
import { TimerWheel } from '../base/timer-wheel.ts'
import { Turn } from '../base/turn.ts'
import { Access } from '../broker/access.ts'
import { bind } from '../broker/bindings.ts'
import { Broker } from '../broker/broker.ts'
import { putPolicy } from '../broker/policy-changes.ts'
import { declareQueue } from '../broker/queue-declarations.ts'
import { NEW_VHOST } from '../broker/vhost-facts.ts'
import { EMPTY_TABLE } from '../protocol/table.ts'
import { WINDOW } from '../queues/paged-ready.ts'
import { SqliteEngine } from '../store/sqlite/sqlite-engine.ts'
import { CATALOG } from '../store/store.ts'
import { EngineVHosts } from './engine-vhosts.ts'
import { SystemClock, nextTurn } from './world.ts'

const caller = { owner: {}, access: Access.toEverything('guest', 'v') }
const facts = { ...NEW_VHOST, description: 'for tests', limits: { 'max-queues': 7 } }

let dataDir: string
let engine: SqliteEngine
let broker: Broker
let vhosts: EngineVHosts

async function boot(): Promise<void> {
  const clock = new SystemClock()
  engine = new SqliteEngine({ dataDir })
  await engine.open()
  broker = new Broker({
    clock, random: new SeededRandom(1), turn: new Turn(clock, nextTurn),
    timers: new TimerWheel(clock.monotonicMs), log: silentLog, loopbackUsers: [],
    limits: {
      frameSizeMax: 131_072, channelMax: 2047, heartbeatS: 60, handshakeTimeoutMs: 10_000,
      messageSizeMax: 16_777_216, residentBytesMax: 1 << 28, window: WINDOW,
      transactionSizeMax: 1 << 27, connectionMax: 0, consumerTimeoutMs: 1_800_000,
    },
    identity: { product: 'Leveret', version: '0', platform: 'test', nodeName: 'test' },
  })
  vhosts = new EngineVHosts(engine, broker, dataDir)
  const catalog = await vhosts.acquire(CATALOG)
  broker.turn.addStore(catalog)
  const first = { user: 'guest', password: 'guest', vhost: '/' }
  for (const name of broker.restoreCatalog(catalog, await catalog.recover(), first)) await vhosts.open(name)
}

async function restart(): Promise<void> {
  await engine.close()
  await boot()
}

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'leveret-vhosts-'))
  await boot()
})

afterEach(async () => {
  await engine.close()
  await rm(dataDir, { recursive: true, force: true })
})

function fill(): void {
  const vhost = broker.vhosts.get('v')!
  const declaration = { name: 'q', isDurable: true, isExclusive: false, isAutoDelete: false }
  declareQueue(vhost, { ...declaration, args: EMPTY_TABLE }, caller, false, () => broker.newQueueId())
  const binding = { source: 'amq.fanout', kind: 'queue', destination: 'q', routingKey: 'k' } as const
  bind(vhost, { ...binding, args: EMPTY_TABLE }, caller)
  putPolicy(vhost, 'policy', {
    name: 'p', pattern: '', applyTo: 'all', priority: 0, definition: { 'max-length': 3 },
  })
  broker.access.permit('guest', 'v', { configure: '', write: '', read: '' })
}

describe('a vhost that is made', () => {
  it('is there at once and after a restart, with what was said of it', async () => {
    expect(await vhosts.put('v', facts)).toBe(true)
    expect(broker.vhosts.get('v')?.facts).toEqual(facts)
    await restart()
    expect(broker.vhosts.get('v')?.facts).toEqual(facts)
  })

  it('a second time is changed, not new', async () => {
    await vhosts.put('v', facts)
    expect(await vhosts.put('v', NEW_VHOST)).toBe(false)
    await restart()
    expect(broker.vhosts.get('v')?.facts).toEqual(NEW_VHOST)
  })

  it('twice at the same moment is made once', async () => {
    const outcomes = await Promise.all([vhosts.put('v', facts), vhosts.put('v', facts)])
    expect(outcomes).toEqual([true, false])
  })
})

describe('a vhost that is deleted', () => {
  it('takes everything along, for good', async () => {
    await vhosts.put('v', facts)
    fill()
    expect(await vhosts.delete('v')).toBe(true)
    expect(broker.vhosts.has('v')).toBe(false)
    await restart()
    expect([...broker.vhosts.keys()]).toEqual(['/'])
    expect(broker.access.permissions().map(({ vhost }) => vhost)).toEqual(['/'])
  })

  it('can be made again, and is empty', async () => {
    await vhosts.put('v', facts)
    fill()
    await vhosts.delete('v')
    expect(await vhosts.put('v', NEW_VHOST)).toBe(true)
    const vhost = broker.vhosts.get('v')!
    expect([vhost.queues.size, vhost.policies.list('policy').length]).toEqual([0, 0])
    expect(vhost.getExchange('amq.fanout').bindings.size).toBe(0)
    await restart()
    expect(broker.vhosts.get('v')?.queues.size).toBe(0)
  })

  it('that was not there says so', async () => {
    expect(await vhosts.delete('none')).toBe(false)
  })
})
