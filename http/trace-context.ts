// W3C Trace Context: `traceparent` and `tracestate` of a request go into the headers of the messages it
// publishes, where OpenTelemetry's instrumentations of AMQP clients look for them, and out of those into the
// headers of what hands a message out. Invariant: what a message carries itself stays.
import { isTraceState, readTraceParent } from '../protocol/trace-context.ts'

/** Of a request, by lower-case name. */
export type HttpHeaders = Readonly<Record<string, string | string[] | undefined>>

/** The properties with the request's trace, unless they have one. */
export function withTrace(
  properties: Record<string, unknown>, request: HttpHeaders,
): Record<string, unknown> {
  const trace = traceOf(request)
  const headers = properties['headers'] ?? {}
  if (!('traceparent' in trace) || typeof headers !== 'object' || 'traceparent' in headers) return properties
  return { ...properties, headers: { ...headers, ...trace } }
}

/** As HTTP headers, what a message's table, or a request, has of a trace. */
export function traceOf(table: Readonly<Record<string, unknown>>): Record<string, string> {
  const { traceparent, tracestate } = table
  if (typeof traceparent !== 'string' || readTraceParent(traceparent) === null) return {}
  return { traceparent, ...isTraceState(tracestate) && { tracestate } }
}
