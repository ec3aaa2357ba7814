// The topology as records of the store: how exchanges, queues, bindings, policies, vhosts, users and
// permissions are written, and read back at boot. The only file that knows the JSON; zod reads it,
// because a file may have been edited by hand.
import { z } from 'zod'
import { jobRecordSchema } from '../dlq/redrive-record.ts'
import type { JobRecord } from '../dlq/redrive-record.ts'
import type { Binding } from '../exchanges/binding.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import { tableFromJson, tableToJson } from '../protocol/table-json.ts'
import type { JsonPair } from '../protocol/table-json.ts'
import type { FieldTable } from '../protocol/table.ts'
import type { Deduplication } from '../queues/deduplication.ts'
import type { Queue } from '../queues/queue.ts'
import type { Definition } from '../store/store.ts'
import type { Permission, TopicPermission } from './access.ts'
import { deduplicationOf } from './exchange-deduplication.ts'
import { DEFAULT_HASHING, HASHING_ALGORITHMS } from './passwords.ts'
import { APPLY_TO } from './policies.ts'
import type { Policy, PolicyKind } from './policies.ts'
import type { User } from './users.ts'
import { DEFAULT_QUEUE_TYPES } from './vhost-facts.ts'
import type { VHostFacts } from './vhost-facts.ts'
import { webhookRecordSchema } from './webhook-record.ts'
import type { WebhookRecord } from './webhook-record.ts'

export type DefinitionKind =
  | 'vhost' | 'user' | 'permission' | 'topic-permission' | 'global-parameter'
  | 'exchange' | 'queue' | 'binding' | 'policy' | 'operator-policy' | 'redrive-job'
  | 'webhook'

export class DefinitionUnreadable extends Error {
  override name = 'DefinitionUnreadable'
}

const tableSchema = z.array(z.custom<JsonPair>(Array.isArray))
  .transform((pairs): FieldTable => tableFromJson(pairs))
/** Under which number the keys of a deduplicating owner are stored; 0: not at all. */
const keysIdSchema = z.number().int().nonnegative().default(0)
const exchangeSchema = z.object({
  type: z.string(), autoDelete: z.boolean(), internal: z.boolean(), arguments: tableSchema,
  keysId: keysIdSchema,
})
const queueSchema = z.object({
  id: z.number().int().positive(), autoDelete: z.boolean(), isPaused: z.boolean().default(false),
  keysId: keysIdSchema, arguments: tableSchema,
})
const bindingSchema = z.object({
  source: z.string(), kind: z.enum(['queue', 'exchange']), destination: z.string(), routingKey: z.string(),
  arguments: tableSchema,
})
const limitSchema = z.number().int().exactOptional()
const userSchema = z.object({
  passwordHash: z.string(), tags: z.array(z.string()),
  hashing: z.enum(HASHING_ALGORITHMS).default(DEFAULT_HASHING),
  limits: z.object({ 'max-connections': limitSchema, 'max-channels': limitSchema }).default({}),
})
// Version 0.1 knew no patterns: a permission was for everything.
const pattern = z.string().default('.*')
const permissionSchema = z.object({
  user: z.string(), vhost: z.string(), configure: pattern, write: pattern, read: pattern,
})
const topicPermissionSchema = z.object({
  user: z.string(), vhost: z.string(), exchange: z.string(), write: z.string(), read: z.string(),
})
const vhostSchema = z.object({
  description: z.string().default(''), tags: z.array(z.string()).default([]),
  defaultQueueType: z.enum(DEFAULT_QUEUE_TYPES).default('classic'), isProtected: z.boolean().default(false),
  limits: z.object({ 'max-connections': limitSchema, 'max-queues': limitSchema }).default({}),
})
const policySchema = z.object({
  pattern: z.string(), applyTo: z.enum(APPLY_TO), priority: z.number().int(),
  definition: z.record(z.string(), z.json()),
})
const globalParameterSchema = z.object({ value: z.json() })

const read = <T>(schema: z.ZodType<T>) => (definition: Definition): T => {
  try {
    return schema.parse(JSON.parse(definition.doc ?? 'null'))
  } catch (error) {
    throw new DefinitionUnreadable(
      `the stored ${definition.kind} ${JSON.stringify(definition.name)} can't be read: ${String(error)}`)
  }
}

export const readExchange = read(exchangeSchema)
export const readQueue = read(queueSchema)
export const readBinding = read(bindingSchema)
export const readUser = read(userSchema)
export const readPermission = read(permissionSchema)
export const readTopicPermission = read(topicPermissionSchema)
export const readVHost = read(vhostSchema)
export const readPolicy = read(policySchema)
export const readGlobalParameter = read(globalParameterSchema)
export const readRedriveJob = read(jobRecordSchema)
export const readWebhook = read(webhookRecordSchema)

export function exchangeDefinition(exchange: Exchange): Definition {
  const { type, flags, args } = exchange
  return define('exchange', exchange.name, {
    type: type.name, autoDelete: flags.isAutoDelete, internal: flags.isInternal, arguments: tableToJson(args),
    ...keysIdOf(deduplicationOf(exchange)),
  })
}

export function queueDefinition(queue: Queue): Definition {
  return define('queue', queue.name, {
    id: queue.id, autoDelete: queue.flags.isAutoDelete, arguments: tableToJson(queue.args),
    ...queue.consumers.isPaused && { isPaused: true },
    ...keysIdOf(queue.deduplication),
  })
}

function keysIdOf(deduplication: Deduplication | null): { keysId: number } | null {
  return deduplication === null || deduplication.keysId === 0 ? null : { keysId: deduplication.keysId }
}

export function bindingDefinition(binding: Binding): Definition {
  return define('binding', bindingName(binding), {
    source: binding.source, kind: binding.destination.kind, destination: binding.destination.name,
    routingKey: binding.routingKey, arguments: tableToJson(binding.args),
  })
}

export function userDefinition({ name, passwordHash, hashing, tags, limits }: User): Definition {
  return define('user', name, { passwordHash, hashing, tags, limits })
}

export function permissionDefinition(user: string, vhost: string, permission: Permission): Definition {
  return define('permission', JSON.stringify([user, vhost]), { user, vhost, ...permission })
}

export function topicPermissionDefinition(user: string, vhost: string, topic: TopicPermission): Definition {
  return define('topic-permission', JSON.stringify([user, vhost, topic.exchange]), { user, vhost, ...topic })
}

export function vhostDefinition(name: string, facts: VHostFacts): Definition {
  return define('vhost', name, facts)
}

export function policyDefinition(kind: PolicyKind, { name, ...policy }: Policy): Definition {
  return define(kind, name, policy)
}

export function globalParameterDefinition(name: string, value: unknown): Definition {
  return define('global-parameter', name, { value })
}

export function redriveJobDefinition(id: number, record: JobRecord): Definition {
  return define('redrive-job', String(id), record)
}

export function webhookDefinition(name: string, record: WebhookRecord): Definition {
  return define('webhook', name, record)
}

export function removal(kind: DefinitionKind, name: string): Definition {
  return { kind, name, doc: null }
}

export function bindingName(binding: Binding): string {
  return JSON.stringify([binding.source, binding.key])
}

function define(kind: DefinitionKind, name: string, doc: object): Definition {
  return { kind, name, doc: JSON.stringify(doc) }
}
