// The simulated client with an exclusive queue: it publishes to it, takes what it published, and leaves with
// a word or without. Nobody but it can have touched the queue, so whatever it gets must be the next one that
// it sent, for the first time; and a queue whose connection is over must be gone, sooner or later.
import type { Method } from '../amqp/client-codec.ts'
import { connect, reconnect } from './session.ts'
import type { Actor, Session, Surroundings } from './session.ts'
import { MS } from './world.ts'

export class Owner implements Actor {
  private readonly sim: Surroundings
  private session: Session | null = null
  private isWanted = true
  private queue = ''
  /** Of earlier connections, not seen to be gone. */
  private readonly left = new Set<string>()
  /** Message numbers, in order, that are in the queue. */
  private waiting: number[] = []

  constructor(sim: Surroundings) {
    this.sim = sim
    connect(sim, this, () => this.isWanted)
  }

  /** In a calm world it waits until all its queues but the last are gone, and goes. */
  get isDone(): boolean {
    return !this.isWanted
  }

  ready(session: Session): void {
    if (!this.isWanted) return session.close()
    this.session = session
    this.queue = `sole-${this.sim.nextNumber()}`
    this.waiting = []
    const { raw } = session
    raw.call(1, 'channel.open', {}, () => {})
    raw.call(1, 'confirm.select', {}, () => {})
    // Durable or not, it goes with its connection.
    const durable = this.sim.world.random.chance(0.5)
    const declaration = { queue: this.queue, durable, exclusive: true }
    raw.call(1, 'queue.declare', declaration, () => this.actLater(session))
  }

  lost(): void {
    this.session = null
    if (this.queue !== '') this.left.add(this.queue)
    this.queue = ''
    reconnect(this.sim, this, () => this.isWanted)
  }

  heard(_channel: number, { name, args }: Method): void {
    if (name !== 'basic.return') return
    const queue = String(args['routingKey'])
    if (queue === this.queue) this.sim.broken('topology lost', `'${queue}', which its connection has`)
    this.left.delete(queue)
  }

  private actLater(session: Session): void {
    const { world } = this.sim
    world.at(world.between(MS, 30 * MS), () => this.act(session))
  }

  private act(session: Session): void {
    if (session !== this.session || !session.isOpen) return
    const { random } = this.sim.world
    const roll = random.below(20)
    if (this.left.size > 0 && (roll < 4 || this.sim.isCalm)) this.seek(session)
    else if (this.sim.isCalm && this.left.size === 0) return this.leave(session)
    else if (roll < 12) this.publish(session)
    else if (roll < 18) return this.take(session)
    else if (!this.sim.isCalm && random.chance(this.sim.options.clientFault)) {
      return this.misbehave(session, roll)
    }
    this.actLater(session)
  }

  private seek(session: Session): void {
    const [queue = ''] = this.left
    session.raw.publish(1, { exchange: '', routingKey: queue, mandatory: true }, {}, Buffer.from('gone?'))
  }

  private publish(session: Session): void {
    const number = this.sim.nextNumber()
    this.waiting.push(number)
    const properties = { messageId: String(number), deliveryMode: 2 }
    const to = { exchange: '', routingKey: this.queue, mandatory: true }
    session.raw.publish(1, to, properties, Buffer.from('sole'))
  }

  /** What was published on the same channel before is there (RabbitMQ: a queue's messages in its order). */
  private take(session: Session): void {
    const { queue } = this
    session.raw.call(1, 'basic.get', { queue, noAck: true }, ({ args }, content) => {
      const expected = this.waiting.shift()
      const found = content === null ? undefined : Number(content.properties['messageId'])
      const books = `'${queue}' has ${found ?? 'nothing'} and not ${expected ?? 'nothing'}`
      if (found !== expected) this.sim.broken(found === undefined ? 'lost confirmed' : 'unexpected', books)
      if (args['redelivered'] === true) this.sim.broken('unexpected', `${books}, and not for the first time`)
      this.actLater(session)
    })
  }

  private misbehave(session: Session, roll: number): void {
    if (roll < 19) session.drop()
    else if (this.sim.world.random.chance(0.5)) session.close()
    else {
      session.stall()
      this.actLater(session)
    }
  }

  private leave(session: Session): void {
    this.isWanted = false
    session.close()
  }
}
