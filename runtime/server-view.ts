// The broker as the HTTP door reads it: totals are added up when somebody asks, nothing is counted for this
// alone.
import type { Broker } from '../broker/broker.ts'
import { passwordMatches } from '../broker/users.ts'
import type {
  Authentication, BrokerTotals, BrokerView, ListenerView, Login, ResourcesView,
} from '../http/broker-view.ts'

export class ServerView implements BrokerView {
  readonly productName: string
  readonly productVersion: string
  readonly nodeName: string
  readonly startedAtMs: number
  /** Set once the listeners are open, and taken back when the server stops. */
  ready = false
  /** Set when the store is one that can. */
  backUp: BrokerView['backUp'] = null
  countDamaged: () => number = () => 0
  private readonly broker: Broker
  private readonly open: ListenerView[] = []

  constructor(broker: Broker) {
    this.broker = broker
    this.productName = broker.identity.product
    this.productVersion = broker.identity.version
    this.nodeName = broker.identity.clusterName
    this.startedAtMs = broker.clock.nowMs
  }

  isReady(): boolean {
    return this.ready
  }

  addListener(protocol: string, address: string, port: number, isTls: boolean): void {
    this.open.push({ protocol, address, port, isTls })
  }

  listeners(): readonly ListenerView[] {
    return this.open
  }

  damagedMessages(): number {
    return this.countDamaged()
  }

  resources(): ResourcesView {
    const { isMemoryLow, isDiskLow, reading } = this.broker.alarms
    return { ...reading, isMemoryLow, isDiskLow }
  }

  authenticate(login: Login): Promise<Authentication> {
    const isLoopback = /^(::1$|(::ffff:)?127\.)/.test(login.remoteAddress)
    const user = this.broker.authenticate(login.user, Buffer.from(login.password), isLoopback)
    if (user !== null) return Promise.resolve({ ok: true, caller: { user: user.name, tags: user.tags } })
    const known = this.broker.users.get(login.user)
    const why = known !== undefined && passwordMatches(known, Buffer.from(login.password))
      ? 'loopback only' : 'bad credentials'
    return Promise.resolve({ ok: false, why })
  }

  totals(): BrokerTotals {
    const { broker } = this
    const now = {
      connections: broker.connections.size, channels: 0, exchanges: 0, queues: 0, consumers: 0,
      messagesReady: 0, messagesUnacked: 0,
    }
    for (const connection of broker.connections) now.channels += connection.channelCount
    for (const vhost of broker.vhosts.values()) {
      now.exchanges += vhost.exchanges.size
      now.queues += vhost.queues.size
      for (const queue of vhost.queues.values()) {
        now.consumers += queue.consumers.count
        now.messagesReady += queue.readyCount
        now.messagesUnacked += queue.unackedCount
      }
    }
    return { ...now, ...broker.counters }
  }
}
