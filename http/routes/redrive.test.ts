// Redrive jobs over HTTP: what can be asked for, who may, and what is answered. What jobs do is in
// broker/redrive.test.ts.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { OpenHttp } from '../../test/http/open-http.ts'

let http: OpenHttp
const LETTERS = '/api/v1/dead-letters/%2F/dead'

beforeEach(async () => {
  http = await OpenHttp.start()
  await http.call('PUT', '/api/queues/%2F/dead', { body: { durable: true } })
  const args = { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'dead' }
  await http.call('PUT', '/api/queues/%2F/work', { body: { durable: true, arguments: args } })
  for (const kind of ['red', 'blue', 'red']) {
    const body = { properties: { headers: { kind } }, routing_key: 'work', payload: kind,
      payload_encoding: 'string' }
    await http.call('POST', '/api/exchanges/%2F/amq.default/publish', { body })
    const work = http.vhost.findQueue('work')!
    work.reject(work.get(false)!)
  }
})

afterEach(async () => {
  await http.close()
  if (http.logged.length > 0) throw new Error(`logged: ${JSON.stringify(http.logged)}`)
})

const post = (path: string, body: object, user = 'hare') =>
  http.call('POST', `${LETTERS}${path}`, { body, user })

async function over(id: number): Promise<unknown> {
  for (let n = 0; n < 1_000; n++) {
    const { json } = await http.call('GET', `${LETTERS}/jobs/${id}`)
    if ((json as { state: string }).state !== 'running') return json
  }
  throw new Error('the job does not end')
}

test('a job moves what its filter says, and tells of it', async () => {
  const { status, json } = await post('/redrive', { filter: { headers: { kind: 'red' } }, history: 'strip' })
  expect(status).toBe(201)
  const { id } = json as { id: number }
  expect(await over(id)).toEqual({
    id, queue: 'dead', state: 'done', error: null, to: 'died', ids: null,
    filter: { headers: { kind: 'red' } }, history: 'strip', rate: null, user: 'hare',
    moved: 2, scanned: 3, stayed: {},
    started_at: expect.any(String), ended_at: expect.any(String),
  })
  expect([http.vhost.findQueue('work')!.readyCount, http.vhost.findQueue('dead')!.readyCount]).toEqual([2, 1])
  expect((await http.call('GET', `${LETTERS}/jobs`)).json).toMatchObject({ items: [{ id, moved: 2 }] })
})

test('a dry run counts and moves nothing', async () => {
  const { json } = await post('/redrive', { dry_run: true })
  expect(json).toEqual({
    dry_run: true, messages: 3, bytes: 10, destinations: { work: 3 }, stayed: {}, scanned: 3, complete: true,
  })
  expect(http.vhost.findQueue('dead')!.readyCount).toBe(3)
})

test('a job is paused, resumed and cancelled, and then is over', async () => {
  const { id } = (await post('/redrive', { rate: 0.001 })).json as { id: number }
  const states: unknown[] = []
  for (const action of ['pause', 'resume', 'cancel']) {
    states.push(((await post(`/jobs/${id}`, { action })).json as { state: string }).state)
  }
  expect(states).toEqual(['paused', 'running', 'cancelled'])
  expect((await post(`/jobs/${id}`, { action: 'resume' })).json)
    .toEqual({ error: 'bad_request', reason: `job ${id} is cancelled` })
})

test.each([
  [{ to: 'home' }], [{ rate: 0 }], [{ ids: [] }], [{ ids: [1], filter: { body: 'x' } }], [{ history: 'no' }],
  [{ filter: { colour: 'red' } }],
])('%j is refused', async (body) => {
  expect((await post('/redrive', body)).status).toBe(400)
})

test('an exchange that is not there is refused, as a job that is not', async () => {
  expect((await post('/redrive', { to: { exchange: 'none' } })).status).toBe(404)
  expect((await http.call('GET', `${LETTERS}/jobs/77`)).status).toBe(404)
})

test.each([
  ['read', { configure: '.*', write: '.*', read: '^$' }],
  ['write', { configure: '.*', write: '^$', read: '.*' }],
])('without the right to %s nothing is moved', async (_, permission) => {
  http.broker.access.permit('manager', '/', permission)
  expect((await post('/redrive', {}, 'manager')).status).toBe(401)
})
