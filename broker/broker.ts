// The broker: vhosts, users, and what all of them share. It knows no socket, no file and no clock of its own;
// both doors call it, the simulation drives it, runtime/ gives it the world.
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { Sequence } from '../base/sequence.ts'
import type { TimerWheel } from '../base/timer-wheel.ts'
import type { Turn } from '../base/turn.ts'
import { notAllowed } from '../protocol/errors.ts'
import type { Window } from '../queues/paged-ready.ts'
import { Residence } from '../queues/residence.ts'
import type { Definition, Recovered, Store } from '../store/store.ts'
import { Alarms } from './alarms.ts'
import type { ConnectionView } from './connection-view.ts'
import { Counters } from './counters.ts'
import {
  permissionDefinition, readPermission, readUser, userDefinition, vhostDefinition,
} from './definitions.ts'
import { removeQueue } from './queue-declarations.ts'
import { restoreTopology } from './recovery.ts'
import { createUser, passwordMatches } from './users.ts'
import type { User } from './users.ts'
import { VHost } from './vhost.ts'

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
  readonly clusterName: string
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
}

export interface FirstStart {
  readonly user: string
  readonly password: string
  readonly vhost: string
}

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
  readonly users = new Map<string, User>()
  readonly connections = new Set<ConnectionView>()
  readonly messageIds = new Sequence()
  readonly residence: Residence
  private readonly queueIds = new Sequence()
  private readonly loopbackUsers: readonly string[]
  /** `[user, vhost]` as JSON: who may enter what. */
  private readonly permissions = new Set<string>()

  constructor(parts: BrokerParts) {
    this.clock = parts.clock
    this.random = parts.random
    this.turn = parts.turn
    this.timers = parts.timers
    this.log = parts.log
    this.alarms = new Alarms(parts.log)
    this.limits = parts.limits
    this.residence = new Residence(parts.limits.residentBytesMax)
    this.identity = parts.identity
    this.loopbackUsers = parts.loopbackUsers
  }

  /**
   * Takes in users, permissions and the names of the vhosts, which are returned. An empty catalog is a first
   * start: the default user and vhost are created (RabbitMQ: RABBITMQ_DEFAULT_USER counts only then).
   */
  restoreCatalog(catalog: Store, recovered: Recovered, first: FirstStart): string[] {
    this.messageIds.skipTo(recovered.lastId)
    const vhosts: string[] = []
    for (const definition of recovered.definitions) {
      if (definition.kind === 'vhost') vhosts.push(definition.name)
      else this.restoreUserOrPermission(definition)
    }
    if (vhosts.length > 0) return vhosts
    const user = createUser(first.user, first.password, ['administrator'], this.random)
    this.users.set(user.name, user)
    this.permissions.add(JSON.stringify([user.name, first.vhost]))
    catalog.define(vhostDefinition(first.vhost))
    catalog.define(userDefinition(user))
    catalog.define(permissionDefinition(user.name, first.vhost))
    return [first.vhost]
  }

  restoreVHost(name: string, store: Store, recovered: Recovered): VHost {
    this.messageIds.skipTo(recovered.lastId)
    const { turn, clock, timers, messageIds, counters, random } = this
    const { residence, limits: { window } } = this
    const parts = { store, turn, clock, timers, messageIds, counters, random, residence, window }
    const vhost = new VHost(name, parts, removeQueue)
    const lastQueueId = restoreTopology(vhost, recovered, this.log)
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

  /** Errors: not-allowed, in RabbitMQ's words; a missing vhost is named also to those who may enter none. */
  enterVHost(name: string, user: User): VHost {
    const vhost = this.vhosts.get(name)
    if (vhost === undefined) throw notAllowed(`vhost ${name} not found`)
    if (!this.mayEnter(name, user)) {
      throw notAllowed(`access to vhost '${name}' refused for user '${user.name}'`)
    }
    return vhost
  }

  /** Has permissions there, whatever they allow. */
  mayEnter(vhost: string, user: User): boolean {
    return this.permissions.has(JSON.stringify([user.name, vhost]))
  }

  newQueueId(): number {
    return this.queueIds.next()
  }

  /** `amq.gen-` or `amq.ctag-` and 22 characters of 128 random bits, as RabbitMQ's. */
  generateName(prefix: string): string {
    return prefix + this.random.bytes(16).toString('base64url')
  }

  /** Before a clean stop, when no connection is left. */
  rememberDeliveries(): void {
    for (const vhost of this.vhosts.values()) {
      for (const queue of vhost.queues.values()) queue.rememberDeliveries()
    }
  }

  private restoreUserOrPermission(definition: Definition): void {
    if (definition.kind === 'user') {
      this.users.set(definition.name, { name: definition.name, ...readUser(definition) })
    } else if (definition.kind === 'permission') {
      const { user, vhost } = readPermission(definition)
      this.permissions.add(JSON.stringify([user, vhost]))
    }
  }
}
