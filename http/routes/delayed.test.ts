// Messages that wait for their time, over /api/v1: listed by due time, told off, sent now, given another
// time; also those that only the store has.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { OpenHttp } from '../../test/http/open-http.ts'

let http: OpenHttp
const DELAYED = '/api/v1/queues/%2F/q/delayed'
const HOUR = 3_600_000
/** More than memory has room for. */
const MANY = 9_000

interface Item { readonly id: number; readonly payload: string; readonly due_at: string }
interface Page { readonly items: readonly Item[]; readonly next: string | null; readonly total: number }

beforeEach(async () => {
  http = await OpenHttp.start()
  await http.call('PUT', '/api/queues/%2F/q', { body: { durable: true } })
})

afterEach(async () => {
  await http.close()
  if (http.logged.length > 0) throw new Error(`logged: ${JSON.stringify(http.logged)}`)
})

async function publish(payload: string, delayMs: number, properties: object = {}): Promise<void> {
  const headers = { 'x-delay': delayMs }
  const body = {
    properties: { headers, ...properties }, routing_key: 'q', payload, payload_encoding: 'string',
  }
  expect((await http.call('POST', '/api/exchanges/%2F/amq.default/publish', { body })).status).toBe(200)
}

/** MANY of them, an hour apart; the later half is in the store alone. */
async function publishMany(): Promise<void> {
  await publish('0', HOUR)
  const queue = http.vhost.findQueue('q')!
  const { message } = queue.held.inMemory[0]!
  for (let n = 1; n < MANY; n++) queue.held.delay(message, http.clock.nowMs + (n + 1) * HOUR)
  await publish('last', (MANY + 1) * HOUR)
  expect(queue.held.inMemory.length).toBeLessThan(MANY)
}

async function list(query = ''): Promise<Page> {
  const { status, json } = await http.call('GET', `${DELAYED}${query}`)
  expect(status).toBe(200)
  return json as Page
}

async function listAll(): Promise<Item[]> {
  const items: Item[] = []
  let next: string | null = ''
  while (next !== null) {
    const page: Page = await list(`?limit=1000${next === '' ? '' : `&from=${next}`}`)
    items.push(...page.items)
    next = page.next
  }
  return items
}

const payloads = ({ items }: Pick<Page, 'items'>): string[] => items.map(({ payload }) => payload)
const queue = (): { readyCount: number; heldCount: number; get(noAck: boolean): unknown } =>
  http.vhost.findQueue('q')!

test('they are listed by due time, page by page', async () => {
  for (const [name, hours] of [['c', 3], ['a', 1], ['e', 5], ['b', 2], ['d', 4]] as const) {
    await publish(name, hours * HOUR)
  }
  const first = await list('?limit=2')
  expect([payloads(first), first.total]).toEqual([['a', 'b'], 5])
  const second = await list(`?limit=3&from=${first.next}`)
  expect([payloads(second), second.next]).toEqual([['c', 'd', 'e'], null])
  expect(first.items[0]).toMatchObject({
    state: 'delayed', due_at: new Date(http.clock.nowMs + HOUR).toISOString(), routing_key: 'q',
    properties: { headers: { 'x-delay': -HOUR } }, redelivered: false,
  })
})

test('the queue says how many there are and when the next is due, if there are any', async () => {
  expect((await http.call('GET', '/api/queues/%2F/q')).json).not.toHaveProperty('messages_delayed')
  await publish('later', 2 * HOUR)
  await publish('sooner', HOUR)
  expect((await http.call('GET', '/api/queues/%2F/q')).json).toMatchObject({
    messages_delayed: 2, messages: 0, next_delayed_at: new Date(http.clock.nowMs + HOUR).toISOString(),
  })
})

test('one is told off, once', async () => {
  await publish('a', HOUR)
  await publish('b', HOUR)
  const { items: [a] } = await list()
  expect((await http.call('DELETE', `${DELAYED}/${a!.id}`)).status).toBe(204)
  expect(payloads(await list())).toEqual(['b'])
  expect(await http.call('DELETE', `${DELAYED}/${a!.id}`)).toMatchObject({
    status: 404, json: { reason: `no delayed message ${a!.id} in queue 'q' in vhost '/'` },
  })
})

test('one is sent at once, and lives as long as it would have', async () => {
  await publish('a', HOUR, { expiration: '1000' })
  const { items: [a] } = await list()
  expect((await http.call('POST', `${DELAYED}/${a!.id}/fire`)).status).toBe(204)
  expect([queue().readyCount, queue().heldCount]).toEqual([1, 0])
  expect(queue().get(true)).toMatchObject({ expiresAtMs: http.clock.nowMs + 1_000 })
  expect((await http.call('POST', `${DELAYED}/${a!.id}/fire`)).status).toBe(404)
})

test('one is given another time', async () => {
  await publish('a', HOUR)
  await publish('b', 2 * HOUR)
  const { items: [a] } = await list()
  const { status, json } = await http.call('POST', `${DELAYED}/${a!.id}/reschedule`, {
    body: { delay: 3 * HOUR },
  })
  const dueAt = new Date(http.clock.nowMs + 3 * HOUR).toISOString()
  expect([status, json]).toEqual([200, { id: expect.any(Number), due_at: dueAt }])
  expect(payloads(await list())).toEqual(['b', 'a'])
  const { id } = json as { id: number }
  await http.call('POST', `${DELAYED}/${id}/reschedule`, { body: { at: '2023-11-15T00:00:00+01:00' } })
  expect((await list()).items.map(({ payload, due_at: at }) => [payload, at])).toEqual([
    ['a', '2023-11-14T23:00:00.000Z'], ['b', new Date(http.clock.nowMs + 2 * HOUR).toISOString()],
  ])
})

test('what only the store has is listed, told off, sent and given another time like the rest', async () => {
  await publishMany()
  const all = await listAll()
  expect(all.length).toBe(MANY + 1)
  expect(all.map(({ due_at: at }) => at)).toEqual(all.map(({ due_at: at }) => at).toSorted())
  expect(new Set(all.map(({ id }) => id)).size).toBe(MANY + 1)
  const [cancelled, fired, moved] = all.slice(-3)
  const answers = await Promise.all([
    http.call('DELETE', `${DELAYED}/${cancelled!.id}`), http.call('DELETE', `${DELAYED}/${cancelled!.id}`),
    http.call('POST', `${DELAYED}/${fired!.id}/fire`), http.call('POST', `${DELAYED}/${fired!.id}/fire`),
    http.call('POST', `${DELAYED}/${moved!.id}/reschedule`, { body: { delay: 1_000 } }),
  ])
  expect(answers.map(({ status }) => status)).toEqual([204, 404, 204, 404, 200])
  const left = await listAll()
  expect(left.length).toBe(MANY - 1)
  expect([left[0]!.payload, queue().readyCount, queue().heldCount]).toEqual(['last', 1, MANY - 1])
})

test.each(['limit=0', 'limit=1001', 'from=x', 'truncate=-1'])('%s is refused', async (query) => {
  expect((await http.call('GET', `${DELAYED}?${query}`)).status).toBe(400)
})

test.each([
  {}, { at: '2027-01-01T00:00:00Z', delay: 1 }, { at: 'tomorrow' }, { delay: 'x' }, { delay: 1e14 },
])('another time that is %j is refused, and the message waits on', async (body) => {
  await publish('a', HOUR)
  const { items: [a] } = await list()
  expect((await http.call('POST', `${DELAYED}/${a!.id}/reschedule`, { body })).status).toBe(400)
  expect((await list()).items).toEqual([a])
})

test('whoever may not read the queue is told so', async () => {
  await publish('a', HOUR)
  http.broker.access.permit('manager', '/', { configure: '.*', write: '.*', read: '^other$' })
  const { items: [a] } = await list()
  for (const [method, path] of [['GET', ''], ['DELETE', `/${a!.id}`], ['POST', `/${a!.id}/fire`]] as const) {
    expect((await http.call(method, `${DELAYED}${path}`, { user: 'manager' })).status).toBe(401)
  }
})
