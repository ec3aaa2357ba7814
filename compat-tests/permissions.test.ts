// Which operation needs which permission (behaviours §9.3, §9.4), from one table; topic permissions; what
// becomes of channels that are open.
import type { Channel } from 'amqplib'
import { expect } from 'vitest'
import { channelClosure, closed, connectionClosure } from './harness/closure.ts'
import type { MethodName } from './harness/amqp-methods.ts'
import { forEachTarget } from './harness/for-each-target.ts'
import { Realm, everything, nothing } from './harness/realm.ts'
import type { Permission } from './harness/realm.ts'
import { until } from './harness/poll.ts'

type Need = readonly [keyof Permission, 'queue' | 'exchange', string]
type Run = (channel: Channel) => Promise<unknown>

/** Queue q, exchanges x and xto are there; every name is permitted apart. */
const operations: readonly (readonly [string, MethodName, readonly Need[], Run])[] = [
  ['exchange.declare', 'exchange.declare', [['configure', 'exchange', 'new']],
    (ch) => ch.assertExchange('new', 'direct')],
  ['exchange.declare of one that is there', 'exchange.declare', [['configure', 'exchange', 'x']],
    (ch) => ch.assertExchange('x', 'direct')],
  ['exchange.declare with an alternate', 'exchange.declare',
    [['configure', 'exchange', 'new'], ['read', 'exchange', 'new'], ['write', 'exchange', 'alt']],
    (ch) => ch.assertExchange('new', 'direct', { alternateExchange: 'alt' })],
  ['exchange.delete', 'exchange.delete', [['configure', 'exchange', 'x']], (ch) => ch.deleteExchange('x')],
  ['exchange.delete of none', 'exchange.delete', [['configure', 'exchange', 'none']],
    (ch) => ch.deleteExchange('none')],
  ['exchange.bind', 'exchange.bind', [['write', 'exchange', 'xto'], ['read', 'exchange', 'x']],
    (ch) => ch.bindExchange('xto', 'x', 'k')],
  ['exchange.unbind', 'exchange.unbind', [['write', 'exchange', 'xto'], ['read', 'exchange', 'x']],
    (ch) => ch.unbindExchange('xto', 'x', 'k')],
  ['queue.declare', 'queue.declare', [['configure', 'queue', 'new']], (ch) => ch.assertQueue('new')],
  ['queue.declare of one that is there', 'queue.declare', [['configure', 'queue', 'q']],
    (ch) => ch.assertQueue('q')],
  ['queue.declare with a dead-letter exchange', 'queue.declare',
    [['configure', 'queue', 'new'], ['read', 'queue', 'new'], ['write', 'exchange', 'dlx']],
    (ch) => ch.assertQueue('new', { deadLetterExchange: 'dlx' })],
  ['queue.delete', 'queue.delete', [['configure', 'queue', 'q']], (ch) => ch.deleteQueue('q')],
  ['queue.delete of none', 'queue.delete', [['configure', 'queue', 'none']], (ch) => ch.deleteQueue('none')],
  ['queue.bind', 'queue.bind', [['write', 'queue', 'q'], ['read', 'exchange', 'x']],
    (ch) => ch.bindQueue('q', 'x', 'k')],
  ['queue.unbind', 'queue.unbind', [['write', 'queue', 'q'], ['read', 'exchange', 'x']],
    (ch) => ch.unbindQueue('q', 'x', 'k')],
  ['queue.purge', 'queue.purge', [['read', 'queue', 'q']], (ch) => ch.purgeQueue('q')],
  ['basic.get', 'basic.get', [['read', 'queue', 'q']], (ch) => ch.get('q')],
  ['basic.consume', 'basic.consume', [['read', 'queue', 'q']], (ch) => ch.consume('q', () => undefined)],
  ['basic.publish', 'basic.publish', [['write', 'exchange', 'x']], publishing('x')],
  ['basic.publish to the default exchange', 'basic.publish', [['write', 'exchange', 'amq.default']],
    publishing('')],
]

function publishing(exchange: string): Run {
  return async (channel) => {
    channel.publish(exchange, 'k', Buffer.from('m'))
    // Needs no permission and is answered after the publish.
    await channel.prefetch(1)
    return channel.prefetch(1)
  }
}

function permissionFor(needs: readonly Need[]): Permission {
  const patternOf = (action: keyof Permission): string => {
    const names = needs.filter(([each]) => each === action).map(([, , name]) => name.replaceAll('.', '\\.'))
    return names.length === 0 ? '' : `^(${names.join('|')})$`
  }
  return { configure: patternOf('configure'), write: patternOf('write'), read: patternOf('read') }
}

/** What a refusal calls the permission that is missing. */
const permissionWord = ({ session }: Realm, action: string): string =>
  (session.older('permission-named') ? '' : `${action} `)

function refused(realm: Realm, [action, kind, name]: Need): string {
  return `ACCESS_REFUSED - ${permissionWord(realm, action)}access to ${kind} '${name}' in vhost `
    + `'${realm.vhost}' refused for user '${realm.user}'`
}

function refusedTopic(realm: Realm, action: string, key: string): string {
  return `ACCESS_REFUSED - ${permissionWord(realm, action)}access to topic '${key}' in exchange 'amq.topic' `
    + `in vhost '${realm.vhost}' refused for user '${realm.user}'`
}

async function prepare(realm: Realm): Promise<void> {
  const channel = await realm.channel('administrator')
  await channel.assertQueue('q')
  for (const name of ['x', 'xto']) await channel.assertExchange(name, 'direct')
}

forEachTarget((test) => {
  for (const [operation, method, needs, run] of operations) {
    test(`${operation} needs what RabbitMQ's table says`, (session) => Realm.use(session, async (realm) => {
      await prepare(realm)
      for (const missing of needs) {
        await realm.permit(permissionFor(needs.filter((need) => need !== missing)))
        const channel = await realm.channel()
        expect(await channelClosure(channel, () => run(channel)))
          .toEqual(closed(403, refused(realm, missing), method))
      }
      await realm.permit(permissionFor(needs))
      await run(await realm.channel())
    }))
  }

  for (const [kind, name, method, run] of [
    ['queue', 'q', 'queue.declare', (ch: Channel) => ch.checkQueue('q')],
    ['exchange', 'x', 'exchange.declare', (ch: Channel) => ch.checkExchange('x')],
  ] as const) {
    test(`a passive ${method} needs any permission on the ${kind}`, (session) => (
      Realm.use(session, async (realm) => {
        await prepare(realm)
        for (const action of ['configure', 'write', 'read'] as const) {
          await realm.permit({ ...nothing, [action]: `^${name}$` })
          await run(await realm.channel())
        }
        await realm.permit(nothing)
        const channel = await realm.channel()
        expect(await channelClosure(channel, () => run(channel)))
          .toEqual(closed(403, refused(realm, ['configure', kind, name]), method))
      })))
  }

  for (const method of ['bindQueue', 'unbindQueue'] as const) {
    test(`${method}: the right to write goes before the default exchange, to read after it`, (session) => (
      Realm.use(session, async (realm) => {
        await prepare(realm)
        await realm.permit(nothing)
        const [first, second] = [await realm.channel(), await realm.channel()]
        const name = method === 'bindQueue' ? 'queue.bind' : 'queue.unbind'
        expect(await channelClosure(first, () => first[method]('q', '', 'k')))
          .toEqual(closed(403, refused(realm, ['write', 'queue', 'q']), name))
        await realm.permit({ ...nothing, write: '^q$' })
        expect(await channelClosure(second, () => second[method]('q', '', 'k')))
          .toEqual(closed(403, 'ACCESS_REFUSED - operation not permitted on the default exchange', name))
      })))
  }

  test('a topic permission is found by its exchange', (session) => Realm.use(session, async (realm) => {
    const path = `/topic-permissions/${realm.vhost}/${realm.user}`
    const shown = { user: realm.user, vhost: realm.vhost, exchange: 'amq.topic', write: 'a', read: 'b' }
    expect((await realm.api.get(`${path}/amq.topic`)).status).toBe(404)
    const { exchange, write, read } = shown
    expect((await realm.api.put(`${path}/amq.direct`, { exchange, write, read })).status).toBe(201)
    expect(await realm.api.read(`${path}/amq.topic`)).toEqual([shown])
    expect(await realm.api.read(`${path}/amq.direct`))
      .toEqual(session.differs('http-topic-exchange') ? [] : [shown])
    expect((await realm.api.put(`${path}/amq.topic`, { write, read })).status).toBe(400)
    expect((await realm.api.delete(`${path}/amq.topic`)).status).toBe(204)
    expect((await realm.api.get(`${path}/amq.topic`)).status).toBe(404)
  }))

  test('a second topic permission is no creation', (session) => Realm.use(session, async (realm) => {
    const path = `/topic-permissions/${realm.vhost}/${realm.user}`
    const statuses: number[] = []
    for (const exchange of ['amq.topic', 'amq.direct', 'amq.topic']) {
      const body = { exchange, write: '.*', read: '.*' }
      statuses.push((await realm.api.put(path, body)).status)
    }
    expect(statuses).toEqual([201, 204, 204])
  }))

  test('a topic permission goes with its exchange', (session) => Realm.use(session, async (realm) => {
    const path = `/topic-permissions/${realm.vhost}/${realm.user}`
    const channel = await realm.channel('administrator')
    const limited = async (): Promise<readonly string[]> => {
      const rows = await realm.api.read<{ exchange: string }[]>(`/vhosts/${realm.vhost}/topic-permissions`)
      return rows.map(({ exchange }) => exchange).toSorted()
    }
    const declare = (): Promise<unknown> => channel.assertExchange('auto', 'topic', { autoDelete: true })
    await Promise.all([channel.assertExchange('x', 'topic'), declare(), channel.assertQueue('q')])
    await channel.bindQueue('q', 'auto', 'k')
    for (const exchange of ['amq.topic', 'auto', 'x']) {
      await realm.put(path, { exchange, write: '.*', read: '.*' })
    }
    await declare()
    expect(await limited()).toEqual(['amq.topic', 'auto', 'x'])
    await channel.unbindQueue('q', 'auto', 'k')
    await declare()
    expect(await limited()).toEqual(['amq.topic', 'x'])
    await channel.deleteExchange('x')
    expect(await limited()).toEqual(['amq.topic'])
    await realm.api.delete(`/vhosts/${realm.vhost}`)
    await realm.put(`/vhosts/${realm.vhost}`, {})
    expect(await limited()).toEqual([])
  }))

  test('whoever has no topic permission is not found', (session) => Realm.use(session, async (realm) => {
    const path = `/topic-permissions/${realm.vhost}/${realm.user}`
    const statuses = async (): Promise<number[]> => [
      (await realm.api.get(path)).status, (await realm.api.delete(`${path}/amq.topic`)).status,
      (await realm.api.delete(path)).status,
    ]
    expect(await statuses()).toEqual([404, 404, 404])
    await realm.put(path, { exchange: 'amq.direct', write: '.*', read: '.*' })
    expect(await statuses()).toEqual([200, 204, 204])
    expect(await realm.api.read(`/users/${realm.user}/topic-permissions`)).toEqual([])
  }))

  test('a refusal goes before a missing exchange', (session) => Realm.use(session, async (realm) => {
    await realm.permit(nothing)
    const channel = await realm.channel()
    expect(await channelClosure(channel, () => publishing('none')(channel)))
      .toEqual(closed(403, refused(realm, ['write', 'exchange', 'none']), 'basic.publish'))
  }))

  test('a consumer tag in use goes before the right to read', (session) => (
    Realm.use(session, async (realm) => {
      await prepare(realm)
      await (await realm.channel('administrator')).assertQueue('secret')
      await realm.permit({ ...nothing, read: '^q$' })
      const connection = await realm.connect()
      const channel = await session.channel(connection)
      await channel.consume('q', () => undefined, { consumerTag: 'twice' })
      expect(await connectionClosure(connection, () => (
        channel.consume('secret', () => undefined, { consumerTag: 'twice' }))))
        .toEqual(closed(530, "NOT_ALLOWED - attempt to reuse consumer tag 'twice'"))
    })))

  test('a reserved queue name is refused before permissions are asked', (session) => (
    Realm.use(session, async (realm) => {
      await realm.permit(nothing)
      const channel = await realm.channel()
      expect(await channelClosure(channel, () => channel.assertQueue('amq.q')))
        .toEqual(closed(403, "ACCESS_REFUSED - queue name 'amq.q' contains reserved prefix 'amq.*'",
          'queue.declare'))
    })))

  test('direct reply-to needs the right to publish, and none to consume', (session) => (
    Realm.use(session, async (realm) => {
      await realm.permit({ ...nothing, write: '^amq\\.default$' })
      const channel = await realm.channel()
      await channel.consume('amq.rabbitmq.reply-to', () => undefined, { noAck: true })
      channel.sendToQueue('none', Buffer.from('m'), { replyTo: 'amq.rabbitmq.reply-to' })
      await channel.prefetch(1)
    })))

  test('a pattern is looked for anywhere in the name', (session) => Realm.use(session, async (realm) => {
    await realm.permit({ ...nothing, configure: 'foo' })
    const channel = await realm.channel()
    await channel.assertQueue('xfoox')
    expect(await channelClosure(channel, () => channel.assertQueue('fo')))
      .toMatchObject({ code: 403 })
  }))

  test('dead-lettering asks nobody', (session) => Realm.use(session, async (realm) => {
    await prepare(realm)
    const admin = await realm.channel('administrator')
    await admin.assertQueue('dead')
    await admin.bindQueue('dead', 'x', 'k')
    await admin.assertQueue('source', { messageTtl: 0, deadLetterExchange: 'x', deadLetterRoutingKey: 'k' })
    await realm.permit({ ...nothing, write: '^amq\\.default$' })
    const channel = await realm.channel()
    channel.sendToQueue('source', Buffer.from('m'))
    await until('the dead letter arrives', () => admin.get('dead', { noAck: true }))
  }))

  test('what is taken away is refused on a new channel', (session) => Realm.use(session, async (realm) => {
    await realm.permit(everything)
    await prepare(realm)
    const connection = await realm.connect()
    const open = await session.channel(connection)
    await open.get('q')
    const isCached = !session.differs('permission-cache')
    const revoked = realm.permit(nothing)
    // RabbitMQ forgets its cache once a channel idles: this one has no time to.
    if (isCached) for (let n = 0; n < 200; n++) await open.get('q')
    await revoked
    if (isCached) await open.get('q')
    const expected = closed(403, refused(realm, ['read', 'queue', 'q']), 'basic.get')
    const channel = await session.channel(connection)
    expect(await channelClosure(channel, () => channel.get('q'))).toEqual(expected)
    if (!isCached) expect(await channelClosure(open, () => open.get('q'))).toEqual(expected)
  }))

  test('the vhost is closed to a user without any permission there', (session) => (
    Realm.use(session, async (realm) => {
      expect(await realm.refusal()).toEqual(closed(530, `NOT_ALLOWED - access to vhost '${realm.vhost}' `
        + `refused for user '${realm.user}'`, 'connection.open'))
    })))

  test('a user without a password cannot log in', (session) => Realm.use(session, async (realm) => {
    await realm.permit(everything)
    await realm.put(`/users/${realm.user}`, { tags: '' })
    await expect(realm.connect()).rejects.toThrow('403')
  }))

  for (const algorithm of ['sha256', 'sha512', 'md5']) {
    test(`a ${algorithm} hash of somewhere else lets its user in`, (session) => (
      Realm.use(session, async (realm) => {
        const { createHash } = await import('node:crypto')
        const salt = Buffer.from('908DC60A', 'hex')
        const digest = createHash(algorithm).update(salt).update(realm.password).digest()
        await realm.permit(everything)
        await realm.put(`/users/${realm.user}`, {
          tags: '', password_hash: Buffer.concat([salt, digest]).toString('base64'),
          hashing_algorithm: `rabbit_password_hashing_${algorithm}`,
        })
        await realm.connect()
      })))
  }

  test('an impersonator may set any user-id, and nobody else', (session) => (
    Realm.use(session, async (realm) => {
      await realm.permit(everything)
      const publishAs = async (): Promise<Channel> => {
        const channel = await realm.channel()
        channel.publish('amq.fanout', '', Buffer.from('m'), { userId: 'somebody' })
        return channel
      }
      const refused = await publishAs()
      expect(await channelClosure(refused, () => refused.prefetch(1))).toEqual(closed(406,
        `PRECONDITION_FAILED - user_id property set to 'somebody' but authenticated user was '${realm.user}'`,
        'basic.publish'))
      await realm.put(`/users/${realm.user}`, { password: realm.password, tags: 'impersonator' })
      await (await publishAs()).prefetch(1)
    })))

  test('deleting a user closes its connections', (session) => Realm.use(session, async (realm) => {
    await realm.permit(everything)
    expect(await realm.closure(() => realm.api.delete(`/users/${realm.user}`)))
      .toEqual(closed(320, `CONNECTION_FORCED - user '${realm.user}' is deleted`, 'none'))
  }))
})

async function limit(realm: Realm, write: string, read: string, exchange = 'amq.topic'): Promise<void> {
  await realm.permit(everything)
  await realm.put(`/topic-permissions/${realm.vhost}/${realm.user}`, { exchange, write, read })
}

/** Topic permissions (behaviours §9.5). */
forEachTarget((test) => {
  test('a topic permission limits the routing keys of publishes', (session) => (
    Realm.use(session, async (realm) => {
      await limit(realm, '^a', '.*')
      const channel = await realm.channel()
      channel.publish('amq.topic', 'a.1', Buffer.from('m'))
      await channel.prefetch(1)
      channel.publish('amq.topic', 'no.1', Buffer.from('m'))
      expect(await channelClosure(channel, () => channel.prefetch(1)))
        .toEqual(closed(403, refusedTopic(realm, 'write', 'no.1'), 'basic.publish'))
    })))

  test('a topic permission limits CC too', (session) => Realm.use(session, async (realm) => {
    await limit(realm, '^a', '.*')
    const channel = await realm.channel()
    channel.publish('amq.topic', 'a.1', Buffer.from('m'), { CC: ['no.2'] })
    expect(await channelClosure(channel, () => channel.prefetch(1)))
      .toEqual(closed(403, refusedTopic(realm, 'write', 'no.2'), 'basic.publish'))
  }))

  for (const method of ['bind', 'unbind'] as const) {
    test(`a topic permission limits the keys of ${method}`, (session) => Realm.use(session, async (realm) => {
      await limit(realm, '', '^a')
      const channel = await realm.channel()
      await channel.assertQueue('q')
      const run = (key: string): Promise<unknown> => (method === 'bind'
        ? channel.bindQueue('q', 'amq.topic', key) : channel.unbindQueue('q', 'amq.topic', key))
      await run('a.1')
      expect(await channelClosure(channel, () => run('no.1')))
        .toEqual(closed(403, refusedTopic(realm, 'read', 'no.1'), `queue.${method}`))
    }))
  }

  test('a topic permission on another type of exchange counts for nothing', (session) => (
    Realm.use(session, async (realm) => {
      await limit(realm, '', '', 'amq.direct')
      const channel = await realm.channel()
      channel.publish('amq.direct', 'no', Buffer.from('m'))
      await channel.prefetch(1)
    })))

  test('a topic permission knows the name of the user', (session) => Realm.use(session, async (realm) => {
    await limit(realm, '^{username}\\.', '.*')
    const channel = await realm.channel()
    channel.publish('amq.topic', `${realm.user}.1`, Buffer.from('m'))
    await channel.prefetch(1)
    channel.publish('amq.topic', 'other.1', Buffer.from('m'))
    expect(await channelClosure(channel, () => channel.prefetch(1)))
      .toEqual(closed(403, refusedTopic(realm, 'write', 'other.1'), 'basic.publish'))
  }))
})
