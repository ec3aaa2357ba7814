// The broker: vhosts, users, and what all of them share. It knows no socket, no file and no clock of its own;
// both doors call it, the simulation drives it, runtime/ gives it the world.
import type { Clock } from '../base/clock.ts'
import { present } from '../base/invariant.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { Arrivals } from '../base/arrivals.ts'
import { Sequence } from '../base/sequence.ts'
import type { TimerWheel } from '../base/timer-wheel.ts'
import { ClientTraffic, addTraffic } from '../base/traffic.ts'
import type { Turn } from '../base/turn.ts'
import { connectionForced, notAllowed } from '../protocol/errors.ts'
import type { MessageTracer } from '../queues/message-tracer.ts'
import type { Window } from '../queues/paged-ready.ts'
import { Residence } from '../queues/residence.ts'
import type { Recovered, Store } from '../store/store.ts'
import { AccessControl } from './access-control.ts'
import { Alarms } from './alarms.ts'
import type { ConnectionView } from './connection-view.ts'
import { Counters } from './counters.ts'
import type { AllCounters } from './counters.ts'
import {
  globalParameterDefinition, readGlobalParameter, readVHost, removal, vhostDefinition,
} from './definitions.ts'
import { DurableRecords } from './durable-records.ts'
import { removeQueue } from './queue-declarations.ts'
import { emptyVHost } from './vhost-deletion.ts'
import { restoreTopology } from './recovery.ts'
import { isLimitReached } from './limits.ts'
import { LoginCounts } from './login-counts.ts'
import { passwordMatches } from './users.ts'
import type { User } from './users.ts'
import { VHost } from './vhost.ts'
import { NEW_VHOST } from './vhost-facts.ts'
import type { VHostFacts } from './vhost-facts.ts'

export interface BrokerLimits {
  readonly frameSizeMax: number
  readonly channelMax: number
  readonly heartbeatS: number
  readonly handshakeTimeoutMs: number
  readonly messageSizeMax: number
  /** What waiting messages may take in memory before transient ones are written out. */
  readonly residentBytesMax: number
  /** What a queue keeps in memory of a long backlog. */
  readonly window: Window
  /** Bytes that one transaction may hold until it is committed. */
  readonly transactionSizeMax: number
  /** 0: no limit. */
  readonly connectionMax: number
  /** How long a delivery of a quorum queue may be unsettled. */
  readonly consumerTimeoutMs: number
}

export interface BrokerIdentity {
  readonly product: string
  readonly version: string
  readonly platform: string
  /** As RabbitMQ's: name@host. */
  readonly nodeName: string
}

export interface BrokerParts {
  readonly clock: Clock
  readonly random: Random
  readonly turn: Turn
  readonly timers: TimerWheel
  readonly log: Log
  readonly limits: BrokerLimits
  readonly identity: BrokerIdentity
  /** Users who may come from this machine only. */
  readonly loopbackUsers: readonly string[]
  /** Makes what a vhost tells of its messages; absent while tracing is off. */
  readonly traceVHost?: (vhost: string) => MessageTracer
}

export interface FirstStart {
  readonly user: string
  readonly password: string
  readonly vhost: string
}

/** What a definitions file makes on a first start. */
export interface Brought {
  readonly users: number
  readonly vhosts: readonly string[]
}

/** The global parameter that names the cluster (RabbitMQ). */
export const CLUSTER_NAME = 'cluster_name'
const CLUSTER_NAME_BYTES_MAX = 255

export class Broker {
  readonly clock: Clock
  readonly random: Random
  readonly turn: Turn
  readonly timers: TimerWheel
  readonly log: Log
  readonly limits: BrokerLimits
  readonly identity: BrokerIdentity
  readonly counters = new Counters()
  readonly alarms: Alarms
  readonly vhosts = new Map<string, VHost>()
  readonly access: AccessControl
  readonly connections = new Set<ConnectionView>()
  readonly logins = new LoginCounts()
  /** Free-form, by name: RabbitMQ's tools keep notes here. */
  readonly globalParameters = new Map<string, unknown>()
  readonly messageIds = new Sequence()
  readonly arrivals: Arrivals
  readonly residence: Residence
  /** Of vhosts that were deleted: what the broker counts never falls. */
  private readonly pastTraffic = new ClientTraffic()
  private readonly queueIds = new Sequence()
  private readonly loopbackUsers: readonly string[]
  private readonly traceVHost: ((vhost: string) => MessageTracer) | null
  /** Users, permissions and vhosts on record; null until the catalog was read. */
  private catalog: DurableRecords | null = null
  /** Of vhosts that are on record, until they are taken in. */
  private readonly recordedFacts = new Map<string, VHostFacts>()

  constructor(parts: BrokerParts) {
    this.clock = parts.clock
    this.arrivals = new Arrivals(parts.clock)
    this.random = parts.random
    this.turn = parts.turn
    this.timers = parts.timers
    this.log = parts.log
    this.alarms = new Alarms(parts.log)
    this.limits = parts.limits
    this.residence = new Residence(parts.limits.residentBytesMax)
    this.identity = parts.identity
    this.loopbackUsers = parts.loopbackUsers
    this.traceVHost = parts.traceVHost ?? null
    this.access = new AccessControl({
      define: (definition) => this.records.define(definition),
      changed: (vhost) => this.vhosts.get(vhost)?.changed(null),
    })
  }

  /** The catalog's. */
  get records(): DurableRecords {
    return present(this.catalog, 'the catalog was not read yet')
  }

  get users(): ReadonlyMap<string, User> {
    return this.access.users
  }

  /**
   * Takes in users, permissions and the names of the vhosts, which are returned. An empty catalog is a first
   * start: the default user and vhost are created (RabbitMQ: RABBITMQ_DEFAULT_USER counts only then), unless
   * a definitions file brings others.
   */
  restoreCatalog(
    catalog: Store, recovered: Recovered, first: FirstStart, brings: Brought = { users: 0, vhosts: [] },
  ): string[] {
    this.messageIds.skipTo(recovered.lastId)
    this.catalog = new DurableRecords(catalog, this.turn)
    for (const definition of recovered.definitions) {
      if (definition.kind === 'vhost') this.recordedFacts.set(definition.name, readVHost(definition))
      else if (definition.kind === 'global-parameter') {
        this.globalParameters.set(definition.name, readGlobalParameter(definition).value)
      } else this.access.restore(definition)
    }
    if (this.recordedFacts.size === 0 && this.users.size === 0) this.start(first, brings)
    return [...this.recordedFacts.keys()]
  }

  /** A vhost that is on record, or is made: what was in it before, comes back. */
  restoreVHost(name: string, store: Store, recovered: Recovered): VHost {
    this.messageIds.skipTo(recovered.lastId)
    const { turn, clock, timers, messageIds, arrivals, counters, random } = this
    const { residence, limits: { window } } = this
    const facts = this.recordedFacts.get(name) ?? NEW_VHOST
    const mayWrite = (user: string, exchange: string): boolean =>
      this.access.accessOf(user, name).may('write', exchange === '' ? 'amq.default' : exchange)
    const parts = {
      store, turn, clock, timers, messageIds, arrivals, counters, random, residence, window, facts,
      mayWrite, newId: () => this.newQueueId(), tracer: this.traceVHost?.(name) ?? null,
      exchangeDeleted: (exchange: string) => this.access.exchangeDeleted(name, exchange),
    }
    const vhost = new VHost(name, parts, removeQueue)
    const lastQueueId = restoreTopology(vhost, recovered, this.log)
    this.access.exchangesRestored(name, vhost.exchanges)
    this.queueIds.skipTo(lastQueueId)
    this.vhosts.set(name, vhost)
    return vhost
  }

  /**
   * The user, or null when name, password or where they come from do not fit; which of them is only logged.
   */
  authenticate(name: string, password: Buffer, isLoopback: boolean): User | null {
    const user = this.users.get(name)
    if (user === undefined || !passwordMatches(user, password)) return null
    return this.mayComeFrom(user, isLoopback) ? user : null
  }

  /** The user of a certificate that has been checked; null as for `authenticate`. */
  authenticateByCertificate(name: string, isLoopback: boolean): User | null {
    const user = this.users.get(name)
    return user !== undefined && this.mayComeFrom(user, isLoopback) ? user : null
  }

  private mayComeFrom(user: User, isLoopback: boolean): boolean {
    if (isLoopback || !this.loopbackUsers.includes(user.name)) return true
    this.log.warn({ user: user.name }, 'login refused: this user may connect from this machine only')
    return false
  }

  /** Errors: not-allowed when there are more connections, the one that asks among them, than may be. */
  checkConnectionMax(): void {
    const { connectionMax } = this.limits
    if (connectionMax === 0 || this.connections.size <= connectionMax) return
    throw notAllowed(`connection refused: node connection limit (${connectionMax}) is reached`)
  }

  /**
   * Errors: not-allowed, in RabbitMQ's words and order; a missing vhost is named also to those who may enter
   * none.
   */
  enterVHost(name: string, user: User): VHost {
    const vhost = this.vhosts.get(name)
    if (vhost === undefined) throw notAllowed(`vhost ${name} not found`)
    const refused = `access to vhost '${name}' refused for user '${user.name}'`
    const ofVHost = vhost.facts.limits['max-connections']
    if (isLimitReached(ofVHost, this.countConnections((connection) => connection.vhost === vhost))) {
      throw notAllowed(`${refused}: connection limit (${ofVHost}) is reached`)
    }
    const ofUser = this.limitsOf(user)['max-connections']
    const isHis = (connection: ConnectionView): boolean => connection.user?.name === user.name
    if (isLimitReached(ofUser, this.countConnections(isHis))) {
      throw notAllowed(
        `connection refused for user '${user.name}': user connection limit (${ofUser}) is reached`)
    }
    if (!this.mayEnter(name, user)) throw notAllowed(refused)
    return vhost
  }

  /** Has permissions there, whatever they allow. */
  mayEnter(vhost: string, user: User): boolean {
    return this.access.accessOf(user.name, vhost).permission !== null
  }

  /** One channel more. Errors: not-allowed. */
  checkChannelLimit(user: User): void {
    const limit = this.limitsOf(user)['max-channels']
    if (limit === undefined || limit < 0) return
    let count = 0
    for (const connection of this.connections) {
      if (connection.user?.name === user.name) count += connection.channelCount
    }
    if (count < limit) return
    throw notAllowed(`number of channels opened for user '${user.name}' has reached the maximum allowed `
      + `user limit of ${limit}`)
  }

  /** With permissions; their connections are closed. Returns false when there is none. */
  deleteUser(name: string): boolean {
    if (!this.access.deleteUser(name)) return false
    this.closeConnections((connection) => connection.user?.name === name, `user '${name}' is deleted`)
    return true
  }

  /** Says something else about a vhost that is there, or makes the record of one that comes to be. */
  recordVHost(name: string, facts: VHostFacts): void {
    const vhost = this.vhosts.get(name)
    if (vhost === undefined) this.recordedFacts.set(name, facts)
    else vhost.facts = facts
    this.records.define(vhostDefinition(name, facts))
  }

  /**
   * What administrators call it, in a global parameter; the node's name until they do (RabbitMQ). The first
   * frame of a connection has it, so a longer one does not count.
   */
  get clusterName(): string {
    const given = this.globalParameters.get(CLUSTER_NAME)
    const isName = typeof given === 'string' && Buffer.byteLength(given) <= CLUSTER_NAME_BYTES_MAX
    return isName ? given : this.identity.nodeName
  }

  /** Returns true when there was none of this name. */
  putGlobalParameter(name: string, value: unknown): boolean {
    const isNew = !this.globalParameters.has(name)
    this.globalParameters.set(name, value)
    this.records.define(globalParameterDefinition(name, value))
    return isNew
  }

  /** Returns false when there is none of this name. */
  deleteGlobalParameter(name: string): boolean {
    if (!this.globalParameters.delete(name)) return false
    this.records.define(removal('global-parameter', name))
    return true
  }

  /**
   * Takes a vhost out, with everything in it and every permission on it: its records and messages are dropped
   * before its name, so that a crash in between leaves less of it, never a part that nobody owns. The caller
   * releases the store, which is returned.
   */
  removeVHost(vhost: VHost): Store {
    const isInside = (connection: ConnectionView): boolean => connection.vhost === vhost
    this.closeConnections(isInside, `vhost '${vhost.name}' is deleted`)
    emptyVHost(vhost)
    this.vhosts.delete(vhost.name)
    addTraffic(this.pastTraffic, vhost.traffic)
    this.recordedFacts.delete(vhost.name)
    this.access.vhostDeleted(vhost.name)
    this.records.define(removal('vhost', vhost.name))
    this.turn.removeStore(vhost.store)
    return vhost.store
  }

  /** As they are now. */
  countAll(): AllCounters {
    const traffic = new ClientTraffic()
    addTraffic(traffic, this.pastTraffic)
    for (const vhost of this.vhosts.values()) addTraffic(traffic, vhost.traffic)
    return { ...this.counters, ...traffic }
  }

  /** For what has messages, or keys, in the store under a number of its own. */
  newQueueId(): number {
    return this.queueIds.next()
  }

  /** `amq.gen-` or `amq.ctag-` and 22 characters of 128 random bits, as RabbitMQ's. */
  generateName(prefix: string): string {
    return prefix + this.random.bytes(16).toString('base64url')
  }

  /** Before a clean stop, when no connection is left: nothing is moved any more. */
  rememberDeliveries(): void {
    for (const vhost of this.vhosts.values()) {
      vhost.redrives.rest()
      for (const queue of vhost.queues.values()) queue.rememberDeliveries()
    }
  }

  private start(first: FirstStart, brings: Brought): void {
    const vhosts = brings.vhosts.length > 0 ? brings.vhosts : [first.vhost]
    if (brings.users === 0) this.access.createFirst(first.user, first.password, vhosts, this.random)
    if (brings.vhosts.length > 0) return
    this.recordVHost(first.vhost, { ...NEW_VHOST, description: 'Default virtual host' })
  }

  private countConnections(isCounted: (connection: ConnectionView) => boolean): number {
    let count = 0
    for (const connection of this.connections) if (isCounted(connection)) count++
    return count
  }

  private closeConnections(isMeant: (connection: ConnectionView) => boolean, why: string): void {
    for (const connection of [...this.connections]) {
      if (isMeant(connection)) connection.forceClose(connectionForced(why))
    }
  }

  /** As they are now, not as they were at login (RabbitMQ). */
  private limitsOf(user: User): User['limits'] {
    return this.users.get(user.name)?.limits ?? {}
  }
}
