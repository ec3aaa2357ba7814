// One life of the simulated broker: put together as runtime/server.ts does it, over the simulation's
// engine, clock and sockets, up to its clean stop or its death. After that nothing it had scheduled runs
// any more.
import { TimerWheel } from '../../base/timer-wheel.ts'
import { SeededRandom } from '../../base/random.ts'
import { Turn } from '../../base/turn.ts'
import { Broker } from '../../broker/broker.ts'
import { restoreKeys } from '../../broker/recovery.ts'
import type { VHost } from '../../broker/vhost.ts'
import { Connection } from '../../connections/connection.ts'
import { connectionForced } from '../../protocol/errors.ts'
import { CATALOG } from '../../store/store.ts'
import type { Store } from '../../store/store.ts'
import { Link } from './socket.ts'
import type { ClientEnd } from './socket.ts'
import { ObservedStore, SimEngine } from './store.ts'
import type { EngineOptions, SimDisk, StoreObserver } from './store.ts'
import { MS } from './world.ts'
import type { World } from './world.ts'

/** So small that most queues page. */
const WINDOW = {
  frontMessages: 8, frontBytes: 4_000, tailMessages: 4, tailBytes: 2_000, pageMessages: 5, pageBytes: 1e6,
}
const TICK_US = 100 * MS

export interface LifeParts {
  readonly world: World
  readonly disk: SimDisk
  readonly engine: EngineOptions
  readonly netDelayMaxUs: number
  readonly life: number
  readonly observer: StoreObserver
  /** The store failed: the process ends. */
  failed(): void
  internalError(what: string): void
}

export class BrokerLife {
  readonly broker: Broker
  isAlive = true
  private readonly parts: LifeParts
  private readonly engine: SimEngine
  private readonly links = new Set<Link>()
  private readonly stores: Store[] = []
  private isListening = false

  constructor(parts: LifeParts) {
    this.parts = parts
    const { world } = parts
    this.engine = new SimEngine(world, parts.disk, parts.engine)
    this.broker = new Broker({
      clock: world.clock, random: new SeededRandom(parts.life),
      turn: new Turn(world.clock, (run) => this.after(world.random.below(50), run)),
      timers: new TimerWheel(world.clock.monotonicMs),
      log: {
        info() {},
        warn() {},
        error: (fields, message) => {
          const { err } = fields as { readonly err?: Error }
          parts.internalError(`${message}: ${err?.stack ?? JSON.stringify(fields)}`)
        },
      },
      limits: {
        frameSizeMax: 131_072, channelMax: 2047, heartbeatS: 60, handshakeTimeoutMs: 10_000,
        messageSizeMax: 1 << 24, residentBytesMax: 20_000, window: WINDOW,
        transactionSizeMax: 1 << 27, connectionMax: 0,
        consumerTimeoutMs: 1_800_000,
      },
      identity: { product: 'Leveret', version: '0', platform: 'simulation', nodeName: 'leveret@sim' },
      loopbackUsers: ['guest'],
    })
  }

  get vhost(): VHost | null {
    return this.broker.vhosts.get('/') ?? null
  }

  /** As runtime/server.ts: topology and counts. */
  async start(): Promise<void> {
    const { engine, broker } = this
    await engine.open()
    const catalog = await this.acquire(CATALOG)
    broker.turn.addStore(catalog)
    const first = { user: 'guest', password: 'guest', vhost: '/' }
    for (const name of broker.restoreCatalog(catalog, await catalog.recover(), first)) {
      const store = new ObservedStore(await this.acquire(name), this.parts.observer)
      const recovered = await store.recover()
      store.onFailed = () => this.parts.failed()
      const vhost = broker.restoreVHost(name, store, recovered)
      await new Promise<void>((resolve) => restoreKeys(vhost, recovered, resolve))
    }
    this.parts.disk.wasClean = false
    broker.turn.begin()
    if (!engine.isAlive) return
    this.isListening = true
    this.tick()
  }

  connect(client: ClientEnd): Link | null {
    if (!this.isAlive || !this.isListening) return null
    const link = new Link(this.parts.world, this.parts.netDelayMaxUs, client)
    this.links.add(link)
    link.attach(new Connection(link, this.broker))
    return link
  }

  kill(): void {
    if (!this.isAlive) return
    this.isAlive = false
    this.engine.kill()
    for (const link of this.links) link.crash()
  }

  /** As runtime/server.ts: goodbye to everybody, what was handed out is noted, everything to disk. */
  stop(then: () => void): void {
    this.isListening = false
    const error = connectionForced(`broker forced connection closure with reason 'shutdown'`)
    for (const connection of [...this.broker.connections]) connection.forceClose(error)
    this.after(1_000 * MS, () => {
      for (const connection of [...this.broker.connections]) connection.drop()
      this.after(MS, () => {
        this.broker.rememberDeliveries()
        void this.release(then)
      })
    })
  }

  private async release(then: () => void): Promise<void> {
    try {
      for (const store of this.stores) await store.release()
      await this.engine.close()
    } catch {
      // The store failed meanwhile, and has said so to `failed`: this was no clean stop.
      return
    }
    if (!this.isAlive) return
    this.kill()
    then()
  }

  private async acquire(scope: string): Promise<Store> {
    const store = await this.engine.acquire(scope)
    store.onFailed = () => this.parts.failed()
    this.stores.push(store)
    return store
  }

  private tick(): void {
    this.after(TICK_US, () => {
      this.broker.turn.begin()
      this.broker.timers.advance(this.parts.world.clock.monotonicMs)
      this.tick()
    })
  }

  private after(delay: number, run: () => void): void {
    this.parts.world.at(delay, () => {
      if (this.isAlive) run()
    })
  }
}
