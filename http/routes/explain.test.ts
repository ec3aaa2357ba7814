// /api/v1/explain: the answer as a whole, and what it says of permissions.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { OpenHttp } from '../../test/http/open-http.ts'
import type { Reply } from '../../test/http/open-http.ts'

let http: OpenHttp

beforeAll(async () => {
  http = await OpenHttp.start()
  await http.call('PUT', '/api/queues/%2F/q', { body: {} })
  await http.call('PUT', '/api/exchanges/%2F/main', {
    body: { type: 'topic', arguments: { 'alternate-exchange': 'amq.fanout' } },
  })
  await http.call('POST', '/api/bindings/%2F/e/main/q/q', { body: { routing_key: 'order.*' } })
})

afterAll(() => http.close())

const explain = (body: object, user = 'hare'): Promise<Reply> =>
  http.call('POST', '/api/v1/explain', { user, body: { vhost: '/', exchange: 'main', ...body } })

test('a message that is routed', async () => {
  expect((await explain({ routing_key: 'order.new' })).json).toEqual({
    routed: true, queues: ['q'],
    permission: {
      user: 'hare', allowed: true, why: '\'main\' fits the write pattern', patterns: { write: '.*' },
    },
    exchanges: [{
      exchange: 'main', type: 'topic', reached: 'published to', left_out: 0,
      bindings: [{
        destination: 'q', destination_type: 'queue', routing_key: 'order.*', arguments: {}, matches: true,
        why: '\'order.new\' fits \'order.*\'',
      }],
    }],
  })
})

test('a message that goes to the alternate exchange, and nowhere from there', async () => {
  expect((await explain({ routing_key: 'x' })).json).toMatchObject({
    routed: false, exchanges: [
      { exchange: 'main', alternate_exchange: { name: 'amq.fanout', why: 'no binding matches' } },
      { exchange: 'amq.fanout', reached: 'as the alternate of \'main\'', bindings: [] },
    ],
  })
})

test('the default exchange, with keys in CC', async () => {
  const { json } = await explain({ exchange: 'amq.default', routing_key: 'none', headers: { CC: ['q'] } })
  expect(json).toMatchObject({ queues: ['q'], exchanges: [{ exchange: '', bindings: [
    { destination: 'q', matches: true }, { matches: false, why: 'there is no queue \'none\'' },
  ] }] })
})

test('permissions: of the vhost, the exchange, the topic', async () => {
  const why = async (user: string): Promise<unknown> => {
    const { json } = await explain({ routing_key: 'order.new', user })
    return (json as { permission: { why: string } }).permission.why
  }
  expect(await why('policy')).toBe('no permissions in vhost \'/\'')
  http.broker.access.permit('policy', '/', { configure: '', write: 'other', read: '' })
  expect(await why('policy')).toBe('\'main\' does not fit the write pattern')
  http.broker.access.permit('policy', '/', { configure: '', write: '.*', read: '' })
  http.broker.access.limitTopics('policy', '/', { exchange: 'main', write: '^bill', read: '' })
  expect(await why('policy')).toBe('key \'order.new\' does not fit the topic\'s pattern')
})

test('what cannot be asked', async () => {
  expect((await explain({ user: 'monitor' }, 'policy')).status).toBe(401)
  expect((await explain({ user: 'nobody knows' })).status).toBe(404)
  expect((await explain({ exchange: 'none' })).json)
    .toEqual({ error: 'not_found', reason: 'no exchange \'none\' in vhost \'/\'' })
  expect((await explain({ vhost: 'none' })).status).toBe(404)
  expect((await explain({ colour: 'red' })).status).toBe(400)
  expect((await explain({ headers: { CC: 'q' } })).status).toBe(400)
})
