// A request and its reply over HTTP, with responders of both doors.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { OpenHttp } from '../../test/http/open-http.ts'
import type { Call, Reply } from '../../test/http/open-http.ts'

let http: OpenHttp

beforeAll(async () => {
  http = await OpenHttp.start()
  await http.call('PUT', '/api/queues/%2F/sums', { body: {} })
})

beforeEach(() => {
  http.vhost.findQueue('sums')!.purge()
})

afterAll(() => http.close())

const request = (query = '', call: Call = {}): Promise<Reply> =>
  http.call('POST', `/api/v1/rpc/%2F/amq.default/sums?${query}`, { body: '1+1', ...call })

interface Request {
  readonly body: string
  readonly properties: { readonly reply_to: string }
}

async function next(): Promise<Request> {
  const { json } = await http.call('GET', '/api/v1/queues/%2F/sums/consume?wait=100')
  return (json as { messages: Request[] }).messages[0]!
}

describe('a request', () => {
  test('is answered by whoever publishes to its reply-to', async () => {
    const asked = request('timeout=20', { headers: { 'amqp-correlation-id': 'c-1' } })
    const { body, properties } = await next()
    expect([body, properties]).toMatchObject(['1+1', { correlation_id: 'c-1', expiration: '20000' }])
    const table = '{"größe":[1]}'
    const answered = await http.call('POST', `/api/v1/publish/%2F/amq.default/${properties.reply_to}`, {
      body: '2', headers: {
        'content-type': 'text/plain', 'amqp-correlation-id': 'c-1',
        'amqp-headers': Buffer.from(table).toString('latin1'),
      },
    })
    expect(answered.json).toEqual({ result: 'routed' })
    const { status, text, headers } = await asked
    expect([status, text]).toEqual([200, '2'])
    expect(headers).toMatchObject({ 'content-type': 'text/plain', 'amqp-correlation-id': 'c-1' })
    expect(Buffer.from(String(headers['amqp-headers']), 'latin1').toString('utf8')).toBe(table)
    expect(http.vhost.replyPorts.size).toBe(0)
  })

  test('without a reply is a timeout, and its message has expired', async () => {
    const asked = request('timeout=5')
    await expect.poll(() => http.vhost.findQueue('sums')!.readyCount, { timeout: 20_000 }).toBe(1)
    http.clock.travel(5_100)
    http.broker.turn.begin()
    http.broker.timers.advance(http.clock.monotonicMs)
    const { status, json } = await asked
    expect([status, json]).toEqual([504, { error: 'timeout', reason: 'no reply within 5 s' }])
    expect(http.vhost.findQueue('sums')!.get(true)).toBeNull()
  })

  test('that no queue takes is told so at once', async () => {
    const { status, json } = await http.call('POST', '/api/v1/rpc/%2F/amq.default/none', { body: 'x' })
    expect([status, json]).toEqual([404, { error: 'unroutable', reason: 'the request went to no queue' }])
    expect(http.vhost.replyPorts.size).toBe(0)
  })

  test.each(['timeout=0', 'timeout=301', 'timeout=x'])('with %s is refused', async (query) => {
    const { status } = await request(query)
    expect([status, http.vhost.replyPorts.size]).toEqual([400, 0])
  })
})
