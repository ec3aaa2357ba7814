// What surrounds every endpoint: logins, tags, methods, bodies, failures. Requests are injected, and one pass
// goes over a real socket.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { OpenHttp } from '../test/http/open-http.ts'
import { startHttp } from './door.ts'
import { paramsOf, templateOf } from './endpoint.ts'
import type { Access } from './endpoint.ts'
import { endpoints } from './endpoints.ts'

let http: OpenHttp

beforeEach(async () => {
  http = await OpenHttp.start()
})

afterEach(() => http.close())

const password = { authorization: `Basic ${Buffer.from('hare:pass:word').toString('base64')}` }

describe('a login', () => {
  test('that is missing is asked for with an empty 401', async () => {
    const answer = await http.call('GET', '/api/overview', { login: false })
    expect([answer.status, answer.text]).toEqual([401, ''])
    expect(answer.headers['www-authenticate']).toBe('Basic realm="RabbitMQ Management"')
  })

  const withoutColon = `Basic ${Buffer.from('hare').toString('base64')}`
  test.each(['Bearer abc', 'Basic', 'Basic !!', withoutColon])('%s is none', async (authorization) => {
    const answer = await http.call('GET', '/api/overview', { login: false, headers: { authorization } })
    expect([answer.status, answer.text]).toEqual([401, ''])
    expect(http.node.logins).toEqual([])
  })

  test('that is wrong is refused as RabbitMQ does', async () => {
    const authorization = `Basic ${Buffer.from('hare:wrong').toString('base64')}`
    const answer = await http.call('GET', '/api/overview', { login: false, headers: { authorization } })
    expect([answer.status, answer.json]).toEqual([401, { error: 'not_authorized', reason: 'Not_Authorized' }])
    expect(answer.headers['www-authenticate']).toBe('Basic realm="RabbitMQ Management"')
  })

  test('of a user who may only come from this machine is told so', async () => {
    const answer = await http.call('GET', '/api/overview', { user: 'far' })
    expect(answer.json).toEqual({ error: 'not_authorised', reason: 'User can only log in via localhost' })
  })

  test('is handed on whole: colons in the password, and where it came from', async () => {
    await http.app.inject({ url: '/api/overview', headers: password, remoteAddress: '10.1.2.3' })
    expect(http.node.logins).toEqual([{ user: 'hare', password: 'pass:word', remoteAddress: '10.1.2.3' }])
  })
})

describe('every endpoint', () => {
  const tagged = ['nobody', 'manager', 'policy', 'monitor', 'hare'] as const
  const mayEnter: Record<Access, readonly string[]> = {
    anonymous: tagged, user: tagged, management: tagged.slice(1), policymaker: ['policy', 'hare'],
    monitoring: ['monitor', 'hare'], administrator: ['hare'],
  }

  test.each(endpoints.map((row) => [`${row.method} ${row.path}`, row] as const))(
    '%s lets in those with its tag only', async (_name, { method, path, access }) => {
      const url = paramsOf(path).reduce((whole, name) => whole.replace(`:${name}`, 'nothing'), path)
        .replace(/\*\w+$/, 'nothing')
      for (const user of tagged) {
        const { status, json } = await http.call(method, url, { user })
        const isRefusedByTag = status === 401 && /^Not .* user$/.test((json as { reason: string }).reason)
        expect([user, isRefusedByTag]).toEqual([user, !mayEnter[access].includes(user)])
      }
      const answer = await http.call(method, url, { login: false })
      expect(answer.status === 401 && answer.text === '').toBe(access !== 'anonymous')
      expect(http.logged).toEqual([])
    })

  test.each([...new Set(endpoints.map(({ path }) => path))])('%s refuses other methods', async (path) => {
    const answer = await http.call('PATCH', path, { login: false })
    expect([answer.status, answer.text]).toEqual([405, ''])
    const methods = endpoints.filter((row) => row.path === path).map(({ method }) => method)
    for (const method of methods) expect(answer.headers['allow']).toContain(method)
  })

  test('is there once', () => {
    const names = endpoints.map(({ method, path }) => `${method} ${path}`)
    expect(names).toEqual([...new Set(names)])
  })

  test('is in the OpenAPI document', async () => {
    const { json } = await http.call('GET', '/api/v1/openapi.json')
    const { paths, openapi } = json as { paths: Record<string, Record<string, object>>; openapi: string }
    expect(openapi).toBe('3.1.0')
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`))
    expect(described.toSorted()).toEqual(
      endpoints.map(({ method, path }) => `${method} ${templateOf(path)}`).toSorted())
  })
})

describe('a request', () => {
  test('may ask for the methods of a path', async () => {
    const answer = await http.call('OPTIONS', '/api/whoami', { login: false })
    expect([answer.status, answer.headers['allow']]).toEqual([200, 'HEAD, GET, OPTIONS'])
  })

  test('that accepts no JSON gets an empty 406', async () => {
    const answer = await http.call('GET', '/api/whoami', { headers: { accept: 'text/html' } })
    expect([answer.status, answer.text]).toEqual([406, ''])
  })

  test.each(['*/*', 'application/json', 'text/html, application/*;q=0.5'])('accepts JSON by %s',
    async (accept) => {
    const answer = await http.call('GET', '/api/whoami', { headers: { accept } })
    expect(answer.status).toBe(200)
  })

  test('takes the columns it names', async () => {
    const answer = await http.call('GET', '/api/overview?columns=product_name,object_totals.queues,nothing')
    expect(answer.json).toEqual({ product_name: 'Leveret', object_totals: { queues: 0 } })
  })

  test('may end its path with a slash', async () => {
    expect((await http.call('GET', '/api/whoami/')).status).toBe(200)
  })
})

describe('what has no endpoint', () => {
  test('but one in RabbitMQ is 501 and names itself', async () => {
    const answer = await http.call('PUT', '/api/traces/%2F/t?x=1', { body: { format: 'text' } })
    expect(answer.status).toBe(501)
    expect(answer.json).toEqual({
      error: 'not_implemented',
      reason: 'PUT /api/traces/%2F/t is part of RabbitMQ\'s management API and is not built here yet',
    })
  })

  test.each(['/api/nonsense', '/api', '/queues', '/api/overview/x', '/api//overview'])('%s is 404',
    async (url) => {
    const answer = await http.call('GET', url)
    expect([answer.status, answer.json]).toEqual([404, { error: 'Object Not Found', reason: 'Not Found' }])
  })
})

describe('failures', () => {
  test('a fault of ours is 500, logged once, and keeps its text to the log', async () => {
    http.node.isReady = () => {
      throw new Error('ring is bent')
    }
    const answer = await http.call('GET', '/api/health/checks/ready-to-serve-clients')
    expect(answer.status).toBe(500)
    expect(answer.text).not.toContain('ring')
    const err: unknown = expect.objectContaining({ message: 'ring is bent' })
    expect(http.logged).toEqual([{ err, method: 'GET', path: '/api/health/checks/ready-to-serve-clients' }])
  })

  test.each(['/api/auth/hash_password/s%3Aecret', '/api/%61uth/hash_password/s%3Aecret'])(
    'of %s the log keeps no password', async (url) => {
    http.broker.random.bytes = () => {
      throw new Error('no entropy')
    }
    expect((await http.call('GET', url)).status).toBe(500)
    const err: unknown = expect.objectContaining({ message: 'no entropy' })
    expect(http.logged).toEqual([{ err, method: 'GET', path: '/api/auth/hash_password/…' }])
  })

  test('a path that cannot be decoded is a fault of the client', async () => {
    const answer = await http.call('GET', '/api/%')
    expect([answer.status, answer.json]).toMatchObject([400, { error: 'bad_request' }])
    expect(http.logged).toEqual([])
  })
})

test('the memory of a node is that of its process', async () => {
  const node = encodeURIComponent(http.node.nodeName)
  const { json } = await http.call('GET', `/api/nodes/${node}/memory`)
  expect(json).toEqual({ memory: { strategy: 'rss', total: { erlang: 20e6, rss: 70e6, allocated: 70e6 } } })
  expect((await http.call('GET', '/api/nodes/nosuch/memory')).status).toBe(404)
})

describe('over a socket', () => {
  const log = { error: () => undefined }

  test('listens on a free port and closes under a connection that is kept open', async () => {
    const running = await startHttp({ host: '127.0.0.1', port: 0, prometheusPort: null, door: http, log })
    const answer = await fetch(`${running.url}/api/overview`, { headers: password })
    expect([answer.status, await answer.json()]).toMatchObject([200, { product_name: 'Leveret' }])
    await running.close()
    await expect(fetch(`${running.url}/metrics`)).rejects.toThrow('fetch failed')
  })

  test('a long list comes whole, and says how long it is, to HEAD too', async () => {
    const names = Array.from({ length: 150 }, (_, n) => `${String(n).padStart(3, '0')}${'x'.repeat(240)}`)
    for (const name of names) await http.call('PUT', `/api/queues/%2F/${name}`, { body: {} })
    const running = await startHttp({ host: '127.0.0.1', port: 0, prometheusPort: null, door: http, log })
    const answer = await fetch(`${running.url}/api/queues`, { headers: password })
    const body = await answer.text()
    expect((JSON.parse(body) as { name: string }[]).map(({ name }) => name)).toEqual(names)
    expect(body.length).toBeGreaterThan(65_536)
    expect(answer.headers.get('content-length')).toBe(String(body.length))
    const head = await fetch(`${running.url}/api/queues`, { method: 'HEAD', headers: password })
    expect([head.headers.get('content-length'), await head.text()]).toEqual([String(body.length), ''])
    await running.close()
  })

  test('has a port for metrics alone', async () => {
    const running = await startHttp({ host: '127.0.0.1', port: 0, prometheusPort: 0, door: http, log })
    const at = `http://127.0.0.1:${running.prometheusPort}`
    expect(await (await fetch(`${at}/metrics`)).text()).toContain('rabbitmq_identity_info')
    expect((await fetch(`${at}/metrics/detailed?family=queue_metrics`)).status).toBe(200)
    expect((await fetch(`${at}/api/overview`, { headers: password })).status).toBe(404)
    await running.close()
    await expect(fetch(`${at}/metrics`)).rejects.toThrow('fetch failed')
  })

  test('a taken port is the error of Node, with the port', async () => {
    const first = await startHttp({ host: '127.0.0.1', port: 0, prometheusPort: null, door: http, log })
    const port = Number(new URL(first.url).port)
    await expect(startHttp({ host: '127.0.0.1', port, prometheusPort: null, door: http, log }))
      .rejects.toMatchObject({ code: 'EADDRINUSE', port })
    await first.close()
  })
})
