// The overview of dead letters, filters in a query, and what can be done with single messages.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { OpenHttp } from '../../test/http/open-http.ts'

let http: OpenHttp
const MESSAGES = '/api/v1/queues/%2F/dead/messages'

interface Item { readonly id: number; readonly payload: string }

beforeEach(async () => {
  http = await OpenHttp.start()
  await http.call('PUT', '/api/queues/%2F/dead', { body: { durable: true } })
  await http.call('PUT', '/api/queues/%2F/work', {
    body: { durable: true, arguments: { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'dead' } },
  })
})

afterEach(async () => {
  await http.close()
  if (http.logged.length > 0) throw new Error(`logged: ${JSON.stringify(http.logged)}`)
})

async function publish(routingKey: string, payload: string, properties: object = {}): Promise<void> {
  const body = { properties, routing_key: routingKey, payload, payload_encoding: 'string' }
  await http.call('POST', '/api/exchanges/%2F/amq.default/publish', { body })
}

async function letter(payload: string, headers: object = {}): Promise<void> {
  await publish('work', payload, { headers, delivery_mode: 2 })
  const work = http.vhost.findQueue('work')!
  work.reject(work.get(false)!)
}

async function items(query = '', queue = 'dead'): Promise<Item[]> {
  const { json } = await http.call('GET', `/api/v1/queues/%2F/${queue}/messages${query}`)
  return (json as { items: Item[] }).items
}

const payloads = async (query = '', queue = 'dead'): Promise<string[]> =>
  (await items(query, queue)).map(({ payload }) => payload)

test('dead letters are grouped by source, reason and exception, with the oldest', async () => {
  await letter('a', { 'x-exception-message': 'boom\n  at line 1' })
  http.clock.travel(60_000)
  await letter('b', { 'x-exception-message': 'boom\n  at line 2' })
  await letter('c')
  await publish('dead', 'alive')
  const { json } = await http.call('GET', '/api/v1/dead-letters/%2F')
  expect(json).toEqual({
    groups: [
      { queue: 'dead', source: 'work', reason: 'rejected', exception: 'boom', messages: 2, bytes: 2,
        oldest: '2023-11-14T22:13:20.000Z', newest: '2023-11-14T22:14:20.000Z' },
      { queue: 'dead', source: 'work', reason: 'rejected', exception: null, messages: 1, bytes: 1,
        oldest: '2023-11-14T22:14:20.000Z', newest: '2023-11-14T22:14:20.000Z' },
    ],
    scanned: 4, next: null,
  })
})

test('queues that a user may not read are not counted', async () => {
  await letter('a')
  http.broker.access.permit('manager', '/', { configure: '', write: '', read: '^work$' })
  expect((await http.call('GET', '/api/v1/dead-letters/%2F', { user: 'manager' })).json)
    .toEqual({ groups: [], scanned: 0, next: null })
})

test.each([
  ['header.kind=red', ['a']], ['header.tries=3', ['b']], ['header.kind=red&header.tries=3', []],
  ['body=b', ['b']], ['size_min=2&size_max=4', ['long']], ['routing_key=dead', ['a', 'b', 'long', 'alive']],
  ['routing_key_pattern=*', ['a', 'b', 'long', 'alive']], ['routing_key_pattern=*.*', []],
  ['property.message_id=m1', ['alive']], ['property.delivery_mode=1', ['alive']],
  ['death_reason=rejected&death_queue=work', ['a', 'b', 'long']], ['death_reason=expired', []],
  ['died_before=2023-11-14T22:13:30Z', ['a', 'b']], ['died_after=1700000010', ['long']],
  ['exception=boom', ['b']], ['exchange=amq.topic', []],
])('the filter %s finds %j', async (query, expected) => {
  await letter('a', { kind: 'red' })
  await letter('b', { tries: 3, 'x-error': 'boom' })
  http.clock.travel(60_000)
  await letter('long')
  await publish('dead', 'alive', { message_id: 'm1', delivery_mode: 1 })
  expect(await payloads(`?${query}`)).toEqual(expected)
})

test.each([
  'size_min=x', 'died_before=soon', 'property.colour=red', 'body=',
])('%s is refused', async (query) => {
  expect((await http.call('GET', `${MESSAGES}?${query}`)).status).toBe(400)
})

test('messages are deleted by their ids or by a filter, never without one', async () => {
  for (const name of ['a', 'b', 'c', 'd']) await letter(name, { name })
  const [first, second] = await items()
  expect((await http.call('DELETE', `${MESSAGES}?ids=${first!.id},${second!.id},999999`)).json)
    .toEqual({ deleted: 2, scanned: 3, next: null })
  expect((await http.call('DELETE', `${MESSAGES}?header.name=d`)).json)
    .toEqual({ deleted: 1, scanned: 2, next: null })
  expect(await payloads()).toEqual(['c'])
  for (const query of ['', '?ids=1&body=x', '?ids=x']) {
    expect((await http.call('DELETE', `${MESSAGES}${query}`)).status).toBe(400)
  }
})

test('one message is sent on with other headers and another body, and keeps the rest', async () => {
  await letter('bad', { kind: 'red', tries: 3 })
  const [{ id }] = await items() as [Item]
  const body = { properties: { headers: { kind: 'blue', tries: null }, type: 'fixed' }, payload: 'good' }
  expect((await http.call('POST', `${MESSAGES}/${id}/requeue`, { body })).json).toEqual({ queues: ['work'] })
  expect([await payloads(), http.vhost.findQueue('work')!.readyCount]).toEqual([[], 1])
  const [fixed] = await items('', 'work')
  expect(fixed).toMatchObject({
    payload: 'good', properties: { type: 'fixed', delivery_mode: 2, headers: { kind: 'blue' } },
    death: { queue: 'work', count: 1 },
  })
  expect(fixed).not.toHaveProperty('properties.headers.tries')
})

test('what cannot go anywhere stays where it is', async () => {
  await publish('dead', 'alive')
  const [{ id }] = await items() as [Item]
  const requeue = (body: object) => http.call('POST', `${MESSAGES}/${id}/requeue`, { body })
  expect((await requeue({})).status).toBe(400)
  expect((await requeue({ to: { exchange: '', routing_key: 'nowhere' } })).status).toBe(400)
  const to = { exchange: '', routing_key: 'work' }
  expect((await requeue({ to, payload_encoding: 'hex' })).status).toBe(400)
  expect(await payloads()).toEqual(['alive'])
  expect((await http.call('GET', `${MESSAGES}/${id}`)).json).toMatchObject({ id, payload: 'alive' })
  expect((await http.call('GET', `${MESSAGES}/${id + 1}`)).status).toBe(404)
})

test('what was exported comes back as it was, history included', async () => {
  await letter('grüße', { kind: 'red' })
  await publish('dead', 'alive', { message_id: 'm1' })
  const before = await items()
  const exported = await http.call('GET', '/api/v1/queues/%2F/dead/export')
  expect(exported.headers['content-type']).toBe('application/x-ndjson')
  expect(exported.text.split('\n')).toHaveLength(3)
  await http.call('DELETE', '/api/queues/%2F/dead/contents')
  const { json } = await http.call('POST', '/api/v1/queues/%2F/dead/import', { body: exported.text })
  expect(json).toEqual({ imported: 2, rejected: 0 })
  const withoutIds = (all: readonly object[]): object[] => all.map((each) => ({ ...each, id: 0 }))
  expect(withoutIds(await items())).toEqual(withoutIds(before))
})

test.each([
  ['{"routing_key":"a"}', 'line 2: payload: Invalid input: expected string, received undefined'],
  ['{"routing_key":"a","payload":"x","properties_encoded":"gAA="}', 'malformed content header'],
  ['no JSON', 'line 2: Unexpected token'],
])('nothing is imported when a line is %s', async (line, reason) => {
  const body = `{"routing_key":"a","payload":"x"}\n${line}\n`
  const { status, json } = await http.call('POST', '/api/v1/queues/%2F/dead/import', { body })
  expect([status, (json as { reason: string }).reason]).toEqual([400, expect.stringContaining(reason)])
  expect(http.vhost.findQueue('dead')!.readyCount).toBe(0)
})
