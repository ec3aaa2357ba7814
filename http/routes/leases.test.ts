// Long polls and leases: who gets what, when it comes back, and that nothing is lost with a connection.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { OpenHttp } from '../../test/http/open-http.ts'
import type { Reply } from '../../test/http/open-http.ts'
import type { Queue } from '../../queues/queue.ts'
import type { Answer } from '../answer.ts'
import { startHttp } from '../door.ts'
import { Sessions } from '../sessions.ts'
import { leaseEndpoints } from './leases.ts'

let http: OpenHttp
let queue: Queue
const MESSAGES = '/api/v1/queues/%2F/q/messages'

beforeAll(async () => {
  http = await OpenHttp.start()
})

beforeEach(async () => {
  for (const connection of [...http.broker.connections]) connection.drop()
  await http.call('DELETE', '/api/queues/%2F/q')
  await http.call('PUT', '/api/queues/%2F/q', { body: { durable: true } })
  queue = http.vhost.findQueue('q')!
})

afterAll(() => http.close())

interface Leased {
  readonly token: string
  readonly body: string
  readonly redelivered: boolean
  readonly properties: { readonly headers?: object }
}

const consume = (query: string, user = 'hare'): Promise<Reply> =>
  http.call('GET', `/api/v1/queues/%2F/q/consume?${query}`, { user })
const messagesOf = ({ json }: Reply): Leased[] => (json as { messages: Leased[] }).messages
const bodies = (reply: Reply): string[] => messagesOf(reply).map(({ body }) => body)
const settle = (token: string, how: string, body: object = {}): Promise<Reply> =>
  http.call('POST', `/api/v1/leases/${token}/${how}`, { body })

async function publish(...texts: readonly string[]): Promise<void> {
  const body = texts.map((text) => ({ routing_key: 'q', body: text }))
  await http.call('POST', '/api/v1/publish/%2F/amq.default', { body })
}

/** Lets what was asked for so far arrive. */
async function arrived(isThere: () => boolean): Promise<void> {
  await expect.poll(isThere, { timeout: 20_000 }).toBe(true)
}

function pass(ms: number): void {
  http.clock.travel(ms)
  http.broker.turn.begin()
  http.broker.timers.advance(http.clock.monotonicMs)
}

describe('a poll', () => {
  test('takes what is there, up to its maximum, and no more', async () => {
    await publish('a', 'b', 'c')
    expect(bodies(await consume('max=2'))).toEqual(['a', 'b'])
    expect([queue.readyCount, queue.unackedCount]).toEqual([1, 2])
  })

  test('of an empty queue answers nothing at once, or when its time is over', async () => {
    expect(messagesOf(await consume(''))).toEqual([])
    const waiting = consume('wait=20')
    await arrived(() => queue.consumers.count === 1)
    pass(20_100)
    expect(messagesOf(await waiting)).toEqual([])
    expect(queue.consumers.count).toBe(0)
  })

  test('that waits gets a message when it comes', async () => {
    const waiting = consume('wait=20&max=10')
    await arrived(() => queue.consumers.count === 1)
    await publish('late')
    expect(bodies(await waiting)).toEqual(['late'])
  })

  test('shows the message whole', async () => {
    await http.call('POST', '/api/v1/publish/%2F/amq.default/q', {
      body: Buffer.from([0xff]), headers: { 'content-type': 'image/x', 'amqp-header-a': 'b' },
    })
    expect(messagesOf(await consume(''))).toEqual([{
      token: expect.stringMatching(/^[\w-]{22}$/) as string, exchange: '', routing_key: 'q',
      redelivered: false, properties: { content_type: 'image/x', delivery_mode: 2, headers: { a: 'b' } },
      body_base64: '/w==',
    }])
  })

  test('is listed as a consumer, on a connection of its user', async () => {
    const waiting = consume('wait=20&max=7')
    await arrived(() => queue.consumers.count === 1)
    const { json: consumers } = await http.call('GET', '/api/consumers')
    expect(consumers).toMatchObject([
      { queue: { name: 'q' }, ack_required: true, prefetch_count: 7, active: true },
    ])
    const { json: connections } = await http.call('GET', '/api/connections')
    expect(connections).toMatchObject([{ user: 'hare', vhost: '/', protocol: 'HTTP', state: 'running' }])
    await publish('x')
    await waiting
  })

  test('of a queue that is deleted ends', async () => {
    const waiting = consume('wait=20')
    await arrived(() => queue.consumers.count === 1)
    await http.call('DELETE', '/api/queues/%2F/q')
    const { status, json } = await waiting
    const reason = 'queue \'q\' in vhost \'/\' was deleted'
    expect([status, json]).toEqual([409, { error: 'ended', reason }])
  })

  test.each([
    ['max=0', 'max: not_in_range: 0 is not between 1 and 1000'],
    ['wait=301', 'wait: not_in_range: 301 is not between 0 and 300'],
    ['lease=soon', 'lease: not_integer: "soon"'],
  ])('with %s is refused', async (query, reason) => {
    const { status, json } = await consume(query)
    expect([status, json]).toEqual([400, { error: 'bad_request', reason }])
  })

  test('needs permission to read, and a queue', async () => {
    http.broker.access.permit('nobody', '/', { configure: '.*', write: '.*', read: 'other' })
    expect((await consume('', 'nobody')).status).toBe(401)
    const { status, json } = await http.call('GET', '/api/v1/queues/%2F/none/consume')
    expect([status, json]).toEqual([404, { error: 'not_found', reason: 'no queue \'none\' in vhost \'/\'' }])
  })
})

describe('a lease', () => {
  test('is ended by an ack, once', async () => {
    await publish('a')
    const [{ token }] = messagesOf(await consume('')) as [Leased]
    expect((await settle(token, 'ack')).status).toBe(204)
    expect([queue.readyCount, queue.unackedCount]).toEqual([0, 0])
    const { status, json } = await settle(token, 'ack')
    expect([status, json]).toMatchObject([404, { error: 'not_found' }])
  })

  test('is ended by a nack: back to the queue, or away', async () => {
    await publish('a')
    const [first] = messagesOf(await consume('')) as [Leased]
    await settle(first.token, 'nack')
    const [again] = messagesOf(await consume('')) as [Leased]
    expect([again.body, again.redelivered]).toEqual(['a', true])
    await settle(again.token, 'nack', { requeue: false })
    expect([queue.readyCount, queue.unackedCount]).toEqual([0, 0])
  })

  test('that runs out gives the message back, counted', async () => {
    await http.call('PUT', '/api/queues/%2F/quorum', {
      body: { durable: true, arguments: { 'x-queue-type': 'quorum' } },
    })
    await http.call('POST', '/api/v1/publish/%2F/amq.default/quorum', { body: 'a' })
    const url = '/api/v1/queues/%2F/quorum/consume'
    const [{ token }] = messagesOf(await http.call('GET', `${url}?lease=5`)) as [Leased]
    pass(4_000)
    expect(messagesOf(await http.call('GET', url))).toEqual([])
    pass(1_200)
    expect((await settle(token, 'ack')).status).toBe(404)
    expect(messagesOf(await http.call('GET', url))).toMatchObject([
      { body: 'a', redelivered: true, properties: { headers: { 'x-acquired-count': 1 } } },
    ])
  })

  test('lasts longer when it is extended', async () => {
    await publish('a')
    const [{ token }] = messagesOf(await consume('lease=5')) as [Leased]
    expect((await settle(token, 'extend', { lease: 60 })).status).toBe(204)
    pass(50_000)
    expect((await settle(token, 'ack')).status).toBe(204)
  })

  test('lasts longer when whoever looks after the queue says so, by the message', async () => {
    await publish('a', 'b')
    const [, { token }] = messagesOf(await consume('max=2&lease=5')) as [Leased, Leased]
    const held = (await http.call('GET', `${MESSAGES}?state=unacked`)).json as { items: { id: number }[] }
    const [, { id }] = held.items as [unknown, { id: number }]
    expect((await http.call('POST', `${MESSAGES}/${id}/extend`, { body: { lease: 60 } })).status).toBe(204)
    pass(50_000)
    expect([queue.readyCount, queue.unackedCount]).toEqual([1, 1])
    expect((await settle(token, 'ack')).status).toBe(204)
    expect(await http.call('POST', `${MESSAGES}/${id}/extend`, { body: {} })).toMatchObject({
      status: 404, json: { reason: `message ${id} of queue 'q' in vhost '/' is held by nobody` },
    })
  })

  test('must be there to last longer', async () => {
    await publish('a')
    const address = { address: '127.0.0.1', port: 1 }
    const session = http.sessions.ofStream(http.vhost, http.broker.users.get('hare')!,
      { peer: address, local: address })
    const entry = queue.get(false)!
    session.hold(queue, entry, { settled: () => undefined, extend: () => false })
    expect(await http.call('POST', `${MESSAGES}/${entry.id}/extend`)).toMatchObject({
      status: 409, json: { reason: `message ${entry.id} of queue 'q' in vhost '/' is held without a lease` },
    })
  })

  test('is made longer by the message only by who may read the queue', async () => {
    http.broker.access.permit('manager', '/', { configure: '.*', write: '.*', read: '^other$' })
    expect((await http.call('POST', `${MESSAGES}/1/extend`, { user: 'manager' })).status).toBe(401)
  })

  test('is nobody else\'s', async () => {
    await publish('a')
    const [{ token }] = messagesOf(await consume('')) as [Leased]
    const { status } = await http.call('POST', `/api/v1/leases/${token}/ack`, { user: 'manager' })
    expect([status, queue.unackedCount]).toEqual([404, 1])
  })

  test('is settled together with others', async () => {
    await publish('a', 'b', 'c', 'd')
    const [a, b, c, d] = messagesOf(await consume('max=4&lease=5')).map(({ token }) => token)
    const body = { ack: [a, 'x'], nack: [b], reject: [c], extend: [d, 'y'], lease: 100 }
    expect((await http.call('POST', '/api/v1/leases', { body })).json).toEqual({ gone: ['x', 'y'] })
    pass(10_000)
    expect([queue.readyCount, queue.unackedCount]).toEqual([1, 1])
  })

  test('ends with its user', async () => {
    http.broker.access.permit('policy', '/', { configure: '.*', write: '.*', read: '.*' })
    await publish('a')
    await consume('', 'policy')
    await http.call('DELETE', '/api/users/policy')
    expect([queue.readyCount, queue.unackedCount]).toEqual([1, 0])
  })

  test('keeps its session listed, which goes some time after the last', async () => {
    await publish('a')
    const [{ token }] = messagesOf(await consume('lease=100')) as [Leased]
    pass(50_000)
    const { json } = await http.call('GET', '/api/channels')
    expect(json).toMatchObject([{ user: 'hare', messages_unacknowledged: 1, consumer_count: 0 }])
    await settle(token, 'ack')
    pass(10_100)
    expect(http.broker.connections.size).toBe(0)
  })
})

describe('a connection that is lost', () => {
  test('ends its poll, and loses no message', async () => {
    const log = { error: () => undefined }
    const running = await startHttp({ host: '127.0.0.1', port: 0, prometheusPort: null, door: http, log })
    const authorization = `Basic ${Buffer.from('hare:pass:word').toString('base64')}`
    const cut = new AbortController()
    const polling = fetch(`${running.url}/api/v1/queues/%2F/q/consume?wait=300`, {
      headers: { authorization }, signal: cut.signal,
    })
    await arrived(() => queue.consumers.count === 1)
    cut.abort()
    await expect(polling).rejects.toThrow('aborted')
    await arrived(() => queue.consumers.count === 0)
    await publish('a')
    expect([queue.readyCount, queue.unackedCount]).toEqual([1, 0])
    await running.close()
  })

  test('before the answer is out gives the messages back at once', async () => {
    await publish('a')
    const sessions = new Sessions(http.broker)
    const address = { address: '127.0.0.1', port: 1 }
    const client = { peer: address, local: address, gone: new AbortController().signal }
    const answer = await leaseEndpoints[0]!.handle({
      door: http, sessions, client, user: http.broker.users.get('hare')!, vhost: http.vhost, headers: {},
      params: { vhost: '/', queue: 'q' }, query: { max: 1, wait: 0, lease: 30 }, body: null,
    }) as Answer
    expect(queue.unackedCount).toBe(1)
    answer.undelivered!()
    expect([queue.readyCount, queue.unackedCount]).toEqual([1, 0])
  })
})
