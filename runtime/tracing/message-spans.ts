// Spans of messages, through OpenTelemetry's API: one when a client publishes, one of the time in a queue and
// one of the delivery, each time a message goes out. Loaded by server.ts when the setting `tracing` is on,
// and only then. Invariant: a span has its place in the trace whose context the message carries, or, when it
// carries none, in one that its first span began; the message itself is left as it came.
//
// The bundle leaves @opentelemetry/api outside, though one inside would do: copies of the package find each
// other by a global symbol with its major version. But a copy takes only a provider that was registered by
// one of the same or a later minor version, and outside it can be exchanged for that reason.
import {
  ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, createTraceState, trace,
} from '@opentelemetry/api'
import type { Attributes, Context, Span, SpanContext, Tracer } from '@opentelemetry/api'
import type { Clock } from '../../base/clock.ts'
import { ContentHeader, findHeader } from '../../protocol/content-header.ts'
import { isTraceState, readTraceParent } from '../../protocol/trace-context.ts'
import type { Entry } from '../../queues/entry.ts'
import type { Message } from '../../queues/message.ts'
import type { MessageTracer, PublishOutcome } from '../../queues/message-tracer.ts'
import type { Logger } from '../log.ts'
import { ATTRIBUTES, destinationOf, nameOf } from './span-attributes.ts'

export type TraceVHost = (vhost: string) => MessageTracer

const TRACE_PARENT = Buffer.from('traceparent')
const TRACE_STATE = Buffer.from('tracestate')
/** Of a parent that is asked about, never of a span that is made. */
const PROBE: SpanContext =
  { traceId: '1'.repeat(32), spanId: '1'.repeat(16), traceFlags: TraceFlags.NONE, isRemote: true }

/** Warns when spans go nowhere. */
export function traceMessages(clock: Clock, log: Logger): TraceVHost {
  const tracer = trace.getTracer('leveret')
  if (!isListening(tracer)) {
    log.warn({}, 'tracing is on, but spans go nowhere: no OpenTelemetry SDK is registered in this process, '
      + 'or by an @opentelemetry/api before 1.9 (docs/tracing.md)')
  }
  return (vhost) => new MessageSpans(tracer, clock, vhost)
}

/** An SDK gives each span an id of its own, also one that is not sampled; without one it has its parent's. */
function isListening(tracer: Tracer): boolean {
  const span = tracer.startSpan('probe', {}, trace.setSpanContext(ROOT_CONTEXT, PROBE))
  return span.spanContext().spanId !== PROBE.spanId
}

class MessageSpans implements MessageTracer {
  private readonly tracer: Tracer
  private readonly clock: Clock
  private readonly vhost: string
  /** First spans of messages that carry no context, while these are in memory. */
  private readonly begun = new WeakMap<Message, SpanContext>()
  private readonly header = new ContentHeader()
  /** What the next span of the message that was looked at last is a child of. */
  private parent: Context = ROOT_CONTEXT

  constructor(tracer: Tracer, clock: Clock, vhost: string) {
    this.tracer = tracer
    this.clock = clock
    this.vhost = vhost
  }

  published(message: Message, queueCount: number, outcome: PublishOutcome): void {
    const { clock: { nowMs } } = this
    const { exchange } = message
    this.lookAt(message)
    const span = this.start('publish', exchange === '' ? 'amq.default' : exchange, message, null, nowMs, {
      [ATTRIBUTES.operationType]: 'send',
      [ATTRIBUTES.publishOutcome]: outcome,
      [ATTRIBUTES.publishQueues]: queueCount,
    })
    if (outcome === 'returned' || outcome === 'refused') {
      span.setAttribute(ATTRIBUTES.errorType, outcome)
      span.setStatus({ code: SpanStatusCode.ERROR })
    }
    span.end(nowMs)
  }

  delivered(entry: Entry, queue: string, consumerTag: string | null, cameMs: number | null): void {
    const { clock: { nowMs } } = this
    const { message } = entry
    const redelivered = { [ATTRIBUTES.redelivered]: entry.isRedelivered }
    this.lookAt(message)
    if (cameMs !== null) this.start('queue', queue, message, queue, cameMs, redelivered).end(nowMs)
    this.start(consumerTag === null ? 'get' : 'deliver', queue, message, queue, nowMs, {
      ...redelivered,
      ...consumerTag !== null && { [ATTRIBUTES.consumerTag]: consumerTag },
      ...cameMs === null && { [ATTRIBUTES.queueTimeUnknown]: true },
    }).end(nowMs)
  }

  private lookAt(message: Message): void {
    const parent = carriedBy(message) ?? this.begun.get(message)
    this.parent = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent)
  }

  /** Of the message that was looked at. `place`: what it is done to; `queue`: where that is one. */
  private start(
    operation: string, place: string, message: Message, queue: string | null, startTime: number,
    more: Attributes,
  ): Span {
    const attributes = {
      [ATTRIBUTES.system]: 'rabbitmq',
      [ATTRIBUTES.operationName]: operation,
      [ATTRIBUTES.destinationName]: destinationOf(message, queue),
      [ATTRIBUTES.vhost]: this.vhost,
      [ATTRIBUTES.exchange]: message.exchange,
      ...more,
    }
    const options = { kind: SpanKind.INTERNAL, attributes, startTime }
    const span = this.tracer.startSpan(nameOf(operation, place), options, this.parent)
    if (this.parent === ROOT_CONTEXT) {
      this.begun.set(message, span.spanContext())
      this.parent = trace.setSpanContext(ROOT_CONTEXT, span.spanContext())
    }
    if (span.isRecording()) describe(span, message, queue, this.header)
    return span
  }
}

/** What does not decide about sampling: looked up only for spans that are recorded. */
function describe(span: Span, message: Message, queue: string | null, header: ContentHeader): void {
  header.readProperties(message.buf, message.propertiesStart, message.propertiesEnd)
  span.setAttribute(ATTRIBUTES.bodySize, message.bodyBytes)
  if (message.routingKey !== '') span.setAttribute(ATTRIBUTES.routingKey, message.routingKey)
  if (queue !== null) span.setAttribute(ATTRIBUTES.queue, queue)
  const messageId = header.property('message_id')
  if (messageId !== null) span.setAttribute(ATTRIBUTES.messageId, messageId)
  const correlationId = header.property('correlation_id')
  if (correlationId !== null) span.setAttribute(ATTRIBUTES.conversationId, correlationId)
}

/** Of a message with a well-formed traceparent. */
function carriedBy({ buf, propertiesStart }: Message): SpanContext | undefined {
  const parent = readTraceParent(findHeader(buf, propertiesStart, TRACE_PARENT)?.value)
  if (parent === null) return undefined
  const state = findHeader(buf, propertiesStart, TRACE_STATE)?.value
  return {
    traceId: parent.traceId, spanId: parent.spanId, traceFlags: parent.flags, isRemote: true,
    ...isTraceState(state) && { traceState: createTraceState(state) },
  }
}
