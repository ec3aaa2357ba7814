// Names and logins as nobody sends them to RabbitMQ: forms that are too long, names that would not fit into
// the first frame of a connection, logins from elsewhere.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { OpenHttp } from '../../test/http/open-http.ts'

let http: OpenHttp

beforeEach(async () => {
  http = await OpenHttp.start()
})

afterEach(() => http.close())

const form = (fields: string) => http.call('POST', '/api/login', {
  body: fields, login: false, headers: { 'content-type': 'application/x-www-form-urlencoded' },
})

test('a form that never ends is not read', async () => {
  const answer = await form(`username=${'x'.repeat(64_001)}`)
  expect([answer.status, answer.json]).toEqual([400,
    { error: 'bad_request', reason: 'Exceeded HTTP request body size limit' }])
  expect(http.node.logins).toEqual([])
})

test('of a field that comes twice the first counts', async () => {
  expect((await form('username=hare&username=nobody&password=pass%3Aword')).status).toBe(200)
  expect(http.node.logins).toEqual([{ user: 'hare', password: 'pass:word', remoteAddress: '127.0.0.1' }])
})

test('a login by a form is bound to this machine like any other', async () => {
  expect((await form('username=far&password=x')).json).toEqual(
    { error: 'not_authorised', reason: 'User can only log in via localhost' })
})

test('a cluster name is a text of at most 255 bytes', async () => {
  for (const name of [7, null, ['a'], 'é'.repeat(128)]) {
    const answer = await http.call('PUT', '/api/cluster-name', { body: { name } })
    expect([answer.status, (answer.json as { error: string }).error]).toEqual([400, 'bad_request'])
  }
  expect((await http.call('GET', '/api/cluster-name')).json).toEqual({ name: 'rabbit@"burrow"' })
})

test('a global parameter that cannot be the name of a cluster does not name it', async () => {
  for (const value of [7, { a: 1 }, 'é'.repeat(128)]) {
    await http.call('PUT', '/api/global-parameters/cluster_name', { body: { value } })
    expect((await http.call('GET', '/api/cluster-name')).json).toEqual({ name: 'rabbit@"burrow"' })
  }
})
