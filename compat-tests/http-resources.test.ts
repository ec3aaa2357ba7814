// What the other http-* files only use or pass by: lists of everything, rights, policies, protection,
// definitions of a vhost, the small ones. Values where both brokers have them, in the same state.
import { expect } from 'vitest'
import { forEachTarget } from './harness/for-each-target.ts'
import { Management } from './harness/management.ts'
import { until } from './harness/poll.ts'
import { everything, Realm } from './harness/realm.ts'
import type { Session } from './harness/session.ts'

const asJson = { 'content-type': 'application/json' }

type Named = Readonly<Record<string, unknown>> & { readonly name: string }

forEachTarget((test, target) => {
  const http = new Management(target)
  const nodeName = async (): Promise<string> => (await http.read<Named[]>('/nodes'))[0]!.name
  const inRealm = (title: string, run: (realm: Realm, session: Session) => Promise<void>): void =>
    test(title, (session) => Realm.use(session, (realm) => run(realm, session)))

  inRealm('permissions are listed by user, by vhost and all, and end', async (realm) => {
    await realm.permit(everything)
    const { user, vhost } = realm
    const shown = { user, vhost, configure: '.*', write: '.*', read: '.*' }
    expect(await http.read('/permissions')).toContainEqual(shown)
    expect(await http.read(`/vhosts/${vhost}/permissions`)).toContainEqual(shown)
    expect(await http.read(`/users/${user}/permissions`)).toEqual([shown])
    expect(await http.read(`/permissions/${vhost}/${user}`)).toEqual(shown)
    expect((await http.delete(`/permissions/${vhost}/${user}`)).status).toBe(204)
    expect((await http.get(`/permissions/${vhost}/${user}`)).status).toBe(404)
    expect((await http.delete(`/permissions/${vhost}/${user}`)).status).toBe(404)
  })

  inRealm('topic permissions are listed by user, by vhost and all, and end', async ({ user, vhost }) => {
    const shown = { user, vhost, exchange: 'amq.topic', write: 'w', read: 'r' }
    const path = `/topic-permissions/${vhost}/${user}`
    await http.put(path, { exchange: 'amq.topic', write: 'w', read: 'r' })
    expect(await http.read('/topic-permissions')).toContainEqual(shown)
    expect(await http.read(`/vhosts/${vhost}/topic-permissions`)).toEqual([shown])
    expect(await http.read(`/users/${user}/topic-permissions`)).toEqual([shown])
    expect(await http.read(path)).toEqual([shown])
    expect((await http.delete(path)).status).toBe(204)
    expect((await http.get(`${path}/amq.topic`)).status).toBe(404)
  })

  inRealm('users are listed, with and without permissions, and deleted at once', async ({ user }) => {
    const shown = { name: user, hashing_algorithm: 'rabbit_password_hashing_sha256', tags: [], limits: {} }
    const isIt = ({ name }: Named): boolean => name === user
    const one = await http.read(`/users/${user}`)
    expect(one).toEqual({ ...shown, password_hash: expect.any(String) as unknown })
    for (const list of ['/users', '/users/without-permissions']) {
      expect([list, (await http.read<Named[]>(list)).find(isIt)]).toEqual([list, one])
    }
    expect((await http.post('/users/bulk-delete', { users: [user, 'nobody-here'] })).status).toBe(204)
    expect((await http.get(`/users/${user}`)).status).toBe(404)
  })

  inRealm('vhosts are listed, and stay while they are protected', async ({ vhost }) => {
    const shown = { name: vhost, description: '', tags: [], default_queue_type: 'classic', tracing: false }
    expect(await http.read<Named[]>('/vhosts')).toContainEqual(expect.objectContaining(shown))
    const path = `/vhosts/${vhost}/deletion/protection`
    expect((await http.call('POST', path)).status).toBe(204)
    expect(await http.read(`/vhosts/${vhost}`)).toMatchObject({ protected_from_deletion: true })
    const refused = await http.delete(`/vhosts/${vhost}`)
    expect([refused.status, refused.json]).toMatchObject([412, { error: 'precondition_failed' }])
    expect((await http.delete(path)).status).toBe(204)
    expect(await http.read(`/vhosts/${vhost}`)).toMatchObject({ protected_from_deletion: false })
  })

  for (const [kind, definition] of [
    ['policies', { 'max-length': 5, 'dead-letter-exchange': 'x' }],
    ['operator-policies', { 'max-length': 5 }],
  ] as const) {
    inRealm(`${kind} are listed by vhost and all, and end`, async ({ vhost }, { differs }) => {
      const path = `/${kind}/${vhost}/p`
      const shown = { vhost, name: 'p', pattern: '^a', definition, 'priority': 3, 'apply-to': 'queues' }
      const { vhost: _vhost, name: _name, ...body } = shown
      const put = () => http.call('PUT', path, { body, headers: asJson })
      expect([(await put()).status, (await put()).status]).toEqual([201, 204])
      const isRefused = kind === 'operator-policies' && !differs('http-content-type')
      expect((await http.put(path, body)).status).toBe(isRefused ? 415 : 204)
      expect(await http.read(`/${kind}`)).toContainEqual(shown)
      expect(await http.read(`/${kind}/${vhost}`)).toEqual([shown])
      expect(await http.read(path)).toEqual(shown)
      expect((await http.delete(path)).status).toBe(204)
      expect([(await http.get(path)).status, (await http.delete(path)).status]).toEqual([404, 404])
    })
  }

  inRealm('topology is listed by vhost and all', async ({ vhost }) => {
    await http.put(`/queues/${vhost}/q`, { durable: true })
    await http.put(`/exchanges/${vhost}/x`, { type: 'topic', durable: true })
    await http.post(`/bindings/${vhost}/e/x/q/q`, { routing_key: 'a.b' })
    await http.post(`/bindings/${vhost}/e/x/e/amq.fanout`, { routing_key: 'k' })
    const exchange = {
      name: 'x', vhost, type: 'topic', durable: true, auto_delete: false, internal: false, arguments: {},
    }
    for (const list of ['/exchanges', `/exchanges/${vhost}`]) {
      expect(await http.read(list)).toContainEqual(expect.objectContaining(exchange))
    }
    const queue = { name: 'q', vhost, durable: true, type: 'classic' }
    for (const list of ['/queues', '/queues/detailed', `/queues/${vhost}`]) {
      expect(await http.read(list)).toContainEqual(expect.objectContaining(queue))
    }
    const binding = (destination: string, kind: string, key: string): object => ({
      source: 'x', vhost, destination, destination_type: kind, routing_key: key, arguments: {},
      properties_key: key,
    })
    for (const list of ['/bindings', `/bindings/${vhost}`]) {
      const found = await http.read(list)
      expect(found).toContainEqual(binding('q', 'queue', 'a.b'))
      expect(found).toContainEqual(binding('amq.fanout', 'exchange', 'k'))
    }
    const path = `/bindings/${vhost}/e/x/e/amq.fanout/k`
    expect(await http.read(path)).toEqual(binding('amq.fanout', 'exchange', 'k'))
    expect([(await http.delete(path)).status, (await http.get(path)).status]).toEqual([204, 404])
  })

  inRealm('connections, channels and consumers are listed by vhost, and closed by user', async (realm) => {
    await realm.permit(everything)
    const channel = await realm.channel()
    await channel.assertQueue('q')
    await channel.consume('q', () => undefined, { consumerTag: 'tag' })
    const { user, vhost } = realm
    // RabbitMQ lists it before it knows more than its name.
    const connection = await until('the connection is listed', async () =>
      (await http.read<Named[]>(`/vhosts/${vhost}/connections`))
        .find((each) => each['user'] === user && each['state'] !== undefined))
    expect(connection).toMatchObject({ user, vhost, protocol: 'AMQP 0-9-1', state: 'running' })
    const ofUser = await http.read<Named[]>(`/connections/username/${user}`)
    expect(ofUser.map(({ name }) => name)).toEqual([connection.name])
    for (const list of ['/channels', `/vhosts/${vhost}/channels`]) {
      const found = await until('the channel is listed', async () =>
        (await http.read<Named[]>(list)).find((each) => each.name === `${connection.name} (1)`))
      expect(found).toMatchObject({ user, vhost, number: 1 })
    }
    const consumers = await until('the consumer is listed', async () => {
      const found = await http.read<object[]>(`/consumers/${vhost}`)
      return found.length > 0 && found
    })
    const consumer = { consumer_tag: 'tag', queue: { name: 'q', vhost }, ack_required: true }
    expect(consumers).toMatchObject([consumer])
    const gone = new Promise((resolve) => channel.once('error', resolve).once('close', resolve))
    expect((await http.delete(`/connections/username/${user}`)).status).toBe(204)
    await gone
  })

  inRealm('definitions of a vhost are taken in', async ({ vhost }) => {
    const queues = [{ name: 'q', durable: true, auto_delete: false, arguments: { 'x-max-length': 3 } }]
    const answer = await http.call('POST', `/definitions/${vhost}`, { body: { queues }, headers: asJson })
    expect([answer.status, answer.text]).toEqual([204, ''])
    expect(await http.read(`/queues/${vhost}/q`)).toMatchObject({ arguments: { 'x-max-length': 3 } })
    const exported = await http.read<{ queues: object[] }>(`/definitions/${vhost}`)
    expect(exported.queues).toMatchObject(queues)
  })

  inRealm('parameters are listed', async ({ vhost }) => {
    const value = { 'pattern': '^a', 'definition': { 'max-length': 5 }, 'priority': 1, 'apply-to': 'queues' }
    await http.put(`/parameters/operator_policy/${vhost}/p`, { value })
    expect(await http.read('/parameters'))
      .toContainEqual({ component: 'operator_policy', vhost, name: 'p', value })
    const path = `/global-parameters/${vhost}`
    await http.put(path, { value: [1] })
    expect(await http.read('/global-parameters')).toContainEqual({ name: vhost, value: [1] })
    await http.delete(path)
  })

  test('the node is listed, and says what it has in memory', async () => {
    const nodes = await http.read<Named[]>('/nodes')
    expect(nodes).toHaveLength(1)
    const name = await nodeName()
    expect(nodes[0]!.name).toBe((await http.read<{ node: string }>('/overview')).node)
    const path = `/nodes/${encodeURIComponent(name)}/memory`
    // A RabbitMQ that sees no /proc says not_available.
    expect(Object.keys(await http.read(path))).toEqual(['memory'])
    expect(await http.read(`/healthchecks/node/${encodeURIComponent(name)}`)).toEqual({ status: 'ok' })
  })

  test('features are none where there is no cluster to upgrade', async ({ differs }) => {
    for (const list of ['/feature-flags', '/deprecated-features', '/deprecated-features/used']) {
      const found = await http.read<object[]>(list)
      expect([list, Array.isArray(found)]).toEqual([list, true])
      if (differs('http-features')) expect([list, found]).toEqual([list, []])
    }
  })

  test('what is always refused, and what is always well', async ({ name }) => {
    const queue = name()
    await http.put(`/queues/%2F/${queue}`)
    const answer = await http.post(`/queues/%2F/${queue}/actions`, { action: 'sync' })
    expect(answer.status).toBe(400)
    expect(await http.read('/health/checks/metadata-store/initialized/with-data')).toEqual({ status: 'ok' })
  })
}, ({ httpUrl }) => httpUrl !== null)
