// Queues, exchanges and bindings over the management API: declaring, deleting, listing, statuses and
// locations.
import { expect } from 'vitest'
import { forEachTarget } from './harness/for-each-target.ts'
import { Management } from './harness/management.ts'
import type { Reply } from './harness/management.ts'

const refused = ({ status, json }: Reply): unknown => [status, (json as { reason: unknown }).reason]

forEachTarget((test, target) => {
  const http = new Management(target)

  test('a queue is new once, and declared again is the same', async ({ name }) => {
    const queue = name()
    const path = `/queues/%2F/${queue}`
    const body = { durable: true, arguments: { 'x-message-ttl': 1000 } }
    expect([(await http.put(path, body)).status, (await http.put(path, body)).status]).toEqual([201, 204])
    expect(await http.read(path)).toMatchObject({
      name: queue, vhost: '/', type: 'classic', durable: true, auto_delete: false, exclusive: false,
      arguments: { 'x-message-ttl': 1000, 'x-queue-type': 'classic' }, state: 'running',
    })
    expect((await http.delete(path)).status).toBe(204)
    expect((await http.get(path)).status).toBe(404)
  })

  test('without a body a queue is transient; texts are taken for booleans, an empty array for arguments',
    async ({ name }) => {
      const [first, second] = [name(), name()]
      expect((await http.put(`/queues/%2F/${first}`, '')).status).toBe(201)
      const body = { durable: 'true', auto_delete: 'false', arguments: [], nonsense: 1 }
      expect((await http.put(`/queues/%2F/${second}`, body)).status).toBe(201)
      expect(await http.read(`/queues/%2F/${first}`)).toMatchObject({ durable: false })
      expect(await http.read(`/queues/%2F/${second}`)).toMatchObject({ durable: true, auto_delete: false })
    })

  test('names are percent-encoded', async ({ name }) => {
    const queue = `${name()} a/b#é`
    const path = `/queues/%2F/${encodeURIComponent(queue)}`
    expect((await http.put(path)).status).toBe(201)
    expect(await http.read(path)).toMatchObject({ name: queue })
    expect((await http.delete(path)).status).toBe(204)
  })

  test('another queue of that name is refused', async ({ name }) => {
    const queue = name()
    await http.put(`/queues/%2F/${queue}`, { durable: true })
    expect(refused(await http.put(`/queues/%2F/${queue}`, { durable: false }))).toEqual([400,
      `inequivalent arg 'durable' for queue '${queue}' in vhost '/': received 'false' but current is 'true'`])
  })

  test('if-empty and if-unused keep a queue', async ({ name, channel }) => {
    const queue = name()
    const ch = await channel()
    await ch.assertQueue(queue)
    ch.sendToQueue(queue, Buffer.from('x'))
    await ch.checkQueue(queue)
    expect(refused(await http.delete(`/queues/%2F/${queue}?if-empty=true`)))
      .toEqual([400, `queue '${queue}' in vhost '/' not empty`])
    await ch.consume(queue, () => undefined)
    expect(refused(await http.delete(`/queues/%2F/${queue}?if-unused=true`)))
      .toEqual([400, `queue '${queue}' in vhost '/' in use`])
  })

  test('an exchange is new once, and another type is refused', async ({ name }) => {
    const exchange = name()
    const path = `/exchanges/%2F/${exchange}`
    const body = { type: 'topic', durable: true, arguments: { 'alternate-exchange': 'amq.fanout' } }
    expect([(await http.put(path, body)).status, (await http.put(path, body)).status]).toEqual([201, 204])
    expect(await http.read(path)).toMatchObject({
      name: exchange, vhost: '/', type: 'topic', durable: true, auto_delete: false, internal: false,
      arguments: { 'alternate-exchange': 'amq.fanout' },
    })
    expect(refused(await http.put(path, { ...body, type: 'direct' }))).toEqual([400,
      `inequivalent arg 'type' for exchange '${exchange}' in vhost '/': `
        + 'received \'direct\' but current is \'topic\''])
    expect((await http.delete(path)).status).toBe(204)
  })

  test('without a body an exchange is direct and transient', async ({ name }) => {
    const exchange = name()
    expect((await http.put(`/exchanges/%2F/${exchange}`, '')).status).toBe(201)
    expect(await http.read(`/exchanges/%2F/${exchange}`)).toMatchObject({ type: 'direct', durable: false })
  })

  test('if-unused keeps an exchange with bindings', async ({ name }) => {
    const exchange = name()
    await http.put(`/exchanges/%2F/${exchange}`, {})
    await http.post(`/bindings/%2F/e/${exchange}/e/amq.fanout`, {})
    expect(refused(await http.delete(`/exchanges/%2F/${exchange}?if-unused=true`)))
      .toEqual([400, `exchange '${exchange}' in vhost '/' in use`])
  })

  test('the default exchange is listed by its empty name, with the bindings of every queue',
    async ({ name }) => {
    const queue = name()
    await http.put(`/queues/%2F/${queue}`)
    expect(await http.read('/exchanges/%2F/amq.default')).toMatchObject({ name: '', type: 'direct' })
    const implicit = {
      source: '', vhost: '/', destination: queue, destination_type: 'queue', routing_key: queue,
        arguments: {},
      properties_key: queue,
    }
    expect(await http.read('/exchanges/%2F/amq.default/bindings/source')).toContainEqual(implicit)
    expect(await http.read(`/queues/%2F/${queue}/bindings`)).toEqual([implicit])
    expect(await http.read(`/bindings/%2F/e/amq.default/q/${queue}`)).toEqual([implicit])
  })

  const keys: readonly (readonly [string, string, string])[] = [
    ['a.b', 'a.b', 'a.b'], ['', '~', '~'], ['a b/c#', 'a+b%2Fc%23', 'a%2Bb%252Fc%2523'],
  ]
  for (const [routingKey, propertiesKey, inLocation] of keys) {
    test(`a binding by ${JSON.stringify(routingKey)} is found by its key`, async ({ name }) => {
      const queue = name()
      const path = `/bindings/%2F/e/amq.direct/q/${queue}`
      await http.put(`/queues/%2F/${queue}`)
      const made = await http.post(path, { routing_key: routingKey })
      expect([made.status, made.headers.get('location')]).toEqual([201, `${queue}/${inLocation}`])
      expect((await http.post(path, { routing_key: routingKey })).status).toBe(201)
      const binding = {
        source: 'amq.direct', vhost: '/', destination: queue, destination_type: 'queue',
        routing_key: routingKey, arguments: {}, properties_key: propertiesKey,
      }
      expect(await http.read(path)).toEqual([binding])
      expect(await http.read(`${path}/${encodeURIComponent(propertiesKey)}`)).toEqual(binding)
      expect(await http.read('/exchanges/%2F/amq.direct/bindings/source')).toContainEqual(binding)
      expect((await http.delete(`${path}/${encodeURIComponent(propertiesKey)}`)).status).toBe(204)
      expect((await http.delete(`${path}/${encodeURIComponent(propertiesKey)}`)).status).toBe(404)
      expect(await http.read(path)).toEqual([])
    })
  }

  test('a binding with arguments has a hash in its key, which stays the same', async ({ name }) => {
    const exchange = name()
    await http.put(`/exchanges/%2F/${exchange}`, { type: 'headers' })
    const path = `/bindings/%2F/e/amq.fanout/e/${exchange}`
    const made = await http.post(path, { routing_key: 'k', arguments: { x: 1, y: 'two' } })
    expect(made.headers.get('location')).toMatch(new RegExp(`^${exchange}/k~[\\w-]{6}$`))
    const [binding] = await http.read<{ properties_key: string; arguments: object }[]>(path)
    expect(binding).toMatchObject({ arguments: { x: 1, y: 'two' }, destination_type: 'exchange' })
    expect(`${exchange}/${binding!.properties_key}`).toBe(made.headers.get('location'))
    expect(await http.read(`/exchanges/%2F/${exchange}/bindings/destination`)).toEqual([binding])
    expect((await http.delete(`${path}/${encodeURIComponent(binding!.properties_key)}`)).status).toBe(204)
  })

  test('what is to be bound must be there', async ({ name }) => {
    const queue = name()
    await http.put(`/queues/%2F/${queue}`)
    expect(refused(await http.post('/bindings/%2F/e/amq.direct/q/nosuch')))
      .toEqual([404, 'no queue \'nosuch\' in vhost \'/\''])
    expect(refused(await http.post(`/bindings/%2F/e/nosuch/q/${queue}`)))
      .toEqual([404, 'no exchange \'nosuch\' in vhost \'/\''])
    expect(refused(await http.post(`/bindings/%2F/e/amq.default/q/${queue}`))).toEqual([401,
      'Access refused.'])
    expect(await http.read('/bindings/%2F/e/amq.direct/q/nosuch')).toEqual([])
  })

  test('lists are paged, filtered, sorted and cut to columns', async ({ name }) => {
    const names = [name('Aa'), name('bb'), name('cc')]
    for (const queue of names) await http.put(`/queues/%2F/${queue}`)
    const prefix = encodeURIComponent(names[0]!.split('.').slice(0, -2).join('.').toUpperCase())
    const page = await http.read<{ items: object[] }>(
      `/queues?page=1&page_size=2&name=${prefix}&sort=name&sort_reverse=true&columns=name,nosuch`)
    expect(page).toMatchObject({
      filtered_count: 3, item_count: 2, page: 1, page_size: 2, page_count: 2,
      items: [{ name: names[2] }, { name: names[1] }],
    })
    expect(page.items.map((item) => Object.keys(item))).toEqual([['name'], ['name']])
    const pattern = encodeURIComponent(`^${names[0]!.split('.').slice(0, -1).join('\\.')}.*A$`)
    expect(await http.read(`/queues/%2F?page=1&use_regex=true&name=${pattern}&columns=name`))
      .toMatchObject({ items: [{ name: names[0] }] })
    expect(await http.read('/queues?page=1&use_regex=true&name=(')).toMatchObject({ items: [],
      filtered_count: 0 })
  })

  const pages: readonly (readonly [string, string, RegExp])[] = [
    ['page=0', 'invalid_pagination_parameters',
      /^Invalid pagination parameters: page number 0, page size undefined$/],
    ['page=1&page_size=501', 'invalid_pagination_parameters',
      /^Invalid pagination parameters: page number 1, page size 501$/],
    ['page=x', 'bad_request', /^Pagination parameters are invalid$/],
    ['page=900', 'page_out_of_range', /^Page out of range, page: 900 page size: 100, len: \d+$/],
  ]
  for (const [query, error, reason] of pages) {
    test(`${query} is refused`, async ({ name }) => {
      await http.put(`/queues/%2F/${name()}`)
      const answer = await http.get(`/queues?${query}`)
      expect([answer.status, answer.json])
        .toEqual([400, { error, reason: expect.stringMatching(reason) as unknown }])
    })
  }

  test('disable_stats leaves the facts', async ({ name, differs }) => {
    const queue = name()
    await http.put(`/queues/%2F/${queue}`)
    const { items: [item] } = await http.read<{ items: Record<string, unknown>[] }>(
      `/queues?page=1&name=${queue}&disable_stats=true&enable_queue_totals=true`)
    const facts = ['arguments', 'auto_delete', 'durable', 'exclusive', 'messages', 'messages_ready',
      'messages_unacknowledged', 'name', 'node', 'online', 'state', 'type', 'vhost']
    const isAbsent = differs('http-absent')
    expect(Object.keys(item!).toSorted()).toEqual(facts.filter((key) => !isAbsent || key !== 'online'))
  })
}, ({ httpUrl }) => httpUrl !== null)
