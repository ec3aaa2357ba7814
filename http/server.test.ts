// The HTTP door from outside: injected requests against a view made of plain values, and one pass over a real
// socket.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { FastifyInstance } from 'fastify'
import type { Authentication, BrokerTotals, BrokerView, Login, ResourcesView } from './broker-view.ts'
import { endpoints } from './endpoints.ts'
import { metrics } from './metrics.ts'
import { startHttp } from './door.ts'
import { createHttp } from './server.ts'

const totals: BrokerTotals = {
  connections: 2, channels: 3, exchanges: 8, queues: 4, consumers: 5, messagesReady: 60, messagesUnacked: 7,
  connectionsOpened: 12, connectionsClosed: 10, channelsOpened: 13, channelsClosed: 11,
  queuesDeclared: 20, queuesCreated: 6, queuesDeleted: 1,
  published: 100, publishedForConfirm: 90, routed: 95, confirmed: 88, returned: 3, droppedUnroutable: 2,
  deliveredManualAck: 40, deliveredAutoAck: 5, gotManualAck: 4, gotAutoAck: 1, gotEmpty: 9,
  redelivered: 14, acked: 37,
}

class FakeBroker implements BrokerView {
  readonly productName = 'Leveret'
  readonly productVersion = '1.2.3'
  readonly nodeName = 'rabbit@"burrow"'
  readonly startedAtMs = Date.now() - 5000
  readonly logins: Login[] = []
  ready = true
  tags: string[] = ['administrator']
  totals: () => BrokerTotals = () => totals

  isReady(): boolean {
    return this.ready
  }

  authenticate(login: Login): Promise<Authentication> {
    this.logins.push(login)
    if (login.user === 'far') return Promise.resolve({ ok: false, why: 'loopback only' })
    if (login.password !== 'pass:word') return Promise.resolve({ ok: false, why: 'bad credentials' })
    return Promise.resolve({ ok: true, caller: { user: login.user, tags: this.tags } })
  }

  readonly backUps: unknown[] = []
  backUp: BrokerView['backUp'] = (file, overwrites) => {
    this.backUps.push([file, overwrites])
    return file === '/full' ? Promise.reject(new Error('no room')) : Promise.resolve(4096)
  }

  damagedMessages(): number {
    return 3
  }

  resources(): ResourcesView {
    return {
      isMemoryLow: false, isDiskLow: true, memoryLimitBytes: 1000,
      diskFreeBytes: 99, diskFreeLimitBytes: 100,
    }
  }

  listeners(): readonly { protocol: string; address: string; port: number; isTls: boolean }[] {
    return [{ protocol: 'amqp', address: '0.0.0.0', port: 5672, isTls: false }]
  }
}

let broker: FakeBroker
let logged: unknown[]
let app: FastifyInstance

beforeEach(() => {
  broker = new FakeBroker()
  logged = []
  app = createHttp(broker, { error: (fields) => logged.push(fields) })
})

afterEach(() => app.close())

function basic(user: string, password: string): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` }
}

const known = basic('hare', 'pass:word')

describe('GET /api/health/checks/ready-to-serve-clients', () => {
  const url = '/api/health/checks/ready-to-serve-clients'

  test('is ok without a login when the broker is ready', async () => {
    const answer = await app.inject({ url })
    expect([answer.statusCode, answer.json()]).toEqual([200, { status: 'ok' }])
  })

  test('is 503 with a reason when it is not', async () => {
    broker.ready = false
    const answer = await app.inject({ url })
    expect(answer.statusCode).toBe(503)
    expect(answer.json()).toEqual({ status: 'failed', reason: expect.stringContaining('AMQP') })
  })
})

describe('GET /api/overview', () => {
  test('asks for a login with an empty 401', async () => {
    const answer = await app.inject({ url: '/api/overview' })
    expect(answer).toMatchObject({ statusCode: 401, body: '' })
    expect(answer.headers['www-authenticate']).toBe('Basic realm="RabbitMQ Management"')
  })

  const withoutColon = `Basic ${Buffer.from('hare').toString('base64')}`
  test.each(['Bearer abc', 'Basic', 'Basic !!', withoutColon])(
    'treats %s as no login', async (authorization) => {
      const answer = await app.inject({ url: '/api/overview', headers: { authorization } })
      expect(answer).toMatchObject({ statusCode: 401, body: '' })
      expect(broker.logins).toEqual([])
    })

  test('refuses wrong credentials as RabbitMQ does', async () => {
    const answer = await app.inject({ url: '/api/overview', headers: basic('hare', 'wrong') })
    expect(answer.statusCode).toBe(401)
    expect(answer.headers['www-authenticate']).toBe('Basic realm="RabbitMQ Management"')
    expect(answer.json()).toEqual({ error: 'not_authorized', reason: 'Not_Authorized' })
  })

  test('refuses a user who may only come from this machine', async () => {
    const answer = await app.inject({ url: '/api/overview', headers: basic('far', 'pass:word') })
    expect(answer.json()).toEqual({ error: 'not_authorised', reason: 'User can only log in via localhost' })
  })

  test('refuses a user without a management tag with 401, not 403', async () => {
    broker.tags = ['impersonator']
    const answer = await app.inject({ url: '/api/overview', headers: known })
    expect([answer.statusCode, answer.json()])
      .toEqual([401, { error: 'not_authorised', reason: 'Not management user' }])
  })

  test('hands on the login whole: colons in the password, and where it came from', async () => {
    await app.inject({ url: '/api/overview', headers: known, remoteAddress: '10.1.2.3' })
    expect(broker.logins).toEqual([{ user: 'hare', password: 'pass:word', remoteAddress: '10.1.2.3' }])
  })

  test('tells totals in the words of RabbitMQ', async () => {
    const answer = await app.inject({ url: '/api/overview', headers: known })
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toMatchObject({
      product_name: 'Leveret', product_version: '1.2.3', node: broker.nodeName, cluster_name: broker.nodeName,
      object_totals: { connections: 2, channels: 3, exchanges: 8, queues: 4, consumers: 5 },
      queue_totals: { messages: 67, messages_ready: 60, messages_unacknowledged: 7 },
      message_stats: { publish: 100, confirm: 88, ack: 37, deliver: 40, deliver_get: 50, redeliver: 14 },
      churn_rates: { connection_created: 12, queue_declared: 20 },
      listeners: [{ node: broker.nodeName, protocol: 'amqp', ip_address: '0.0.0.0', port: 5672, tls: false }],
    })
  })

  test('keeps the node from users who do not monitor', async () => {
    broker.tags = ['management']
    const answer = await app.inject({ url: '/api/overview', headers: known })
    expect(answer.json()).not.toHaveProperty('node')
    expect(answer.json()).not.toHaveProperty('listeners')
  })
})

describe('POST /api/v1/backup', () => {
  const post = (payload: object, headers: Record<string, string> = known) =>
    app.inject({ method: 'POST', url: '/api/v1/backup', headers, payload })

  test('has the store copied, and says how large the copy is', async () => {
    const answer = await post({ file: '/backups/a.db' })
    expect([answer.statusCode, answer.json()]).toEqual([200, { file: '/backups/a.db', bytes: 4096 }])
    await post({ file: '/backups/a.db', overwrite: true })
    expect(broker.backUps).toEqual([['/backups/a.db', false], ['/backups/a.db', true]])
  })

  test('is for administrators', async () => {
    broker.tags = ['monitoring']
    expect((await post({ file: '/a.db' })).statusCode).toBe(401)
    expect((await post({ file: '/a.db' }, basic('hare', 'wrong'))).statusCode).toBe(401)
    expect(broker.backUps).toEqual([])
  })

  test('that fails or is asked wrongly is 400 with a reason', async () => {
    expect((await post({ file: '/full' })).json()).toEqual({ error: 'bad_request', reason: 'no room' })
    expect((await post({ overwrite: true })).statusCode).toBe(400)
    broker.backUp = null
    expect((await post({ file: '/a.db' })).body).toContain('the memory store has no file')
  })
})

describe('GET /metrics', () => {
  test('has type, help and value of every row', async () => {
    const answer = await app.inject({ url: '/metrics' })
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
    for (const { name, type } of metrics) {
      expect(answer.body).toContain(`# TYPE ${name} ${type}\n# HELP ${name} `)
      expect(answer.body).toMatch(new RegExp(`^${name}(\\{.*\\})? [0-9.e+-]+$`, 'm'))
    }
  })

  test('counts and labels as RabbitMQ does', async () => {
    const { body } = await app.inject({ url: '/metrics' })
    expect(body).toContain('\nrabbitmq_queue_messages 67\n')
    expect(body).toContain('\nrabbitmq_global_messages_received_total{protocol="amqp091"} 100\n')
    expect(body).toContain('\nrabbitmq_global_messages_delivered_total{protocol="amqp091"} 50\n')
  })

  test('shows alarms as 0 and 1, and a limit that is not there as infinite', async () => {
    const view = broker.resources()
    broker.resources = () => ({ ...view, memoryLimitBytes: Infinity })
    const { body } = await app.inject({ url: '/metrics' })
    expect(body).toContain('\nleveret_store_damaged_messages 3\n')
    expect(body).toContain('\nrabbitmq_alarms_memory_used_watermark 0\n')
    expect(body).toContain('\nrabbitmq_alarms_free_disk_space_watermark 1\n')
    expect(body).toContain('\nrabbitmq_resident_memory_limit_bytes +Inf\n')
  })

  test('escapes label values', async () => {
    const { body } = await app.inject({ url: '/metrics' })
    expect(body).toContain(String.raw`rabbitmq_node="rabbit@\"burrow\""`)
  })

  test('no name is there twice', () => {
    expect(new Set(metrics.map(({ name }) => name)).size).toBe(metrics.length)
  })
})

describe('what has no endpoint', () => {
  test('a path of RabbitMQ is 501 and names itself', async () => {
    const payload = { durable: true }
    const answer = await app.inject({ method: 'PUT', url: '/api/queues/%2F/q?x=1', payload })
    expect(answer.statusCode).toBe(501)
    expect(answer.json()).toEqual({
      error: 'not_implemented',
      reason: 'PUT /api/queues/%2F/q is part of RabbitMQ\'s management API and is not built here yet',
    })
  })

  test('a body of any type changes nothing', async () => {
    const answer = await app.inject({
      method: 'POST', url: '/api/definitions', payload: 'x',
      headers: { 'content-type': 'multipart/form-data' },
    })
    expect(answer.statusCode).toBe(501)
  })

  test.each(['/api/nonsense', '/', '/api', '/queues', '/api/overview/x'])('%s is 404', async (url) => {
    const answer = await app.inject({ url })
    expect([answer.statusCode, answer.json()])
      .toEqual([404, { error: 'Object Not Found', reason: 'Not Found' }])
  })

  test.each(endpoints.map((row) => row.path))('another method on %s is 405', async (url) => {
    const answer = await app.inject({ method: 'DELETE', url })
    expect(answer).toMatchObject({ statusCode: 405, body: '' })
    expect(answer.headers['allow']).toBe('GET, HEAD')
  })
})

describe('failures', () => {
  test('a fault of ours is 500, logged once, and keeps its text to the log', async () => {
    broker.totals = () => {
      throw new Error('ring is bent')
    }
    const answer = await app.inject({ url: '/metrics' })
    expect(answer.statusCode).toBe(500)
    expect(answer.body).not.toContain('ring')
    const err: unknown = expect.objectContaining({ message: 'ring is bent' })
    expect(logged).toEqual([{ err, method: 'GET', path: '/metrics' }])
  })

  test('a path that cannot be decoded is a fault of the client', async () => {
    const answer = await app.inject({ url: '/api/%' })
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toMatchObject({ error: 'bad_request' })
    expect(logged).toEqual([])
  })
})

describe('over a socket', () => {
  const log = { error: () => undefined }

  test('listens on a free port and closes under a connection that is kept open', async () => {
    const running = await startHttp({ host: '127.0.0.1', port: 0, view: broker, log })
    const answer = await fetch(`${running.url}/api/overview`, { headers: known })
    expect([answer.status, await answer.json()]).toMatchObject([200, { product_name: 'Leveret' }])
    await running.close()
    await expect(fetch(`${running.url}/metrics`)).rejects.toThrow('fetch failed')
  })

  test('a taken port is the error of Node, with the port', async () => {
    const first = await startHttp({ host: '127.0.0.1', port: 0, view: broker, log })
    const port = Number(new URL(first.url).port)
    await expect(startHttp({ host: '127.0.0.1', port, view: broker, log }))
      .rejects.toMatchObject({ code: 'EADDRINUSE', port })
    await first.close()
  })
})
