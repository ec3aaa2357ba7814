// What the compatibility suite cannot see from outside: rights in vhosts, visibility, what a refused request
// leaves behind, values from hostile clients, and lists that hold nobody up.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { OpenHttp } from '../../test/http/open-http.ts'

let http: OpenHttp

beforeEach(async () => {
  http = await OpenHttp.start()
})

afterEach(async () => {
  await http.close()
  // A fault of ours behind an answer that a test took for a refusal.
  if (http.logged.length > 0) throw new Error(`logged: ${JSON.stringify(http.logged)}`)
})

const publishing = (payload: string, properties: object = {}): object =>
  ({ properties, routing_key: 'q', payload, payload_encoding: 'string' })
const getting = { count: 10, ackmode: 'ack_requeue_true', encoding: 'auto' }

async function declareWith(messages: readonly string[]): Promise<void> {
  await http.call('PUT', '/api/queues/%2F/q', { body: { durable: true } })
  for (const payload of messages) {
    await http.call('POST', '/api/exchanges/%2F/amq.default/publish', { body: publishing(payload) })
  }
}

describe('a user without permissions in a vhost', () => {
  test('does not learn what is in it', async () => {
    await declareWith([])
    for (const path of ['/api/queues/%2F', '/api/queues/%2F/q', '/api/exchanges/%2F', '/api/bindings/%2F']) {
      const { status, json } = await http.call('GET', path, { user: 'monitor' })
      expect([path, status, json]).toEqual([path, 404, { error: 'not_found', reason: 'Not Found' }])
    }
    expect((await http.call('GET', '/api/queues', { user: 'monitor' })).json).toEqual([])
  })

  test('sees its name when monitoring', async () => {
    expect((await http.call('GET', '/api/vhosts?columns=name',
      { user: 'monitor' })).json).toEqual([{ name: '/' }])
    expect((await http.call('GET', '/api/vhosts', { user: 'manager' })).json).toEqual([])
  })

  test('changes nothing in it', async () => {
    await declareWith(['x'])
    http.broker.access.putUser({ ...http.broker.users.get('hare')!, name: 'hare2' })
    const writes: readonly (readonly [string, string, object])[] = [
      ['PUT', '/api/queues/%2F/new', {}], ['DELETE', '/api/queues/%2F/q', {}],
      ['DELETE', '/api/queues/%2F/q/contents', {}], ['POST', '/api/queues/%2F/q/get', getting],
      ['PUT', '/api/exchanges/%2F/new', {}], ['DELETE', '/api/exchanges/%2F/amq.topic', {}],
      ['POST', '/api/bindings/%2F/e/amq.topic/q/q', {}],
      ['POST', '/api/exchanges/%2F/amq.default/publish', publishing('y')],
    ]
    for (const [method, path, body] of writes) {
      const { status, json } = await http.call(method, path, { user: 'hare2', body })
      expect([method, path, status, json])
        .toEqual([method, path, 401, { error: 'not_authorised', reason: 'Access refused.' }])
    }
    expect([...http.vhost.queues.keys(), http.vhost.findQueue('q')!.readyCount]).toEqual(['q', 1])
  })
})

test('operator policies stay with administrators when they are set as parameters', async () => {
  http.broker.access.permit('policy', '/', { configure: '', write: '', read: '' })
  const body = { value: { pattern: '.*', definition: { expires: 9000 } } }
  const path = '/api/parameters/operator_policy/%2F/p'
  expect((await http.call('PUT', path, { user: 'policy', body })).status).toBe(401)
  expect(http.vhost.policies.find('operator-policy', 'p')).toBeNull()
  expect((await http.call('PUT', path, { body })).status).toBe(201)
  expect((await http.call('DELETE', path, { user: 'policy' })).status).toBe(401)
  expect(http.vhost.policies.find('operator-policy', 'p')).not.toBeNull()
  for (const name of ['constructor', '__proto__']) {
    expect((await http.call('PUT', `/api/parameters/${name}/%2F/p`, { body })).status).toBe(400)
  }
})

describe('values from hostile clients', () => {
  const deep = `{"arguments":${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}}`
  const values: readonly (readonly [string, string, object | string])[] = [
    ['arguments nested without end', '/api/queues/%2F/new', deep],
    ['a boolean nested without end', '/api/queues/%2F/new', deep.replace('arguments', 'durable')],
    ['a name of an argument that is too long', '/api/queues/%2F/new',
      { arguments: { ['x'.repeat(256)]: 1 } }],
    ['a name that is too long', `/api/queues/%2F/${'x'.repeat(256)}`, {}],
    ['a node that is no text', '/api/queues/%2F/new', { node: 1 }],
    ['null in arguments', '/api/queues/%2F/new', { arguments: { a: [null] } }],
    ['a type that is no text', '/api/exchanges/%2F/new', { type: {} }],
    ['an alternate exchange that is no text', '/api/exchanges/%2F/new',
      { arguments: { 'alternate-exchange': 1 } }],
  ]
  test.each(values)('%s: a bad request, and nothing is there', async (_title, path, body) => {
    const { status, json } = await http.call('PUT', path, { body })
    expect([status, json]).toEqual([400, { error: 'bad_request', reason: expect.any(String) as string }])
    expect([http.vhost.queues.size, http.vhost.exchanges.size]).toEqual([0, 7])
  })

  test.each([
    { routing_key: 'x'.repeat(256) }, { routing_key: '\ud800' }, { properties: [] },
    { properties: { priority: 256 } }, { properties: { priority: -1 } }, { properties: { timestamp: 1.5 } },
    { properties: { type: 'x'.repeat(256) } }, { properties: { headers: [] } },
    { properties: { headers: { CC: 'no array' } } },
  ])('%j is not published', async (change) => {
    await declareWith([])
    const body = { ...publishing('x'), ...change }
    const { status } = await http.call('POST', '/api/exchanges/%2F/amq.default/publish', { body })
    expect([status, http.vhost.traffic.published]).toEqual([400, 0])
  })

  test('names like those of every object are names', async () => {
    for (const name of ['__proto__', 'constructor']) {
      expect((await http.call('PUT', `/api/queues/%2F/${name}`, { body: {} })).status).toBe(201)
    }
    expect((await http.call('GET', '/api/queues?columns=name,__proto__.x,constructor')).json)
      .toEqual([{ name: '__proto__' }, { name: 'constructor' }])
    expect((await http.call('GET', '/api/queues/__proto__')).status).toBe(404)
  })

  test('a curve of a million points is refused', async () => {
    await declareWith([])
    expect((await http.call('GET',
      '/api/queues/%2F/q?lengths_age=999999999&lengths_incr=1')).status).toBe(400)
  })
})

describe('messages', () => {
  test('that were taken are ready again at their places', async () => {
    await declareWith(['1', '2'])
    const queue = http.vhost.findQueue('q')!
    await http.call('POST', '/api/queues/%2F/q/get', { body: getting })
    expect([queue.readyCount, queue.unackedCount, queue.unackedBytes]).toEqual([2, 0, 0])
    queue.checkInvariants()
  })

  test('of an exclusive queue are nobody else\'s', async () => {
    await declareWith([])
    Object.assign(http.vhost.findQueue('q')!, { owner: {} })
    const { status, json } = await http.call('POST', '/api/queues/%2F/q/get', { body: getting })
    expect([status, json]).toMatchObject([400, { reason: expect.stringContaining('exclusive') as string }])
  })

  test('reach the queues of CC and BCC, and BCC is not told', async () => {
    for (const name of ['q', 'cc', 'bcc']) await http.call('PUT', `/api/queues/%2F/${name}`, { body: {} })
    const body = publishing('x', { headers: { CC: ['cc'], BCC: ['bcc'] } })
    await http.call('POST', '/api/exchanges/%2F/amq.default/publish', { body })
    for (const name of ['q', 'cc', 'bcc']) {
      const { json } = await http.call('POST', `/api/queues/%2F/${name}/get`, { body: getting })
      expect(json).toMatchObject([{ payload: 'x', properties: { headers: { CC: ['cc'] } } }])
      expect(JSON.stringify(json)).not.toContain('BCC')
    }
  })
})

describe('rates', () => {
  test('and curves follow the samples', async () => {
    await declareWith(['1', '2', '3', '4', '5'])
    http.clock.travel(5000)
    http.sampler.sample()
    const { json } = await http.call('GET', '/api/queues/%2F/q?msg_rates_age=10&msg_rates_incr=5')
    expect(json).toMatchObject({
      message_stats: {
        publish: 5,
        publish_details: { rate: 1, samples: [{ sample: 5 }, { sample: 0 }, { sample: 0 }] },
      },
    })
    expect((await http.call('GET', '/api/overview')).json).toMatchObject({ message_stats: { publish: 5 } })
  })
})
