// A broker for tests: real vhost, real memory store, a clock and a turn that the test moves. `restart` goes
// through the store's records as a boot does.
import { TestClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { SeededRandom } from '../base/random.ts'
import { TimerWheel } from '../base/timer-wheel.ts'
import { Turn } from '../base/turn.ts'
import type { ExchangeFlags } from '../exchanges/exchange.ts'
import type { FieldTable } from '../protocol/table.ts'
import type { MessageTracer } from '../queues/message-tracer.ts'
import { WINDOW } from '../queues/paged-ready.ts'
import type { Window } from '../queues/paged-ready.ts'
import { EMPTY_TABLE } from '../protocol/table.ts'
import type { Queue } from '../queues/queue.ts'
import { MemoryEngine } from '../store/memory.ts'
import { CATALOG, isHeld } from '../store/store.ts'
import type { Engine, Store } from '../store/store.ts'
import { Access } from './access.ts'
import { bind, unbind } from './bindings.ts'
import type { Caller } from './caller.ts'
import { Broker } from './broker.ts'
import { declareExchange } from './exchange-declarations.ts'
import { declareQueue } from './queue-declarations.ts'
import { restoreKeys } from './recovery.ts'
import type { VHost } from './vhost.ts'

/** May do everything. */
export const someCaller: Caller = { owner: { connection: 1 }, access: Access.toEverything('guest', '/') }
export const otherCaller: Caller = { ...someCaller, owner: { connection: 2 } }

interface QueueWish {
  readonly durable?: boolean
  readonly exclusive?: boolean
  readonly autoDelete?: boolean
  readonly args?: FieldTable
}

export class BrokerWorld {
  readonly engine: Engine = new MemoryEngine()
  readonly clock = new TestClock()
  broker!: Broker
  vhost!: VHost
  catalog!: Store
  store!: Store

  private readonly window: Window
  private readonly tracer: MessageTracer | null

  private constructor(window: Window, tracer: MessageTracer | null) {
    this.window = window
    this.tracer = tracer
  }

  static async start(window = WINDOW, tracer: MessageTracer | null = null): Promise<BrokerWorld> {
    const world = new BrokerWorld(window, tracer)
    await world.engine.open()
    await world.boot()
    return world
  }

  /** Everything durable is written, the broker is thrown away, and another comes up on the same records. */
  async restart(): Promise<void> {
    this.broker.rememberDeliveries()
    await this.store.release()
    await this.catalog.release()
    await this.boot()
  }

  /** What the vhost has on record, sorted by kind and name. */
  async records(): Promise<string[]> {
    await this.written()
    const { definitions } = await this.store.recover()
    return definitions.map(({ kind, name }) => `${kind} ${name}`).toSorted()
  }

  /** Waits until every record written so far is durable. */
  private async written(): Promise<void> {
    while (this.vhost.pendingDefinitions > 0) {
      this.store.seal()
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  exchange(name: string, type = 'direct', flags: Partial<ExchangeFlags> = {}, args = EMPTY_TABLE): void {
    const all = { isDurable: true, isAutoDelete: false, isInternal: false, ...flags }
    declareExchange(this.vhost, { name, type, flags: all, args }, someCaller)
  }

  queue(name: string, wish: QueueWish = {}, caller = someCaller): Queue {
    const { durable: isDurable = true, exclusive: isExclusive = false, autoDelete: isAutoDelete = false } =
      wish
    const declaration = { name, isDurable, isExclusive, isAutoDelete, args: wish.args ?? EMPTY_TABLE }
    return declareQueue(this.vhost, declaration, caller, false, () => this.broker.newQueueId())
  }

  bind(source: string, destination: string, routingKey = '', args = EMPTY_TABLE, caller = someCaller): void {
    bind(this.vhost, { source, kind: this.kindOf(destination), destination, routingKey, args }, caller)
  }

  unbind(
    source: string, destination: string, routingKey = '', args = EMPTY_TABLE, caller = someCaller,
  ): void {
    unbind(this.vhost, { source, kind: this.kindOf(destination), destination, routingKey, args }, caller)
  }

  /** Names of the queues that a message goes to. */
  routed(exchange: string, routingKey = ''): string[] {
    const route = this.vhost.findRoute(
      this.vhost.getExchange(exchange), [routingKey], { decodeHeaders: () => null, property: () => null })
    return route.queues.map(({ name }) => name).toSorted()
  }

  /** In these tests names of exchanges begin with x or amq, those of queues do not. */
  private kindOf(name: string): 'queue' | 'exchange' {
    return name.startsWith('x') || name.startsWith('amq') || name === '' ? 'exchange' : 'queue'
  }

  private async boot(): Promise<void> {
    const { clock, tracer } = this
    this.broker = new Broker({
      clock,
      random: new SeededRandom(1),
      turn: new Turn(clock, setImmediate),
      timers: new TimerWheel(clock.monotonicMs),
      log: silentLog,
      limits: {
        frameSizeMax: 131_072, channelMax: 2047, heartbeatS: 60, handshakeTimeoutMs: 10_000,
        messageSizeMax: 16_777_216, residentBytesMax: 1 << 29,
        window: this.window,
        transactionSizeMax: 134_217_728, connectionMax: 0, consumerTimeoutMs: 1_800_000,
      },
      identity: { product: 'Leveret', version: '0', platform: 'test', nodeName: 'test' },
      loopbackUsers: ['guest'],
      ...tracer !== null && { traceVHost: () => tracer },
    })
    this.catalog = await this.acquire(CATALOG)
    this.broker.turn.addStore(this.catalog)
    const first = { user: 'guest', password: 'secret', vhost: '/' }
    const [vhost] = this.broker.restoreCatalog(this.catalog, await this.catalog.recover(), first)
    this.catalog.seal()
    this.store = await this.acquire(vhost!)
    const recovered = await this.store.recover()
    this.vhost = this.broker.restoreVHost(vhost!, this.store, recovered)
    await new Promise<void>((resolve) => restoreKeys(this.vhost, recovered, resolve))
  }

  private async acquire(scope: string): Promise<Store> {
    const store = await this.engine.acquire(scope)
    if (isHeld(store)) throw new Error(`scope '${scope}' is held by ${store.heldBy}`)
    return store
  }
}
