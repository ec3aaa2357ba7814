// The schemas that bodies and queries share, and how a failed one reads. RabbitMQ names every key that is
// missing at once, and otherwise the first value that does not fit.
import { z } from 'zod'
import { cleanName } from '../protocol/names.ts'
import type { FieldTable } from '../protocol/table.ts'
import { badRequest } from './errors.ts'
import type { HttpError } from './errors.ts'
import { tableFromObject } from './table-as-json.ts'

/** A body that is no JSON object, or is looked at by the handler: it comes as it was sent. */
export const anyBytes = z.instanceof(Buffer)

/** A body as HTML forms send it: texts by name. */
export const formFields = z.record(z.string(), z.string())

/** RabbitMQ takes the texts too, as HTML forms send them. */
export const looseBoolean = z.union([
  z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true'),
], { error: ({ input }) => `not_boolean: ${show(input)}` })

/** An integer, or a text of digits. */
export const looseInteger = z.union([
  z.int(), z.string().regex(/^-?\d{1,15}$/).transform(Number),
], { error: ({ input }) => `not_integer: ${show(input)}` })

/** In a query. `what` it counts is said by the parameter. */
export const integerFrom = (min: number, max: number, fallback: number): z.ZodType<number> =>
  z.union([z.int(), z.string().regex(/^-?\d{1,15}$/).transform(Number)], {
    error: ({ input }) => `not_integer: ${show(input)}`,
  }).refine((value) => value >= min && value <= max, {
    error: ({ input }) => `not_in_range: ${String(input)} is not between ${min} and ${max}`,
  }).default(fallback)

export const text = z.string({ error: ({ input }) => `not_string: ${show(input)}` })

/** User tags and vhost tags: a list, or one text with commas. */
export const tagList = z.union([
  z.array(z.string()),
  z.string().transform((given) => given.split(',').map((tag) => tag.trim()).filter((tag) => tag !== '')),
], { error: ({ input }) => `not_tags: ${show(input)}` })

/** A flag in a query: only the literal `true` counts. */
export const queryFlag = z.string().optional().transform((value) => value === 'true')

/** Arguments of a queue, an exchange or a binding; RabbitMQ takes an empty array for none. */
export const amqpArguments = z.union([
  z.tuple([]).transform(() => ({})), z.record(z.string(), z.unknown()),
], { error: ({ input }) => `not_an_object: ${show(input)}` }).optional()
  .transform((given): FieldTable => tableFromObject(given ?? {}))

/** A short string: 255 bytes are all that AMQP can carry. */
const SHORT_BYTES_MAX = 255
export const shortText = text.refine((value) => !/\p{Surrogate}/u.test(value), {
  error: 'not_unicode: half of a surrogate pair',
}).refine((value) => Buffer.byteLength(value) <= SHORT_BYTES_MAX, {
  error: ({ input }) => `too_long: ${Buffer.byteLength(String(input))} bytes, more than ${SHORT_BYTES_MAX}`,
})

/** A name that is about to be given. Errors: HttpError. */
export function newName(name: string): string {
  return cleanName(shortName(name))
}

/** A text that AMQP can carry, not in a body. Errors: HttpError. */
export function shortName(name: string): string {
  const parsed = shortText.safeParse(name)
  if (!parsed.success) throw badRequest(parsed.error.issues[0]!.message)
  return name
}

/** Errors: HttpError. */
export function validate<T>(schema: z.ZodType<T>, value: object): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw refusal(parsed.error.issues, value)
}

function refusal(issues: readonly z.core.$ZodIssue[], value: object): HttpError {
  const missing = issues.filter((issue) => issue.path.length === 1 && !(String(issue.path[0]) in value))
  if (missing.length > 0) {
    return badRequest(`[${missing.map((issue) => `{key_missing,${String(issue.path[0])}}`).join(',')}]`)
  }
  const [first] = issues
  if (first === undefined) return badRequest('the body does not fit')
  // A message that names a kind of value is to be told which value; others are RabbitMQ's, word for word.
  const isGeneral = /^(?:not|too)_\w+:/.test(first.message) && first.path.length > 0
  return badRequest(isGeneral ? `${first.path.join('.')}: ${first.message}` : first.message)
}

/** Short, whatever somebody sent. */
function show(input: unknown): string {
  if (typeof input === 'object' && input !== null) return Array.isArray(input) ? 'an array' : 'an object'
  return JSON.stringify(typeof input === 'string' ? input.slice(0, 100) : input)
}
