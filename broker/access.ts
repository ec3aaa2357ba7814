// What one user may do in one vhost: three patterns over names, and topic permissions. Decisions are
// remembered per name, so no pattern runs twice for a channel that repeats itself; AccessControl replaces the
// patterns in place when an administrator changes them, and with that what was remembered goes. RabbitMQ
// answers from a cache for some seconds longer (behaviours §9.3).
import type { Exchange } from '../exchanges/exchange.ts'
import { accessRefused } from '../protocol/errors.ts'
import { compilePattern } from './pattern.ts'

export type Action = 'configure' | 'write' | 'read'

/** Patterns; an empty one permits only the empty name, which nothing has. */
export type Permission = Readonly<Record<Action, string>>

export interface TopicPermission {
  readonly exchange: string
  readonly write: string
  readonly read: string
}

export const EVERYTHING: Permission = { configure: '.*', write: '.*', read: '.*' }

export const ACTIONS = ['configure', 'write', 'read'] as const satisfies Action[]

/** Names of which decisions are remembered, per action; beyond that they are forgotten and found anew. */
const REMEMBERED_MAX = 10_000

type Compiled = Readonly<Record<Action, RegExp>>

export class Access {
  readonly user: string
  readonly vhost: string
  /** null: none, not even the vhost. */
  permission: Permission | null = null
  readonly topicPermissions = new Map<string, TopicPermission>()
  private compiled: Compiled | null = null
  private readonly decisions: Readonly<Record<Action, Map<string, boolean>>> =
    { configure: new Map(), write: new Map(), read: new Map() }

  constructor(user: string, vhost: string) {
    this.user = user
    this.vhost = vhost
  }

  /** Everything there is: for what the broker itself does, and for tests. */
  static toEverything(user: string, vhost: string): Access {
    const access = new Access(user, vhost)
    access.replace(EVERYTHING)
    return access
  }

  /** Errors: PatternInvalid; then nothing has changed. */
  replace(permission: Permission | null): void {
    this.compiled = permission === null ? null : {
      configure: compileName(permission.configure), write: compileName(permission.write),
      read: compileName(permission.read),
    }
    this.permission = permission
    for (const action of ACTIONS) this.decisions[action].clear()
  }

  may(action: Action, name: string): boolean {
    const decisions = this.decisions[action]
    const known = decisions.get(name)
    if (known !== undefined) return known
    const isPermitted = this.compiled !== null && this.compiled[action].test(name)
    if (decisions.size >= REMEMBERED_MAX) decisions.clear()
    decisions.set(name, isPermitted)
    return isPermitted
  }

  /** Errors: access-refused. The default exchange goes by a name of its own here (RabbitMQ). */
  check(action: Action, kind: 'queue' | 'exchange', name: string): void {
    const shown = name === '' && kind === 'exchange' ? 'amq.default' : name
    if (this.may(action, shown)) return
    throw accessRefused(`${action} access to ${kind} '${shown}' ${this.refusedTo()}`)
  }

  /** To ask whether something is there, any permission on it will do. Errors: access-refused. */
  checkAny(kind: 'queue' | 'exchange', name: string): void {
    if (this.may('read', name) || this.may('write', name)) return
    this.check('configure', kind, name)
  }

  /** Is there a second check, on routing keys, for what goes over this exchange? */
  limitsTopics(exchange: Exchange): boolean {
    return exchange.type.name === 'topic' && this.topicPermissions.has(exchange.name)
  }

  /** Errors: access-refused for a key that the user's topic permission on this exchange does not cover. */
  checkTopic(action: 'write' | 'read', exchange: Exchange, routingKey: string): void {
    if (this.mayUseTopic(action, exchange, routingKey)) return
    throw accessRefused(
      `${action} access to topic '${routingKey}' in exchange '${exchange.name}' ${this.refusedTo()}`)
  }

  mayUseTopic(action: 'write' | 'read', exchange: Exchange, routingKey: string): boolean {
    if (!this.limitsTopics(exchange)) return true
    const pattern = this.topicPermissions.get(exchange.name)![action]
    return compileName(this.expand(pattern)).test(routingKey)
  }

  /** `{client_id}` is MQTT's: nothing of it is known here, so it stays as it is written (RabbitMQ). */
  private expand(pattern: string): string {
    return pattern.replaceAll('{username}', () => this.user).replaceAll('{vhost}', () => this.vhost)
  }

  private refusedTo(): string {
    return `in vhost '${this.vhost}' refused for user '${this.user}'`
  }
}

/** Errors: PatternInvalid. */
export function compileName(pattern: string): RegExp {
  return compilePattern(pattern === '' ? '^$' : pattern)
}
