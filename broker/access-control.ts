// Users and what they may do: RabbitMQ's internal database, kept as records in the catalog. Every change is
// written and takes effect at once, also on channels that are open: Access objects are replaced in place, and
// `changed` lets a vhost's publishers ask anew.
import type { Random } from '../base/random.ts'
import type { Definition } from '../store/store.ts'
import { Access, EVERYTHING, compileName } from './access.ts'
import type { Permission, TopicPermission } from './access.ts'
import {
  permissionDefinition, readPermission, readTopicPermission, readUser, removal, topicPermissionDefinition,
  userDefinition,
} from './definitions.ts'
import type { DefinitionKind } from './definitions.ts'
import { createUser } from './users.ts'
import type { User } from './users.ts'

export interface AccessControlParts {
  /** Writes a record. */
  define(definition: Definition): void
  /** What somebody may do in this vhost is no longer what it was. */
  changed(vhost: string): void
}

export class AccessControl {
  readonly users = new Map<string, User>()
  private readonly parts: AccessControlParts
  /** By user and vhost; those without a permission were once asked for. */
  private readonly accesses = new Map<string, Access>()

  constructor(parts: AccessControlParts) {
    this.parts = parts
  }

  /** At boot: true when the record was one of these. */
  restore(definition: Definition): boolean {
    if (definition.kind === 'user') {
      this.users.set(definition.name, { name: definition.name, ...readUser(definition) })
    } else if (definition.kind === 'permission') {
      const { user, vhost, ...permission } = readPermission(definition)
      this.accessOf(user, vhost).replace(permission)
    } else if (definition.kind === 'topic-permission') {
      const { user, vhost, ...topic } = readTopicPermission(definition)
      this.accessOf(user, vhost).topicPermissions.set(topic.exchange, topic)
    } else return false
    return true
  }

  /** The administrator that a new broker starts with. */
  createFirst(name: string, password: string, vhosts: readonly string[], random: Random): void {
    this.putUser(createUser(name, password, ['administrator'], random))
    for (const vhost of vhosts) this.permit(name, vhost, EVERYTHING)
  }

  /** Returns true when there was no such user. */
  putUser(user: User): boolean {
    const isNew = !this.users.has(user.name)
    this.users.set(user.name, user)
    this.parts.define(userDefinition(user))
    return isNew
  }

  /** With all permissions. Returns false when there is no such user. */
  deleteUser(name: string): boolean {
    if (!this.users.delete(name)) return false
    this.forgetWhere((access) => access.user === name)
    this.parts.define(removal('user', name))
    return true
  }

  /** The vhost is gone, and every permission in it. */
  vhostDeleted(name: string): void {
    this.forgetWhere((access) => access.vhost === name)
  }

  /** With it go the topic permissions on it (RabbitMQ). */
  exchangeDeleted(vhost: string, exchange: string): void {
    this.unlimitTopicsWhere(vhost, (name) => name === exchange)
  }

  /** Those on an exchange that a restart did not bring back, as no transient one comes back, go too. */
  exchangesRestored(vhost: string, exchanges: ReadonlyMap<string, unknown>): void {
    this.unlimitTopicsWhere(vhost, (name) => !exchanges.has(name))
  }

  /** One object per user and vhost, for as long as both are there; its answers follow the permissions. */
  accessOf(user: string, vhost: string): Access {
    const key = JSON.stringify([user, vhost])
    let access = this.accesses.get(key)
    if (access === undefined) this.accesses.set(key, access = new Access(user, vhost))
    return access
  }

  /** Every permission there is, by vhost and user. */
  permissions(): { user: string; vhost: string; permission: Permission }[] {
    return this.sorted().flatMap(({ user, vhost, permission }) =>
      (permission === null ? [] : [{ user, vhost, permission }]))
  }

  topicPermissions(): { user: string; vhost: string; topic: TopicPermission }[] {
    return this.sorted().flatMap(({ user, vhost, topicPermissions }) =>
      [...topicPermissions.values()].map((topic) => ({ user, vhost, topic })))
  }

  /** Returns true when there was none. Errors: PatternInvalid. */
  permit(user: string, vhost: string, permission: Permission): boolean {
    const access = this.accessOf(user, vhost)
    const isNew = access.permission === null
    access.replace(permission)
    this.parts.define(permissionDefinition(user, vhost, permission))
    this.parts.changed(vhost)
    return isNew
  }

  /** Returns false when there was none. */
  forbid(user: string, vhost: string): boolean {
    const access = this.accessOf(user, vhost)
    if (access.permission === null) return false
    access.replace(null)
    this.drop('permission', [user, vhost])
    this.parts.changed(vhost)
    return true
  }

  /** Errors: PatternInvalid. */
  limitTopics(user: string, vhost: string, topic: TopicPermission): void {
    for (const pattern of [topic.write, topic.read]) compileName(pattern)
    this.accessOf(user, vhost).topicPermissions.set(topic.exchange, topic)
    this.parts.define(topicPermissionDefinition(user, vhost, topic))
    this.parts.changed(vhost)
  }

  /** On one exchange, or on all. Returns false when there was none. */
  unlimitTopics(user: string, vhost: string, exchange: string | null): boolean {
    const { topicPermissions } = this.accessOf(user, vhost)
    const names = [...topicPermissions.keys()].filter((name) => exchange === null || name === exchange)
    for (const name of names) {
      topicPermissions.delete(name)
      this.drop('topic-permission', [user, vhost, name])
    }
    this.parts.changed(vhost)
    return names.length > 0
  }

  private unlimitTopicsWhere(vhost: string, isGone: (exchange: string) => boolean): void {
    for (const access of this.accesses.values()) {
      if (access.vhost !== vhost) continue
      for (const exchange of [...access.topicPermissions.keys()].filter(isGone)) {
        this.unlimitTopics(access.user, vhost, exchange)
      }
    }
  }

  /** Whoever still holds the object may do nothing any more. */
  private forgetWhere(isGone: (access: Access) => boolean): void {
    for (const [key, access] of this.accesses) {
      if (!isGone(access)) continue
      this.forbid(access.user, access.vhost)
      this.unlimitTopics(access.user, access.vhost, null)
      this.accesses.delete(key)
    }
  }

  private drop(kind: DefinitionKind, key: readonly string[]): void {
    this.parts.define(removal(kind, JSON.stringify(key)))
  }

  private sorted(): Access[] {
    return [...this.accesses.values()]
      .toSorted((a, b) => compareTexts(a.vhost, b.vhost) || compareTexts(a.user, b.user))
  }
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}
