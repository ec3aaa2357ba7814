// A filter of messages in a query: `header.NAME=value` and `property.NAME=value` beside plain fields. In a
// body the same is an object, which dlq/message-filter.ts reads.
import { filterSchema } from '../dlq/message-filter.ts'
import type { FilterSpec } from '../dlq/message-filter.ts'
import { badRequest } from './errors.ts'

const NUMBERS = ['size_min', 'size_max']
const FIELDS = Object.keys(filterSchema.shape).filter((name) => name !== 'headers' && name !== 'properties')

/** For the documentation of endpoints that take one. */
export const FILTER_DOC = 'Filters: `routing_key`, `routing_key_pattern` (as of a topic exchange), '
  + '`exchange`, `header.NAME`, `property.NAME`, `death_queue`, `death_reason`, `died_before` and '
  + '`died_after` (a date or seconds since the epoch; messages carry no other time), `exception`, '
  + '`size_min`, `size_max` and `body` (a text in it).'

/**
 * `others`: parameters of the endpoint. Errors: HttpError for a value that does not fit, and for a name that
 * is none: what was misspelt would be deleted with the rest.
 */
export function readFilter(
  query: Readonly<Record<string, unknown>>, others: readonly string[],
): FilterSpec {
  const spec: Record<string, unknown> = {}
  const headers: Record<string, unknown> = {}
  const properties: Record<string, unknown> = {}
  for (const [name, given] of Object.entries(query)) {
    const value: unknown = Array.isArray(given) ? given[0] : given
    if (name.startsWith('header.')) headers[name.slice('header.'.length)] = value
    else if (name.startsWith('property.')) properties[name.slice('property.'.length)] = value
    else if (FIELDS.includes(name)) spec[name] = isNumber(name, value) ? Number(value) : value
    else if (name !== 'columns' && !others.includes(name)) {
      throw badRequest(`${name.slice(0, 100)}: no such parameter or filter`)
    }
  }
  if (Object.keys(headers).length > 0) spec['headers'] = headers
  if (Object.keys(properties).length > 0) spec['properties'] = properties
  const parsed = filterSchema.safeParse(spec)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw badRequest(`${issue!.path.join('.')}: ${issue!.message}`)
}

function isNumber(name: string, value: unknown): boolean {
  const isMoment = name === 'died_before' || name === 'died_after'
  return (NUMBERS.includes(name) || isMoment) && /^\d+$/.test(String(value))
}
