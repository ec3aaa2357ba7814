// Items of a definitions file as the broker's own records: users, vhosts, policies, parameters. Used when a
// file is checked and again when it is taken in. Errors: Refusal.
import type { Random } from '../base/random.ts'
import { tableFromPlain } from '../protocol/table-plain.ts'
import type { PolicyValue } from '../queues/policy-keys.ts'
import { hashingOf } from './definitions-file.ts'
import type {
  DefinitionsFile, ParameterItem, PolicyItem, QueueItem, UserItem, VHostItem,
} from './definitions-file.ts'
import { readUserLimits, readVHostLimits } from './limits.ts'
import { hashPassword } from './passwords.ts'
import { validatePolicy } from './policies.ts'
import type { Policy } from './policies.ts'
import { Refusal } from './refusal.ts'
import { withDefaultType } from './queue-declarations.ts'
import type { QueueDeclaration } from './queue-declarations.ts'
import type { User } from './users.ts'
import { NEW_VHOST, readDefaultQueueType } from './vhost-facts.ts'
import type { VHostFacts } from './vhost-facts.ts'

/** A hash is kept as it came; a password in the clear, which RabbitMQ takes too, is hashed. */
export function userOf(item: UserItem, file: DefinitionsFile, random: Random): User {
  const { name, tags, password, password_hash: given } = item
  const hashing = hashingOf(item, file)
  const passwordHash = given ?? (password === undefined ? '' : hashPassword(password, random, hashing))
  return { name, tags, limits: readUserLimits(item.limits), hashing, passwordHash }
}

export function vhostFactsOf(item: VHostItem): VHostFacts {
  const { description, tags, default_queue_type: type } = { ...item, ...item.metadata }
  return {
    ...NEW_VHOST, defaultQueueType: readDefaultQueueType(type),
    ...description !== undefined && { description }, ...tags !== undefined && { tags },
    limits: readVHostLimits(item.limits),
  }
}

/** RabbitMQ: the type is in the arguments, or the vhost's default; what the item says beside is not read. */
export function declarationOf(item: QueueItem, { defaultQueueType }: VHostFacts): QueueDeclaration {
  const flags = { isDurable: item.durable, isAutoDelete: item.auto_delete, isExclusive: false }
  const declaration = { ...flags, name: item.name, args: tableFromPlain(item.arguments) }
  return withDefaultType(declaration, defaultQueueType)
}

export function policyOf({ name, pattern, definition, priority, 'apply-to': applyTo }: PolicyItem): Policy {
  return { name, pattern, definition, priority, applyTo: applyTo as Policy['applyTo'] }
}

export function checkParameter({ component, vhost, name, value }: ParameterItem): void {
  if (component === 'vhost-limits') readVHostLimits(value)
  else if (component === 'operator_policy') validatePolicy('operator-policy', operatorPolicyOf(name, value))
  else {
    throw new Refusal(`Validation failed\n\ncomponent ${component} not found\n `
      + `(vhost: "${vhost}" / component: "${component}" / key: "${name}")`)
  }
}

/** RabbitMQ wants a priority here; without one it is 0, as for every other policy. */
export function operatorPolicyOf(name: string, value: unknown): Policy {
  const { pattern, definition, priority = 0, 'apply-to': applyTo = 'all' } =
    (value ?? {}) as Record<string, unknown>
  if (typeof pattern !== 'string' || typeof definition !== 'object' || !Number.isSafeInteger(priority)) {
    throw new Refusal(`Validation failed\n\noperator policy ${name} needs a pattern and a definition\n`)
  }
  return {
    name, pattern, priority: Number(priority), applyTo: applyTo as Policy['applyTo'],
    definition: definition as Record<string, PolicyValue>,
  }
}
