// The topology as records of the store: how exchanges, queues, bindings, vhosts, users and permissions are
// written, and read back at boot. The only file that knows the JSON; zod reads it, because a file may have
// been edited by hand.
import { z } from 'zod'
import type { Binding } from '../exchanges/binding.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import { tableFromJson, tableToJson } from '../protocol/table-json.ts'
import type { JsonPair } from '../protocol/table-json.ts'
import type { FieldTable } from '../protocol/table.ts'
import type { Queue } from '../queues/queue.ts'
import type { Definition } from '../store/store.ts'
import type { User } from './users.ts'

export type DefinitionKind = 'vhost' | 'user' | 'permission' | 'exchange' | 'queue' | 'binding'

export class DefinitionUnreadable extends Error {
  override name = 'DefinitionUnreadable'
}

const tableSchema = z.array(z.custom<JsonPair>(Array.isArray))
  .transform((pairs): FieldTable => tableFromJson(pairs))
const exchangeSchema = z.object({
  type: z.string(), autoDelete: z.boolean(), internal: z.boolean(), arguments: tableSchema,
})
const queueSchema = z.object({
  id: z.number().int().positive(), autoDelete: z.boolean(), arguments: tableSchema,
})
const bindingSchema = z.object({
  source: z.string(), kind: z.enum(['queue', 'exchange']), destination: z.string(), routingKey: z.string(),
  arguments: tableSchema,
})
const userSchema = z.object({ passwordHash: z.string(), tags: z.array(z.string()) })
const permissionSchema = z.object({ user: z.string(), vhost: z.string() })

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

export function exchangeDefinition(exchange: Exchange): Definition {
  const { type, flags, args } = exchange
  return define('exchange', exchange.name, {
    type: type.name, autoDelete: flags.isAutoDelete, internal: flags.isInternal, arguments: tableToJson(args),
  })
}

export function queueDefinition(queue: Queue): Definition {
  return define('queue', queue.name, {
    id: queue.id, autoDelete: queue.flags.isAutoDelete, arguments: tableToJson(queue.args),
  })
}

export function bindingDefinition(binding: Binding): Definition {
  return define('binding', bindingName(binding), {
    source: binding.source, kind: binding.destination.kind, destination: binding.destination.name,
    routingKey: binding.routingKey, arguments: tableToJson(binding.args),
  })
}

export function userDefinition(user: User): Definition {
  return define('user', user.name, { passwordHash: user.passwordHash, tags: user.tags })
}

export function permissionDefinition(user: string, vhost: string): Definition {
  return define('permission', JSON.stringify([user, vhost]), { user, vhost })
}

export function vhostDefinition(name: string): Definition {
  return define('vhost', name, {})
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
