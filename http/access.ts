// Who may do what over HTTP, beyond being known: user tags, which vhosts a user sees, and the AMQP
// permissions that declaring, publishing, getting and purging need all the same (RabbitMQ). The only file of
// http/ that asks the broker about rights.
import type { Broker } from '../broker/broker.ts'
import type { Caller } from '../broker/caller.ts'
import { connectionName } from '../broker/connection-view.ts'
import type { ConnectionView } from '../broker/connection-view.ts'
import type { User } from '../broker/users.ts'
import type { VHost } from '../broker/vhost.ts'
import type { Queue } from '../queues/queue.ts'
import type { QueueOwner } from '../queues/queue-flags.ts'
import type { Access } from './endpoint.ts'
import { HttpError, noSuchObject, notAuthorised, notFound } from './errors.ts'

/** The tags that open an endpoint, and what RabbitMQ tells everybody else. */
type TaggedAccess = Exclude<Access, 'anonymous' | 'user'>
const rules: Readonly<Record<TaggedAccess, { tags: readonly string[]; refusal: string }>> = {
  management: {
    tags: ['management', 'policymaker', 'monitoring', 'administrator'], refusal: 'Not management user',
  },
  policymaker: { tags: ['policymaker', 'administrator'], refusal: 'Not policymaker user' },
  monitoring: { tags: ['monitoring', 'administrator'], refusal: 'Not monitor user' },
  administrator: { tags: ['administrator'], refusal: 'Not administrator user' },
}

/** Errors: HttpError 401. */
export function checkTag(user: User, access: Exclude<Access, 'anonymous'>): void {
  if (access === 'user') return
  for (const rule of [rules.management, rules[access]]) {
    if (!user.tags.some((tag) => rule.tags.includes(tag))) throw notAuthorised(rule.refusal)
  }
}

export function isAdministrator(user: User): boolean {
  return user.tags.includes('administrator')
}

/** Sees the node, every vhost's name and everybody's connections. */
export function isMonitor(user: User): boolean {
  return isAdministrator(user) || user.tags.includes('monitoring')
}

/** Errors: HttpError 404: an unknown vhost, or one that is none of the user's business. */
export function visibleVHost(broker: Broker, user: User, name: string): VHost {
  const vhost = broker.vhosts.get(name)
  if (vhost === undefined) throw noSuchObject()
  if (!seesInside(broker, user, name)) throw notFound('Not Found')
  return vhost
}

/** Whose queues, exchanges and bindings the user is shown. */
export function visibleVHosts(broker: Broker, user: User): VHost[] {
  return [...broker.vhosts.values()].filter((vhost) => seesInside(broker, user, vhost.name))
}

function seesInside(broker: Broker, user: User, vhost: string): boolean {
  return isAdministrator(user) || broker.mayEnter(vhost, user)
}

/**
 * For what declares, changes or reads messages: the user as somebody who asks the broker.
 * Errors: HttpError 401 without a permission in the vhost.
 */
export function checkEntry(broker: Broker, user: User, vhost: VHost): Caller {
  if (!broker.mayEnter(vhost.name, user)) throw notAuthorised('Access refused.')
  return { owner: NO_OWNER, access: broker.access.accessOf(user.name, vhost.name) }
}

/** A queue whose messages the user may look at and change. Errors: AmqpError, HttpError 401 and 404. */
export function readableQueue(vhost: VHost, { owner, access }: Caller, name: string): Queue {
  access.check('read', 'queue', name)
  const queue = vhost.findQueue(name)
  if (queue === null) throw noSuchObject()
  vhost.checkOwner(queue, owner)
  return queue
}

/**
 * The queue of one who wants to consume it. Errors: HttpError 401 and 404, 409 while another is its only
 * consumer.
 */
export function queueToConsume(broker: Broker, user: User, vhost: VHost, name: string): Queue {
  const { owner, access } = checkEntry(broker, user, vhost)
  access.check('read', 'queue', name)
  const queue = vhost.getQueue(name, owner)
  if (!queue.consumers.hasExclusive) return queue
  throw new HttpError(409, 'conflict', `${vhost.describeQueue(name)} in exclusive use`)
}

/** Whose permissions somebody may ask about. Errors: HttpError 401 for others than oneself, 404. */
export function checkExplained(broker: Broker, user: User, name: string): string {
  if (name === user.name) return name
  if (!isAdministrator(user)) throw notAuthorised(rules.administrator.refusal)
  if (!broker.users.has(name)) throw notFound(`no user '${name}'`)
  return name
}

/** Over HTTP nobody owns an exclusive queue. */
export const NO_OWNER: QueueOwner = Object.freeze({})

/** The user's own connections; those of everybody for who monitors. */
export function visibleConnections(broker: Broker, user: User): ConnectionView[] {
  return [...broker.connections].filter((connection) => connection.vhost !== null
    && (isMonitor(user) || connection.user?.name === user.name))
}

/** Errors: HttpError 404 for no such connection, 401 for somebody else's. */
export function ownConnection(
  broker: Broker, user: User, name: string, mayEveryMonitor: boolean,
): ConnectionView {
  for (const connection of broker.connections) {
    if (connection.vhost === null || connectionName(connection) !== name) continue
    const isAllowed = mayEveryMonitor ? isMonitor(user) : isAdministrator(user)
    if (isAllowed || connection.user?.name === user.name) return connection
    throw notAuthorised('User not authorised to access object')
  }
  throw noSuchObject()
}
