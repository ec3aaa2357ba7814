// The management API's refusals: logins, methods, bodies that are no objects, names that are not there.
import { expect } from 'vitest'
import { forEachTarget } from './harness/for-each-target.ts'
import { Management } from './harness/management.ts'
import type { Call } from './harness/management.ts'

const notFound = { error: 'Object Not Found', reason: 'Not Found' }
const accessRefused = { error: 'not_authorised', reason: 'Access refused.' }
const badRequest = (reason: string): object => ({ error: 'bad_request', reason })

forEachTarget((test, target) => {
  const http = new Management(target)

  const answers: readonly [string, string, string, Call, number, object | null][] = [
    ['no credentials are asked for', 'GET', '/overview', { login: null }, 401, null],
    ['wrong credentials are refused', 'GET', '/overview', { login: ['guest', 'wrong'] }, 401,
      { error: 'not_authorized', reason: 'Not_Authorized' }],
    ['an unknown user is refused', 'GET', '/overview', { login: ['nobody-here', 'x'] }, 401,
      { error: 'not_authorized', reason: 'Not_Authorized' }],
    ['a body is not looked at before the login', 'PUT', '/queues/%2F/q', { login: null, body: '{bad' }, 401,
      null],
    ['an unknown path is no object', 'GET', '/nonsense', {}, 404, notFound],
    ['an unknown path needs no login', 'GET', '/nonsense', { login: null }, 404, notFound],
    ['a method that is not there', 'DELETE', '/overview', {}, 405, null],
    ['a method that is not there needs no login', 'DELETE', '/overview', { login: null }, 405, null],
    ['PATCH', 'PATCH', '/queues/%2F/q', {}, 405, null],
    ['HTML is not to be had', 'GET', '/whoami', { headers: { accept: 'text/html' } }, 406, null],
    ['half an object is no JSON', 'PUT', '/queues/%2F/compat.q', { body: '{"durable":true' }, 400,
      badRequest('not_json')],
    ['an array is no object', 'PUT', '/queues/%2F/compat.q', { body: '[1]' }, 400, badRequest('not_json')],
    ['a number is no object', 'PUT', '/queues/%2F/compat.q', { body: '12' }, 400, badRequest('not_json')],
    ['a text is no object', 'PUT', '/queues/%2F/compat.q', { body: '"x"' }, 400,
      badRequest('invalid payload: the request body JSON-decoded to a string. '
        + 'Is the input doubly-JSON-encoded?')],
    ['a body of ten million bytes and one', 'PUT', '/queues/%2F/compat.q', { body: ' '.repeat(10_000_001) },
      400,
      badRequest('Exceeded HTTP request body size limit')],
    ['another node', 'PUT', '/queues/%2F/compat.q', { body: { node: 'nosuch@x' } }, 400,
      badRequest('Node nosuch@x is not a cluster member')],
    ['queues of an unknown vhost', 'GET', '/queues/nosuch', {}, 404, notFound],
    ['an unknown queue', 'GET', '/queues/%2F/nosuch', {}, 404, notFound],
    ['an unknown queue is not deleted', 'DELETE', '/queues/%2F/nosuch', {}, 404, notFound],
    ['an unknown queue is not purged', 'DELETE', '/queues/%2F/nosuch/contents', {}, 404, notFound],
    ['an unknown exchange', 'GET', '/exchanges/%2F/nosuch', {}, 404, notFound],
    ['an unknown exchange is not deleted', 'DELETE', '/exchanges/%2F/nosuch', {}, 404, notFound],
    ['an exchange of an unknown vhost', 'GET', '/exchanges/nosuch/nosuch', {}, 404, notFound],
    ['an unknown connection', 'GET', '/connections/nosuch', {}, 404, notFound],
    ['an unknown channel', 'GET', '/channels/nosuch', {}, 404, notFound],
    ['an unknown node', 'GET', '/nodes/nosuch', {}, 404, notFound],
    ['an unknown check', 'GET', '/health/checks/nonsense', {}, 404, notFound],
    ['a vhost that is not alive', 'GET', '/aliveness-test/nosuch', {}, 404, notFound],
    ['reserved names of queues', 'PUT', '/queues/%2F/amq.foo', { body: {} }, 401, accessRefused],
    ['reserved names of exchanges', 'PUT', '/exchanges/%2F/amq.foo', { body: {} }, 401, accessRefused],
    ['exchanges of the system stay', 'DELETE', '/exchanges/%2F/amq.topic', {}, 401, accessRefused],
    ['the default exchange stays', 'DELETE', '/exchanges/%2F/amq.default', {}, 401, accessRefused],
    ['the default exchange is not declared', 'PUT', '/exchanges/%2F/amq.default', { body: {} }, 401,
      accessRefused],
    ['an unknown type of exchange', 'PUT', '/exchanges/%2F/compat.e', { body: { type: 'nope' } }, 400,
      badRequest('unknown exchange type \'nope\'')],
    ['an argument of the wrong type', 'PUT', '/queues/%2F/compat.q',
      { body: { arguments: { 'x-max-length': 'a' } } },
      400, badRequest('invalid arg \'x-max-length\' for queue \'compat.q\' in vhost \'/\': '
        + '"expected integer, got longstr"')],
    ['a policy of two mistakes', 'PUT', '/policies/%2F/compat.p',
      { body: { pattern: '^$', definition: { 'message-ttl': -1, 'expires': 0 } } }, 400,
      badRequest('Validation failed\n\n0 is not a valid queue expiry\n')],
    ['no port', 'GET', '/health/checks/port-listener/x', {}, 400, badRequest('Invalid port')],
    ['no unit of time', 'GET', '/health/checks/certificate-expiration/1/x', {}, 400,
      badRequest('Time unit not recognised. Supported units: days, weeks, months, years.')],
  ]
  for (const [title, method, path, call, status, body] of answers) {
    test(`${title}: ${method} ${path.length > 40 ? '…' : path}`, async () => {
      const answer = await http.call(method, path, call)
      expect([answer.status, answer.json]).toEqual([status, body])
    })
  }

  test('a path that cannot be decoded is a bad request', async () => {
    expect((await http.get('/queues/%zz/x')).status).toBe(400)
  })

  test('a missing login is challenged, and every path says what may be done', async () => {
    const answer = await http.call('GET', '/overview', { login: null })
    expect(answer.headers.get('www-authenticate')).toBe('Basic realm="RabbitMQ Management"')
    expect((await http.call('PATCH',
      '/queues/%2F/q')).headers.get('allow')).toBe('HEAD, GET, PUT, DELETE, OPTIONS')
    expect((await http.call('OPTIONS', '/whoami')).headers.get('allow')).toBe('HEAD, GET, OPTIONS')
  })

  test('wrong credentials are challenged, too', async ({ differs, older }) => {
    const { headers } = await http.call('GET', '/overview', { login: ['guest', 'wrong'] })
    const isChallenged = older('http-challenge') || differs('http-challenge')
    expect(headers.get('www-authenticate')).toBe(isChallenged ? 'Basic realm="RabbitMQ Management"' : null)
  })

  test('a value of the wrong type is named', async ({ differs, name }) => {
    const answer = await http.put(`/queues/%2F/${name()}`, { durable: 'yes' })
    expect([answer.status, (answer.json as { reason: unknown }).reason])
      .toEqual([400, differs('http-reason') ? 'durable: not_boolean: "yes"' : ['not_boolean', 'yes']])
  })

  test('arguments that are no object are refused', async ({ differs, name }) => {
    const answer = await http.put(`/queues/%2F/${name()}`, { arguments: 'x' })
    expect(answer.status).toBe(differs('http-500') ? 400 : 500)
  })
}, ({ httpUrl }) => httpUrl !== null)
