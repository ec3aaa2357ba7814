// W3C Trace Context, as messages and HTTP requests carry it: `traceparent`, `tracestate`. Read by the HTTP
// door, which carries it through, and by runtime/tracing/, whose spans hang from it. Invariant: a value that
// is not well-formed is as if it were not there (§3.2).

export interface TraceParent {
  readonly traceId: string
  readonly spanId: string
  readonly flags: number
}

/** version - trace id - parent id - flags, and what a version after 00 may add. Neither id is all zeros. */
const PARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
/** The shortest that a vendor must be able to pass on (§3.3.1.5). */
const STATE_LENGTH_MAX = 512

/** Null for what is no traceparent. */
export function readTraceParent(value: unknown): TraceParent | null {
  const match = typeof value === 'string' ? PARENT.exec(value) : null
  if (match === null) return null
  const [, version, traceId, spanId, flags, more] = match
  if (version === '00' && more !== undefined) return null
  return { traceId: traceId!, spanId: spanId!, flags: Number.parseInt(flags!, 16) }
}

export function isTraceState(value: unknown): value is string {
  return typeof value === 'string' && value.length <= STATE_LENGTH_MAX && /^[\x20-\x7e]*$/.test(value)
}
