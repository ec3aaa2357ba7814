// Pausing a queue: what goes on, what stops, and that a restart keeps it.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { queueDefinition, readQueue } from '../../broker/definitions.ts'
import { OpenHttp } from '../../test/http/open-http.ts'
import type { Reply } from '../../test/http/open-http.ts'

let http: OpenHttp

beforeAll(async () => {
  http = await OpenHttp.start()
  for (const name of ['q', 'other']) {
    await http.call('PUT', `/api/queues/%2F/${name}`, { body: { durable: true } })
  }
})

afterAll(() => http.close())

const put = (how: string, queue = 'q', user = 'hare'): Promise<Reply> =>
  http.call('PUT', `/api/v1/queues/%2F/${queue}/${how}`, { user })
const publish = (): Promise<Reply> => http.call('POST', '/api/v1/publish/%2F/amq.default/q', { body: 'x' })

test('a paused queue takes messages and hands out none, until it is resumed', async () => {
  const queue = http.vhost.findQueue('q')!
  const waiting = http.call('GET', '/api/v1/queues/%2F/q/consume?wait=300')
  await expect.poll(() => queue.consumers.count, { timeout: 20_000 }).toBe(1)
  expect((await put('pause')).status).toBe(204)
  expect((await publish()).json).toEqual({ result: 'stored' })
  expect([queue.readyCount, queue.consumers.count]).toEqual([1, 1])
  expect((await put('resume')).status).toBe(204)
  expect((await waiting).json).toMatchObject({ messages: [{ body: 'x' }] })
})

test('it is shown where queues are listed, and only while it lasts', async () => {
  await put('pause')
  expect((await http.call('GET', '/api/queues?columns=name,paused')).json)
    .toEqual([{ name: 'other' }, { name: 'q', paused: true }])
  await put('resume')
  expect((await http.call('GET', '/api/queues/%2F/q')).json).not.toHaveProperty('paused')
})

test('its record says so', async () => {
  const queue = http.vhost.findQueue('q')!
  await put('pause')
  await put('pause')
  expect(readQueue(queueDefinition(queue)).isPaused).toBe(true)
  await put('resume')
  expect(readQueue(queueDefinition(queue)).isPaused).toBe(false)
})

test('needs the queue, and permission to configure it', async () => {
  http.broker.access.permit('manager', '/', { configure: 'other', write: '.*', read: '.*' })
  expect((await put('pause', 'q', 'manager')).status).toBe(401)
  expect((await put('pause', 'other', 'manager')).status).toBe(204)
  expect((await put('pause', 'none')).status).toBe(404)
})
