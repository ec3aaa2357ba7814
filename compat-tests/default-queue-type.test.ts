// The default queue type of a vhost: what it makes of declarations that say no type, over AMQP, HTTP and in
// definitions. Reference: behaviours §4.6, and 4.3.6 where it says more.
import { afterAll, beforeAll, expect } from 'vitest'
import { closed, rawClosure } from './harness/closure.ts'
import type { Closure } from './harness/closure.ts'
import { forEachTarget } from './harness/for-each-target.ts'
import { Management } from './harness/management.ts'
import type { RawClient } from './harness/raw-client.ts'
import { Realm } from './harness/realm.ts'
import type { Session } from './harness/session.ts'
import type { Args, Field } from './harness/wire.ts'

const ofType = (type: string): Field[] => [['x-queue-type', 'S', type]]

const inequivalent = (queue: string, of: string, received: string, current: string): Closure => closed(406,
  `PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for queue '${queue}' in vhost '${of}': `
  + `received '${received}' but current is '${current}'`, 'queue.declare')

forEachTarget((test, target) => {
  // One for all the tests that leave its default alone: making a vhost takes RabbitMQ a third of a second.
  const vhost = `compat.default.${process.pid}`
  const api = new Management(target)
  beforeAll(async () => {
    await api.put(`/vhosts/${vhost}`, { default_queue_type: 'quorum' })
  })
  afterAll(async () => {
    await api.delete(`/vhosts/${vhost}`)
  })

  const inVHost = (
    title: string, run: (client: RawClient, queue: string, session: Session) => Promise<void>,
  ): void => {
    test(title, async (session) => run(await session.raw({ vhost }), session.name(), session))
  }

  const typeOf = async (queue: string, of = vhost): Promise<unknown> =>
    (await api.read(`/queues/${of}/${queue}`))['type']

  inVHost('a queue that says no type is of the default type', async (client, queue) => {
    await client.call(1, 'queue.declare', { queue, durable: true })
    const { type, arguments: args } = await api.read(`/queues/${vhost}/${queue}`)
    expect({ type, args }).toEqual({ type: 'quorum', args: { 'x-queue-type': 'quorum' } })
  })

  for (const type of ['', 'undefined']) {
    inVHost(`a queue of type '${type}' is of the default type`, async (client, queue) => {
      await client.call(1, 'queue.declare', { queue, durable: true, arguments: ofType(type) })
      expect(await typeOf(queue)).toBe('quorum')
    })
  }

  inVHost('a queue that says another type is of that type', async (client, queue) => {
    await client.call(1, 'queue.declare', { queue, durable: true, arguments: ofType('classic') })
    expect(await typeOf(queue)).toBe('classic')
  })

  for (const [title, flags] of [
    ['transient', { durable: false }], ['auto-delete', { 'durable': true, 'auto-delete': true }],
    ['exclusive', { durable: true, exclusive: true }],
  ] as const) {
    inVHost(`what cannot be a quorum queue is a classic one: ${title}`, async (client, queue) => {
      await client.call(1, 'queue.declare', { queue, ...flags })
      expect(await typeOf(queue)).toBe('classic')
    })
  }

  const refused = (title: string, args: Args, text: (queue: string) => string): void => {
    inVHost(title, async (client, name) => {
      const queue = 'queue' in args ? '' : name
      client.send(1, 'queue.declare', { queue, ...args })
      expect(await rawClosure(client, 'channel'))
        .toEqual(closed(406, `PRECONDITION_FAILED - ${text(queue)}`, 'queue.declare'))
    })
  }

  refused('an empty type asks for the default whatever the queue is', { arguments: ofType('') },
    (queue) => `invalid property 'non-durable' for queue '${queue}' in vhost '${vhost}'`)

  refused('a durable queue that the server is to name is refused', { queue: '', durable: true },
    () => 'Cannot declare a server-named queue for type rabbit_quorum_queue')

  refused('an argument of classic queues is refused',
    { durable: true, arguments: [['x-max-priority', 'I', 5]] },
    (queue) => `invalid arg 'x-max-priority' for queue '${queue}' in vhost '${vhost}' of queue type `
      + 'rabbit_quorum_queue')

  refused('an argument of quorum queues is refused where the queue cannot be one',
    { arguments: [['x-quorum-initial-group-size', 'I', 1]] },
    (queue) => `invalid arg 'x-quorum-initial-group-size' for queue '${queue}' in vhost '${vhost}' of queue `
      + 'type rabbit_classic_queue')

  inVHost('an exclusive queue may still be named by the server', async (client) => {
    expect((await client.call(1, 'queue.declare', { exclusive: true }))['queue']).toMatch(/^amq\.gen-/)
  })

  inVHost('declaring again without a type, or with the default type, is equal', async (client, queue) => {
    await client.call(1, 'queue.declare', { queue, durable: true })
    await client.call(1, 'queue.declare', { queue, durable: true })
    await client.call(1, 'queue.declare', { queue, durable: true, arguments: ofType('quorum') })
  })

  inVHost('declaring a classic queue again without a type is 406', async (client, queue) => {
    await client.call(1, 'queue.declare', { queue, durable: true, arguments: ofType('classic') })
    client.send(1, 'queue.declare', { queue, durable: true })
    expect(await rawClosure(client, 'channel')).toEqual(inequivalent(queue, vhost, 'quorum', 'classic'))
  })

  inVHost('declaring a queue again with an empty type', async (client, queue, { differs }) => {
    await client.call(1, 'queue.declare', { queue, durable: true })
    client.send(1, 'queue.declare', { queue, durable: true, arguments: ofType('') })
    if (differs('empty-queue-type')) {
      await client.expect('queue.declare-ok')
      return
    }
    expect(await rawClosure(client, 'channel')).toEqual(inequivalent(queue, vhost, '', 'quorum'))
  })

  inVHost('declaring a queue of an empty type again without one', async (client, queue, { differs }) => {
    await client.call(1, 'queue.declare', { queue, durable: true, arguments: ofType('') })
    client.send(1, 'queue.declare', { queue, durable: true })
    if (differs('empty-queue-type')) {
      await client.expect('queue.declare-ok')
      return
    }
    expect(await rawClosure(client, 'channel')).toEqual(inequivalent(queue, vhost, 'quorum', ''))
  })

  inVHost('over HTTP a durable queue is of the default type, a transient one is not', async (_, queue) => {
    await api.put(`/queues/${vhost}/${queue}`, { durable: true })
    await api.put(`/queues/${vhost}/${queue}.t`, {})
    expect([await typeOf(queue), await typeOf(`${queue}.t`)]).toEqual(['quorum', 'classic'])
  })

  inVHost('definitions have the default, and the type of each queue', async (client, queue) => {
    for (const [word, args] of [['a', []], ['b', ofType('classic')]] as const) {
      await client.call(1, 'queue.declare', { queue: `${queue}.${word}`, durable: true, arguments: args })
    }
    const { metadata, queues } = await api.read<{ metadata: object, queues: Args[] }>(`/definitions/${vhost}`)
    expect(metadata).toMatchObject({ default_queue_type: 'quorum' })
    const mine = queues.filter(({ name }) => String(name).startsWith(queue))
    expect(mine.map(({ name, type, arguments: args }) => [name, type, args]).toSorted()).toEqual([
      [`${queue}.a`, 'quorum', { 'x-queue-type': 'quorum' }],
      [`${queue}.b`, 'classic', { 'x-queue-type': 'classic' }],
    ])
  })

  test('another default leaves the queues that are there as they are', (session) => (
    Realm.use(session, async (realm) => {
      await realm.put(`/vhosts/${realm.vhost}`, { default_queue_type: 'quorum' })
      const client = await session.raw({ vhost: realm.vhost })
      await client.call(1, 'queue.declare', { queue: 'q', durable: true })
      await realm.put(`/vhosts/${realm.vhost}`, { default_queue_type: 'classic' })
      expect(await typeOf('q', realm.vhost)).toBe('quorum')
      client.send(1, 'queue.declare', { queue: 'q', durable: true })
      expect(await rawClosure(client, 'channel')).toEqual(inequivalent('q', realm.vhost, 'classic', 'quorum'))
    })))

  test('a vhost tells its default; without one, or described without, it is classic', (session) => (
    Realm.use(session, async (realm) => {
      for (const [body, told] of [
        [{ default_queue_type: 'quorum' }, 'quorum'], [{ description: 'other' }, 'classic'],
        [{ default_queue_type: 'quorum' }, 'quorum'], [{ default_queue_type: 'undefined' }, 'classic'],
        [{ default_queue_type: 'quorum' }, 'quorum'], [{ default_queue_type: null }, 'classic'],
      ] as const) {
        await realm.put(`/vhosts/${realm.vhost}`, body)
        expect(await api.read(`/vhosts/${realm.vhost}`))
          .toMatchObject({ default_queue_type: told, metadata: { default_queue_type: told } })
      }
    })))

  test('an unknown default is a bad request', async () => {
    const { status, json } = await api.put('/vhosts/compat.never', { default_queue_type: 'foo' })
    expect({ status, json })
      .toEqual({ status: 400, json: { error: 'bad_request', reason: 'foo is not a valid queue type' } })
  })

  test('an imported queue without a type is of the default of its vhost', async (session) => {
    const imported = session.name('v')
    const ofQueue = (name: string, durable: boolean): object =>
      ({ vhost: imported, name, durable, auto_delete: false, arguments: {} })
    const body = {
      vhosts: [{ name: imported, metadata: { description: '', tags: [], default_queue_type: 'quorum' } }],
      queues: [ofQueue('durable', true), ofQueue('transient', false)],
    }
    const headers = { 'content-type': 'application/json' }
    try {
      expect((await api.call('POST', '/definitions', { body, headers })).status).toBe(204)
      const types = [await typeOf('durable', imported), await typeOf('transient', imported)]
      expect(types).toEqual(['quorum', 'classic'])
    } finally {
      await api.delete(`/vhosts/${imported}`)
    }
  })
})
