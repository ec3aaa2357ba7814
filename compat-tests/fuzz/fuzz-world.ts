// A broker for the protocol fuzzer: real, in this process, with a memory store, virtual sockets and an event
// loop that is a list of tasks. Called by in-process.ts and probe.ts. What the broker logs as an error of its
// own is kept: to the fuzzer it is one.

import { TestClock } from '../../base/clock.ts'
import { SeededRandom } from '../../base/random.ts'
import { TimerWheel } from '../../base/timer-wheel.ts'
import { Turn } from '../../base/turn.ts'
import { Broker } from '../../broker/broker.ts'
import type { Peer, Transport } from '../../connections/transport.ts'
import { WINDOW } from '../../queues/paged-ready.ts'
import { MemoryEngine } from '../../store/memory.ts'
import { CATALOG, isHeld } from '../../store/store.ts'
import type { Store } from '../../store/store.ts'

const tasksMax = 100_000

/** Virtual socket: keeps what the broker says. */
export class FuzzTransport implements Transport {
  readonly peer: Peer = { address: '127.0.0.1', port: 1, isLoopback: true, certificateName: null }
  readonly local = { address: '127.0.0.1', port: 5672 }
  readonly bufferedBytes = 0
  readonly written: Buffer[] = []
  isClosed = false

  write(pieces: readonly Buffer[]): void {
    for (const piece of pieces) this.written.push(Buffer.from(piece))
  }

  pause(): void {}

  resume(): void {}

  end(): void {
    this.isClosed = true
  }

  destroy(): void {
    this.isClosed = true
  }
}

/** A broker whose event loop is a list of tasks that the fuzzer works off. */
export class FuzzWorld {
  readonly broker: Broker
  readonly errors: string[] = []
  private readonly tasks: (() => void)[] = []
  private readonly engine = new MemoryEngine({ later: (task) => this.tasks.push(task) })

  private constructor() {
    const clock = new TestClock()
    const log = {
      info: () => undefined, warn: () => undefined,
      error: (fields: object) => {
        this.errors.push(String((fields as { err?: { stack?: string } }).err?.stack))
      },
    }
    this.broker = new Broker({
      clock, log, random: new SeededRandom(1), turn: new Turn(clock, (run) => this.tasks.push(run)),
      timers: new TimerWheel(clock.monotonicMs),
      limits: {
        frameSizeMax: 131_072, channelMax: 2047, heartbeatS: 60, handshakeTimeoutMs: 10_000,
        messageSizeMax: 16_777_216, residentBytesMax: 1 << 29, window: WINDOW,
        transactionSizeMax: 134_217_728, connectionMax: 0, consumerTimeoutMs: 1_800_000,
      },
      identity: { product: 'Leveret', version: '0', platform: 'test', nodeName: 'test' },
      loopbackUsers: [],
    })
  }

  static async start(): Promise<FuzzWorld> {
    const world = new FuzzWorld()
    await world.engine.open()
    const acquire = async (scope: string): Promise<Store> => {
      const store = await world.engine.acquire(scope)
      if (isHeld(store)) throw new Error(`scope '${scope}' is held`)
      return store
    }
    const catalog = await acquire(CATALOG)
    const first = { user: 'guest', password: 'secret', vhost: '/' }
    const vhosts = world.broker.restoreCatalog(catalog, await catalog.recover(), first)
    const store = await acquire(vhosts[0]!)
    world.broker.restoreVHost(vhosts[0]!, store, await store.recover())
    return world
  }

  /** Errors: Error when the tasks do not end. */
  settle(): void {
    for (let n = 0; this.tasks.length > 0; n++) {
      if (n > tasksMax) throw new Error(`still busy after ${tasksMax} tasks`)
      this.tasks.shift()!()
    }
  }
}
