// What may be said of a webhook, by whom, and what is never told of it.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { OpenHttp } from '../../test/http/open-http.ts'
import type { Reply } from '../../test/http/open-http.ts'
import { HttpTarget } from '../webhooks/http-target.ts'
import { Webhooks } from '../webhooks/webhooks.ts'

let http: OpenHttp
/** Nobody listens there, and nothing is ever pushed. */
const url = 'https://hooks.example.com/in'

beforeAll(async () => {
  http = await OpenHttp.start()
  await http.call('PUT', '/api/queues/%2F/q', { body: { durable: true } })
  await http.call('PUT', '/api/queues/%2F/other', { body: { durable: true } })
})

afterEach(async () => {
  http.broker.access.forbid('manager', '/')
  for (const name of [...http.vhost.webhooks.keys()]) http.webhooks.delete(http.vhost, name)
})

afterAll(() => http.close())

const path = '/api/v1/webhooks/%2F/hook'
const put = (body: object, user = 'hare'): Promise<Reply> =>
  http.call('PUT', path, { user, body: { queue: 'q', url, ...body } })
const reasonOf = ({ status, json }: Reply): unknown => [status, (json as { reason: string }).reason]

test('it is shown with everything but its secret and the values of its headers', async () => {
  await put({ secret: 'not to be seen again', headers: { Authorization: 'Bearer of-mine' } })
  const shown = {
    name: 'hook', vhost: '/', queue: 'q', url, concurrency: 1, timeout: 10_000, format: 'raw', signed: true,
    headers: ['authorization'], user: 'hare', state: 'running', in_flight: 0, delivered: 0, failed: 0,
    last_error: null,
  }
  expect((await http.call('GET', path)).json).toEqual(shown)
  for (const list of ['/api/v1/webhooks', '/api/v1/webhooks/%2F']) {
    expect((await http.call('GET', list)).json).toEqual([shown])
  }
})

// RabbitMQ refuses a whole file for one parameter of a component that it does not know.
test('definitions say nothing of it: RabbitMQ takes them, and no secret leaves with them', async () => {
  await put({ secret: 'not to be seen again', headers: { Authorization: 'Bearer of-mine' } })
  for (const definitions of ['/api/definitions', '/api/definitions/%2F']) {
    const { json, text } = await http.call('GET', definitions)
    expect(json).toMatchObject({ parameters: [], queues: [{ name: 'other' }, { name: 'q' }] })
    for (const trace of ['hook', 'not to be seen', 'of-mine']) expect(text).not.toContain(trace)
  }
})

describe('what is not shown', () => {
  const had = { secret: 'not to be seen again', headers: { authorization: 'Bearer of-mine' } }
  const record = (): object | undefined => http.vhost.webhooks.get('hook')

  test('stays when it is left out, and goes when that is said', async () => {
    await put(had)
    await put({ url: 'https://hooks.example.com/elsewhere' })
    expect(record()).toMatchObject(had)
    await put({ secret: null, headers: {} })
    expect(record()).toMatchObject({ secret: null, headers: {} })
  })

  test('is not sent to another target by leaving it out', async () => {
    await put(had)
    const url = 'https://elsewhere.example.com/in'
    expect(reasonOf(await put({ url })))
      .toEqual([400, 'secret: to be given anew, or as null, for another target'])
    expect(reasonOf(await put({ url, secret: null })))
      .toEqual([400, 'headers: to be given anew, or as {}, for another target'])
    expect(record()).toMatchObject(had)
    expect((await put({ url, secret: null, headers: {} })).status).toBe(204)
  })
})

test.each([
  [{ url: 'ftp://example.com' }, 'url: expected http:// or https://, a host, and no login'],
  [{ url: 'nowhere' }, 'url: expected http:// or https://, a host, and no login'],
  [{ url: 'http://me:secret@example.com' }, 'url: expected http:// or https://, a host, and no login'],
  [{ concurrency: 0 }, 'concurrency: less than 1'], [{ concurrency: 1_001 }, 'concurrency: more than 1000'],
  [{ concurrency: 'x' }, 'concurrency: expected an integer from 1 to 1000'],
  [{ timeout: 99 }, 'timeout: less than 100'], [{ format: 'xml' }, 'format: expected raw or cloudevents'],
  [{ secret: 'short' }, 'secret: shorter than 16 characters'],
  [{ headers: { Host: 'x' } }, 'headers: "host" is not for you to set'],
  [{ headers: { 'x-leveret-signature': 'x' } }, 'headers: "x-leveret-signature" is not for you to set'],
  [{ headers: { 'a b': 'x' } }, 'headers: "a b" or its value is nothing that HTTP can carry'],
  [{ headers: { a: 'x\r\ny: z' } }, 'headers: "a" or its value is nothing that HTTP can carry'],
  [{ headers: { a: 1 } }, 'headers: expected texts'],
])('%j is refused', async (body, reason) => {
  expect(reasonOf(await put(body))).toEqual([400, reason])
  expect(http.vhost.webhooks.size).toBe(0)
})

test('a private address in the place of a name is refused at once, unless it is allowed', async () => {
  const isAllowed = { url: 'http://169.254.169.254/latest' }
  expect((await put(isAllowed)).status).toBe(201)
  await http.call('DELETE', path)
  const { webhooks } = http
  Object.assign(http, { webhooks: new Webhooks(http.broker, new HttpTarget(false)) })
  expect(reasonOf(await put(isAllowed))).toEqual([400,
    'url: 169.254.169.254 is a private address; the setting webhooks-allow-private would allow it'])
  Object.assign(http, { webhooks })
})

test('the queue must be there, and nobody\'s alone', async () => {
  expect(reasonOf(await put({ queue: 'none' }))).toEqual([404, 'no queue \'none\' in vhost \'/\''])
  expect(reasonOf(await put({ nonsense: 1 }))).toMatchObject([400, expect.any(String)])
})

describe('a user', () => {
  const permit = (configure: string, read: string): boolean =>
    http.broker.access.permit('manager', '/', { configure, write: '', read })
  const as = (method: string, at = path): Promise<Reply> => http.call(method, at, { user: 'manager' })

  test('needs to read and to configure the queue', async () => {
    permit('other', '.*')
    expect((await put({}, 'manager')).status).toBe(401)
    permit('.*', 'other')
    expect((await put({}, 'manager')).status).toBe(401)
    permit('.*', '.*')
    expect((await put({}, 'manager')).status).toBe(201)
  })

  test('sees nothing without reading the queue, changes nothing without configuring it', async () => {
    await put({})
    permit('other', 'other')
    expect([(await as('GET')).status, (await as('DELETE')).status]).toEqual([401, 401])
    expect((await as('GET', '/api/v1/webhooks')).json).toEqual([])
    expect((await put({ queue: 'other' }, 'manager')).status).toBe(401)
    permit('other', '.*')
    expect((await as('GET')).status).toBe(200)
    const changes = [await as('DELETE'), await as('PUT', `${path}/pause`), await put({}, 'manager')]
    expect(changes.map(({ status }) => status)).toEqual([401, 401, 401])
    expect(http.vhost.webhooks.get('hook')).toMatchObject({ queue: 'q', isPaused: false, user: 'hare' })
  })
})
