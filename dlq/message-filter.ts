// Which messages somebody looks for: what the store can tell by their bytes, and what has to be read of their
// properties and history. Made by the HTTP door from a query, kept by jobs as JSON; the field names are those
// of the API. Invariant: bytes only rule out, what they let through is read precisely.
import { z } from 'zod'
import { ContentHeader } from '../protocol/content-header.ts'
import { decodeProperties, PROPERTY_KINDS } from '../protocol/properties.ts'
import type { PropertyName } from '../protocol/properties.ts'
import { encodeTable } from '../protocol/table-encode.ts'
import type { Field, FieldTable } from '../protocol/table.ts'
import type { MessageFilter } from '../queues/browser.ts'
import type { Message } from '../queues/message.ts'
import { deathsOf } from './death-view.ts'
import { exceptionOf } from './exception.ts'
import { matchesTopic } from './topic-pattern.ts'

const PROPERTY_NAMES = Object.keys(PROPERTY_KINDS).filter((name) => name !== 'headers') as PropertyName[]
const SHORT_BYTES_MAX = 255

const shortText = z.string().refine((text) => Buffer.byteLength(text) <= SHORT_BYTES_MAX, {
  error: `must have ${SHORT_BYTES_MAX} bytes at most`,
})
const size = z.int().nonnegative()
/** Seconds since the epoch, or a date as text. */
const moment = z.union([
  z.number(), z.string().refine((text) => !Number.isNaN(Date.parse(text)), { error: 'is no date' }),
]).transform((value) => (typeof value === 'number' ? value : Date.parse(value) / 1000))

export const filterSchema = z.strictObject({
  routing_key: shortText, routing_key_pattern: shortText, exchange: shortText,
  headers: z.record(shortText, z.string()),
  properties: z.partialRecord(z.enum(PROPERTY_NAMES), z.string()),
  death_queue: shortText, death_reason: shortText, died_before: moment, died_after: moment,
  exception: z.string(), size_min: size, size_max: size, body: z.string().min(1),
}).partial()

export type FilterSpec = z.infer<typeof filterSchema>

type Test = (message: Message, headers: FieldTable | null) => boolean

export function compileFilter(spec: FilterSpec): MessageFilter {
  const tests = testsOf(spec)
  const header = new ContentHeader()
  const readsHeaders = spec.headers !== undefined || spec.exception !== undefined || isAboutDeath(spec)
  return {
    stored: {
      routingKey: spec.routing_key ?? null, sizeMin: spec.size_min ?? 0, sizeMax: spec.size_max ?? Infinity,
      isDeadLetter: isAboutDeath(spec), headHas: bytesOf(spec),
      bodyHas: spec.body === undefined ? null : Buffer.from(spec.body),
    },
    accepts(message) {
      let headers: FieldTable | null = null
      if (readsHeaders) {
        header.readProperties(message.buf, message.propertiesStart, message.propertiesEnd)
        headers = header.decodeHeaders()
      }
      return tests.every((test) => test(message, headers))
    },
  }
}

/** A header's value as a filter names it; null for what no text stands for. */
export function textOf(field: Field | undefined): string | null {
  if (field === undefined) return null
  switch (field.tag) {
    case 'V': case 'A': case 'F': case 'D': case 'x': return null
    default: return String(field.value)
  }
}

function isAboutDeath(spec: FilterSpec): boolean {
  return [spec.death_queue, spec.death_reason, spec.died_before, spec.died_after]
    .some((each) => each !== undefined)
}

function testsOf(spec: FilterSpec): Test[] {
  const tests: Test[] = []
  const { exchange, routing_key_pattern: pattern, exception } = spec
  if (exchange !== undefined) tests.push((message) => message.exchange === exchange)
  if (pattern !== undefined) tests.push((message) => matchesTopic(pattern, message.routingKey))
  for (const [name, value] of Object.entries(spec.headers ?? {})) {
    tests.push((_message, headers) => textOf(headers?.get(name)) === value)
  }
  const properties = Object.entries(spec.properties ?? {}) as [PropertyName, string][]
  if (properties.length > 0) {
    tests.push(({ buf, propertiesStart }) => {
      const found = decodeProperties(buf, propertiesStart)
      return properties.every(([name, value]) => found[name] !== undefined && String(found[name]) === value)
    })
  }
  if (exception !== undefined) tests.push((_message, headers) => exceptionOf(headers) === exception)
  if (isAboutDeath(spec)) tests.push((message, headers) => hasDied(spec, message, headers))
  return tests
}

/** Queue and reason are those of one death; the time is that of the latest. */
function hasDied(spec: FilterSpec, { isDeadLetter }: Message, headers: FieldTable | null): boolean {
  const deaths = deathsOf(headers, isDeadLetter)
  const [latest] = deaths
  if (latest === undefined) return false
  if (spec.died_before !== undefined && latest.timeS >= spec.died_before) return false
  if (spec.died_after !== undefined && latest.timeS <= spec.died_after) return false
  return deaths.some(({ queue, reason }) => queue === (spec.death_queue ?? queue)
    && reason === (spec.death_reason ?? reason))
}

/** As they lie in the properties, when a message has what is asked for. */
function bytesOf(spec: FilterSpec): Buffer[] {
  const bytes = Object.entries(spec.headers ?? {}).map(([name, value]) => pairOf(name, value))
  for (const [name, value] of Object.entries(spec.properties ?? {}) as [PropertyName, string][]) {
    if (PROPERTY_KINDS[name] === 'text') bytes.push(shortString(value))
  }
  if (spec.death_queue !== undefined) bytes.push(pairOf('queue', spec.death_queue))
  if (spec.death_reason !== undefined) bytes.push(pairOf('reason', spec.death_reason))
  return bytes
}

/** Name and value of a header that is a text; of what may be a number or a boolean too, the name alone. */
function pairOf(name: string, value: string): Buffer {
  const mayBeOther = value === 'true' || value === 'false' || !Number.isNaN(Number(value))
  return mayBeOther ? shortString(name) : encodeTable(new Map([[name, { tag: 'S', value }]]))
}

function shortString(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([Buffer.from([bytes.length]), bytes])
}
