// CloudEvents in and out, in both modes, and through the endpoints that publish and hand out.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { OpenHttp } from '../test/http/open-http.ts'
import type { Call, Reply } from '../test/http/open-http.ts'

let http: OpenHttp

beforeAll(async () => {
  http = await OpenHttp.start()
  await http.call('PUT', '/api/queues/%2F/q', { body: { durable: true } })
})

afterAll(() => http.close())

const required = { specversion: '1.0', id: 'e-1', source: '/orders', type: 'order.created' }
const publish = (call: Call): Promise<Reply> => http.call('POST', '/api/v1/publish/%2F/amq.default/q', call)
const structured = (event: object): Promise<Reply> =>
  publish({ body: event, headers: { 'content-type': 'application/cloudevents+json; charset=utf-8' } })
const take = (): Promise<Reply> => http.call('GET', '/api/v1/queues/%2F/q/consume?raw=true')

async function taken(): Promise<Record<string, unknown>> {
  const { json } = await http.call('GET', '/api/v1/queues/%2F/q/consume')
  return (json as { messages: Record<string, unknown>[] }).messages[0]!
}

test('a structured event is a message with its data, its attributes in headers', async () => {
  const event = {
    ...required, time: '2026-11-22T10:00:00Z', datacontenttype: 'application/json', tenant: 'größe', n: 3,
    data: { order: 1 },
  }
  expect((await structured(event)).json).toEqual({ result: 'stored' })
  expect(await taken()).toMatchObject({
    body: '{"order":1}',
    properties: {
      content_type: 'application/json', message_id: 'e-1', type: 'order.created', timestamp: 1_795_341_600,
      headers: { cloudEvents_id: 'e-1', cloudEvents_source: '/orders', cloudEvents_tenant: 'größe' },
    },
    event: { ...event, n: '3' },
  })
})

test('a binary event comes in by headers, and goes out by them', async () => {
  const headers = {
    'ce-specversion': '1.0', 'ce-id': 'e-2', 'ce-source': '/a%20b', 'ce-type': 't',
    'content-type': 'text/plain',
    'ce-note': 'gr%C3%B6%C3%9Fe',
  }
  await publish({ body: 'hello', headers })
  const { status, text, headers: answered } = await take()
  expect([status, text]).toEqual([200, 'hello'])
  expect(answered).toMatchObject({ ...headers, 'lease-token': expect.any(String) as string })
})

test('data that is no text is base64, both ways', async () => {
  await structured({ ...required, data_base64: 'AP8=' })
  expect((await taken())['event']).toEqual({ ...required, data_base64: 'AP8=' })
})

test('data that is nested too deep to be walked is base64, and refused where it has to be', async () => {
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`
  const attributes = Object.entries(required).map(([name, value]) => [`ce-${name}`, value])
  const headers = { ...Object.fromEntries(attributes) as object, 'content-type': 'application/json' }
  expect((await publish({ body: deep, headers })).json).toEqual({ result: 'stored' })
  expect((await taken())['event']).toMatchObject({ data_base64: Buffer.from(deep).toString('base64') })
  const event = `${JSON.stringify(required).slice(0, -1)},"data":${deep}}`
  const refused = await publish({ body: event, headers: { 'content-type': 'application/cloudevents+json' } })
  expect([refused.status, refused.json]).toEqual([400,
    { error: 'bad_request', reason: 'nested deeper than 100' }])
})

test('a text is a JSON text where the data is JSON', async () => {
  await structured({ ...required, datacontenttype: 'application/json', data: 'x' })
  expect(await taken()).toMatchObject({ body: '"x"', event: { data: 'x' } })
})

test('an event of an AMQP client is one, and what lacks an attribute is not', async () => {
  const whole = { 'ce-id': '1', 'ce-source': 's', 'ce-type': 't', 'ce-specversion': '1.0' }
  for (const headers of [whole, { 'ce-id': '1' }]) {
    await http.call('POST', '/api/v1/publish/%2F/amq.default', {
      body: [{ routing_key: 'q', properties: { headers } }],
    })
  }
  expect((await taken())['event']).toEqual({ id: '1', source: 's', type: 't', specversion: '1.0' })
  expect(await taken()).not.toHaveProperty('event')
})

test('without a message raw consuming has nothing to answer', async () => {
  const { status, text } = await take()
  expect([status, text]).toEqual([204, ''])
})

test.each([
  [{ ...required, id: '' }, 'a CloudEvent needs the attribute \'id\''],
  [{ ...required, specversion: '0.3' }, 'specversion: \'0.3\' is not \'1.0\''],
  [{ ...required, Tenant: 'x' }, '\'Tenant\' is no name of an attribute: a-z and 0-9, 100 at most'],
  [{ ...required, tenant: {} }, 'tenant: an attribute is a text, a boolean or an integer'],
  [{ ...required, data: 1, data_base64: 'AA==' }, 'data and data_base64: an event has one of them'],
  [{ ...required, data_base64: '?' }, 'data_base64: not_base64'],
  [[], 'not_json: a structured CloudEvent is a JSON object'],
])('%j is refused', async (event, reason) => {
  const { status, json } = await structured(event)
  expect([status, json]).toEqual([400, { error: 'bad_request', reason }])
})

test('binary headers without an attribute are refused', async () => {
  const { status, json } = await publish({ headers: { 'ce-id': '1' } })
  expect([status, json])
    .toEqual([400, { error: 'bad_request', reason: 'a CloudEvent needs the attribute \'specversion\'' }])
  expect(http.vhost.findQueue('q')!.readyCount).toBe(0)
})
