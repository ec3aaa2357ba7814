// /api/v1/publish: what a request becomes as a message, what it answers, and that nothing of a bad one is
// done.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { OpenHttp } from '../../test/http/open-http.ts'
import type { Call } from '../../test/http/open-http.ts'
import { decodeProperties } from '../../protocol/properties.ts'
import { tableToObject } from '../table-as-json.ts'

let http: OpenHttp

beforeAll(async () => {
  http = await OpenHttp.start()
  await http.call('PUT', '/api/queues/%2F/q', { body: { durable: true } })
})

beforeEach(() => {
  http.vhost.findQueue('q')!.purge()
  http.vhost.traffic.published = 0
})

afterAll(() => http.close())

const to = (key: string): string => `/api/v1/publish/%2F/amq.default/${key}`
const post = (url: string, call: Call = {}): ReturnType<OpenHttp['call']> => http.call('POST', url, call)

/** The next message of `q`. */
function take(): { body: string; properties: Record<string, unknown> } {
  const { message } = http.vhost.findQueue('q')!.get(true)!
  const { headers, ...rest } = decodeProperties(message.buf, message.propertiesStart)
  return {
    body: message.buf.toString('utf8', message.bodyStart, message.bodyEnd),
    properties: { ...rest, ...headers !== undefined && { headers: tableToObject(headers) } },
  }
}

describe('one message', () => {
  test('is the body, byte for byte, persistent and with its content type', async () => {
    const headers = { 'content-type': 'application/json' }
    const { status, json } = await post(to('q'), { body: '{"a": 1 }', headers })
    expect([status, json]).toEqual([200, { result: 'stored' }])
    expect(take()).toEqual({
      body: '{"a": 1 }', properties: { content_type: 'application/json', delivery_mode: 2 },
    })
  })

  test('may be any bytes', async () => {
    const bytes = Buffer.from([0, 255, 128, 10])
    await post(to('q'), { body: bytes, headers: { 'content-type': 'application/octet-stream' } })
    const { message } = http.vhost.findQueue('q')!.get(true)!
    expect(message.buf.subarray(message.bodyStart, message.bodyEnd)).toEqual(bytes)
  })

  test('has its properties from the headers', async () => {
    await post(to('q'), {
      body: 'x', headers: {
        'content-type': 'text/plain', 'content-encoding': 'gzip', 'amqp-message-id': 'm-1',
        'amqp-correlation-id': 'c', 'amqp-priority': '7', 'amqp-timestamp': '1700000000', 'amqp-type': 't',
        'amqp-delivery-mode': '1', 'amqp-app-id': Buffer.from('größe').toString('latin1'),
        'amqp-headers': '{"Retries":3,"nested":{"a":[1,"b"]}}', 'amqp-header-tenant': 'acme',
      },
    })
    expect(take().properties).toEqual({
      content_type: 'text/plain', content_encoding: 'gzip', message_id: 'm-1', correlation_id: 'c',
      priority: 7, timestamp: 1_700_000_000, type: 't', delivery_mode: 1, app_id: 'größe',
      headers: { Retries: 3, nested: { a: [1, 'b'] }, tenant: 'acme' },
    })
  })

  test('has a routing key of any shape', async () => {
    await http.call('POST', '/api/bindings/%2F/e/amq.topic/q/q', { body: { routing_key: 'a/b.#' } })
    expect((await post('/api/v1/publish/%2F/amq.topic/a/b.c%20d/e')).json).toEqual({ result: 'stored' })
    expect((await post('/api/v1/publish/%2F/amq.topic/other')).json).toEqual({ result: 'unroutable' })
  })

  test('says when a queue rejected it, and when memory alone keeps it', async () => {
    const limits = { 'x-max-length': 1, 'x-overflow': 'reject-publish' }
    await http.call('PUT', '/api/queues/%2F/full', { body: { arguments: limits } })
    const inMemory = { headers: { 'amqp-delivery-mode': '1' } }
    expect((await post(to('full'), inMemory)).json).toEqual({ result: 'routed' })
    expect((await post(to('full'))).json).toEqual({ result: 'rejected' })
  })

  test('carries the trace of its request, unless it has one or that is none', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    await post(to('q'), { headers: { traceparent, tracestate: 'a=b' } })
    expect(take().properties['headers']).toEqual({ traceparent, tracestate: 'a=b' })
    await post(to('q'), { headers: { traceparent, 'amqp-header-traceparent': 'own' } })
    expect(take().properties['headers']).toEqual({ traceparent: 'own' })
    await post(to('q'), { headers: { traceparent: `${traceparent.slice(0, 3)}${'0'.repeat(32)}-x-01` } })
    expect(take().properties['headers']).toBeUndefined()
  })

  test('is for users of any tag with the permission, and for nobody else', async () => {
    http.broker.access.permit('nobody', '/', { configure: '', write: 'amq.default', read: '' })
    expect((await post(to('q'), { user: 'nobody' })).status).toBe(200)
    const { status, json } = await post('/api/v1/publish/%2F/amq.topic/x', { user: 'nobody' })
    expect([status, json]).toEqual([401, { error: 'not_authorised', reason: 'Access refused.' }])
  })
})

describe('a message that is not published', () => {
  test.each([
    ['amqp-priority', '300', 'priority: 300 is not between 0 and 255'],
    ['amqp-priority', 'high', 'amqp-priority: not_integer: "high"'],
    ['amqp-colour', 'red', 'amqp-colour: there is no such property of a message'],
    ['amqp-content-type', 'red', 'amqp-content-type: there is no such property of a message'],
    ['amqp-type', 'x'.repeat(256), 'type: too_long: 256 bytes, more than 255'],
    ['amqp-headers', '[1]', 'amqp-headers: not_an_object: "[1]"'],
    ['amqp-headers', '{', 'amqp-headers: not_an_object: "{"'],
    ['amqp-type', '\xff', 'amqp-type: not_unicode'],
    ['amqp-expiration', 'soon', expect.stringContaining('expiration') as string],
    ['amqp-user-id', 'else', expect.stringContaining("user_id property set to 'else'") as string],
  ])('%s: %s', async (name, value, reason) => {
    const { status, json } = await post(to('q'), { headers: { [name]: value } })
    expect([status, json]).toEqual([400, { error: 'bad_request', reason }])
    expect(http.vhost.traffic.published).toBe(0)
  })

  test('for an exchange that is not there', async () => {
    const { status, json } = await post('/api/v1/publish/%2F/none/x')
    const reason = 'no exchange \'none\' in vhost \'/\''
    expect([status, json]).toEqual([404, { error: 'not_found', reason }])
  })

  test('for a key that is too long', async () => {
    const { status, json } = await post(to('k'.repeat(256)))
    expect([status, json]).toMatchObject([400, { reason: 'too_long: 256 bytes, more than 255' }])
  })

  test('because an alarm is on', async () => {
    http.broker.alarms.diskFull(true)
    const { status, json } = await post(to('q'))
    expect([status, json])
      .toEqual([503, { error: 'unavailable', reason: 'publishing is blocked: low on disk' }])
    http.broker.alarms.diskFull(false)
  })

  test('larger than a message may be', async () => {
    const { messageSizeMax } = http.broker.limits
    Object.assign(http.broker.limits, { messageSizeMax: 10 })
    const { status, json } = await post(to('q'), { body: 'x'.repeat(11) })
    expect([status, json])
      .toMatchObject([400, { reason: 'message size 11 is larger than configured max size 10' }])
    Object.assign(http.broker.limits, { messageSizeMax })
  })
})

describe('a batch', () => {
  const batch = '/api/v1/publish/%2F/amq.default'

  test('tells of each message what became of it', async () => {
    const body = [
      { routing_key: 'q', body: 'a' }, { routing_key: 'none' }, { routing_key: 'q', body: { n: 1 } },
    ]
    const { status, json } = await post(batch, { body })
    expect([status, json]).toEqual([200, { results: ['stored', 'unroutable', 'stored'] }])
    expect([take().body, take()]).toEqual(['a', {
      body: '{"n":1}', properties: { content_type: 'application/json', delivery_mode: 2 },
    }])
  })

  test('may be lines, with bodies in base64', async () => {
    const lines = '{"routing_key":"q","body_base64":"AAE="}\n\n'
      + '{"routing_key":"q","properties":{"type":"t"}}\n'
    const { json } = await post(batch, { body: lines, headers: { 'content-type': 'application/x-ndjson' } })
    expect(json).toEqual({ results: ['stored', 'stored'] })
    expect([take().body, take().properties]).toEqual(['\0\x01', { type: 't', delivery_mode: 2 }])
  })

  test('of nothing is done at once', async () => {
    expect((await post(batch, { body: [] })).json).toEqual({ results: [] })
  })

  const good = { routing_key: 'q' }
  test.each([
    [[good, { routing_key: 1 }], 'message 1: routing_key: not_string: 1'],
    [[good, { routing_key: 'q', body: 'x', body_base64: 'eA==' }],
      'message 1: body and body_base64: a message has one body'],
    [[good, { body_base64: '?' }], 'message 1: body_base64: not_base64: "?"'],
    [[good, { properties: { priority: 256 } }], 'message 1: priority: 256 is not between 0 and 255'],
    [[good, { properties: { colour: 'red' } }], 'message 1: properties: there is no \'colour\''],
    [[good, { key: 'q' }], expect.stringContaining('message 1: ') as string],
    [[good, 7], 'message 1: not_an_object'],
    [[good, { properties: { expiration: '-1' } }], expect.stringContaining('message 1: ') as string],
    ['[{', 'not_json'],
    [Array.from({ length: 1_001 }, () => good), 'too_long: 1001 messages, more than 1000'],
  ])('%#: is published whole or not at all', async (body, reason) => {
    const { status, json } = await post(batch, { body })
    expect([status, json]).toEqual([400, { error: 'bad_request', reason }])
    expect([http.vhost.traffic.published, http.vhost.findQueue('q')!.readyCount]).toEqual([0, 0])
  })

  test('of lines says which line is none', async () => {
    const headers = { 'content-type': 'application/x-ndjson' }
    const { status, json } = await post(batch, { body: '{}\n{', headers })
    expect([status, json]).toEqual([400, { error: 'bad_request', reason: 'message 1: not_json' }])
  })
})
