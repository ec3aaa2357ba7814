// Webhooks of a broker in memory that push to a server on this machine: what is sent, what each answer does
// with the message, and how they come, rest and go.
import { createHmac } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { connectionForced } from '../../protocol/errors.ts'
import { OpenHttp } from '../../test/http/open-http.ts'
import type { Reply } from '../../test/http/open-http.ts'
import { PushTarget } from '../../test/http/push-target.ts'

let http: OpenHttp
let target: PushTarget
/** A condition that is awaited, on a busy machine, too. */
const generous = { timeout: 20_000 }

beforeAll(async () => {
  http = await OpenHttp.start()
})

beforeEach(async () => {
  target = await PushTarget.start()
})

afterEach(async () => {
  http.webhooks.delete(http.vhost, 'hook')
  for (const connection of [...http.broker.connections]) connection.drop()
  for (const queue of [...http.vhost.queues.keys()]) await http.call('DELETE', `/api/queues/%2F/${queue}`)
  await target.close()
  if (http.logged.length > 0) throw new Error(`logged: ${JSON.stringify(http.logged)}`)
})

afterAll(() => http.close())

const path = '/api/v1/webhooks/%2F/hook'
const put = (more: object = {}): Promise<Reply> =>
  http.call('PUT', path, { body: { queue: 'q', url: `${target.url}/in?k=1`, ...more } })
const declare = (name: string, args: object = {}): Promise<Reply> =>
  http.call('PUT', `/api/queues/%2F/${name}`, { body: { durable: true, arguments: args } })
const read = async (): Promise<unknown> => (await http.call('GET', path)).json

async function publish(...bodies: readonly string[]): Promise<void> {
  const body = bodies.map((each) => ({ routing_key: 'q', body: each }))
  await http.call('POST', '/api/v1/publish/%2F/amq.default', { body })
}

/** Ready and unacked in a queue. */
const counts = (name = 'q'): number[] => {
  const queue = http.vhost.findQueue(name)!
  return [queue.readyCount, queue.unackedCount]
}
async function pushedAre(bodies: readonly string[]): Promise<void> {
  await expect.poll(() => target.bodies(), generous).toEqual(bodies)
}

async function countsAre(expected: readonly number[], name?: string): Promise<void> {
  await expect.poll(() => counts(name), generous).toEqual(expected)
}

async function shows(fields: object): Promise<void> {
  await expect.poll(read, generous).toMatchObject(fields)
}

function pass(ms: number): void {
  http.clock.travel(ms)
  http.broker.timers.advance(http.clock.monotonicMs)
}

describe('a request', () => {
  test('has the body, the properties and what is known of the delivery, and 2xx acks', async () => {
    await declare('q')
    await put({ headers: { 'X-Tenant': 'acme' } })
    const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
    const table = { n: 1, traceparent: trace }
    const properties = { message_id: 'm-1', content_type: 'text/plain', headers: table }
    await http.call('POST', '/api/v1/publish/%2F/amq.default',
      { body: [{ routing_key: 'q', body: 'größe', properties }] })
    await countsAre([0, 0])
    const [{ method, path: at, body, headers }] = target.pushed as [PushTarget['pushed'][0]]
    expect([method, at, body]).toEqual(['POST', '/in?k=1', 'größe'])
    expect(headers).toMatchObject({
      'content-type': 'text/plain', 'content-length': '7', 'user-agent': 'Leveret/1.2.3', 'x-tenant': 'acme',
      'amqp-message-id': 'm-1', 'amqp-headers': JSON.stringify(table), 'traceparent': trace,
      'x-leveret-webhook': 'hook', 'x-leveret-vhost': '%2F', 'x-leveret-queue': 'q', 'x-leveret-exchange': '',
      'x-leveret-routing-key': 'q', 'x-leveret-attempt': '1',
    })
    expect(headers['x-leveret-delivery']).toMatch(/^[\w-]{22}$/)
    expect(headers).not.toHaveProperty('x-leveret-signature')
    await shows({ state: 'running', delivered: 1, failed: 0, in_flight: 0, last_error: null })
  })

  test('is signed with the secret, over time and body', async () => {
    await declare('q')
    await put({ secret: 'a secret of some length' })
    await publish('hello')
    await pushedAre(['hello'])
    const t = Math.floor(http.clock.nowMs / 1000)
    const v1 = createHmac('sha256', 'a secret of some length').update(`${t}.hello`).digest('hex')
    expect(target.pushed[0]!.headers['x-leveret-signature']).toBe(`t=${t},v1=${v1}`)
  })

  test('may be a CloudEvent, made from the properties where the message is none', async () => {
    await declare('q')
    await put({ format: 'cloudevents' })
    const properties = { message_id: 'm-1', type: 'order.paid', timestamp: 1_795_341_600 }
    await http.call('POST', '/api/v1/publish/%2F/amq.default',
      { body: [{ routing_key: 'q', body: { order: 1 }, properties }] })
    await expect.poll(() => target.pushed.length, generous).toBe(1)
    const [{ headers, body }] = target.pushed as [PushTarget['pushed'][0]]
    expect(headers['content-type']).toBe('application/cloudevents+json; charset=utf-8')
    expect(JSON.parse(body)).toEqual({
      specversion: '1.0', id: 'm-1', source: '/queues/%2F/q', type: 'order.paid', subject: 'q',
      time: '2026-11-22T10:00:00.000Z', datacontenttype: 'application/json', data: { order: 1 },
    })
  })

  test('has JSON that is nested too deep as bytes, where it is a CloudEvent', async () => {
    await declare('q')
    await put({ format: 'cloudevents' })
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`
    const properties = { content_type: 'application/json' }
    await http.call('POST', '/api/v1/publish/%2F/amq.default',
      { body: [{ routing_key: 'q', body: deep, properties }] })
    await expect.poll(() => target.pushed.length, generous).toBe(1)
    expect(JSON.parse(target.pushed[0]!.body)).toMatchObject({
      data_base64: Buffer.from(deep).toString('base64'),
    })
  })

  test('leaves out headers of a message that are too long for a server', async () => {
    await declare('q')
    await put()
    const properties = { headers: { long: 'x'.repeat(9_000) } }
    const body = [{ routing_key: 'q', body: 'x', properties }]
    await http.call('POST', '/api/v1/publish/%2F/amq.default', { body })
    await countsAre([0, 0])
    expect(target.pushed[0]!.headers).not.toHaveProperty('amqp-headers')
  })

  test('is one of so many at a time as the webhook may send', async () => {
    const before = http.webhooks.counts.delivered
    target.answer = () => null
    await declare('q')
    await put({ concurrency: 3 })
    await publish('1', '2', '3', '4', '5')
    await expect.poll(() => target.pushed.length, generous).toBe(3)
    expect(counts()).toEqual([2, 3])
    expect((await http.call('GET', '/metrics')).text).toContain('\nleveret_webhook_requests 3\n')
    target.release(200)
    await expect.poll(() => target.pushed.length, generous).toBe(5)
    target.release(200)
    await countsAre([0, 0])
    expect((await http.call('GET', '/metrics')).text)
      .toContain(`\nleveret_webhook_delivered_total ${before + 5}\n`)
  })
})

describe('a failure', () => {
  const dead = { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'dead' }

  test('goes through the retry policy of the queue, and is a dead letter in the end', async () => {
    target.answer = () => 500
    await declare('dead')
    await declare('q', { ...dead, 'x-retry-delay': '1s,1s' })
    await put()
    await publish('x')
    for (let attempt = 1; attempt <= 3; attempt++) {
      await pushedAre(Array.from({ length: attempt }, () => 'x'))
      expect(target.pushed.at(-1)!.headers['x-leveret-attempt']).toBe(String(attempt))
      await countsAre([0, 0])
      pass(1_000)
    }
    await countsAre([1, 0], 'dead')
    await shows({ delivered: 0, failed: 3, last_error: { reason: 'answered 500' } })
  })

  test('without a retry policy is a dead letter at once', async () => {
    target.answer = () => 404
    await declare('dead')
    await declare('q', dead)
    await put()
    await publish('x', 'y')
    await countsAre([2, 0], 'dead')
    expect(target.bodies()).toEqual(['x', 'y'])
  })

  test('that the target will not mend is a reject, one that may pass is a nack', async () => {
    target.answer = ({ body }) => (body === 'never' ? 400 : 503)
    await declare('dead')
    await declare('q', { ...dead, 'x-retry-delay': '1s', 'x-retry-on': 'nack' })
    await put()
    await publish('never', 'later')
    await pushedAre(['never', 'later'])
    await countsAre([1, 0], 'dead')
    await expect.poll(() => http.vhost.findQueue('q')!.heldCount, generous).toBe(1)
  })

  test('that nobody deals with puts the message back, and the webhook rests, longer each time', async () => {
    target.answer = (_pushed, n) => (n < 2 ? 500 : 200)
    await declare('q')
    await put({ concurrency: 5 })
    await publish('x')
    await countsAre([1, 0])
    await shows({ state: 'resting', failed: 1 })
    await publish('y')
    pass(1_000)
    await pushedAre(['x', 'x'])
    await shows({ state: 'resting', failed: 2 })
    pass(1_000)
    await shows({ state: 'resting', failed: 2 })
    pass(1_000)
    await pushedAre(['x', 'x', 'x', 'y'])
    await shows({ state: 'running', delivered: 2, failed: 2 })
    expect(counts()).toEqual([0, 0])
  })

  test('is an answer that does not come in time', async () => {
    target.answer = () => null
    await declare('dead')
    await declare('q', dead)
    await put({ timeout: 500 })
    await publish('x')
    await pushedAre(['x'])
    pass(500)
    await countsAre([1, 0], 'dead')
    await shows({ failed: 1, last_error: { reason: 'no complete answer within 500 ms' } })
    await expect.poll(() => target.openConnections(), generous).toBe(0)
  })

  test('is a target that is not there', async () => {
    await declare('dead')
    await declare('q', dead)
    const { url } = target
    await target.close()
    await put({ url })
    await publish('x')
    await countsAre([1, 0], 'dead')
    await shows({ last_error: { reason: expect.stringContaining('ECONNREFUSED') as string } })
  })
})

describe('a target', () => {
  test.each([429, 503])('that answers %i says when it wants more', async (status) => {
    target.answer = (_pushed, n) => (n === 0 ? [status, { 'retry-after': '120' }] : 200)
    await declare('q', { 'x-retry-delay': '1s' })
    await put()
    await publish('x', 'y')
    await shows({ state: 'resting', failed: 1, in_flight: 0 })
    pass(119_000)
    await shows({ state: 'resting' })
    expect([counts(), http.vhost.findQueue('q')!.heldCount]).toEqual([[2, 0], 0])
    pass(1_000)
    await pushedAre(['x', 'x', 'y'])
  })

  test('that is gone pauses the webhook and loses nothing', async () => {
    target.answer = () => 410
    await declare('q', { 'x-retry-delay': '1s' })
    await put()
    await publish('x', 'y')
    await shows({ state: 'paused', failed: 1, last_error: { reason: 'answered 410' } })
    expect(counts()).toEqual([2, 0])
    target.answer = () => 200
    expect((await http.call('PUT', `${path}/resume`)).status).toBe(204)
    await pushedAre(['x', 'x', 'y'])
  })
})

describe('a webhook', () => {
  test('is a consumer of its queue', async () => {
    await declare('q')
    await put({ concurrency: 7 })
    expect((await http.call('GET', '/api/consumers')).json).toMatchObject([{
      queue: { name: 'q' }, prefetch_count: 7, ack_required: true,
      channel_details: { user: 'hare', peer_host: '127.0.0.1', peer_port: target.port },
    }])
    expect((await http.call('GET', '/api/connections')).json).toMatchObject([{ host: 'webhook hook' }])
    expect((await http.call('DELETE', path)).status).toBe(204)
    expect((await http.call('GET', '/api/consumers')).json).toEqual([])
    expect((await http.call('GET', path)).status).toBe(404)
  })

  test('goes with its queue, and is new when it is made again', async () => {
    await declare('q')
    expect((await put()).status).toBe(201)
    expect((await put()).status).toBe(204)
    await http.call('DELETE', '/api/queues/%2F/q')
    expect([(await http.call('GET', path)).status, http.broker.connections.size]).toEqual([404, 0])
    await declare('q')
    expect((await put()).status).toBe(201)
    await publish('x')
    await pushedAre(['x'])
  })

  test('pushes what it pushes to another target when it is changed', async () => {
    const other = await PushTarget.start()
    target.answer = () => null
    await declare('q')
    await put()
    await publish('x', 'y')
    await pushedAre(['x'])
    await put({ url: other.url })
    await expect.poll(() => other.bodies(), generous).toEqual(['y'])
    target.release(200)
    await countsAre([0, 0])
    expect([target.bodies(), http.broker.connections.size]).toEqual([['x'], 1])
    await other.close()
  })

  test('that is paused takes nothing, and stays a consumer', async () => {
    await declare('q')
    await put()
    expect((await http.call('PUT', `${path}/pause`)).status).toBe(204)
    await publish('x')
    await shows({ state: 'paused' })
    expect([counts(), http.vhost.findQueue('q')!.consumers.count, target.bodies()]).toEqual([[1, 0], 1, []])
    await put({ concurrency: 2 })
    await shows({ state: 'paused', concurrency: 2 })
    await http.call('PUT', `${path}/resume`)
    await pushedAre(['x'])
  })

  test('whose connection is closed lets its requests end, and comes back', async () => {
    target.answer = (_pushed, n) => (n === 0 ? null : 200)
    await declare('q')
    await put()
    await publish('x', 'y')
    await pushedAre(['x'])
    for (const connection of [...http.broker.connections]) connection.forceClose(connectionForced('enough'))
    expect([counts(), http.broker.connections.size]).toEqual([[1, 1], 1])
    target.release(200)
    await countsAre([1, 0])
    await shows({ state: 'waiting', delivered: 1, last_error: { reason: 'enough' } })
    pass(5_000)
    await pushedAre(['x', 'y'])
  })

  test('whose connection is dropped gives up its requests: they are made again', async () => {
    target.answer = (_pushed, n) => (n === 0 ? null : 200)
    await declare('q')
    await put()
    await publish('x')
    await pushedAre(['x'])
    for (const connection of [...http.broker.connections]) connection.drop()
    expect(counts()).toEqual([1, 0])
    pass(5_000)
    await pushedAre(['x', 'x'])
    expect(target.pushed[1]!.headers['x-leveret-attempt']).toBe('2')
  })

  test('waits while its user is not there', async () => {
    await declare('q')
    http.broker.access.permit('manager', '/', { configure: '.*', write: '.*', read: '.*' })
    await http.call('PUT', path, { user: 'manager', body: { queue: 'q', url: target.url } })
    await http.call('DELETE', '/api/users/manager')
    await publish('x')
    pass(5_000)
    const reason = expect.stringContaining('\'manager\'') as string
    await shows({ state: 'waiting', last_error: { reason } })
    expect(target.bodies()).toEqual([])
    await put()
    await pushedAre(['x'])
  })
})
