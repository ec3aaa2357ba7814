// The composition root: store, broker, doors, in the order in which each needs the one before, and back again
// at the end. cli/ starts it as a process; tests start it inside their own.
import { hostname } from 'node:os'
import type { Clock } from '../base/clock.ts'
import { TimerWheel } from '../base/timer-wheel.ts'
import { Turn } from '../base/turn.ts'
import { Broker } from '../broker/broker.ts'
import type { Settings } from '../broker/config.ts'
import type { DefinitionsFile } from '../broker/definitions-file.ts'
import { RunningSettings } from '../broker/running-settings.ts'
import { SAMPLE_MS, Sampler } from '../broker/sampler.ts'
import { listenAmqp, listenAmqps } from '../connections/listener.ts'
import type { AmqpListener } from '../connections/listener.ts'
import { startHttp } from '../http/door.ts'
import type { RunningHttp } from '../http/door.ts'
import { HttpTarget } from '../http/webhooks/http-target.ts'
import { Webhooks } from '../http/webhooks/webhooks.ts'
import { connectionForced } from '../protocol/errors.ts'
import { WINDOW } from '../queues/paged-ready.ts'
import { MemoryEngine } from '../store/memory.ts'
import { SqliteEngine } from '../store/sqlite/sqlite-engine.ts'
import type { StoreNotice } from '../store/sqlite/thread-messages.ts'
import { dismissStoreWorker } from '../store/sqlite/store-worker.ts'
import { CATALOG } from '../store/store.ts'
import type { Engine } from '../store/store.ts'
import { amqpWebSockets } from './amqp-websocket.ts'
import { EngineVHosts } from './engine-vhosts.ts'
import { collectWhenIdle } from './idle-collection.ts'
import type { Logger } from './log.ts'
import { checkPortsFree } from './ports.ts'
import { importDefinitions, loadDefinitions, readDefinitions } from './definitions.ts'
import { watchResources } from './resource-watch.ts'
import { ServerView } from './server-view.ts'
import { readTls } from './tls.ts'
import type { TraceVHost } from './tracing/message-spans.ts'
import { SystemClock, nextTurn, startTicking, systemRandom } from './world.ts'

/** How long clients have to answer our close when the server stops. */
const GOODBYE_MS = 1_000

export interface RunningServer {
  readonly amqpUrl: string
  /** null without a TLS listener. */
  readonly amqpsUrl: string | null
  readonly httpUrl: string
  readonly dataDirectory: string
  /** Closes connections with 320 and the reason, flushes the store. */
  close(reason?: string): Promise<void>
}

/**
 * Errors: DataDirectoryHeld, DataDirectoryNewer, DefinitionsUnusable, the operating system's for ports.
 * Nothing is left open then.
 */
export async function startServer(settings: Settings, log: Logger): Promise<RunningServer> {
  const { amqpPort, httpPort, tlsPort, prometheusPort } = settings
  const tls = readTls(settings)
  await checkPortsFree(settings.host, [amqpPort, tlsPort ?? 0, httpPort, prometheusPort ?? 0])
  const clock = new SystemClock()
  const [turn, timers] = [new Turn(clock, nextTurn), new TimerWheel(clock.monotonicMs)]
  const traceVHost = await openTracing(settings, clock, log)
  const broker = createBroker(settings, log, clock, turn, timers, traceVHost)
  const engine = createEngine(settings, broker)
  const vhosts = new EngineVHosts(engine, broker, settings.dataDirectory)
  const view = new ServerView(broker, settings.dataDirectory)
  const sampler = new Sampler(broker)
  const running = new RunningSettings(settings)
  const webhooks = new Webhooks(broker, new HttpTarget(settings.webhooksAllowPrivate))
  if (engine instanceof SqliteEngine) showEngine(view, engine)
  if (settings.store === 'memory') await dismissStoreWorker()
  await openEngine(engine, log)
  const amqp: AmqpListener[] = []
  let http: RunningHttp | null = null
  try {
    await recover(vhosts, broker, settings)
    amqp.push(await listenAmqp(broker, settings.host, settings.amqpPort))
    if (tls !== null) amqp.push(await listenAmqps(broker, settings.host, settings.tlsPort!, tls))
    const take = (file: DefinitionsFile): Promise<void> => importDefinitions(file, broker, vhosts)
    const door = {
      broker, node: view, sampler, settings: running, vhosts, webhooks, importDefinitions: take,
      acceptAmqp: amqpWebSockets(broker),
    }
    http = await startHttp({ host: settings.host, port: httpPort, prometheusPort, door, log })
  } catch (error) {
    for (const listener of amqp) listener.stop()
    await engine.close()
    throw error
  }
  const stops = [
    startTicking(clock, turn, timers), startSampling(sampler),
    watchResources(broker.alarms, running), collectWhenIdle(),
  ]
  nameListeners(view, amqp, http)
  view.ready = true
  webhooks.start()
  const [port, securePort] = amqp.map((listener) => listener.address.port)
  return {
    amqpUrl: `amqp://${connectable(settings.host)}:${port}`,
    amqpsUrl: securePort === undefined ? null : `amqps://${connectable(settings.host)}:${securePort}`,
    httpUrl: http.url,
    dataDirectory: settings.dataDirectory,
    async close(reason = 'shutdown') {
      view.ready = false
      for (const listener of amqp) listener.stop()
      http.stop()
      await sayGoodbye(broker, webhooks, reason)
      await http.close()
      broker.rememberDeliveries()
      for (const vhost of broker.vhosts.values()) await vhost.store.release()
      for (const stop of stops) stop()
      await engine.close()
    },
  }
}

function showEngine(view: ServerView, engine: SqliteEngine): void {
  view.backUp = (file, overwrites) => engine.backUp(file, overwrites)
  view.countDamaged = () => engine.damagedCount
  view.commitTimes = engine.commitTimes
}

async function openEngine(engine: Engine, log: Logger): Promise<void> {
  const { kind, warnings } = await engine.open()
  for (const warning of warnings) log.warn({ store: kind }, warning)
}

function startSampling(sampler: Sampler): () => void {
  const sampling = setInterval(() => sampler.sample(), SAMPLE_MS)
  return () => clearInterval(sampling)
}

/** In RabbitMQ's words. The first AMQP listener is the plain one. */
function nameListeners(
  view: ServerView, [plain, secure]: readonly AmqpListener[], http: RunningHttp,
): void {
  const { address, port } = plain!.address
  view.addListener('amqp', address, port, false)
  if (secure !== undefined) view.addListener('amqp/ssl', secure.address.address, secure.address.port, true)
  view.addListener('http', address, Number(new URL(http.url).port), false)
  if (http.prometheusPort !== null) {
    view.addListener('http/prometheus', address, http.prometheusPort, false)
  }
}

function createBroker(
  settings: Settings, log: Logger, clock: SystemClock, turn: Turn, timers: TimerWheel,
  traceVHost: TraceVHost | null,
): Broker {
  return new Broker({
    clock, random: systemRandom, turn, timers, log,
    limits: {
      frameSizeMax: settings.frameMax, channelMax: settings.channelMax, heartbeatS: settings.heartbeatSeconds,
      handshakeTimeoutMs: settings.handshakeTimeoutMs, messageSizeMax: settings.messageSizeMax,
      residentBytesMax: settings.residentBytesMax, window: WINDOW,
      transactionSizeMax: settings.transactionSizeMax, connectionMax: settings.connectionMax,
      consumerTimeoutMs: settings.consumerTimeoutMs,
    },
    identity: {
      product: settings.product, version: settings.productVersion, platform: `Node.js ${process.version}`,
      nodeName: `leveret@${hostname()}`,
    },
    loopbackUsers: settings.loopbackUsers, ...traceVHost !== null && { traceVHost },
  })
}

/** Null while tracing is off: nothing of OpenTelemetry is loaded then. */
async function openTracing(settings: Settings, clock: Clock, log: Logger): Promise<TraceVHost | null> {
  if (!settings.tracing) return null
  const { traceMessages } = await import('./tracing/message-spans.ts')
  return traceMessages(clock, log)
}

function createEngine(settings: Settings, broker: Broker): Engine {
  if (settings.store === 'memory') return new MemoryEngine()
  return new SqliteEngine({
    dataDir: settings.dataDirectory, ballastBytes: settings.ballast,
    onRoom(missing) {
      broker.alarms.diskFull(missing !== null)
      if (missing === null) broker.log.info({}, 'the disk has room again: the store goes on')
      else broker.log.error({ err: missing }, 'the disk is full: the store keeps what it has and tries again')
    },
    onNotice: (notice) => report(notice, broker),
  })
}

function report(notice: StoreNotice, broker: Broker): void {
  if (notice.kind === 'walLarge') {
    broker.log.warn({ bytes: notice.bytes },
      'the write-ahead log cannot start again: a program has the database open in a long transaction')
    return
  }
  const { id, reason } = notice
  for (const vhost of broker.vhosts.values()) {
    for (const queue of vhost.queues.values()) {
      if (queue.id !== notice.queue) continue
      const fields = { vhost: vhost.name, queue: queue.name, message: id, reason }
      broker.log.error(fields, 'a stored message is damaged: parked in the table damaged, not delivered')
    }
  }
}

async function recover(vhosts: EngineVHosts, broker: Broker, settings: Settings): Promise<void> {
  const catalog = await vhosts.acquire(CATALOG)
  const first = { user: settings.defaultUser, password: settings.defaultPass, vhost: settings.defaultVhost }
  broker.turn.addStore(catalog)
  const path = settings.loadDefinitions
  const definitions = path === null ? null : await readDefinitions(path)
  const brings = {
    users: definitions?.users.length ?? 0, vhosts: definitions?.vhosts.map(({ name }) => name) ?? [],
  }
  for (const name of broker.restoreCatalog(catalog, await catalog.recover(), first, brings)) {
    await vhosts.open(name)
  }
  broker.turn.begin()
  if (definitions === null) return
  await loadDefinitions(path!, definitions, broker, vhosts)
  broker.log.info({ path, count: definitions.queues.length }, 'definitions taken in')
}

async function sayGoodbye(broker: Broker, webhooks: Webhooks, reason: string): Promise<void> {
  webhooks.stop()
  const error = connectionForced(`broker forced connection closure with reason '${reason}'`)
  for (const connection of [...broker.connections]) connection.forceClose(error)
  const deadlineMs = performance.now() + GOODBYE_MS
  while (broker.connections.size > 0 && performance.now() < deadlineMs) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  for (const connection of [...broker.connections]) connection.drop()
  webhooks.close()
}

/** An address that a client on this machine can use. */
function connectable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}
