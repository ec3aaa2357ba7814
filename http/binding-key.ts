// `properties_key`: what tells bindings between the same two apart in paths. The routing key in the manner of
// HTML forms, and for arguments `~` and a hash; clients take it as it is.
import { createHash } from 'node:crypto'
import { canonicalTable } from '../protocol/table-json.ts'
import type { FieldTable } from '../protocol/table.ts'

/** As long as RabbitMQ's, whose value depends on Erlang. */
const HASH_LENGTH = 6

export function propertiesKey(routingKey: string, args: FieldTable): string {
  if (args.size === 0) return routingKey === '' ? '~' : formEncode(routingKey)
  const hash = createHash('sha256').update(canonicalTable(args)).digest('base64url').slice(0, HASH_LENGTH)
  return `${formEncode(routingKey)}~${hash}`
}

/** Only letters, digits and `_.-` stay; a space becomes `+`. */
function formEncode(text: string): string {
  return encodeURIComponent(text).replaceAll('%20', '+')
    .replaceAll(/[!'()*~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}
