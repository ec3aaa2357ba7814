// Looking at a queue over /api/v1 while it works: what is seen, in which order, and that nothing of it
// changes.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
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

test.each([
  'limit=0', 'limit=1001', 'state=old', 'from=x', 'truncate=-1', 'rooting_key=q',
])('%s is refused', async (query) => {
  expect((await http.call('GET', `${MESSAGES}?${query}`)).status).toBe(400)
})

describe('delayed messages', () => {
  const HOUR = 3_600_000
  /** More than memory has room for. */
  const MANY = 9_000
  const delayed = (payload: string, hours: number, headers: object = {}): Promise<void> =>
    publish(payload, { headers: { 'x-delay': hours * HOUR, ...headers } })

  test('are shown by due time, page by page', async () => {
    for (const [name, hours] of [['c', 3], ['a', 1], ['b', 2]] as const) await delayed(name, hours)
    const first = await browse('?state=delayed&limit=2')
    expect(payloads(first)).toEqual(['a', 'b'])
    expect(first.items[0]).toMatchObject({
      state: 'delayed', due_at: new Date(http.clock.nowMs + HOUR).toISOString(), routing_key: 'q',
    })
    const second = await browse(`?state=delayed&limit=1&from=${first.next}`)
    expect([payloads(second), second.next]).toEqual([['c'], null])
    expect(http.vhost.findQueue('q')!.heldCount).toBe(3)
  })

  test('are found by a filter, and the next page goes on behind what was found', async () => {
    for (let n = 0; n < 6; n++) await delayed(`m${n}`, n + 1, { shop: n % 2 === 0 ? 'a' : 'b' })
    const first = await browse('?state=delayed&limit=2&header.shop=a')
    expect([payloads(first), first.scanned]).toEqual([['m0', 'm2'], 3])
    const second = await browse(`?state=delayed&limit=2&header.shop=a&from=${first.next}`)
    expect([payloads(second), second.next]).toEqual([['m4'], null])
  })

  test('are found where only the store has them', async () => {
    await delayed('first', 1)
    const queue = http.vhost.findQueue('q')!
    const { message } = queue.held.inMemory[0]!
    for (let n = 1; n < MANY; n++) queue.held.delay(message, http.clock.nowMs + (n + 1) * HOUR)
    await delayed('last', MANY + 1, { shop: 'a' })
    expect(queue.held.inMemory.length).toBeLessThan(MANY)
    const found: unknown[] = []
    for (let from: string | null = ''; from !== null;) {
      const page: Page = await browse(`?state=delayed&header.shop=a&from=${from}`)
      found.push(...payloads(page))
      from = page.next
    }
    expect(found).toEqual(['last'])
  })

  test('have no positions to start from', async () => {
    expect((await http.call('GET', `${MESSAGES}?state=delayed&from=3`)).status).toBe(400)
  })
})

describe('dead letters that must not be lost', () => {
  const lettersOf = (query = ''): Promise<Page> => browse(`?state=dead${query}`)

  beforeEach(async () => {
    await http.call('DELETE', '/api/queues/%2F/q')
    await http.call('PUT', '/api/queues/%2F/q', { body: { durable: true, arguments: {
      'x-queue-type': 'quorum', 'x-overflow': 'reject-publish', 'x-dead-letter-strategy': 'at-least-once',
      'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'nowhere',
    } } })
  })

  async function kill(payload: string, properties: object = {}): Promise<void> {
    await publish(payload, properties)
    const queue = http.vhost.findQueue('q')!
    queue.reject(queue.get(false)!)
  }

  test('are shown while nobody has taken them, with their reason', async () => {
    for (const name of ['a', 'b', 'c']) await kill(name)
    const first = await lettersOf('&limit=2')
    expect(first.items).toMatchObject([
      { position: 0, state: 'dead', reason: 'rejected', waits_for: null, payload: 'a' },
      { position: 1, payload: 'b' },
    ])
    const second = await lettersOf(`&from=${first.next}`)
    expect([payloads(second), second.next]).toEqual([['c'], null])
    expect(await browse()).toMatchObject({ items: [] })
  })

  test('are found by a filter', async () => {
    await kill('a', { headers: { shop: 'x' } })
    await kill('b', { headers: { shop: 'y' } })
    expect(payloads(await lettersOf('&header.shop=y'))).toEqual(['b'])
  })

  test('are shown no more when somebody has taken them', async () => {
    await kill('a')
    await http.call('PUT', '/api/queues/%2F/nowhere', { body: {} })
    await expect.poll(async () => {
      http.clock.travel(3_100)
      http.broker.turn.begin()
      http.broker.timers.advance(http.clock.monotonicMs)
      return (await lettersOf()).items.length
    }, { timeout: 20_000 }).toBe(0)
    expect(http.vhost.findQueue('nowhere')!.readyCount).toBe(1)
  })
})

test('unacked messages are filtered like others, and positions count all of them', async () => {
  for (let n = 0; n < 4; n++) await publish(`m${n}`, { headers: { shop: n % 2 === 0 ? 'a' : 'b' } })
  expect((await http.call('GET', '/api/v1/queues/%2F/q/consume?max=4')).status).toBe(200)
  const page = await browse('?state=unacked&header.shop=b')
  expect(page.items.map(({ position, payload }) => [position, payload])).toEqual([[1, 'm1'], [3, 'm3']])
  expect(payloads(await browse('?state=unacked&header.shop=b&from=2'))).toEqual(['m3'])
})

test('whoever may not read the queue is told so', async () => {
  http.broker.access.permit('manager', '/', { configure: '.*', write: '.*', read: '^other$' })
  expect((await http.call('GET', MESSAGES, { user: 'manager' })).status).toBe(401)
})
