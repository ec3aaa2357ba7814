// The shape of RabbitMQ's definitions files, of a whole cluster or of one vhost: what an export holds and an
// import takes (management-reference §2). What is not named here is ignored, as RabbitMQ does; what is named
// and has another shape is refused with its place.
import { z } from 'zod'
import type { Plain } from '../protocol/table-plain.ts'
import { DEFAULT_HASHING, HASHING_ALGORITHMS } from './passwords.ts'
import type { HashingAlgorithm } from './passwords.ts'
import { Refusal } from './refusal.ts'

/** Tags were one text with commas until 3.9. */
const tags = z.union([
  z.array(z.string()),
  z.string().transform((text) => text.split(',').map((tag) => tag.trim()).filter((tag) => tag !== '')),
])
const limits = z.record(z.string(), z.number().int()).default({})
const plainObject = z.record(z.string(), z.json() as z.ZodType<Plain>)
const args = plainObject.default({})
/** Items of a single vhost's file don't say which. */
const vhost = z.string().default('')

const user = z.object({
  name: z.string(), tags, limits,
  password_hash: z.string().exactOptional(), password: z.string().exactOptional(),
  hashing_algorithm: z.enum(HASHING_ALGORITHMS).exactOptional(),
})
const vhostMetadata = z.object({
  description: z.string().exactOptional(), tags: tags.exactOptional(),
  default_queue_type: z.string().exactOptional(),
})
const vhostItem = vhostMetadata.extend({
  name: z.string(), metadata: vhostMetadata.exactOptional(), limits,
})
const permission = z.object({
  user: z.string(), vhost, configure: z.string(), write: z.string(), read: z.string(),
})
const topicPermission = z.object({
  user: z.string(), vhost, exchange: z.string(), write: z.string(), read: z.string(),
})
const parameter = z.object({ component: z.string(), vhost, name: z.string(), value: z.json() })
const globalParameter = z.object({ name: z.string(), value: z.json() })
const policy = z.object({
  vhost, name: z.string(), 'pattern': z.string(), 'definition': plainObject,
  'apply-to': z.string().default('all'), 'priority': z.number().int().default(0),
})
const queue = z.object({
  name: z.string(), vhost, durable: z.boolean().default(true), auto_delete: z.boolean().default(false),
  arguments: args,
})
const exchange = z.object({
  name: z.string(), vhost, type: z.string(), durable: z.boolean().default(true),
  auto_delete: z.boolean().default(false), internal: z.boolean().default(false), arguments: args,
})
const binding = z.object({
  source: z.string(), vhost, destination: z.string(), destination_type: z.enum(['queue', 'exchange']),
  routing_key: z.string().default(''), arguments: args,
})

const fileSchema = z.object({
  rabbit_version: z.string().default(''),
  users: z.array(user).default([]),
  vhosts: z.array(vhostItem).default([]),
  permissions: z.array(permission).default([]),
  topic_permissions: z.array(topicPermission).default([]),
  parameters: z.array(parameter).default([]),
  global_parameters: z.array(globalParameter).default([]),
  policies: z.array(policy).default([]),
  queues: z.array(queue).default([]),
  exchanges: z.array(exchange).default([]),
  bindings: z.array(binding).default([]),
})

export type DefinitionsFile = z.infer<typeof fileSchema>
export type UserItem = DefinitionsFile['users'][number]
export type VHostItem = DefinitionsFile['vhosts'][number]
export type PolicyItem = DefinitionsFile['policies'][number]
export type TopicPermissionItem = DefinitionsFile['topic_permissions'][number]
export type ParameterItem = DefinitionsFile['parameters'][number]
export type QueueItem = DefinitionsFile['queues'][number]
export type ExchangeItem = DefinitionsFile['exchanges'][number]
export type BindingItem = DefinitionsFile['bindings'][number]

/** Errors: Refusal. */
export function parseDefinitions(value: unknown): DefinitionsFile {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Refusal('failed_to_parse_json')
  }
  const parsed = fileSchema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new Refusal(`${issue?.path.join('.') ?? 'definitions'}: ${issue?.message ?? 'not as expected'}`)
}

/** Everything in it belongs to this vhost, whatever it says; what belongs to no vhost is left out. */
export function scopeDefinitions(file: DefinitionsFile, vhost: string): DefinitionsFile {
  const inside = <T extends { vhost: string }>(items: readonly T[]): T[] =>
    items.map((item) => ({ ...item, vhost }))
  return {
    ...file, users: [], vhosts: [], permissions: [], topic_permissions: [], global_parameters: [],
    parameters: inside(file.parameters), policies: inside(file.policies), queues: inside(file.queues),
    exchanges: inside(file.exchanges), bindings: inside(file.bindings),
  }
}

/** Of a user whose hash says not how it was made: before 3.6 it was MD5 (RabbitMQ). */
export function hashingOf(item: UserItem, file: DefinitionsFile): HashingAlgorithm {
  if (item.hashing_algorithm !== undefined) return item.hashing_algorithm
  return /^(?:[12]|3\.[0-5])\./.test(file.rabbit_version) ? 'rabbit_password_hashing_md5' : DEFAULT_HASHING
}
