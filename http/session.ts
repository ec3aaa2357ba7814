// What a user consumes over HTTP in one vhost, as the broker sees it: a connection with one channel, so that
// it is listed, limited and closed like any other. Long polls of a user share one that outlives each of them,
// because leases do; a stream and a webhook have one of their own. Made by sessions.ts. Invariant: it is
// among the broker's connections exactly while it is open, and nothing of it is unsettled when it is over.
import { ChannelTraffic, ConnectionTraffic } from '../base/traffic.ts'
import type { Broker } from '../broker/broker.ts'
import type {
  ChannelView, ConnectionState, ConnectionView, ConsumerView, SocketAddress, UnackedDelivery,
} from '../broker/connection-view.ts'
import { removeQueue } from '../broker/queue-declarations.ts'
import type { User } from '../broker/users.ts'
import type { VHost } from '../broker/vhost.ts'
import type { AmqpError } from '../protocol/errors.ts'
import { encodeTable } from '../protocol/table-encode.ts'
import type { ConsumerPort, Entry } from '../queues/entry.ts'
import type { Queue } from '../queues/queue.ts'
import { Delivery } from './delivery.ts'
import type { DeliveryHolder, SettlingSession } from './delivery.ts'

/** Of a socket. */
export interface Ends {
  readonly peer: SocketAddress
  readonly local: SocketAddress
}

/** Who sent a request. */
export interface Client extends Ends {
  /** Aborts when its connection is closed, or its answer is complete. */
  readonly gone: AbortSignal
}

/** A consumer over HTTP. */
export interface SessionConsumer extends ConsumerPort, ConsumerView {
  /** The session is being closed from our side, with a reason for the client. */
  sessionClosed(reason: string): void
}

const PROPERTIES = encodeTable(new Map([['product', { tag: 'S', value: 'HTTP API' }]]))

export class Session implements ConnectionView, SettlingSession {
  readonly broker: Broker
  readonly user: User
  readonly vhost: VHost
  readonly peer: SocketAddress
  readonly local: SocketAddress
  readonly protocol = 'HTTP'
  readonly connectedAtMs: number
  readonly frameSizeMax = 0
  readonly channelMax = 1
  readonly heartbeatS = 0
  readonly channelCount = 1
  readonly traffic = new ConnectionTraffic()
  readonly client = { mechanism: 'Basic', properties: PROPERTIES }
  readonly channel: SessionChannel
  readonly unsettled = new Set<Delivery>()
  isOpen = true
  /** Is asked to end it in its own time, with the reason; null ends it at once. */
  closing: ((reason: string) => void) | null = null
  private readonly changed: (session: Session) => void

  /** `changed` is called when something of it ended: a consumer, a delivery, or all of it. */
  constructor(
    broker: Broker, vhost: VHost, user: User, { peer, local }: Ends, changed: (session: Session) => void,
  ) {
    this.broker = broker
    this.vhost = vhost
    this.user = user
    this.peer = peer
    this.local = local
    this.connectedAtMs = broker.clock.nowMs
    this.channel = new SessionChannel(this)
    this.changed = changed
    broker.connections.add(this)
    broker.counters.connectionsOpened++
    broker.counters.channelsOpened++
  }

  get state(): ConnectionState {
    return this.isOpen ? 'running' : 'closed'
  }

  /** Neither consumes nor holds anything. */
  get isIdle(): boolean {
    return this.channel.consumers.size === 0 && this.unsettled.size === 0
  }

  channelViews(): Iterable<ChannelView> {
    return [this.channel]
  }

  addConsumer(consumer: SessionConsumer): void {
    this.channel.consumers.set(consumer.tag, consumer)
    consumer.queue.addConsumer(consumer, consumer.isExclusive)
  }

  /** An auto-delete queue goes with its last one. */
  removeConsumer(consumer: SessionConsumer): void {
    this.channel.consumers.delete(consumer.tag)
    if (consumer.queue.removeConsumer(consumer)) removeQueue(this.vhost, consumer.queue)
    this.changed(this)
  }

  /** Counts what a consumer was handed. */
  handedOut(entry: Entry, isNoAck: boolean): void {
    for (const counted of [this.vhost.traffic, this.channel.traffic]) {
      if (isNoAck) counted.deliveredAutoAck++
      else counted.deliveredManualAck++
      if (entry.isRedelivered) counted.redelivered++
    }
  }

  hold(queue: Queue, entry: Entry, holder: DeliveryHolder): Delivery {
    const delivery = new Delivery(this, queue, entry, holder, this.broker.clock.nowMs)
    this.unsettled.add(delivery)
    return delivery
  }

  acked(): void {
    this.vhost.traffic.acked++
    this.channel.traffic.acked++
  }

  settled(delivery: Delivery): void {
    this.unsettled.delete(delivery)
    this.changed(this)
  }

  forceClose({ explanation }: AmqpError): void {
    if (this.closing === null) this.end(explanation)
    else this.closing(explanation)
  }

  drop(): void {
    this.end('connection dropped')
  }

  end(reason: string): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.broker.turn.begin()
    for (const consumer of this.channel.consumers.values()) consumer.sessionClosed(reason)
    for (const delivery of this.unsettled) delivery.settle('lost')
    for (const queue of this.vhost.queuesOf(this)) removeQueue(this.vhost, queue)
    this.broker.connections.delete(this)
    this.broker.counters.connectionsClosed++
    this.broker.counters.channelsClosed++
    this.changed(this)
  }
}

class SessionChannel implements ChannelView {
  readonly number = 1
  readonly consumerPrefetch = 0
  readonly channelPrefetch = 0
  readonly confirms = null
  readonly transaction = null
  readonly traffic = new ChannelTraffic()
  /** By tag. */
  readonly consumers = new Map<string, SessionConsumer>()
  private readonly session: Session

  constructor(session: Session) {
    this.session = session
  }

  get user(): User {
    return this.session.user
  }

  get vhost(): VHost {
    return this.session.vhost
  }

  get unackedCount(): number {
    return this.session.unsettled.size
  }

  get unacked(): ChannelView['unacked'] {
    return this
  }

  get timeouts(): ChannelView['timeouts'] {
    return this
  }

  extend(tag: number, ms: number): boolean {
    return [...this.session.unsettled][tag - 1]?.extend(ms) ?? false
  }

  /** Deliveries over HTTP have no tags: they are counted. */
  *deliveries(): IterableIterator<UnackedDelivery> {
    let tag = 0
    for (const { entry, sinceMs } of this.session.unsettled) yield { tag: ++tag, entry, sinceMs }
  }
}
