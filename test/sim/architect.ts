// The simulated client that changes topology under load: a queue, an exchange and a binding of its own,
// declared, used, bound, unbound and deleted over and over. It keeps its own books: whatever was answered
// holds after any crash, and whatever was not may be either way.
import type { Content } from '../amqp/raw-client.ts'
import type { Method } from '../amqp/client-codec.ts'
import { tableOf } from '../../protocol/table-encode.ts'
import { connect, reconnect } from './session.ts'
import type { Actor, Session, Surroundings } from './session.ts'
import { MS } from './world.ts'

/** Longer than anybody lets it lie, but no hour: the wall clock jumps by those. */
const LEASED = tableOf({ 'x-expires': 600_000 })

export class Architect implements Actor {
  private readonly sim: Surroundings
  private readonly queue: string
  private readonly exchange: string
  private session: Session | null = null
  private isWanted = true
  /** How many messages the queue has, at least and at most. */
  private atLeast = 0
  private atMost = 0
  private binding: 'there' | 'gone' | 'unknown' = 'gone'
  /** Of the publishes on this channel by tag: whether a return came for it. */
  private readonly unconfirmed = new Map<number, { isReturned: boolean; readonly binding: string }>()
  private published = 0

  constructor(sim: Surroundings) {
    this.sim = sim
    const number = sim.nextNumber()
    this.queue = `own-${number}`
    this.exchange = `to-own-${number}`
    connect(sim, this, () => this.isWanted)
  }

  /** In a calm world it takes its queue away and goes. */
  get isDone(): boolean {
    return !this.isWanted
  }

  private stop(): void {
    this.isWanted = false
    this.session?.close()
  }

  ready(session: Session): void {
    if (!this.isWanted) return session.close()
    this.session = session
    const { raw } = session
    this.published = 0
    raw.call(1, 'channel.open', {}, () => {})
    raw.call(1, 'confirm.select', {}, () => {})
    this.look(session)
  }

  lost(): void {
    this.session = null
    this.unconfirmed.clear()
    reconnect(this.sim, this, () => this.isWanted)
  }

  heard(_channel: number, { name, args }: Method, content: Content | null): void {
    if (name === 'basic.return') {
      const publish = this.unconfirmed.get(Number(content?.properties['messageId']))
      if (publish !== undefined) publish.isReturned = true
      return
    }
    if (name !== 'basic.ack') return
    const last = Number(args['deliveryTag'])
    for (const [tag, publish] of this.unconfirmed) {
      if (tag === last || (args['multiple'] === true && tag < last)) this.confirmed(tag, publish)
    }
  }

  /** Declares what should be there already and compares what the broker says with the books. */
  private look(session: Session): void {
    const { raw } = session
    const { queue, exchange } = this
    raw.call(1, 'exchange.declare', { exchange, type: 'direct', durable: true }, () => {})
    raw.call(1, 'queue.declare', { queue, durable: true, arguments: LEASED }, ({ args }) => {
      const count = Number(args['messageCount'])
      const books = `'${queue}' has ${count} messages, at least ${this.atLeast} and at most ${this.atMost}`
      if (count < this.atLeast) this.sim.broken('lost confirmed', books)
      if (count > this.atMost) this.sim.broken('unexpected', books)
      const { world } = this.sim
      world.at(world.between(MS, 30 * MS), () => this.act(session))
    })
  }

  private act(session: Session): void {
    if (session !== this.session || !session.isOpen) return
    const { random } = this.sim.world
    const roll = random.below(10)
    const isSettled = this.unconfirmed.size === 0
    if (this.sim.isCalm && isSettled) this.delete(session)
    else if (roll < 4 && !this.sim.isCalm) this.publish(session)
    else if (roll < 6) this.bind(session)
    else if (roll < 7) this.unbind(session)
    else if (roll < 8 && isSettled) this.take(session)
    else if (roll < 9 && isSettled) this.delete(session)
    // With nothing under way that the broker might still do after the next connection had its word.
    else if (isSettled && random.chance(0.5)) session.drop()
    else this.look(session)
  }

  private publish(session: Session): void {
    const { binding, exchange, queue } = this
    const count = 1 + this.sim.world.random.below(4)
    for (let n = 0; n < count; n++) {
      const tag = ++this.published
      this.unconfirmed.set(tag, { isReturned: false, binding })
      this.atMost++
      const properties = { messageId: String(tag), deliveryMode: 2 }
      session.raw.publish(1, { exchange, routingKey: queue, mandatory: true }, properties, Buffer.from('own'))
    }
    this.look(session)
  }

  private confirmed(tag: number, { isReturned, binding }: { isReturned: boolean; binding: string }): void {
    this.unconfirmed.delete(tag)
    if (isReturned && binding === 'there') this.sim.broken('topology lost', `the binding of '${this.queue}'`)
    if (!isReturned && binding === 'gone') this.sim.broken('return missing', `'${this.queue}' was unbound`)
    if (!isReturned) this.atLeast++
  }

  private bind(session: Session): void {
    this.binding = 'unknown'
    session.raw.call(1, 'queue.bind', this.bindingArguments, () => {
      this.binding = 'there'
      this.look(session)
    })
  }

  private unbind(session: Session): void {
    this.binding = 'unknown'
    session.raw.call(1, 'queue.unbind', this.bindingArguments, () => {
      this.binding = 'gone'
      this.look(session)
    })
  }

  private get bindingArguments(): { queue: string; exchange: string; routingKey: string } {
    return { queue: this.queue, exchange: this.exchange, routingKey: this.queue }
  }

  /** Whether an ack reaches the disk before a crash nobody promises. */
  private take(session: Session): void {
    this.atLeast = Math.max(0, this.atLeast - 1)
    session.raw.call(1, 'basic.get', { queue: this.queue }, (method, content) => {
      if (content !== null) session.raw.send(1, 'basic.ack', { deliveryTag: method.args['deliveryTag'] ?? 0 })
      this.look(session)
    })
  }

  private delete(session: Session): void {
    this.atLeast = 0
    this.binding = 'unknown'
    session.raw.call(1, 'queue.delete', { queue: this.queue }, () => {
      this.atLeast = this.atMost = 0
      this.binding = 'gone'
      if (this.sim.isCalm) this.stop()
      else this.look(session)
    })
  }
}
