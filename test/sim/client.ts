// The simulated clients that take messages: consumers with prefetch, pollers with basic.get, and the prober
// that has the last look. Each lives over many connections and does what real ones do: channels and
// connections end in the middle of things, with a word or without, and stall.
import type { Content } from '../amqp/raw-client.ts'
import type { Method } from '../amqp/client-codec.ts'
import { Holding, connect, openChannel, reconnect } from './session.ts'
import type { Actor, Session, Surroundings } from './session.ts'
import { MS } from './world.ts'

interface Subscription {
  readonly queue: string
  readonly number: number
  readonly isNoAck: boolean
}

export class Consumer implements Actor {
  private readonly sim: Surroundings
  private readonly queues: readonly string[]
  private session: Session | null = null
  private channel = 1
  private holding: Holding | null = null
  private tagCount = 0
  private isWanted = true
  /** By consumer tag. */
  private readonly subscriptions = new Map<string, Subscription>()

  constructor(sim: Surroundings, queues: readonly string[]) {
    this.sim = sim
    this.queues = queues
    connect(sim, this, () => this.isWanted)
  }

  /** For good: what it holds returns to the queues. */
  stop(): void {
    this.isWanted = false
    this.session?.close()
  }

  ready(session: Session): void {
    if (!this.isWanted) return session.close()
    this.session = session
    this.start(session)
    this.lookAround(session)
  }

  lost(): void {
    this.session = null
    this.holding?.end()
    this.holding = null
    reconnect(this.sim, this, () => this.isWanted)
  }

  heard(channel: number, method: Method, content: Content | null): void {
    if (method.name !== 'basic.deliver' || content === null || channel !== this.channel) return
    const tag = String(method.args['consumerTag'])
    const subscription = this.subscriptions.get(tag)
    if (subscription === undefined) return this.sim.broken('unexpected', `consumer ${tag}`)
    const { queue, number, isNoAck } = subscription
    this.holding?.take(queue, number, method, content, isNoAck)
  }

  private start(session: Session): void {
    const { random } = this.sim.world
    openChannel(session.raw, this.channel, this.sim.options.queues, () => {})
    const prefetchCount = random.chance(0.1) ? 0 : 1 + random.below(this.sim.options.prefetchMax)
    session.raw.call(this.channel, 'basic.qos', { prefetchCount, global: random.chance(0.2) }, () => {})
    this.holding = new Holding(this.sim, session.raw, this.channel)
    for (const queue of this.queues) this.subscribe(session, queue)
  }

  private subscribe(session: Session, queue: string): void {
    const consumerTag = `c${++this.tagCount}`
    const isNoAck = this.sim.options.queues.some(({ name, isNoAck }) => name === queue && isNoAck)
    this.subscriptions.set(consumerTag, { queue, number: this.sim.nextNumber(), isNoAck })
    session.raw.call(this.channel, 'basic.consume', { queue, consumerTag, noAck: isNoAck }, () => {})
  }

  private lookAround(session: Session): void {
    const { world, options } = this.sim
    world.at(world.between(20 * MS, 200 * MS), () => {
      if (session !== this.session || !session.isOpen) return
      if (!this.sim.isCalm && world.random.chance(options.clientFault)) this.misbehave(session)
      this.lookAround(session)
    })
  }

  private misbehave(session: Session): void {
    const roll = this.sim.world.random.below(7)
    if (roll === 0) session.drop()
    else if (roll === 1) session.close()
    else if (roll === 2) session.stall()
    else if (roll === 3) this.replace(session)
    else if (roll === 4) this.sweep(session)
    else this.changeChannel(session)
  }

  /** Cancels one consumer and starts another; what the old one holds stays with the channel. */
  private replace(session: Session): void {
    if (this.holding === null) return
    const [consumerTag] = [...this.subscriptions.keys()].slice(-1)
    const queue = this.subscriptions.get(consumerTag ?? '')?.queue
    if (consumerTag === undefined || queue === undefined) return
    session.raw.call(this.channel, 'basic.cancel', { consumerTag }, () => {})
    this.subscribe(session, queue)
  }

  private sweep(session: Session): void {
    for (const { name: queue, isSwept } of this.sim.options.queues) {
      if (isSwept) session.raw.call(this.channel, 'queue.purge', { queue }, () => {})
    }
  }

  private changeChannel(session: Session): void {
    if (this.holding === null) return
    this.holding.end()
    this.holding = null
    const old = this.channel
    session.raw.call(old, 'channel.close', { replyCode: 200 }, () => {})
    this.channel = 1 + (old % 60)
    this.start(session)
  }
}

export class Poller implements Actor {
  private readonly sim: Surroundings
  private session: Session | null = null
  private holding: Holding | null = null
  private number = 0
  private isWanted = true

  constructor(sim: Surroundings) {
    this.sim = sim
    connect(sim, this, () => this.isWanted)
  }

  stop(): void {
    this.isWanted = false
    this.session?.close()
  }

  ready(session: Session): void {
    if (!this.isWanted) return session.close()
    this.session = session
    this.number = this.sim.nextNumber()
    this.holding = new Holding(this.sim, session.raw, 1)
    openChannel(session.raw, 1, this.sim.options.queues, () => this.poll(session))
  }

  lost(): void {
    this.session = null
    this.holding?.end()
    this.holding = null
    reconnect(this.sim, this, () => this.isWanted)
  }

  heard(): void {}

  private poll(session: Session): void {
    const { world, options } = this.sim
    if (session !== this.session || !session.isOpen) return
    if (!this.sim.isCalm && world.random.chance(options.clientFault * 0.1)) return session.drop()
    const { name: queue, isNoAck } = options.queues[world.random.below(options.queues.length)]!
    session.raw.call(1, 'basic.get', { queue, noAck: isNoAck }, (method, content) => {
      if (content !== null) this.holding?.take(queue, this.number, method, content, isNoAck)
      world.at(world.between(MS, 40 * MS), () => this.poll(session))
    })
  }
}

/**
 * Proves that a queue is empty: three empty polls, no message, and no consumer that could hold one. What it
 * finds it takes and acks.
 */
export class Prober implements Actor {
  readonly isPatient = true
  isDone = false
  private readonly sim: Surroundings
  private holding: Holding | null = null

  constructor(sim: Surroundings) {
    this.sim = sim
    connect(sim, this, () => true)
  }

  ready(session: Session): void {
    this.holding = new Holding(this.sim, session.raw, 1)
    const { queues } = this.sim.options
    openChannel(session.raw, 1, queues, () => this.probe(session, queues.map(({ name }) => name), 0))
  }

  lost(): void {
    if (!this.isDone) this.sim.broken('no progress', 'the connection of the last look was lost')
  }

  heard(): void {}

  private probe(session: Session, queues: readonly string[], empties: number): void {
    const { world, options } = this.sim
    const [queue, ...others] = queues
    if (queue === undefined) {
      this.isDone = true
      return session.close()
    }
    const goOn = (): void => world.at(options.thinkMaxUs + MS, () => this.probe(session, queues, 0))
    session.raw.call(1, 'basic.get', { queue }, (method, content) => {
      if (content !== null) {
        this.holding?.take(queue, 0, method, content)
        return goOn()
      }
      if (empties < 2) return this.probe(session, queues, empties + 1)
      session.raw.call(1, 'queue.declare', { queue, passive: true }, ({ args }) => {
        if (args['messageCount'] !== 0 || args['consumerCount'] !== 0) return goOn()
        this.sim.record({ kind: 'drained', queue })
        this.probe(session, others, 0)
      })
    })
  }
}

/** What one of the simulation's consumers takes from. */
export function drawSubscriptions({ world: { random }, options: { queues } }: Surroundings): string[] {
  const one = (): string => queues[random.below(queues.length)]!.name
  return random.chance(0.4) ? [one()] : [...new Set([one(), one(), one()])]
}
