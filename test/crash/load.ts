// Load on a real broker: the simulation's clients over TCP and real time, heard by the simulation's
// checker. The random decisions follow a seed; what the two processes make of them does not.
import { connect } from 'node:net'
import { SeededRandom } from '../../base/random.ts'
import { Checker } from '../sim/checker.ts'
import type { HistoryEvent, Rule } from '../sim/checker.ts'
import { Architect } from '../sim/architect.ts'
import { Consumer, Poller, Prober } from '../sim/client.ts'
import type { SimOptions } from '../sim/options.ts'
import { Publisher } from '../sim/publisher.ts'
import type { Surroundings } from '../sim/session.ts'
import type { ClientEnd, ClientLink } from '../sim/socket.ts'
import { MS } from '../sim/world.ts'
import type { Timing } from '../sim/world.ts'

/** Rates of a load; see SimOptions for the rest, which only virtual worlds have. */
export type LoadOptions = Pick<SimOptions,
  'queues' | 'burstMax' | 'thinkMaxUs' | 'prefetchMax' | 'clientFault' | 'pollers' | 'architects'>

/** Consumers with credit that hear nothing for so long have emptied their queues. */
const QUIET_MS = 400
/** A client that may take a quarter of an hour settles next to nothing. */
const HESITATION_US = 900_000_000

export class Load implements Surroundings {
  readonly world: Timing
  options: SimOptions
  private readonly usualThinkMaxUs: number
  readonly checker: Checker
  isCalm = false
  /** 0: nobody listens. */
  port = 0
  onEvent: (event: HistoryEvent) => void = () => {}
  /** Reply codes of the broker's closes. */
  readonly closes: number[] = []
  private readonly open = new Set<NetLink>()
  private publishers: Publisher[] = []
  private consumers: (Consumer | Poller)[] = []
  private architects: Architect[] = []
  private deliveredMs = 0
  private timers = new Set<NodeJS.Timeout>()
  private number = 0
  private watchers: { readonly holds: () => boolean; readonly resolve: () => void }[] = []

  constructor(seed: number, options: LoadOptions) {
    const random = new SeededRandom(seed)
    this.world = {
      random,
      get now() { return performance.now() * MS },
      at: (delay, run) => this.after(delay / MS, run),
      between: (low, high) => low + random.below(high - low + 1),
    }
    this.checker = new Checker(false, options.queues)
    this.usualThinkMaxUs = options.thinkMaxUs
    this.options = {
      ...options, owners: 0, congestion: 0, delayMaxMs: 0, clockJumps: [], mode: 'safety', publishers: 2,
      consumers: 3, messagesPerPublisher: Infinity, pauseMaxUs: 2 * MS,
      bodyMax: 9_000, netDelayMaxUs: 0, commitMaxUs: 0, commitFailure: 0, stops: [], loadUs: 0,
    }
  }

  begin(): void {
    this.publishers = Array.from({ length: this.options.publishers }, () => new Publisher(this))
    const groups = [...this.options.queues.map(({ name }) => [name]), ['work', 'left']]
    this.consumers = [
      ...groups.map((queues) => new Consumer(this, queues)),
      ...Array.from({ length: this.options.pollers }, () => new Poller(this)),
    ]
    this.architects = Array.from({ length: this.options.architects }, () => new Architect(this))
  }

  /** Nothing more is published, everything is consumed and acked, and each queue is seen to be empty. */
  async drain(): Promise<void> {
    this.isCalm = true
    for (const publisher of this.publishers) publisher.stop()
    await this.soundUntil(() => [...this.publishers, ...this.architects].every((each) => each.isDone))
    this.deliveredMs = performance.now()
    await this.soundUntil(() => performance.now() - this.deliveredMs > QUIET_MS)
    for (const consumer of this.consumers) consumer.stop()
    const prober = new Prober(this)
    await this.soundUntil(() => prober.isDone)
    this.isCalm = false
  }

  /** Clients keep what they get from now on, as good as all of it, until `goOn`. */
  hesitate(): void {
    this.options = { ...this.options, thinkMaxUs: HESITATION_US }
  }

  goOn(): void {
    this.options = { ...this.options, thinkMaxUs: this.usualThinkMaxUs }
  }

  /** Waits until it holds; asked after every event, and now and then for what is no event. */
  until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve()
    return new Promise((resolve) => {
      this.watchers.push({ holds, resolve })
      this.lookAgain()
    })
  }

  /** Also ends when a promise was broken: what is waited for may then never come. */
  private soundUntil(holds: () => boolean): Promise<void> {
    return this.until(() => holds() || this.checker.violations.length > 0)
  }

  /** The broker's process has ended: all that it had said has been heard once every socket is closed. */
  async ended(): Promise<void> {
    this.port = 0
    await this.until(() => this.open.size === 0)
    this.record({ kind: 'crash' })
  }

  stop(): void {
    this.port = 0
    for (const timer of this.timers) clearTimeout(timer)
    for (const link of this.open) link.clientDestroy()
  }

  connect(client: ClientEnd): ClientLink | null {
    if (this.port === 0) return null
    const link = new NetLink(this.port, client, () => this.open.delete(link))
    this.open.add(link)
    return link
  }

  record(event: HistoryEvent): void {
    this.checker.add(event)
    if (event.kind === 'deliver') this.deliveredMs = performance.now()
    this.onEvent(event)
    this.wake()
  }

  closedByBroker(code: number, text: string): void {
    this.closes.push(code)
    if (code !== 320) this.broken('unexpected close', `${code} ${text}`)
  }

  /** Whether that was the kill is known to nobody here. */
  cutByBroker(): void {}

  broken(rule: Rule, what: string): void {
    this.checker.broken(rule, what)
  }

  nextNumber(): number {
    return ++this.number
  }

  private after(ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer)
      run()
    }, ms)
    this.timers.add(timer)
  }

  private lookAgain(): void {
    this.after(20, () => {
      this.wake()
      if (this.watchers.length > 0) this.lookAgain()
    })
  }

  private wake(): void {
    if (this.watchers.length === 0) return
    const waiting = this.watchers
    this.watchers = []
    for (const watcher of waiting) {
      if (watcher.holds()) watcher.resolve()
      else this.watchers.push(watcher)
    }
  }
}

class NetLink implements ClientLink {
  private readonly socket

  constructor(port: number, client: ClientEnd, onClosed: () => void) {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    this.socket = socket
    socket.on('data', (chunk: Buffer) => client.receive(chunk))
    // A reset is what a killed process leaves behind; `close` follows.
    socket.on('error', () => {})
    socket.on('close', () => {
      onClosed()
      client.closed()
    })
  }

  clientWrite(bytes: Buffer): void {
    if (!this.socket.destroyed) this.socket.write(bytes)
  }

  clientDestroy(): void {
    this.socket.destroy()
  }

  stall(duration: number): void {
    this.socket.pause()
    setTimeout(() => this.socket.resume(), Math.min(duration / MS, 400))
  }
}
