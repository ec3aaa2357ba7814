// Looking at a queue over /api/v1 while it works: what is seen, in which order, and that nothing of it
// changes.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { OpenHttp } from '../../test/http/open-http.ts'

let http: OpenHttp
const MESSAGES = '/api/v1/queues/%2F/q/messages'

interface Item { readonly id: number; readonly position: number; readonly [field: string]: unknown }
interface Page { readonly items: readonly Item[]; readonly next: string | null; readonly scanned: number }

beforeEach(async () => {
  http = await OpenHttp.start()
  await http.call('PUT', '/api/queues/%2F/q', { body: { durable: true } })
})

afterEach(async () => {
  await http.close()
  if (http.logged.length > 0) throw new Error(`logged: ${JSON.stringify(http.logged)}`)
})

async function publish(payload: string, properties: object = {}, encoding = 'string'): Promise<void> {
  const body = { properties, routing_key: 'q', payload, payload_encoding: encoding }
  await http.call('POST', '/api/exchanges/%2F/amq.default/publish', { body })
}

async function browse(query = ''): Promise<Page> {
  const { status, json } = await http.call('GET', `${MESSAGES}${query}`)
  expect(status).toBe(200)
  return json as Page
}

const payloads = ({ items }: Page): unknown[] => items.map(({ payload }) => payload)

test('ready messages are shown in order, page by page, and stay as they are', async () => {
  for (let n = 0; n < 7; n++) await publish(`m${n}`)
  const first = await browse('?limit=3')
  expect(payloads(first)).toEqual(['m0', 'm1', 'm2'])
  expect(first.items.map(({ position }) => position)).toEqual([0, 1, 2])
  const second = await browse(`?limit=3&from=${first.next}`)
  expect(payloads(second)).toEqual(['m3', 'm4', 'm5'])
  const third = await browse(`?limit=3&from=${second.next}`)
  expect([payloads(third), third.next]).toEqual([['m6'], null])
  const queue = http.vhost.findQueue('q')!
  expect([queue.readyCount, queue.unackedCount, queue.get(true)!.isRedelivered]).toEqual([7, 0, false])
})

test('a page can start behind any number of messages', async () => {
  for (let n = 0; n < 5; n++) await publish(`m${n}`)
  expect(payloads(await browse('?from=3'))).toEqual(['m3', 'm4'])
  expect(await browse('?from=5')).toEqual({ items: [], next: null, scanned: 0 })
})

test('a message says what it carries, of how much only a part is shown', async () => {
  await publish('grüße', { headers: { tries: 3 }, message_id: 'm', delivery_mode: 2 })
  await publish(Buffer.from([0xff, 0]).toString('base64'), {}, 'base64')
  const { items: [text, bytes] } = await browse('?truncate=3')
  expect(text).toEqual({
    id: expect.any(Number), position: 0, state: 'ready', exchange: '', routing_key: 'q',
    properties: { headers: { tries: 3 }, message_id: 'm', delivery_mode: 2 }, redelivered: false,
    deliveries: 0, failed_deliveries: 0, expires_at: null, death: null, payload_bytes: 7,
    payload_truncated: true, payload: 'gr', payload_encoding: 'string',
  })
  expect(bytes).toMatchObject({ payload: '/wA=', payload_encoding: 'base64', payload_truncated: false })
})

test('a dead letter says of what it died', async () => {
  await http.call('PUT', '/api/queues/%2F/work', {
    body: { arguments: { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'q' } },
  })
  const body = { properties: {}, routing_key: 'work', payload: 'x', payload_encoding: 'string' }
  await http.call('POST', '/api/exchanges/%2F/amq.default/publish', { body })
  const work = http.vhost.findQueue('work')!
  work.reject(work.get(false)!)
  const { items: [letter] } = await browse()
  expect(letter!['death']).toEqual({
    queue: 'work', reason: 'rejected', exchange: '', routing_keys: ['work'],
    time: '2023-11-14T22:13:20.000Z', count: 1,
  })
})

test.each(['limit=0', 'limit=1001', 'state=old', 'from=x', 'truncate=-1'])('%s is refused', async (query) => {
  expect((await http.call('GET', `${MESSAGES}?${query}`)).status).toBe(400)
})

test('delayed messages are said not to be shown yet', async () => {
  expect((await http.call('GET', `${MESSAGES}?state=delayed`)).status).toBe(501)
})

test('whoever may not read the queue is told so', async () => {
  http.broker.access.permit('manager', '/', { configure: '.*', write: '.*', read: '^other$' })
  expect((await http.call('GET', MESSAGES, { user: 'manager' })).status).toBe(401)
})
