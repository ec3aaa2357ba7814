// The HTTP application on a broker in memory, for the tests in http/: no socket, a clock moved by hand, turns
// that run by themselves.
import type { FastifyInstance } from 'fastify'
import type { WebSocket } from 'ws'
import { TestClock } from '../../base/clock.ts'
import { SeededRandom } from '../../base/random.ts'
import { TimeHistogram } from '../../base/time-histogram.ts'
import { TimerWheel } from '../../base/timer-wheel.ts'
import { Turn } from '../../base/turn.ts'
import { Broker } from '../../broker/broker.ts'
import { resolveSettings } from '../../broker/config-sources.ts'
import type { DefinitionsFile } from '../../broker/definitions-file.ts'
import type { Settings } from '../../broker/config.ts'
import { RunningSettings } from '../../broker/running-settings.ts'
import { Sampler } from '../../broker/sampler.ts'
import { createUser } from '../../broker/users.ts'
import type { VHost } from '../../broker/vhost.ts'
import type { Authentication, ListenerView, Login, NodeUsage, NodeView } from '../../http/node-view.ts'
import { Sessions } from '../../http/sessions.ts'
import { createHttp } from '../../http/server.ts'
import { HttpTarget } from '../../http/webhooks/http-target.ts'
import { Webhooks } from '../../http/webhooks/webhooks.ts'
import { WINDOW } from '../../queues/paged-ready.ts'
import { MemoryEngine } from '../../store/memory.ts'
import { importDefinitions } from '../../runtime/definitions.ts'
import { EngineVHosts } from '../../runtime/engine-vhosts.ts'
import { CATALOG } from '../../store/store.ts'

export interface Reply {
  readonly status: number
  readonly headers: Record<string, unknown>
  readonly text: string
  /** Null when there is none. */
  readonly json: unknown
}

export interface Call {
  readonly user?: string
  /** False sends no credentials. */
  readonly login?: boolean
  readonly body?: object | string
  readonly headers?: Record<string, string>
}

/**
 * Users `hare` (administrator), `monitor`, `policy`, `manager`, `nobody`; all with the password pass:word.
 */
const users = {
  hare: ['administrator'], monitor: ['monitoring'], policy: ['policymaker'], manager: ['management'],
  nobody: [],
}

export class FakeNode implements NodeView {
  readonly productName = 'Leveret'
  readonly productVersion = '1.2.3'
  readonly nodeName = 'rabbit@"burrow"'
  readonly startedAtMs = 1_699_999_995_000
  readonly logins: Login[] = []
  ready = true
  readonly commitTimes = new TimeHistogram()
  readonly backUps: unknown[] = []
  backUp: NodeView['backUp'] = (file, overwrites) => {
    this.backUps.push([file, overwrites])
    return file === '/full' ? Promise.reject(new Error('no room')) : Promise.resolve(4096)
  }

  private readonly broker: Broker

  constructor(broker: Broker) {
    this.broker = broker
  }

  isReady(): boolean {
    return this.ready
  }

  authenticate(login: Login): Promise<Authentication> {
    this.logins.push(login)
    if (login.user === 'far') return Promise.resolve({ ok: false, why: 'loopback only' })
    const user = this.broker.users.get(login.user)
    if (user === undefined || login.password !== 'pass:word') {
      return Promise.resolve({ ok: false, why: 'bad credentials' })
    }
    return Promise.resolve({ ok: true, user })
  }

  listeners(): readonly ListenerView[] {
    return [{ protocol: 'amqp', address: '0.0.0.0', port: 5672, isTls: false }]
  }

  damagedMessages(): number {
    return 3
  }

  usage(): Promise<NodeUsage> {
    return Promise.resolve({
      pid: 42, processors: 2, residentBytes: 70e6, residentBytesMax: 8e9, heapUsedBytes: 20e6,
        cpuSeconds: 1.5,
      openFiles: 30, openFilesMax: 1024, diskFreeBytes: 5e9, dataDirectory: '/data',
    })
  }
}

function defaultSettings(): Settings {
  const given = { argv: [], env: {}, fileText: null, fileName: null, packageVersion: '1.2.3' }
  const resolved = resolveSettings(given)
  if (!resolved.ok) throw new Error(resolved.problems.join())
  return resolved.settings
}

export class OpenHttp {
  readonly broker: Broker
  readonly clock: TestClock
  readonly node: FakeNode
  readonly app: FastifyInstance
  readonly logged: unknown[] = []
  readonly sampler: Sampler
  readonly sessions: Sessions
  /** May send to this machine. */
  readonly webhooks: Webhooks
  readonly settings = new RunningSettings(defaultSettings())

  readonly vhosts: EngineVHosts

  private constructor(broker: Broker, vhosts: EngineVHosts, clock: TestClock) {
    this.broker = broker
    this.vhosts = vhosts
    this.clock = clock
    this.node = new FakeNode(broker)
    this.sampler = new Sampler(broker)
    this.sessions = new Sessions(broker)
    this.webhooks = new Webhooks(broker, new HttpTarget(true))
    this.app = createHttp(this, this.sessions, { error: (fields) => this.logged.push(fields) })
  }

  /** A broker with the vhost `/`, which only `hare` and `manager` may enter. */
  static async start(): Promise<OpenHttp> {
    const clock = new TestClock()
    const broker = new Broker({
      clock, random: new SeededRandom(1), turn: new Turn(clock, setImmediate),
      timers: new TimerWheel(clock.monotonicMs), log: { info() {}, warn() {}, error() {} },
      limits: {
        frameSizeMax: 131_072, channelMax: 2047, heartbeatS: 60, handshakeTimeoutMs: 10_000,
        messageSizeMax: 1 << 24, residentBytesMax: 1e8, window: WINDOW,
        transactionSizeMax: 1 << 27, connectionMax: 0, consumerTimeoutMs: 1_800_000,
      },
      identity: { product: 'Leveret', version: '1.2.3', platform: 'test', nodeName: 'rabbit@"burrow"' },
      loopbackUsers: [],
    })
    const engine = new MemoryEngine()
    await engine.open()
    const vhosts = new EngineVHosts(engine, broker, 'in memory')
    const catalog = await vhosts.acquire(CATALOG)
    broker.turn.addStore(catalog)
    const first = { user: 'hare', password: 'pass:word', vhost: '/' }
    for (const name of broker.restoreCatalog(catalog, await catalog.recover(), first)) {
      await vhosts.open(name)
    }
    for (const [name, tags] of Object.entries(users)) {
      if (name !== 'hare') broker.access.putUser(createUser(name, 'pass:word', tags, broker.random))
    }
    return new OpenHttp(broker, vhosts, clock)
  }

  acceptAmqp(socket: WebSocket): void {
    socket.close()
  }

  importDefinitions(file: DefinitionsFile): Promise<void> {
    return importDefinitions(file, this.broker, this.vhosts)
  }

  get vhost(): VHost {
    return this.broker.vhosts.get('/')!
  }

  async call(method: string, url: string, { user = 'hare', login = true, body, headers }: Call = {},
  ): Promise<Reply> {
    const credentials = Buffer.from(`${user}:pass:word`).toString('base64')
    const answer = await this.app.inject({
      method: method as 'GET', url, ...body !== undefined && { payload: body },
      headers: { ...login && { authorization: `Basic ${credentials}` }, ...headers },
    })
    const isJson = String(answer.headers['content-type']).startsWith('application/json')
    return {
      status: answer.statusCode, headers: answer.headers, text: answer.body,
      json: isJson && answer.body !== '' ? answer.json() : null,
    }
  }

  close(): Promise<void> {
    this.webhooks.stop()
    this.webhooks.close()
    return this.app.close()
  }
}
