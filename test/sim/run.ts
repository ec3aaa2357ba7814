// One seed: options are drawn, clients come, the broker stops and starts, faults end, everything is
// drained, and the checker has heard it all. Deterministic: nothing here knows the real time, and promises
// are awaited only while virtual time stands still.
import { Checker, numberIn } from './checker.ts'
import type { HistoryEvent, Rule, Violation } from './checker.ts'
import { Architect } from './architect.ts'
import { BrokerLife } from './broker.ts'
import { Consumer, Poller, Prober, drawSubscriptions } from './client.ts'
import { CALM_MAX_US, drawOptions } from './options.ts'
import type { SimOptions } from './options.ts'
import { Owner } from './owner.ts'
import { Publisher } from './publisher.ts'
import type { Surroundings } from './session.ts'
import type { ClientEnd, Link } from './socket.ts'
import { SETTLE_US, SimDisk } from './store.ts'
import type { StoreObserver } from './store.ts'
import { FAN } from './topology.ts'
import { MS, World } from './world.ts'

/** They walk the queues; a broken one stays broken for longer than this. */
const EVENTS_BETWEEN_INVARIANTS = 8

export interface RunResult {
  readonly seed: number
  readonly violations: readonly Violation[]
  readonly history: readonly HistoryEvent[]
  readonly eventCount: number
  readonly endUs: number
  readonly stops: number
  readonly counts: Checker['counts']
}

export interface RunSettings {
  /** The disk may be told to lie: that is how bugs below the broker are planted. */
  readonly onDisk?: (disk: SimDisk) => void
  /** True: the checker hears only what clients see, as it does of a real process. */
  readonly isBlackBox?: boolean
}

export async function runSeed(seed: number, settings: RunSettings = {}): Promise<RunResult> {
  const run = new Run(seed, settings.isBlackBox ?? false)
  settings.onDisk?.(run.disk)
  return run.play()
}

class Run implements Surroundings, StoreObserver {
  readonly world: World
  readonly options: SimOptions
  readonly disk = new SimDisk()
  isCalm = false
  private readonly seed: number
  private readonly checker: Checker
  private readonly isBlackBox: boolean
  private readonly history: HistoryEvent[] = []
  private life: BrokerLife | null = null
  private readonly takers: (Consumer | Poller)[] = []
  private lives = 0
  private isStartDue = false
  private isStopping = false
  private number = 0
  private isTopologyPromised = false
  /** Every queue was seen to be empty, and that is on disk. */
  private isOver = false

  constructor(seed: number, isBlackBox: boolean) {
    this.seed = seed
    this.isBlackBox = isBlackBox
    this.world = new World(seed)
    this.options = drawOptions(this.world)
    this.checker = new Checker(!isBlackBox, this.options.queues)
  }

  async play(): Promise<RunResult> {
    try {
      await this.load()
      if (!this.isBroken) await this.drain()
    } catch (error) {
      const { name, stack = '' } = error as Error
      this.broken(name === 'InvariantBroken' ? 'invariant' : 'internal error', stack)
    }
    return {
      seed: this.seed, violations: this.checker.violations, history: this.history,
      eventCount: this.world.eventCount, endUs: this.world.now, stops: this.lives - 1,
      counts: this.checker.counts,
    }
  }

  connect(client: ClientEnd): Link | null {
    return this.life?.connect(client) ?? null
  }

  record(event: HistoryEvent): void {
    this.history.push(event)
    this.checker.add(event)
    if (event.kind === 'confirm') this.isTopologyPromised = true
    if (event.kind === 'deliver' && this.isOver && this.checker.wasAnswered(event)) {
      this.broken('back after the end', `message ${event.id}`)
    }
  }

  cutByBroker(): void {
    if (this.life?.isAlive === true && !this.isStopping) this.broken('unexpected close', 'without a word')
  }

  closedByBroker(code: number, text: string): void {
    if (code !== 320 || !this.isStopping) this.broken('unexpected close', `${code} ${text}`)
  }

  broken(rule: Rule, what: string): void {
    this.checker.broken(rule, what)
  }

  nextNumber(): number {
    return ++this.number
  }

  promised(kind: 'stored' | 'dropped' | 'dropDurable', queue: number, body: Buffer): void {
    if (!this.isBlackBox) this.record({ kind, queue: this.queueName(queue), id: numberIn(body) })
  }

  private get isBroken(): boolean {
    return this.checker.violations.length > 0
  }

  private async load(): Promise<void> {
    const { options, world } = this
    await this.startBroker()
    const publishers = Array.from({ length: options.publishers }, () => new Publisher(this))
    for (let n = 0; n < options.consumers; n++) this.takers.push(new Consumer(this, drawSubscriptions(this)))
    for (let n = 0; n < options.pollers; n++) this.takers.push(new Poller(this))
    const architects = Array.from({ length: options.architects }, () => new Architect(this))
    const owners = Array.from({ length: options.owners }, () => new Owner(this))
    for (const { atUs, isClean } of options.stops) {
      world.at(atUs, () => (isClean ? this.stopCleanly() : this.kill()))
    }
    for (const { atUs, byMs } of options.clockJumps) world.at(atUs, () => { world.clock.nowMs += byMs })
    await this.until(options.loadUs, () => false)
    if (options.mode === 'safety') this.kill()
    this.isCalm = true
    for (const { name } of options.queues) this.takers.push(new Consumer(this, [name]))
    const isQuiet = (): boolean =>
      [...publishers, ...architects, ...owners].every((each) => each.isDone) && this.isEmpty
    if (!await this.until(CALM_MAX_US, isQuiet)) this.broken('no progress', this.describeQueues())
  }

  /** Empty as clients see it, and again after a last crash: no ack that was on disk may be undone by it. */
  private async drain(): Promise<void> {
    for (const taker of this.takers) taker.stop()
    await this.probe()
    if (this.isBroken) return
    await this.until(SETTLE_US, () => false)
    if (this.isBroken) return
    this.kill()
    this.isOver = true
    await this.probe()
  }

  private async probe(): Promise<void> {
    await this.until(CALM_MAX_US, () => this.life?.isAlive === true)
    const prober = new Prober(this)
    const hasEnded = await this.until(CALM_MAX_US, () => prober.isDone)
    if (!hasEnded) this.broken('no progress', 'the last look never ended')
  }

  /** Runs for so long, or until it holds; the first violation ends it as well. Returns whether it holds. */
  private async until(duration: number, holds: () => boolean): Promise<boolean> {
    const limit = this.world.now + duration
    while (!holds()) {
      if (this.isBroken) return true
      if (!this.world.step(limit)) return false
      if (this.world.eventCount % EVENTS_BETWEEN_INVARIANTS === 0) this.checkInvariants()
      if (this.isStopping) await Promise.resolve()
      if (this.isStartDue) await this.startBroker()
    }
    return true
  }

  private checkInvariants(): void {
    for (const queue of this.life?.vhost?.queues.values() ?? []) queue.checkInvariants()
  }

  private async startBroker(): Promise<void> {
    this.isStartDue = false
    const { options, world, disk } = this
    const life = new BrokerLife({
      world, disk, netDelayMaxUs: options.netDelayMaxUs,
      engine: {
        commitMaxUs: options.commitMaxUs, failure: () => (this.isCalm ? 0 : options.commitFailure),
        congestion: () => (this.isCalm ? 0 : options.congestion),
      },
      life: ++this.lives, observer: this,
      failed: () => this.kill(),
      internalError: (what) => {
        this.broken(what.includes('InvariantBroken') ? 'invariant' : 'internal error', what)
      },
    })
    this.life = life
    await life.start()
    if (this.isTopologyPromised) this.checkTopology(life)
  }

  /** A declare-ok for something durable came before the first confirm. */
  private checkTopology({ vhost }: BrokerLife): void {
    for (const { name, isDurable } of this.options.queues) {
      if (!isDurable) continue
      const queue = vhost?.findQueue(name) ?? null
      if (queue === null) this.broken('topology lost', `queue ${name}`)
      else if (['left', 'right'].includes(name) && (vhost?.inbound.get(queue)?.size ?? 0) === 0) {
        this.broken('topology lost', `the binding of ${name} to ${FAN}`)
      }
    }
  }

  private kill(): void {
    if (this.life?.isAlive !== true) return
    this.life.kill()
    this.ended()
  }

  private stopCleanly(): void {
    const { life } = this
    if (life?.isAlive !== true || this.isStopping) return
    this.isStopping = true
    this.record({ kind: 'stop' })
    life.stop(() => this.ended())
  }

  private ended(): void {
    this.isStopping = false
    this.record({ kind: 'crash' })
    this.world.at(this.world.between(5 * MS, 200 * MS), () => {
      this.isStartDue = true
    })
  }

  private get isEmpty(): boolean {
    const vhost = this.life?.isAlive === true ? this.life.vhost : null
    if (vhost === null || this.isStopping) return false
    for (const queue of vhost.queues.values()) {
      if (queue.readyCount > 0 || queue.unackedCount > 0 || queue.heldCount > 0) return false
    }
    return true
  }

  private queueName(id: number): string {
    const number = Math.abs(id) // what is held is under the number below 0
    for (const queue of this.life?.vhost?.queues.values() ?? []) if (queue.id === number) return queue.name
    return `queue ${id}`
  }

  private describeQueues(): string {
    const queues = [...this.life?.vhost?.queues.values() ?? []]
    return queues.map(({ name, readyCount, unackedCount, heldCount }) =>
      `${name}: ${readyCount} ready, ${unackedCount} unacked, ${heldCount} held`).join('; ')
  }
}
