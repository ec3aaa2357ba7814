// The node as the HTTP door sees it: names, listeners, who may log in, what the process uses.
import type { TimeHistogram } from '../base/time-histogram.ts'
import type { Broker } from '../broker/broker.ts'
import { passwordMatches } from '../broker/users.ts'
import type { Authentication, ListenerView, Login, NodeUsage, NodeView } from '../http/node-view.ts'
import { readUsage } from './node-usage.ts'

export class ServerView implements NodeView {
  readonly productName: string
  readonly productVersion: string
  readonly nodeName: string
  readonly startedAtMs: number
  /** Set once the listeners are open, and taken back when the server stops. */
  ready = false
  /** Set when the store is one that can. */
  backUp: NodeView['backUp'] = null
  /** Set when the store has a disk. */
  commitTimes: TimeHistogram | null = null
  countDamaged: () => number = () => 0
  private readonly broker: Broker
  private readonly dataDirectory: string
  private readonly open: ListenerView[] = []

  constructor(broker: Broker, dataDirectory: string) {
    this.broker = broker
    this.dataDirectory = dataDirectory
    this.productName = broker.identity.product
    this.productVersion = broker.identity.version
    this.nodeName = broker.identity.nodeName
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

  authenticate(login: Login): Promise<Authentication> {
    const isLoopback = /^(::1$|(::ffff:)?127\.)/.test(login.remoteAddress)
    const user = this.broker.authenticate(login.user, Buffer.from(login.password), isLoopback)
    this.broker.logins.note('http', user !== null)
    if (user !== null) return Promise.resolve({ ok: true, user })
    const known = this.broker.users.get(login.user)
    const why = known !== undefined && passwordMatches(known, Buffer.from(login.password))
      ? 'loopback only' : 'bad credentials'
    return Promise.resolve({ ok: false, why })
  }

  usage(): Promise<NodeUsage> {
    return readUsage(this.dataDirectory)
  }
}
