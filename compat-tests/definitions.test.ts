// Definitions of one broker taken in by the other, whole: what somebody does who moves from RabbitMQ to
// Leveret (at its start, `load-definitions`), and back (over HTTP). Needs both brokers. Reference: behaviours
// §9, management-reference §2.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject } from 'vitest'
import { closed, rawClosure } from './harness/closure.ts'
import { forEachTarget } from './harness/for-each-target.ts'
import { LeveretProcess } from './harness/leveret-process.ts'
import { Management } from './harness/management.ts'
import { until } from './harness/poll.ts'
import { RawClient } from './harness/raw-client.ts'
import type { Target } from './harness/target.ts'

type Item = Record<string, unknown>
type Definitions = Record<string, Item[]>

const password = 'pass:wörd'
const headers = { 'content-type': 'application/json' }
const patientMs = 60_000

async function put(api: Management, method: string, path: string, body: object): Promise<void> {
  const { status, text } = await api.call(method, path, { body, headers })
  if (status >= 300) throw new Error(`${method} ${path} answered ${status}: ${text}`)
}

/**
 * A vhost and a user of the same name, with some of everything that definitions hold. No internal exchange:
 * RabbitMQ leaves those out of its definitions, but not their bindings, which then nobody can take in.
 */
async function populate(api: Management, name: string, isOlder: boolean): Promise<void> {
  const everything = { configure: '.*', write: '.*', read: '.*' }
  for (const [method, path, body] of [
    ['PUT', `/vhosts/${name}`, { description: 'moved', tags: 'a,b', default_queue_type: 'quorum' }],
    ['PUT', `/users/${name}`, { password, tags: 'management,monitoring' }],
    ['PUT', `/permissions/${name}/${name}`, everything],
    ['PUT', `/vhost-limits/${name}/max-queues`, { value: 9 }],
    ['PUT', `/user-limits/${name}/max-channels`, { value: 7 }],
    ['PUT', `/exchanges/${name}/lost`, { type: 'fanout', durable: true }],
    ['PUT', `/exchanges/${name}/topic`,
      { type: 'topic', durable: true, arguments: { 'alternate-exchange': 'lost' } }],
    ['PUT', `/topic-permissions/${name}/${name}`, { exchange: 'topic', write: '^a', read: '.*' }],
    ['PUT', `/exchanges/${name}/hash`,
      { type: 'x-consistent-hash', durable: true, arguments: { 'hash-header': 'h' } }],
    ['PUT', `/queues/${name}/quorum`,
      { durable: true, arguments: { 'x-delivery-limit': 5, ...isOlder && { 'x-queue-type': 'quorum' } } }],
    ['PUT', `/queues/${name}/classic`,
      { durable: true, arguments: { 'x-queue-type': 'classic', 'x-max-priority': 5, 'x-expires': 1e9 } }],
    ['POST', `/bindings/${name}/e/topic/q/quorum`, { routing_key: 'a.#' }],
    ['POST', `/bindings/${name}/e/amq.headers/q/classic`,
      { routing_key: '', arguments: { 'x-match': 'all', 'n': 1, 'f': 1.5, 't': true, 's': 'ü' } }],
    ['POST', `/bindings/${name}/e/topic/e/lost`, { routing_key: 'lost.*' }],
    ['POST', `/bindings/${name}/e/hash/q/classic`, { routing_key: '2' }],
    ['PUT', `/policies/${name}/three`,
      { 'pattern': '^quorum$', 'definition': { 'max-length': 3 }, 'priority': 1, 'apply-to': 'queues' }],
    ['PUT', `/operator-policies/${name}/day`,
      { 'pattern': '.*', 'definition': { 'message-ttl': 86_400_000 }, 'apply-to': 'queues' }],
  ] as const) await put(api, method, path, body)
}

/** With the keys of its objects in their order. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, each]) => [key, sorted(each)]))
}

/** Fields of definitions that an older RabbitMQ does not have, or has alone, by section. */
const changedFields: Readonly<Record<string, readonly string[]>> = {
  vhosts: ['limits', 'metadata'], queues: ['type'], exchanges: ['internal'],
}

const without = (item: Item, fields: readonly string[]): Item =>
  Object.fromEntries(Object.entries(item).filter(([field]) => !fields.includes(field)))

/** What of the definitions concerns that vhost and user, in an order of its own. */
function partOf(definitions: Definitions, name: string, isOlder: boolean): Record<string, string[]> {
  const isPart = (item: Item): boolean => item['vhost'] === name || item['name'] === name
  return Object.fromEntries(['users', 'vhosts', 'permissions', 'topic_permissions', 'parameters', 'policies',
    'queues', 'exchanges', 'bindings'].map((section) => [section,
    definitions[section]!.filter(isPart)
      .map((item) => JSON.stringify(sorted(isOlder ? without(item, changedFields[section] ?? []) : item)))
      .toSorted()]))
}

const targets = inject('targets')

forEachTarget((test, target) => {
  const name = `compat.moved.${process.pid}`
  const source = targets.find(({ label }) => label !== target.label)!
  const origin = new Management(source)
  let out: Definitions
  let folder: string
  let started: LeveretProcess | null = null
  let here: Target = target

  beforeAll(async () => {
    await populate(origin, name, source.isRabbit3)
    out = await origin.read<Definitions>('/definitions')
    if (!target.isLeveret) return put(new Management(target), 'POST', '/definitions', out)
    folder = await mkdtemp(join(tmpdir(), 'leveret-definitions-'))
    await writeFile(join(folder, 'definitions.json'), JSON.stringify(out))
    started = await LeveretProcess.start(['--load-definitions', join(folder, 'definitions.json')])
    here = { ...target, url: started.url, httpUrl: started.httpUrl }
  }, patientMs)

  afterAll(async () => {
    for (const api of [origin, new Management(target)]) {
      await api.delete(`/users/${name}`)
      await api.delete(`/vhosts/${name}`)
    }
    if (started === null) return
    await started.stop()
    await rm(folder, { recursive: true })
  }, patientMs)

  const asUser = async (): Promise<RawClient> => {
    const client = await RawClient.open({ ...here, user: name, password }, { vhost: name })
    await client.call(1, 'channel.open')
    return client
  }

  test('the other broker\'s definitions: a user logs in with the old password', async () => {
    const client = await asUser()
    await client.end()
    const wrong = await RawClient.dial(here)
    await expect(wrong.login({ ...here, user: name, password: 'another' }))
      .rejects.toThrow('got connection.close')
    wrong.destroy()
  })

  test('the other broker\'s definitions come out as they went in', async ({ older }) => {
    const isOlder = older('definitions-fields') || source.isRabbit3
    const again = await new Management(here).read<Definitions>('/definitions')
    expect(partOf(again, name, isOlder)).toEqual(partOf(out, name, isOlder))
  })

  test('the other broker\'s definitions: messages are routed, and policies hold', async () => {
    const client = await asUser()
    await client.call(1, 'confirm.select')
    for (const body of ['1', '2', '3', '4', '5']) {
      client.publish(1, { 'exchange': 'topic', 'routing-key': 'a.b' }, {}, Buffer.from(body))
    }
    for (let confirmed = 0; confirmed < 5;) {
      const { 'delivery-tag': tag } = await client.expect('basic.ack')
      confirmed = Math.max(confirmed, Number(tag))
    }
    const passive = { queue: 'quorum', passive: true }
    await until('the last three are there', async () =>
      (await client.call(1, 'queue.declare', passive))['message-count'] === 3)
    await client.end()
  })

  test('the other broker\'s definitions: a topic permission limits the keys', async ({ older }) => {
    const client = await asUser()
    client.publish(1, { 'exchange': 'topic', 'routing-key': 'b' })
    const word = older('permission-named') ? '' : 'write '
    expect(await rawClosure(client, 'channel')).toEqual(closed(403,
      `ACCESS_REFUSED - ${word}access to topic 'b' in exchange 'topic' in vhost '${name}' refused for user `
      + `'${name}'`, 'basic.publish'))
    await client.end()
  })

  test('definitions with a binding to a queue that is not there', async ({ differs, older }) => {
    const binding = {
      vhost: name, source: 'amq.direct', destination: 'gone', destination_type: 'queue', routing_key: 'k',
      arguments: {},
    }
    const { status, json } = await new Management(here)
      .call('POST', '/definitions', { body: { bindings: [binding] }, headers })
    if (older('definitions-missing') || differs('definitions-missing-queue')) {
      expect(status).toBe(204)
      return
    }
    expect(status).toBe(400)
    // Erlang breaks lines of more than 80 columns.
    expect((json as Item)['reason']).toMatch(/^\{resources_missing,\s*\[\{not_found,.*queue,<<"gone">>/s)
  })

  test('definitions with a topic permission on an exchange that is not there', async () => {
    const limited = { user: name, vhost: name, exchange: 'gone', write: '', read: '' }
    const { status, json } = await new Management(here)
      .call('POST', '/definitions', { body: { topic_permissions: [limited] }, headers })
    expect([status, (json as Item | null)?.['reason']]).toEqual([400, '{no_such_exchange,<<"gone">>}'])
  })

  test('the other broker\'s definitions: a queue has its type and arguments', async () => {
    const client = await asUser()
    await client.call(1, 'queue.declare', { queue: 'quorum', durable: true, arguments: [
      ['x-queue-type', 'S', 'quorum'], ['x-delivery-limit', 'I', 5],
    ] })
    await client.call(1, 'queue.declare', { queue: 'classic', durable: true, arguments: [
      ['x-queue-type', 'S', 'classic'], ['x-max-priority', 'I', 5], ['x-expires', 'I', 1e9],
    ] })
    await client.end()
  })
}, () => targets.length === 2)
