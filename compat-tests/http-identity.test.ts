// Who the cluster is, and who somebody is to it: its name, logging in, hashes of passwords, counts of logins.
import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { forEachTarget } from './harness/for-each-target.ts'
import { Management } from './harness/management.ts'
import { Realm } from './harness/realm.ts'

interface Attempts {
  readonly protocol: string
  readonly auth_attempts: number
  readonly auth_attempts_failed: number
  readonly auth_attempts_succeeded: number
}

forEachTarget((test, target) => {
  const http = new Management(target)
  const nodeName = async (): Promise<string> => (await http.read<{ name: string }[]>('/nodes'))[0]!.name
  const logIn = (fields: Record<string, string>) =>
    http.call('POST', '/login', { body: new URLSearchParams(fields).toString(), login: null,
      headers: { 'content-type': 'application/x-www-form-urlencoded' } })

  test('the cluster can be given a name, which everybody is told', async ({ connect }) => {
    const before = await http.read<{ name: string }>('/cluster-name')
    const name = `burrow ${randomUUID()}`
    expect((await http.put('/cluster-name', { name })).status).toBe(204)
    try {
      expect(await http.read('/cluster-name')).toEqual({ name })
      expect(await http.read('/overview')).toMatchObject({ cluster_name: name })
      expect(await http.read('/global-parameters')).toContainEqual({ name: 'cluster_name', value: name })
      expect(await http.read('/definitions')).toMatchObject({
        original_cluster_name: name, explanation: `Definitions of cluster '${name}'`,
      })
      const { connection } = await connect()
      expect(connection.serverProperties).toMatchObject({ cluster_name: name })
    } finally {
      await http.put('/cluster-name', before)
    }
    expect(await http.read('/cluster-name')).toEqual(before)
  })

  test('a cluster without a name of its own has its node\'s', async () => {
    const before = await http.read<{ name: string }>('/cluster-name')
    await http.put('/global-parameters/cluster_name', { value: 'warren' })
    expect(await http.read('/cluster-name')).toEqual({ name: 'warren' })
    expect((await http.delete('/global-parameters/cluster_name')).status).toBe(204)
    const { name } = await http.read<{ name: string }>('/cluster-name')
    expect(name).not.toBe('warren')
    expect(name.split('@')[0]).toBe((await nodeName()).split('@')[0])
    await http.put('/cluster-name', before)
  })

  test('only administrators name the cluster, and not without a name', (session) => Realm.use(session,
    async ({ user, password }) => {
    await http.put(`/users/${user}`, { password, tags: 'monitoring' })
    const refused = await http.call('PUT', '/cluster-name', { body: { name: 'x' }, login: [user, password] })
    expect([refused.status, refused.json]).toEqual([401,
      { error: 'not_authorised', reason: 'Not administrator user' }])
    const nameless = await http.put('/cluster-name', {})
    expect([nameless.status, nameless.json]).toEqual([400,
      { error: 'bad_request', reason: '[{key_missing,name}]' }])
  }))

  test('a login answers the user and what to send', (session) => Realm.use(session,
    async ({ user, password }) => {
    await http.put(`/users/${user}`, { password, tags: 'management' })
    const { status, json } = await logIn({ username: user, password })
    const value = Buffer.from(`${user}:${password}`).toString('base64')
    expect([status, json]).toEqual([200, {
      user: { name: user, tags: ['management'], is_internal_user: true }, token: { type: 'basic', value },
    }])
  }))

  test('a login that is wrong is refused', (session) => Realm.use(session, async ({ user, password }) => {
    const wrong = { error: 'not_authorized', reason: 'Not_Authorized' }
    for (const fields of [{ username: user, password: 'x' }, { username: 'nobody-here', password }, {},
      { username: user }]) {
      const { status, json } = await logIn(fields as Record<string, string>)
      expect([fields, status, json]).toEqual([fields, 401, wrong])
    }
    const untagged = await logIn({ username: user, password })
    expect([untagged.status, untagged.json]).toEqual([401,
      { error: 'not_authorised', reason: 'Not management user' }])
  }))

  test('logging out needs no login', async () => {
    expect((await http.call('DELETE', '/login', { login: null })).status).toBe(204)
    expect((await http.get('/login')).status).toBe(405)
  })

  test('a hashed password opens the account that it is put into', (session) => Realm.use(session,
    async ({ user }) => {
    const { ok } = await http.read<{ ok: string }>('/auth/hash_password/s%2Fe%20cr%C3%A9t')
    await http.put(`/users/${user}`, { password_hash: ok, tags: 'management' })
    expect((await http.call('GET', '/whoami', { login: [user, 's/e crét'] })).status).toBe(200)
    expect((await http.call('GET', '/whoami', { login: [user, 'other'] })).status).toBe(401)
    const again = await http.read<{ ok: string }>('/auth/hash_password/s%2Fe%20cr%C3%A9t')
    expect(again.ok).not.toBe(ok) // another salt
    const refused = await http.call('GET', '/auth/hash_password/x', { login: [user, 's/e crét'] })
    expect([refused.status, refused.json]).toEqual([401,
      { error: 'not_authorised', reason: 'Not administrator user' }])
  }))

  test('logins are counted by protocol', async ({ connect }) => {
    const path = `/auth/attempts/${encodeURIComponent(await nodeName())}`
    const of = async (protocol: string): Promise<Attempts | undefined> =>
      (await http.read<Attempts[]>(path)).find((each) => each.protocol === protocol)
    expect((await http.delete(path)).status).toBe(204)
    await connect()
    await http.call('GET', '/whoami', { login: ['nobody-here', 'x'] })
    await http.call('GET', '/whoami', { login: null }) // is none
    expect(await of('amqp091')).toEqual({
      protocol: 'amqp091', auth_attempts: 1, auth_attempts_failed: 0, auth_attempts_succeeded: 1,
    })
    expect(await of('http')).toMatchObject({ auth_attempts_failed: 1 })
    expect(await http.read(`${path}/source`)).toEqual([])
    expect((await http.get('/auth/attempts/nosuch')).status).toBe(404)
    expect((await http.delete(`${path}/source`)).status).toBe(204)
  })

  test('/all-configuration is /definitions', async () => {
    const [one, other] = [await http.read('/definitions'), await http.read('/all-configuration')]
    expect(Object.keys(other).toSorted()).toEqual(Object.keys(one).toSorted())
    const headers = { 'content-type': 'application/json' }
    const { status } = await http.call('POST', '/all-configuration', { body: {}, headers })
    expect(status).toBe(204)
  })

  test('a vhost that runs may be started, and queues be balanced over one node', async () => {
    const node = encodeURIComponent(await nodeName())
    expect((await http.call('POST', `/vhosts/%2F/start/${node}`)).status).toBe(204)
    const unknown = await http.call('POST', '/vhosts/%2F/start/nosuch')
    expect([unknown.status, unknown.json]).toEqual([400,
      { error: 'bad_request', reason: 'Unknown node: nosuch' }])
    expect((await http.call('POST', `/vhosts/nosuch/start/${node}`)).status).toBe(400)
    expect((await http.call('POST', '/rebalance/queues')).status).toBe(204)
  }, 120_000) // RabbitMQ looks for the other node, which took it 28 s once
}, ({ httpUrl }) => httpUrl !== null)
