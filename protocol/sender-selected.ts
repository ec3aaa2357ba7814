// CC and BCC: routing keys that a sender adds in headers (RabbitMQ's sender-selected distribution). Both are
// arrays of strings; items of other types are skipped.
import { preconditionFailed } from './errors.ts'
import type { ContentHeader } from './content-header.ts'
import { FIELD_TYPE_NAMES, decodeFieldAt } from './table.ts'

/** The message's own key, then CC's, then BCC's. Errors: precondition-failed when either is no array. */
export function senderSelectedKeys(header: ContentHeader, routingKey: string): string[] {
  return [routingKey, ...keysAt(header, 'CC', header.ccAt), ...keysAt(header, 'BCC', header.bccAt)]
}

function keysAt(header: ContentHeader, name: string, at: number): string[] {
  if (at < 0) return []
  const field = decodeFieldAt(header.buf, at, header.propertiesEnd)
  if (field.tag !== 'A') {
    throw preconditionFailed(
      `invalid message: {unacceptable_type_in_header,"${name}",${FIELD_TYPE_NAMES[field.tag]}}`)
  }
  return field.value.flatMap((item) => (item.tag === 'S' ? [item.value] : []))
}
