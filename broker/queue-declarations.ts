// queue.declare, purge and delete, with the checks in RabbitMQ's order and words (behaviours §4).
import { Binding } from '../exchanges/binding.ts'
import { accessRefused, notImplemented, preconditionFailed } from '../protocol/errors.ts'
import { EMPTY_TABLE } from '../protocol/table.ts'
import type { Field, FieldTable } from '../protocol/table.ts'
import { checkQueueArgumentsEqual } from '../queues/argument-equality.ts'
import { findQueueKind } from '../queues/index.ts'
import type { RefusedProperty } from '../queues/queue-kind.ts'
import { Queue } from '../queues/queue.ts'
import type { QueueOwner } from '../queues/queue-flags.ts'
import { isDeduplicating, isTypeSaid, validateQueueArguments } from '../queues/settings.ts'
import { removeBindingsTo } from './bindings.ts'
import type { Caller } from './caller.ts'
import { queueDefinition, removal } from './definitions.ts'
import { applyToQueue } from './policy-changes.ts'
import { isLimitReached } from './limits.ts'
import type { DefaultQueueType } from './vhost-facts.ts'
import type { VHost } from './vhost.ts'
import { deleteWebhooksOf } from './webhooks.ts'

export interface QueueDeclaration {
  readonly name: string
  readonly isDurable: boolean
  readonly isExclusive: boolean
  readonly isAutoDelete: boolean
  readonly args: FieldTable
}

/** Errors: access-refused for reserved names, resource-locked, precondition-failed, not-implemented. */
export function declareQueue(
  vhost: VHost, untyped: QueueDeclaration, caller: Caller, isGeneratedName: boolean,
  newId: () => number,
): Queue {
  const declaration = withDefaultType(untyped, vhost.facts.defaultQueueType)
  const { name, args } = declaration
  const { owner, access } = caller
  const type = findQueueKind(args)
  if (isGeneratedName && type?.canBeServerNamed === false) {
    throw preconditionFailed(`Cannot declare a server-named queue for type rabbit_${type.name}_queue`)
  }
  if (name.startsWith('amq.') && !isGeneratedName) {
    throw accessRefused(`queue name '${name}' contains reserved prefix 'amq.*'`)
  }
  access.check('configure', 'queue', name)
  const existing = vhost.findQueue(name)
  if (existing !== null) {
    checkEquivalent(vhost, existing, declaration, owner)
    return existing
  }
  checkQueueLimit(vhost, name)
  validateQueueArguments(args, vhost.describeQueue(name))
  checkQueueProperties(declaration, vhost.describeQueue(name))
  const deadLetterExchange = args.get('x-dead-letter-exchange')
  if (deadLetterExchange?.tag === 'S') {
    access.check('read', 'queue', name)
    access.check('write', 'exchange', deadLetterExchange.value)
  }
  return createQueue(vhost, declaration, owner, newId())
}

/**
 * Says the vhost's default type where the declaration says none. RabbitMQ: what may not be of that type is
 * classic, but an empty type asks for the default all the same; and the arguments are sorted then.
 */
export function withDefaultType(
  declaration: QueueDeclaration, defaultType: DefaultQueueType,
): QueueDeclaration {
  // What says no type is classic anyway, and is kept as it came.
  if (defaultType === 'classic') return declaration
  if (isTypeSaid(declaration.args)) return declaration
  const type: Field = { tag: 'S', value: defaultType }
  const args = new Map([...declaration.args, ['x-queue-type', type] as const]
    .toSorted(([a], [b]) => Number(a > b) - Number(a < b)))
  const typed = { ...declaration, args }
  const isEmpty = declaration.args.has('x-queue-type')
  return !isEmpty && findRefusedProperty(typed) !== null ? declaration : typed
}

/** A new one, with arguments that have been checked. */
export function createQueue(
  vhost: VHost, declaration: QueueDeclaration, owner: QueueOwner | null, id: number,
): Queue {
  const { name, args, isExclusive, isAutoDelete } = declaration
  const flags = { isDurable: declaration.isDurable && !isExclusive, isAutoDelete }
  const keysId = flags.isDurable && isDeduplicating(args) ? vhost.newId() : 0
  const queue = new Queue(id, name, flags, isExclusive ? owner : null, args, vhost.queueParts, keysId)
  addQueue(vhost, queue)
  vhost.changed(flags.isDurable ? queueDefinition(queue) : null)
  return queue
}

/**
 * What a queue of this kind may not be; `what` is `queue 'q' in vhost 'v'`. Errors: precondition-failed.
 */
export function checkQueueProperties(declaration: QueueDeclaration, what: string): void {
  const refused = findRefusedProperty(declaration)
  if (refused !== null) throw preconditionFailed(`invalid property '${refused}' for ${what}`)
}

function findRefusedProperty(declaration: QueueDeclaration): RefusedProperty | null {
  const { isAutoDelete, isExclusive, isDurable, args } = declaration
  const has: Record<RefusedProperty, boolean> = {
    'auto-delete': isAutoDelete, 'exclusive-owner': isExclusive, 'non-durable': !isDurable,
  }
  return findQueueKind(args)?.refusedProperties.find((property) => has[property]) ?? null
}

/** A queue is known under its name, and bound by it to the default exchange; that binding is in no list. */
export function addQueue(vhost: VHost, queue: Queue): void {
  vhost.addQueue(queue)
  vhost.defaultExchange.router.bind(implicitBinding(queue))
  applyToQueue(vhost, queue)
}

/** Passive: only asks whether it is there. Errors: access-refused, not-found, resource-locked. */
export function checkQueue(vhost: VHost, name: string, { owner, access }: Caller): Queue {
  access.checkAny('queue', name)
  return vhost.getQueue(name, owner)
}

/** Drops what is ready; returns how much. Errors: access-refused, not-found, resource-locked. */
export function purgeQueue(vhost: VHost, name: string, { owner, access }: Caller): number {
  access.check('read', 'queue', name)
  return vhost.getQueue(name, owner).purge()
}

/**
 * Returns the number of ready messages; a missing queue has none (RabbitMQ). Errors: locked, not empty, in
 * use, in this order (RabbitMQ).
 */
export function deleteQueue(
  vhost: VHost, name: string, { owner, access }: Caller, ifUnused: boolean, ifEmpty: boolean,
): number {
  access.check('configure', 'queue', name)
  const queue = vhost.findQueue(name)
  if (queue === null) return 0
  vhost.checkOwner(queue, owner)
  if ((ifUnused || ifEmpty) && !queue.type.canBeDeletedIf) {
    throw notImplemented(`cannot delete ${vhost.describeQueue(name)}. queue.delete operations with `
      + `${ifUnused ? 'if-unused' : 'if-empty'} flag set are not supported by ${queue.type.name} queues`)
  }
  if (ifEmpty && queue.readyCount > 0) throw preconditionFailed(`${vhost.describeQueue(name)} not empty`)
  if (ifUnused && queue.consumers.count > 0) throw preconditionFailed(`${vhost.describeQueue(name)} in use`)
  const count = queue.readyCount
  removeQueue(vhost, queue)
  return count
}

export function removeQueue(vhost: VHost, queue: Queue): void {
  vhost.removeQueue(queue)
  vhost.defaultExchange.router.unbind(implicitBinding(queue))
  removeBindingsTo(vhost, queue)
  deleteWebhooksOf(vhost, queue)
  queue.delete()
  vhost.changed(queue.flags.isDurable ? removal('queue', queue.name) : null)
}

/** Only for what is new: declaring again is always possible. Errors: precondition-failed. */
function checkQueueLimit(vhost: VHost, name: string): void {
  const limit = vhost.facts.limits['max-queues']
  if (!isLimitReached(limit, vhost.queues.size)) return
  throw preconditionFailed(
    `cannot declare queue '${name}': queue limit in vhost '${vhost.name}' (${limit}) is reached`)
}

/** RabbitMQ checks exclusive before everything else, then durable, auto_delete, and the arguments. */
function checkEquivalent(
  vhost: VHost, current: Queue, declaration: QueueDeclaration, owner: QueueOwner,
): void {
  vhost.checkOwner(current, owner)
  if ((current.owner !== null) !== declaration.isExclusive) throw vhost.locked(current.name)
  const isDurable = declaration.isDurable && !declaration.isExclusive
  const what = vhost.describeQueue(current.name)
  const fail = (name: string, wants: boolean, has: boolean): never => {
    throw preconditionFailed(
      `inequivalent arg '${name}' for ${what}: received '${wants}' but current is '${has}'`)
  }
  if (isDurable !== current.flags.isDurable) fail('durable', isDurable, current.flags.isDurable)
  if (declaration.isAutoDelete !== current.flags.isAutoDelete) {
    fail('auto_delete', declaration.isAutoDelete, current.flags.isAutoDelete)
  }
  checkQueueArgumentsEqual(current.args, declaration.args, what)
}

function implicitBinding(queue: Queue): Binding {
  return new Binding('', queue, queue.name, EMPTY_TABLE, false)
}
