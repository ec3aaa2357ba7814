// What the simulated clients share: a connection that is made, lost and made again, the topology, and what
// a channel that got messages does with them. A lost connection is known by `isOpen` alone; timers of
// before look at it and go.
import { RawClient } from '../amqp/raw-client.ts'
import type { Content } from '../amqp/raw-client.ts'
import type { Method, Values } from '../amqp/client-codec.ts'
import { hashOf } from './checker.ts'
import type { HistoryEvent, Rule } from './checker.ts'
import type { ClientEnd, ClientLink } from './socket.ts'
import { MS } from './world.ts'
import type { Timing } from './world.ts'
import type { SimOptions } from './options.ts'
import { FAN } from './topology.ts'
import type { QueueRow } from './topology.ts'

/** The simulation, or the crash test, as its clients see it. */
export interface Surroundings {
  readonly world: Timing
  readonly options: SimOptions
  /** No more faults and no more requeues: what is there is to be consumed. */
  readonly isCalm: boolean
  /** Null: nobody listens. */
  connect(client: ClientEnd): ClientLink | null
  record(event: HistoryEvent): void
  /**
   * Connection or channel; 320 is a stop in good order, and the only one that these clients give reason
   * for.
   */
  closedByBroker(code: number, text: string): void
  /** The connection is over and nobody had closed it. */
  cutByBroker(): void
  broken(rule: Rule, what: string): void
  /** For publishers, consumers, holders and messages alike: 1, 2, 3 … */
  nextNumber(): number
}

export interface Actor {
  /** Without heartbeats: who is late in real time is no reason to lose the connection. */
  readonly isPatient?: true
  ready(session: Session): void
  heard(channel: number, method: Method, content: Content | null): void
  /** The connection is over; `keepConnected` makes the next. */
  lost(): void
}

export class Session implements ClientEnd {
  readonly raw: RawClient
  isOpen = true
  private readonly sim: Surroundings
  private readonly actor: Actor
  private readonly link: ClientLink | null
  private readonly heartbeatS: number
  private isHalfOpen = false
  private isClosing = false

  constructor(sim: Surroundings, actor: Actor) {
    this.sim = sim
    this.actor = actor
    const { random } = sim.world
    const heartbeatS = random.chance(0.3) ? 1 + random.below(2) : 0
    this.heartbeatS = actor.isPatient === true ? 0 : heartbeatS
    const frameSizeMax = random.chance(0.3) ? 4096 : 131_072
    this.raw = new RawClient((bytes) => this.link?.clientWrite(bytes), (...heard) => this.hear(...heard))
    this.link = sim.connect(this)
    if (this.link === null) return
    const login = { user: 'guest', password: 'guest', vhost: '/', heartbeatS: this.heartbeatS, frameSizeMax }
    this.raw.open(login, () => actor.ready(this))
    if (this.heartbeatS > 0) this.beat()
  }

  receive(chunk: Buffer): void {
    if (this.isOpen) this.raw.receive(chunk)
  }

  closed(): void {
    if (!this.isOpen) return
    if (!this.isHalfOpen && !this.isClosing) this.sim.cutByBroker()
    this.isOpen = false
    this.actor.lost()
  }

  /** Without a word. */
  drop(): void {
    this.isClosing = true
    this.link?.clientDestroy()
    this.closed()
  }

  /** In good order: what the client holds is nobody's from here on. */
  close(): void {
    this.isClosing = true
    this.raw.call(0, 'connection.close', { replyCode: 200 }, () => this.link?.clientDestroy())
    this.closed()
  }

  stall(): void {
    const { world } = this.sim
    // Only a heartbeat finds a connection that says nothing ever again.
    if (this.heartbeatS > 0 && world.random.chance(0.3)) {
      this.isHalfOpen = true
      this.link?.stall(Infinity)
    } else this.link?.stall(world.between(MS, 400 * MS))
  }

  get isRefused(): boolean {
    return this.link === null
  }

  private beat(): void {
    this.sim.world.at(this.heartbeatS * 450 * MS, () => {
      if (!this.isOpen || this.isHalfOpen) return
      this.raw.heartbeat()
      this.beat()
    })
  }

  private hear(channel: number, method: Method, content: Content | null): void {
    // After connection.close everything but close-ok is stale.
    if (!this.isOpen) return
    const { name, args } = method
    if (name === 'connection.close' || name === 'channel.close') {
      this.isClosing = true
      this.sim.closedByBroker(Number(args['replyCode']), String(args['replyText']))
    }
    this.actor.heard(channel, method, content)
  }
}

/** Connects now, or later when nobody listens. */
export function connect(sim: Surroundings, actor: Actor, isWanted: () => boolean): void {
  const session = new Session(sim, actor)
  if (session.isRefused) reconnect(sim, actor, isWanted)
}

export function reconnect(sim: Surroundings, actor: Actor, isWanted: () => boolean): void {
  sim.world.at(sim.world.between(MS, 60 * MS), () => {
    if (isWanted()) connect(sim, actor, isWanted)
  })
}

/** Opens a channel on which everything that is published to or consumed from exists. */
export function openChannel(
  raw: RawClient, channel: number, queues: readonly QueueRow[], then: () => void,
): void {
  const ignore = (): void => {}
  raw.call(channel, 'channel.open', {}, ignore)
  raw.call(channel, 'exchange.declare', { exchange: FAN, type: 'fanout', durable: true }, ignore)
  for (const { name: queue, isDurable: durable, arguments: args } of queues) {
    raw.call(channel, 'queue.declare', { queue, durable, arguments: args }, ignore)
  }
  raw.call(channel, 'queue.bind', { queue: 'left', exchange: FAN }, ignore)
  raw.call(channel, 'queue.bind', { queue: 'right', exchange: FAN }, then)
}

/** One channel's unacked messages, and what becomes of them. */
export class Holding {
  private readonly sim: Surroundings
  private readonly raw: RawClient
  private readonly channel: number
  private readonly number: number
  private readonly held = new Map<number, { readonly queue: string; readonly id: number }>()
  private isOver = false
  private isRecovering = false

  constructor(sim: Surroundings, raw: RawClient, channel: number) {
    this.sim = sim
    this.raw = raw
    this.channel = channel
    this.number = sim.nextNumber()
  }

  /** A delivery or the answer of a get; one that needs no ack is settled by its coming. */
  take(
    queue: string, consumer: number, { args }: Method, { properties, body }: Content, isNoAck = false,
  ): void {
    if (this.isOver || this.isRecovering) return
    const id = Number(properties['messageId'])
    const tag = Number(args['deliveryTag'])
    this.sim.record({
      kind: 'deliver', queue, id, consumer, holder: this.number, hash: hashOf(body),
      isRedelivered: args['redelivered'] === true, atUs: this.sim.world.now,
    })
    if (isNoAck) return this.sim.record({ kind: 'settle', queue, id })
    this.held.set(tag, { queue, id })
    this.decideLater(tag)
  }

  end(): void {
    if (this.isOver) return
    this.isOver = true
    this.sim.record({ kind: 'gone', holder: this.number })
  }

  private decideLater(tag: number): void {
    const { world, options } = this.sim
    world.at(world.between(10, options.thinkMaxUs), () => {
      if (!this.isOver && !this.isRecovering && this.held.has(tag)) this.decide(tag)
    })
  }

  private decide(tag: number): void {
    const roll = this.sim.isCalm ? 0 : this.sim.world.random.below(100)
    if (roll < 62) this.send('basic.ack', tag, false)
    else if (roll < 72) this.send('basic.ack', tag, true)
    else if (roll < 80) this.send('basic.nack', tag, roll < 74, { requeue: true })
    else if (roll < 85) this.send('basic.reject', tag, false, { requeue: true })
    else if (roll < 88) this.send('basic.reject', tag, false)
    else if (roll < 90) this.send('basic.nack', tag, roll < 89)
    else if (roll < 91) this.recover()
    else this.decideLater(tag)
  }

  private send(name: string, tag: number, multiple: boolean, more: Values = {}): void {
    const kind = more['requeue'] === true ? 'requeue' : name === 'basic.ack' ? 'settle' : 'reject'
    for (const [each, at] of this.held) {
      if (each !== tag && !(multiple && each < tag)) continue
      this.held.delete(each)
      this.sim.record({ kind, ...at })
    }
    this.raw.send(this.channel, name, { deliveryTag: tag, multiple, ...more })
  }

  /** What is under way while the broker takes everything back is stale when it arrives. */
  private recover(): void {
    this.isRecovering = true
    for (const at of this.held.values()) this.sim.record({ kind: 'requeue', ...at })
    this.held.clear()
    this.raw.call(this.channel, 'basic.recover', { requeue: true }, () => {
      this.isRecovering = false
    })
  }
}
