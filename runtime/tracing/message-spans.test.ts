// Spans as OpenTelemetry's SDK gets them from a server in this process, which AMQP and HTTP clients use.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SpanStatusCode, trace } from '@opentelemetry/api'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { connect } from 'amqplib'
import type { ChannelModel, ConfirmChannel, GetMessage } from 'amqplib'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { startLocalServer } from '../../test/local-server.ts'
import type { RunningServer } from '../server.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const PUBLISHER = '00f067aa0ba902b7'
const traceparent = `00-${TRACE}-${PUBLISHER}-01`
const startedS = Math.floor(Date.now() / 1000)

const exporter = new InMemorySpanExporter()
let server: RunningServer
let client: ChannelModel
let channel: ConfirmChannel

beforeAll(async () => {
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
  server = await startLocalServer({ tracing: true })
  client = await connect(server.amqpUrl)
})

afterAll(async () => {
  await client.close()
  await server.close()
  trace.disable()
})

beforeEach(async () => {
  channel = await client.createConfirmChannel()
  await channel.assertQueue('q')
  await channel.purgeQueue('q')
  exporter.reset()
})
afterEach(() => channel.close())

/** When there are so many. */
function spans(count: number): Promise<ReadableSpan[]> {
  return vi.waitFor(() => {
    const finished = exporter.getFinishedSpans()
    expect(finished.map(({ name }) => name)).toHaveLength(count)
    return finished
  }, { timeout: 10_000 })
}

async function send(headers: object = {}, more: object = {}): Promise<void> {
  channel.sendToQueue('q', Buffer.from('hello'), { headers, ...more })
  await channel.waitForConfirms()
}

const parents = (finished: readonly ReadableSpan[]): unknown[] =>
  finished.map((span) => [span.name, span.spanContext().traceId, span.parentSpanContext?.spanId])

describe('a message with a traceparent', () => {
  it('has its publish, its time in the queue and its delivery in the trace of its publisher', async () => {
    await send({ traceparent, tracestate: 'vendor=7' })
    const { consumerTag } = await channel.consume('q', () => {}, { noAck: true })
    const finished = await spans(3)
    expect(parents(finished)).toEqual(
      ['publish amq.default', 'queue q', 'deliver q'].map((name) => [name, TRACE, PUBLISHER]))
    const [publish, , deliver] = finished
    expect(publish!.parentSpanContext).toMatchObject({ isRemote: true })
    expect(publish!.spanContext().traceState?.serialize()).toBe('vendor=7')
    expect(deliver!.attributes).toMatchObject({ 'leveret.consumer_tag': consumerTag })
  })

  it('is handed out as it came', async () => {
    await send({ traceparent, tracestate: 'vendor=7' })
    const got = await channel.get('q', { noAck: true }) as GetMessage
    expect(got.properties.headers).toEqual({ traceparent, tracestate: 'vendor=7' })
  })

  it('whose trace is not sampled has no spans', async () => {
    await send({ traceparent: `${traceparent.slice(0, -2)}00` })
    await channel.get('q', { noAck: true })
    await send({ traceparent })
    expect(await spans(1)).toMatchObject([{ name: 'publish amq.default' }])
  })

  it('keeps its trace as a dead letter', async () => {
    await channel.assertQueue('failing', { deadLetterExchange: '', deadLetterRoutingKey: 'q' })
    channel.sendToQueue('failing', Buffer.from('x'), { headers: { traceparent } })
    channel.reject(await channel.get('failing') as GetMessage, false)
    await vi.waitFor(async () => expect(await channel.get('q', { noAck: true })).not.toBe(false))
    const finished = await spans(5)
    expect(parents(finished)).toEqual(
      ['publish amq.default', 'queue failing', 'get failing', 'queue q', 'get q']
        .map((name) => [name, TRACE, PUBLISHER]))
  })

  it('may come over HTTP', async () => {
    const answer = await fetch(`${server.httpUrl}/api/v1/publish/%2F/amq.default/q`, {
      method: 'POST', body: 'hello',
      headers: { authorization: `Basic ${Buffer.from('guest:guest').toString('base64')}`, traceparent },
    })
    expect(answer.status).toBe(200)
    await answer.arrayBuffer()
    expect(parents(await spans(1))).toEqual([['publish amq.default', TRACE, PUBLISHER]])
  })
})

it('a message that was on the disk while the broker was away has waited nobody knows how long', async () => {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'leveret-spans-'))
  for (const step of ['publish', 'get']) {
    const other = await startLocalServer({ tracing: true, store: 'sqlite', dataDirectory })
    const its = await connect(other.amqpUrl)
    const one = await its.createConfirmChannel()
    await one.assertQueue('kept')
    const options = { persistent: true, headers: { traceparent } }
    if (step === 'publish') one.sendToQueue('kept', Buffer.from('x'), options)
    else expect(await one.get('kept', { noAck: true })).not.toBe(false)
    await one.waitForConfirms()
    await its.close()
    await other.close()
  }
  rmSync(dataDirectory, { recursive: true })
  const finished = await spans(2)
  expect(parents(finished))
    .toEqual(['publish amq.default', 'get kept'].map((name) => [name, TRACE, PUBLISHER]))
  expect(finished[1]!.attributes).toMatchObject({ 'leveret.queue_time.unknown': true })
})

describe('a message without a well-formed traceparent', () => {
  it.each([undefined, 'nonsense', `${traceparent}-more`, 7])('begins a trace: %j', async (value) => {
    await send(value === undefined ? {} : { traceparent: value })
    await channel.get('q', { noAck: true })
    const [publish, ...others] = await spans(3)
    const { traceId, spanId } = publish!.spanContext()
    expect(publish!.parentSpanContext).toBeUndefined()
    expect(traceId).not.toBe(TRACE)
    expect(parents(others)).toEqual([['queue q', traceId, spanId], ['get q', traceId, spanId]])
  })
})

describe('a published message', () => {
  it('says where it went', async () => {
    await channel.assertExchange('orders', 'fanout')
    for (const queue of ['q', 'second']) {
      await channel.assertQueue(queue)
      await channel.bindQueue(queue, 'orders', '')
    }
    channel.publish('orders', 'order.1', Buffer.from('12345'), { messageId: 'm-1', correlationId: 'c-1' })
    const [span] = await spans(1)
    expect(span).toMatchObject({ name: 'publish orders', status: { code: SpanStatusCode.UNSET } })
    expect(span!.attributes).toEqual({
      'messaging.system': 'rabbitmq', 'messaging.operation.name': 'publish',
      'messaging.operation.type': 'send', 'messaging.destination.name': 'orders:order.1',
      'messaging.rabbitmq.destination.routing_key': 'order.1', 'messaging.message.body.size': 5,
      'messaging.message.id': 'm-1', 'messaging.message.conversation_id': 'c-1',
      'leveret.vhost': '/', 'leveret.exchange': 'orders', 'leveret.publish.outcome': 'routed',
      'leveret.publish.queues': 2,
    })
  })

  it('to nobody is returned, or dropped', async () => {
    for (const mandatory of [true, false]) channel.sendToQueue('nobody', Buffer.alloc(0), { mandatory })
    const [returned, dropped] = await spans(2)
    expect(returned).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { 'leveret.publish.outcome': 'returned', 'error.type': 'returned' },
    })
    expect(dropped!.attributes).toMatchObject({ 'leveret.publish.outcome': 'dropped' })
    expect(dropped!.status.code).toBe(SpanStatusCode.UNSET)
  })

  it('that a full queue refuses is an error', async () => {
    await channel.assertQueue('full', { maxLength: 1, arguments: { 'x-overflow': 'reject-publish' } })
    for (let n = 0; n < 2; n++) channel.sendToQueue('full', Buffer.alloc(0), {}, () => {})
    const [, refused] = await spans(2)
    expect(refused).toMatchObject({
      status: { code: SpanStatusCode.ERROR }, attributes: { 'leveret.publish.outcome': 'refused' },
    })
  })

  it('that answers a request directly went to no queue', async () => {
    const requester = await client.createChannel()
    const answered = new Promise((resolve) => {
      void requester.consume('amq.rabbitmq.reply-to', resolve, { noAck: true })
    })
    requester.sendToQueue('q', Buffer.from('?'), { replyTo: 'amq.rabbitmq.reply-to' })
    const request = await vi.waitFor(async () => {
      const got = await channel.get('q', { noAck: true })
      if (got === false) throw new Error('the request has not come')
      return got
    })
    exporter.reset()
    channel.sendToQueue(request.properties.replyTo as string, Buffer.from('!'))
    await answered
    const [reply] = await spans(1)
    expect(reply).toMatchObject({
      name: 'publish amq.default',
      attributes: { 'leveret.publish.outcome': 'replied', 'leveret.publish.queues': 0 },
    })
    await requester.close()
  })
})

describe('a delivery', () => {
  it('says from where, and that it is no redelivery', async () => {
    await channel.bindQueue('q', 'amq.topic', 'a.b')
    channel.publish('amq.topic', 'a.b', Buffer.from('x'))
    await channel.waitForConfirms()
    await channel.get('q', { noAck: true })
    const [, queue, get] = await spans(3)
    const common = {
      'messaging.system': 'rabbitmq', 'messaging.destination.name': 'amq.topic:a.b:q',
      'messaging.rabbitmq.destination.routing_key': 'a.b', 'messaging.message.body.size': 1,
      'leveret.vhost': '/', 'leveret.exchange': 'amq.topic', 'leveret.queue': 'q',
      'leveret.redelivered': false,
    }
    expect(queue!.attributes).toEqual({ ...common, 'messaging.operation.name': 'queue' })
    expect(get!.attributes).toEqual({ ...common, 'messaging.operation.name': 'get' })
  })

  it('of what came back says so', async () => {
    await send()
    channel.nack(await channel.get('q') as GetMessage)
    await vi.waitFor(async () => expect(await channel.get('q', { noAck: true })).not.toBe(false))
    const [, ...out] = await spans(5)
    expect(out.map(({ name, attributes }) => [name, attributes['leveret.redelivered']]))
      .toEqual([['queue q', false], ['get q', false], ['queue q', true], ['get q', true]])
  })

  it('comes after the publish, by the broker\'s clock', async () => {
    await send()
    await channel.get('q', { noAck: true })
    const [publish, queue, get] = await spans(3)
    expect(publish!.startTime[0]).toBeGreaterThanOrEqual(startedS)
    expect(publish!.endTime).toEqual(publish!.startTime)
    expect(queue!.duration[0]).toBeGreaterThanOrEqual(0)
    expect([get!.startTime, get!.endTime]).toEqual([queue!.endTime, queue!.endTime])
  })

  it('from a queue that the broker named has that name in an attribute alone', async () => {
    const { queue } = await channel.assertQueue('', { exclusive: true })
    channel.sendToQueue(queue, Buffer.from('x'))
    await channel.waitForConfirms()
    await channel.get(queue, { noAck: true })
    const finished = await spans(3)
    expect(finished.map(({ name }) => name)).toEqual(['publish amq.default', 'queue', 'get'])
    expect(finished[1]!.attributes['leveret.queue']).toBe(queue)
  })
})
