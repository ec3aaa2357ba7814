// The simulated publisher: numbered messages of all kinds in bursts, with confirms, over many connections
// and channels. What was not confirmed when a connection ended is not sent again: whether it arrives is
// uncertain.
import type { Content } from '../amqp/raw-client.ts'
import type { Method } from '../amqp/client-codec.ts'
import { tableOf } from '../../protocol/table-encode.ts'
import { hashOf, numberedBody } from './checker.ts'
import { connect, openChannel, reconnect } from './session.ts'
import type { Actor, Session, Surroundings } from './session.ts'
import { GROUP_HEADER, PRIORITY_MAX, targetsOf } from './topology.ts'
import type { Target } from './topology.ts'
import { MS } from './world.ts'

const UNCONFIRMED_MAX = 1_000

export class Publisher implements Actor {
  private readonly sim: Surroundings
  private readonly targets: readonly Target[]
  private readonly survivors: ReadonlySet<string>
  private session: Session | null = null
  private channel = 1
  private number = 0
  private remaining: number
  /** Message numbers of this channel: all of them, and by tag those that wait for their confirm. */
  private sent: number[] = []
  private readonly unconfirmed = new Map<number, number>()
  private isClosing = false
  /** This channel is transactional: what a commit-ok answers is what confirms answer elsewhere. */
  private isTransactional = false
  /** The last tag of the transaction before. */
  private committedTo = 0

  constructor(sim: Surroundings) {
    this.sim = sim
    const { queues, messagesPerPublisher } = sim.options
    this.targets = targetsOf(queues)
    this.survivors = new Set(queues.filter(({ isDurable }) => isDurable).map(({ name }) => name))
    this.remaining = messagesPerPublisher
    connect(sim, this, () => !this.isDone)
  }

  /** Everything is sent; what was sent on this channel is confirmed. */
  get isDone(): boolean {
    return this.remaining === 0 && this.unconfirmed.size === 0 && !this.isClosing
  }

  ready(session: Session): void {
    this.session = session
    this.start(session)
  }

  lost(): void {
    this.session = null
    this.forget()
    reconnect(this.sim, this, () => !this.isDone)
  }

  heard(_channel: number, method: Method, content: Content | null): void {
    const { name, args } = method
    if (name === 'basic.return') {
      this.sim.record({ kind: 'return', id: Number(content?.properties['messageId']) })
    }
    if (name !== 'basic.ack' && name !== 'basic.nack') return
    const kind = name === 'basic.ack' ? 'confirm' : 'nack'
    const last = Number(args['deliveryTag'])
    if (args['multiple'] !== true || !this.unconfirmed.has(last)) return this.confirmed(kind, last)
    for (const tag of this.unconfirmed.keys()) {
      if (tag <= last) this.confirmed(kind, tag)
    }
  }

  /** Publishes no more. */
  stop(): void {
    this.remaining = 0
  }

  /** A tag that nothing is known of, or that was confirmed before, is for the checker to judge. */
  private confirmed(kind: 'confirm' | 'nack', tag: number): void {
    this.unconfirmed.delete(tag)
    this.sim.record({ kind, id: this.sent[tag - 1] ?? 0 })
  }

  private forget(): void {
    this.sent = []
    this.committedTo = 0
    this.unconfirmed.clear()
    this.isClosing = false
  }

  private start(session: Session): void {
    openChannel(session.raw, this.channel, this.sim.options.queues, () => {})
    this.isTransactional = this.sim.world.random.chance(0.2)
    session.raw.call(this.channel, this.isTransactional ? 'tx.select' : 'confirm.select', {}, () => {
      if (session !== this.session) return
      this.number = this.sim.nextNumber()
      this.forget()
      this.burst(session)
    })
  }

  private burst(session: Session): void {
    if (session !== this.session || !session.isOpen || this.isClosing) return
    const { world, options } = this.sim
    const room = UNCONFIRMED_MAX - this.unconfirmed.size
    const count = Math.min(this.remaining, room, 1 + world.random.below(options.burstMax))
    for (let n = 0; n < count; n++) this.publish(session)
    if (this.isTransactional) this.endTransaction(session)
    if (!this.sim.isCalm && world.random.chance(options.clientFault * 0.2)) return this.misbehave(session)
    if (this.remaining > 0) world.at(world.between(10, options.pauseMaxUs), () => this.burst(session))
  }

  private endTransaction(session: Session): void {
    if (this.sim.world.random.chance(0.2)) this.rollBack(session)
    else this.commit(session)
    this.committedTo = this.sent.length
  }

  /** From here on nobody must ever get what was published since the last commit. */
  private rollBack(session: Session): void {
    for (let tag = this.committedTo + 1; tag <= this.sent.length; tag++) {
      this.unconfirmed.delete(tag)
      this.sim.record({ kind: 'rollback', id: this.sent[tag - 1]! })
    }
    session.raw.call(this.channel, 'tx.rollback', {}, () => {})
  }

  private commit(session: Session): void {
    const last = this.sent.length
    session.raw.call(this.channel, 'tx.commit', {}, () => {
      for (const tag of this.unconfirmed.keys()) if (tag <= last) this.confirmed('confirm', tag)
    })
  }

  private publish(session: Session): void {
    this.remaining--
    const { random } = this.sim.world
    // A queue that refuses has no way to say so in a transaction.
    const targets = this.targets.filter(({ refuses }) => !refuses || !this.isTransactional)
    const { exchange, routingKey, queues, isGrouped } = targets[random.below(targets.length)]!
    const id = this.sim.nextNumber()
    const isPersistent = random.chance(0.8)
    const mandatory = random.chance(0.3)
    const { bodyMax } = this.sim.options
    const size = bodyMax > 1_024 && random.chance(0.3) ? 1_024 : random.below(bodyMax)
    const body = numberedBody(id, 8 + size)
    const survives = isPersistent ? queues.filter((queue) => this.survivors.has(queue)) : []
    const priority = routingKey === 'ranked' ? random.below(PRIORITY_MAX + 1) : 0
    const delayMs = this.delayMs(survives.length > 0 && survives.length === queues.length)
    this.sim.record({
      kind: 'send', id, publisher: this.number, priority, queues, survives, hash: hashOf(body),
      isMandatory: mandatory, dueUs: delayMs === 0 ? 0 : this.sim.world.now + delayMs * MS,
    })
    this.sent.push(id)
    this.unconfirmed.set(this.sent.length, id)
    const headers = tableOf({
      ...delayMs > 0 && { 'x-delay': delayMs }, ...isGrouped && { [GROUP_HEADER]: this.number },
    })
    const properties = {
      messageId: String(id), deliveryMode: isPersistent ? 2 : 1, priority, ...headers.size > 0 && { headers },
    }
    session.raw.publish(this.channel, { exchange, routingKey, mandatory }, properties, body)
  }

  /** Now and then; 0 for not at all. */
  private delayMs(isDurable: boolean): number {
    const { world: { random }, options: { delayMaxMs } } = this.sim
    return isDurable && delayMaxMs > 0 && random.chance(0.3) ? 1 + random.below(delayMaxMs) : 0
  }

  /** The confirms of what was sent before channel.close still arrive. */
  private misbehave(session: Session): void {
    const { world } = this.sim
    const roll = world.random.below(4)
    if (roll === 0) return session.drop()
    if (roll === 1) return session.close()
    if (roll === 2) {
      session.stall()
      return world.at(MS, () => this.burst(session))
    }
    this.isClosing = true
    session.raw.call(this.channel, 'channel.close', { replyCode: 200 }, () => {
      this.channel = 1 + (this.channel % 3)
      this.start(session)
    })
  }
}
