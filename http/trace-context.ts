// W3C Trace Context: `traceparent` and `tracestate` of a request go into the headers of the messages it
// publishes, where OpenTelemetry's instrumentations of AMQP clients look for them, and out of those into the
// headers of what hands a message out. Invariant: what a message carries itself stays, and a value that is
// not well-formed is as if it were not there (W3C Trace Context §3.2).

/** Of a request, by lower-case name. */
export type HttpHeaders = Readonly<Record<string, string | string[] | undefined>>

const PARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/
/** The shortest that a vendor must be able to pass on (§3.3.1.5). */
const STATE_LENGTH_MAX = 512

/** The properties with the request's trace, unless they have one. */
export function withTrace(
  properties: Record<string, unknown>, request: HttpHeaders,
): Record<string, unknown> {
  const { traceparent, tracestate } = request
  if (typeof traceparent !== 'string' || !PARENT.test(traceparent)) return properties
  const headers = properties['headers'] ?? {}
  if (typeof headers !== 'object' || 'traceparent' in headers) return properties
  const hasState = typeof tracestate === 'string' && tracestate.length <= STATE_LENGTH_MAX
  return { ...properties, headers: { ...headers, traceparent, ...hasState && { tracestate } } }
}

/** As HTTP headers, what a message's table has of a trace. */
export function traceOf(table: Readonly<Record<string, unknown>>): Record<string, string> {
  const { traceparent, tracestate } = table
  if (typeof traceparent !== 'string' || !PARENT.test(traceparent)) return {}
  const hasState = typeof tracestate === 'string' && tracestate.length <= STATE_LENGTH_MAX
    && /^[\x20-\x7e]*$/.test(tracestate)
  return { traceparent, ...hasState && { tracestate } }
}
