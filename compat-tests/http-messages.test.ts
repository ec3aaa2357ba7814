// Publishing, getting and purging over the management API.
import { expect } from 'vitest'
import { forEachTarget } from './harness/for-each-target.ts'
import { Management } from './harness/management.ts'
import { until } from './harness/poll.ts'

interface Got {
  readonly payload: string
  readonly redelivered: boolean
}

const message = (payload: string, properties: object = {}): object =>
  ({ properties, routing_key: '', payload, payload_encoding: 'string' })

const payloads = (got: readonly Got[]): unknown => got.map(({ payload, redelivered }) => [payload,
  redelivered])

forEachTarget((test, target) => {
  const http = new Management(target)
  const publish = (queue: string, payload: string, properties: object = {}) =>
    http.post('/exchanges/%2F/amq.default/publish', { ...message(payload, properties), routing_key: queue })
  const get = async (queue: string, ackmode: string, more: object = {}): Promise<Got[]> => {
    const answer = await http.post(`/queues/%2F/${queue}/get`,
      { count: 10, encoding: 'auto', ackmode, ...more })
    expect(answer.status).toBe(200)
    return answer.json as Got[]
  }

  test('a message comes out as it was published', async ({ name }) => {
    const queue = name()
    await http.put(`/queues/%2F/${queue}`, { durable: true })
    const properties = {
      content_type: 'application/json', content_encoding: 'utf-8', delivery_mode: 2, priority: 3,
      correlation_id: 'c', reply_to: 'r', expiration: '60000', message_id: 'm1', timestamp: 1_700_000_000,
      type: 't', app_id: 'a',
        headers: { int: 1, big: 5_000_000_000, text: 'x', list: [1, 'y'], deep: { f: 1.5 } },
    }
    const answer = await publish(queue, '{"é":1}', properties)
    expect([answer.status, answer.json]).toEqual([200, { routed: true }])
    expect(await get(queue, 'ack_requeue_false')).toEqual([{
      payload_bytes: 8, redelivered: false, exchange: '', routing_key: queue, message_count: 0, properties,
      payload: '{"é":1}', payload_encoding: 'string',
    }])
  })

  test('a message without properties', async ({ name, differs }) => {
    const queue = name()
    await http.put(`/queues/%2F/${queue}`)
    await publish(queue, 'x')
    const [got] = await get(queue, 'ack_requeue_false') as unknown as { properties: unknown }[]
    expect(got!.properties).toEqual(differs('http-empty-object') ? {} : [])
  })

  test('bytes that are no text are base64, both ways', async ({ name }) => {
    const queue = name()
    await http.put(`/queues/%2F/${queue}`)
    const body = { properties: {}, routing_key: queue, payload: '/wA=', payload_encoding: 'base64' }
    expect((await http.post('/exchanges/%2F/amq.default/publish', body)).json).toEqual({ routed: true })
    expect(await get(queue,
      'ack_requeue_true')).toMatchObject([{ payload: '/wA=', payload_encoding: 'base64' }])
    await publish(queue, 'text')
    expect((await get(queue, 'ack_requeue_true', { encoding: 'base64' })).at(-1)).toMatchObject({
      payload: 'dGV4dA==', payload_encoding: 'base64',
    })
  })

  test('a message that goes nowhere is not routed', async () => {
    const answer = await http.post('/exchanges/%2F/amq.direct/publish', message('x'))
    expect([answer.status, answer.json]).toEqual([200, { routed: false }])
  })

  test('ack modes: what goes back is at its place and redelivered, what does not is gone',
    async ({ name }) => {
    const queue = name()
    await http.put(`/queues/%2F/${queue}`)
    for (const payload of ['1', '2', '3']) await publish(queue, payload)
    expect(payloads(await get(queue, 'ack_requeue_true'))).toEqual([['1', false], ['2', false], ['3', false]])
    expect(payloads(await get(queue, 'reject_requeue_true', { count: 2 }))).toEqual([['1', true],
      ['2', true]])
    expect(payloads(await get(queue, 'ack_requeue_false', { count: 1 }))).toEqual([['1', true]])
    expect(payloads(await get(queue, 'reject_requeue_false', { count: 1 }))).toEqual([['2', true]])
    expect(payloads(await get(queue, 'ack_requeue_false'))).toEqual([['3', true]])
    expect(await get(queue, 'ack_requeue_false')).toEqual([])
  })

  test('a rejected message is dead-lettered', async ({ name }) => {
    const [queue, dead] = [name(), name('dead')]
    await http.put(`/queues/%2F/${dead}`)
    await http.put(`/queues/%2F/${queue}`, {
      arguments: { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': dead },
    })
    await publish(queue, 'x')
    await get(queue, 'reject_requeue_false')
    const [got] = await until('the dead letter', async () => {
      const found = await get(dead, 'ack_requeue_true')
      return found.length > 0 && found
    })
    expect(got).toMatchObject({ payload: 'x',
      properties: { headers: { 'x-first-death-reason': 'rejected' } } })
  })

  test('message_count says what is left, truncate cuts', async ({ name }) => {
    const queue = name()
    await http.put(`/queues/%2F/${queue}`)
    for (const payload of ['abcdef', '2']) await publish(queue, payload)
    expect(await get(queue, 'ack_requeue_true', { truncate: 3 }))
      .toMatchObject([{ payload: 'abc', payload_bytes: 6, message_count: 1 }, { message_count: 0 }])
  })

  test('purging drops what is ready, again and again', async ({ name }) => {
    const queue = name()
    await http.put(`/queues/%2F/${queue}`)
    await publish(queue, 'x')
    for (let n = 0; n < 2; n++) expect((await http.delete(`/queues/%2F/${queue}/contents`)).status).toBe(204)
    expect(await get(queue, 'ack_requeue_false')).toEqual([])
    expect((await http.get(`/queues/%2F/${queue}/contents`)).status).toBe(405)
  })

  const get1 = { count: 1, ackmode: 'ack_requeue_true', encoding: 'auto' }
  const refusals: readonly (readonly [string, 'get' | 'publish', object, string])[] = [
    ['an ack mode that is none', 'get', { ...get1, ackmode: 'x' }, 'Invalid ackmode value: x. '
      + 'Valid values are: ack_requeue_true, ack_requeue_false, reject_requeue_true, reject_requeue_false'],
    ['an encoding that is none', 'get', { ...get1, encoding: 'x' },
      'Unsupported encoding. Please use auto or base64.'],
    ['get without anything', 'get', {}, '[{key_missing,ackmode},{key_missing,count},{key_missing,encoding}]'],
    ['a payload that is no text', 'publish', { ...message('x'), payload: 1 }, 'payload_not_string'],
    ['a header of null', 'publish', message('x', { headers: { a: null } }), 'null_not_allowed'],
    ['somebody else\'s user_id', 'publish', message('x', { user_id: 'somebody' }),
      '406 PRECONDITION_FAILED - user_id property set to \'somebody\' but authenticated user was \'guest\''],
    ['an expiration that is no number', 'publish', message('x', { expiration: 'soon' }),
      '406 PRECONDITION_FAILED - invalid expiration \'soon\': no_integer'],
  ]
  for (const [title, what, body, reason] of refusals) {
    test(`${title} is refused`, async ({ name, differs }) => {
      const queue = name()
      await http.put(`/queues/%2F/${queue}`)
      const path = what === 'get' ? `/queues/%2F/${queue}/get` : '/exchanges/%2F/amq.direct/publish'
      const answer = await http.post(path, body)
      expect(answer.status).toBe(400)
      const isDifferent = reason.includes('no_integer') && differs('expiration-text')
      if (!isDifferent) expect(answer.json).toEqual({ error: 'bad_request', reason })
    })
  }

  test('publishing without anything names every key', async () => {
    const answer = await http.post('/exchanges/%2F/amq.direct/publish', {})
    expect(answer.status).toBe(400)
    const { reason } = answer.json as { reason: string }
    for (const key of ['routing_key', 'properties', 'payload', 'payload_encoding']) {
      expect(reason).toContain(`{key_missing,${key}}`)
    }
  })

  test('an exchange must be there to be published to', async () => {
    const answer = await http.post('/exchanges/%2F/nosuch/publish', message('x'))
    expect([answer.status, answer.json]).toEqual([404, { error: 'not_found', reason: 'exchange_not_found' }])
  })

  test('base64 that is none is refused', async ({ differs }) => {
    const body = { ...message('!!'), payload_encoding: 'base64' }
    const answer = await http.post('/exchanges/%2F/amq.direct/publish', body)
    expect([answer.status, (answer.json as { reason: unknown }).reason])
      .toEqual([400, differs('http-reason') ? 'not_base64: !!' : ['not_base64', '!!']])
  })
}, ({ httpUrl }) => httpUrl !== null)
