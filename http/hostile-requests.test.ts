// Requests that nobody means well, at every endpoint there is: paths that try to leave it, bodies that are
// not what they should be, too long or too deep, logins without the right. What is asserted of each is what
// the error matrix promises: no fault of ours, `error` and `reason` as JSON, and a refusal changes nothing.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SeededRandom } from '../base/random.ts'
import { exportDefinitions } from '../broker/definitions-export.ts'
import { OpenHttp } from '../test/http/open-http.ts'
import { paramsOf, templateOf } from './endpoint.ts'
import type { Endpoint } from './endpoint.ts'
import { endpoints } from './endpoints.ts'
import { describeApi } from './openapi.ts'

/** Per endpoint; a hundred with other seeds found no more (2026-11). */
const REQUESTS = 16
/** Would wait for messages that never come: only at names that are not there, before others make them. */
const isWaiting = ({ path }: Endpoint): boolean => /\/(?:consume|stream|tail|rpc)\b/.test(path)
const described = describeApi(endpoints, 'Leveret', '0')
const inOrder = [...endpoints.filter(isWaiting), ...endpoints.filter((row) => !isWaiting(row))]

const deep = (depth: number, [open, close]: readonly [string, string]): string =>
  `${open.repeat(depth)}1${close.repeat(depth)}`
const oversize = Buffer.alloc(10_000_001, ' ')

const segments = [
  '%2e%2e', '..%2f..%2fetc%2fpasswd', '%00', 'a%00b', '%', '%zz', '%ff%fe', '%ed%a0%80', '%f0%9f%90%87',
  '__proto__', 'constructor', 'x'.repeat(256), 'x'.repeat(9000), 'a%2Fb', '%20', 'a%0d%0ab', '%5c', ';', '*',
  '-1', '1e999', '%7B%7D', 'amq.default', 'amq.x', 'undefined', '%25%32%65', 'hasOwnProperty', '(a+)+$',
]
const values = [
  'null', 'true', '-1', '0', '1.5', '1e308', '1e999', '9007199254740993', '""', '"x"', `"${'x'.repeat(300)}"`,
  '"\\u0000"', '"\\ud800"', '"(a+)+$("', '"../.."', '[]', '[[]]', '["x"]', '[null]', '{}', '{"a":{}}',
  '{"__proto__":{"polluted":1}}', '{"x-queue-type":"stream","x-max-length":-1}', deep(2000, ['[', ']']),
  deep(2000, ['{"a":', '}']),
]
const bodies = [
  '', 'null', '{', '[1]', '"x"', '12', 'nul', '{"a":', '{}}', '\ufeff{}', 'a=b&c',
  '{"__proto__":{"polluted":1}}', deep(100_000, ['[', ']']), deep(20_000, ['{"a":', '}']),
  Buffer.from([0xff, 0xfe, 0, 0x7b]),
]
const queries = [
  'page=-1', 'page=1&page_size=501', 'page=1&name=(&use_regex=true', 'sort=__proto__.x', 'columns=',
  'page=1&name=(a%2B)%2B%24&use_regex=true', 'sort=constructor&sort_reverse=true',
  'columns=__proto__,constructor.name,,.',
  'lengths_age=1e9&lengths_incr=0', 'msg_rates_age=999999999&msg_rates_incr=1', 'download=%0d%0a..%2f', '%zz',
  'a=1&a=2&__proto__=3', 'if-unused=maybe', 'limit=-1&offset=1e99', 'filter=%7B',
  'count=-5&wait=-1&timeout=x',
]
const users = ['nobody', 'manager', 'policy', 'monitor', 'stranger', null]

interface Sent {
  readonly url: string
  readonly user: string | null
  readonly body: string | Buffer | null
}

let http: OpenHttp

beforeAll(async () => {
  http = await OpenHttp.start()
  for (const user of ['manager', 'policy']) {
    http.broker.access.permit(user, '/', { configure: '^q$', write: '.*', read: '^q$' })
  }
})

afterAll(() => http.close())

/** What requests at other endpoints may have deleted, which they may. */
async function prepare(): Promise<void> {
  await http.call('PUT', '/api/queues/%2F/q', { body: { durable: true } })
  await http.call('PUT', '/api/exchanges/%2F/x', { body: { type: 'topic', durable: true } })
  await http.call('POST', '/api/bindings/%2F/e/x/q/q', { body: { routing_key: '#' } })
  const body = { properties: {}, routing_key: 'q', payload: 'x', payload_encoding: 'string' }
  await http.call('POST', '/api/exchanges/%2F/amq.default/publish', { body })
}

/** All that lasts. */
function state(): string {
  const vhosts = [...http.broker.vhosts.values()].map(({ facts, webhooks, queues }) => [
    facts, [...webhooks], [...queues.values()].map((queue) => [queue.readyCount, queue.unackedCount]),
  ])
  return JSON.stringify([exportDefinitions(http.broker), vhosts])
}

/** Half of them are wrong in little, so that they get past the first look, and half in most. */
function hostile(row: Endpoint, random: SeededRandom): Sent {
  const share = random.chance(0.5) ? 0.15 : 0.7
  const isWrong = (): boolean => random.chance(share)
  const pick = <T>(from: readonly T[]): T => from[random.below(from.length)]!
  const there: Record<string, string> = isWaiting(row) ? { vhost: '%2F' } : {
    vhost: '%2F', queue: 'q', exchange: 'x', source: 'x', destination: 'q', user: 'manager',
    node: encodeURIComponent(http.node.nodeName), component: 'operator_policy',
  }
  const path = paramsOf(row.path).reduce((whole, name) => {
    const segment = isWrong() ? pick(segments) : there[name] ?? 'n1'
    return whole.replace(new RegExp(`[:*]${name}\\b`), () => segment)
  }, row.path)
  const query = isWrong() ? `?${pick(queries)}` : ''
  const user = isWrong() ? pick(users) : 'hare'
  const object = row.body === undefined ? null : objectFor(row, () => (isWrong() ? pick(values) : null))
  return { url: path + query, user, body: isWrong() ? pick(bodies) : object }
}

/** What the endpoint looks for; `wrong` gives what stands in for a value, null: none does. */
function objectFor(row: Endpoint, wrong: () => string | null): string {
  const { requestBody } = described.paths[templateOf(row.path)]![row.method.toLowerCase()]!
  const { properties = {} } = (requestBody?.content['application/json']?.schema ?? {}) as JsonSchema
  const members = Object.entries(properties).map(([key, schema]) =>
    `${JSON.stringify(key)}:${wrong() ?? JSON.stringify(plausible(schema))}`)
  return `{${members.join(',')}}`
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly JsonSchema[]
}

/** What the type allows and the handler may still refuse. */
function plausible({ type, enum: allowed, anyOf }: JsonSchema): unknown {
  const [either] = anyOf ?? []
  if (either !== undefined) return plausible(either)
  const ofType: Record<string, unknown> =
    { string: 'x', integer: 1, number: 1, boolean: true, array: [], object: {} }
  return allowed?.[0] ?? ofType[String(type).split(',', 1)[0]!] ?? null
}

async function send(method: Endpoint['method'], { url, user, body }: Sent): Promise<[number, string]> {
  const authorization = `Basic ${Buffer.from(`${user}:pass:word`).toString('base64')}`
  const { statusCode, body: text } = await http.app.inject({
    method, url, ...body !== null && { payload: body }, headers: user === null ? {} : { authorization },
  })
  return [statusCode, text]
}

/** What is wrong with the answer; null when nothing is. */
function problemOf(status: number, text: string, url: string): string | null {
  if (status === 503 && url.startsWith('/api/health/')) return null // that is what a check says
  if (status >= 500 && status !== 501) return 'a fault of ours'
  if (status < 400 || text === '') return null
  const { error, reason } = JSON.parse(text) as { error?: unknown; reason?: unknown }
  return typeof error === 'string' && typeof reason === 'string' ? null : 'no error and reason'
}

test.each(inOrder.map((row) => [`${row.method} ${row.path}`, row] as const))(
  '%s refuses what is wrong, and changes nothing then', async (_name, row) => {
  await prepare()
  http.logged.length = 0
  const random = new SeededRandom(inOrder.indexOf(row) + 1)
  const requests = Array.from({ length: REQUESTS }, () => hostile(row, random))
  if (row.body !== undefined) requests.push({ ...requests[0]!, user: 'hare', body: oversize })
  for (const sent of requests) {
    const before = state()
    const [status, text] = await send(row.method, sent)
    const shown = { ...sent, body: String(sent.body).slice(0, 200), status, text: text.slice(0, 200) }
    expect({ ...shown, problem: problemOf(status, text, sent.url), logged: http.logged })
      .toEqual({ ...shown, problem: null, logged: [] })
    if (status >= 400) expect({ ...shown, state: state() }).toEqual({ ...shown, state: before })
  }
  expect(({} as { polluted?: number }).polluted).toBeUndefined()
})
