// Limits of vhosts and users (behaviours §9.2), and what becomes of a deleted vhost.
import { expect } from 'vitest'
import { channelClosure, closed, connectionClosure } from './harness/closure.ts'
import { forEachTarget } from './harness/for-each-target.ts'
import { Realm, everything } from './harness/realm.ts'

forEachTarget((test, target) => {
  test('a vhost with as many connections as it may have takes no more', (session) => (
    Realm.use(session, async (realm) => {
      await realm.permit(everything)
      await realm.put(`/vhost-limits/${realm.vhost}/max-connections`, { value: 1 })
      await realm.connect()
      expect(await realm.refusal()).toEqual(closed(530, `NOT_ALLOWED - access to vhost '${realm.vhost}' `
        + `refused for user '${realm.user}': connection limit (1) is reached`, 'connection.open'))
    })))

  test('a vhost that may have no connection takes none; with a negative limit, any', (session) => (
    Realm.use(session, async (realm) => {
      await realm.permit(everything)
      await realm.put(`/vhost-limits/${realm.vhost}/max-connections`, { value: 0 })
      expect((await realm.refusal()).text).toContain('connection limit (0) is reached')
      await realm.put(`/vhost-limits/${realm.vhost}/max-connections`, { value: -1 })
      await realm.connect()
    })))

  test('a vhost with as many queues as it may have takes no new one', (session) => (
    Realm.use(session, async (realm) => {
      await realm.permit(everything)
      await realm.put(`/vhost-limits/${realm.vhost}/max-queues`, { value: 1 })
      const channel = await realm.channel()
      await channel.assertQueue('a1')
      await channel.assertQueue('a1')
      expect(await channelClosure(channel, () => channel.assertQueue('a2'))).toEqual(closed(406,
        `PRECONDITION_FAILED - cannot declare queue 'a2': queue limit in vhost '${realm.vhost}' (1) is `
        + 'reached', 'queue.declare'))
    })))

  test('a user with as many connections as it may have gets no more', (session) => (
    Realm.use(session, async (realm) => {
      await realm.permit(everything)
      await realm.put(`/user-limits/${realm.user}/max-connections`, { value: 1 })
      await realm.connect()
      expect(await realm.refusal()).toEqual(closed(530, `NOT_ALLOWED - connection refused for user `
        + `'${realm.user}': user connection limit (1) is reached`, 'connection.open'))
    })))

  test('a user with as many channels as it may have gets no more', (session) => (
    Realm.use(session, async (realm) => {
      await realm.permit(everything)
      await realm.put(`/user-limits/${realm.user}/max-channels`, { value: 1 })
      const connection = await realm.connect()
      await connection.createChannel()
      const limit = realm.session.older('channel-limit-text') ? '(1)' : '1'
      expect(await connectionClosure(connection, () => connection.createChannel())).toEqual(closed(530,
        `NOT_ALLOWED - number of channels opened for user '${realm.user}' has reached the maximum allowed `
        + `user limit of ${limit}`))
    })))

  for (const [of, names, problem] of [
    ['vhost', ['max-connections', 'max-queues'], (text: string) => `Validation failed\n\n${text}\n`],
    ['user', ['max-connections', 'max-channels'], (text: string) => text],
  ] as const) {
    test(`limits of a ${of} are listed, changed and taken away`, (session) => (
      Realm.use(session, async (realm) => {
        const path = `/${of}-limits/${realm[of]}`
        expect(await realm.api.read(path)).toEqual([])
        await realm.put(`${path}/${names[0]}`, { value: 5 })
        await realm.put(`${path}/${names[1]}`, { value: 0 })
        await realm.put(`${path}/${names[1]}`, { value: -1 })
        const listed = { [of]: realm[of], value: { [names[0]]: 5, [names[1]]: -1 } }
        expect(await realm.api.read(path)).toEqual([listed])
        expect(await realm.api.read(`/${of}-limits`)).toContainEqual(listed)
        for (let n = 0; n < 2; n++) expect((await realm.api.delete(`${path}/${names[0]}`)).status).toBe(204)
        expect(await realm.api.read(path)).toEqual([{ ...listed, value: { [names[1]]: -1 } }])
        await realm.api.delete(`${path}/${names[1]}`)
        expect(await realm.api.read(path)).toEqual([])
      })))

    test(`what is no limit of a ${of} is refused`, (session) => Realm.use(session, async (realm) => {
      const what = of === 'vhost' ? 'limits' : 'user-limits'
      for (const [name, body, reason] of [
        ['nope', { value: 5 }, problem(`Unrecognised terms [{<<"nope">>,5}] in ${what}`)],
        [names[1], { value: 'a' }, problem(`${names[1]} should be a number, actually was <<"a">>`)],
        [names[1], { value: 1.5 }, problem(`${names[1]} should be a number, actually was 1.5`)],
        [names[1], {}, '[{key_missing,value}]'],
      ] as const) {
        const headers = { 'content-type': 'application/json' }
        const path = `/${of}-limits/${realm[of]}/${name}`
        const { status, json } = await realm.api.call('PUT', path, { body, headers })
        expect({ status, json }).toEqual({ status: 400, json: { error: 'bad_request', reason } })
      }
      expect((await realm.api.get(`/${of}-limits/nosuch`)).status).toBe(404)
    }))
  }

  test('deleting a vhost closes its connections', (session) => Realm.use(session, async (realm) => {
    await realm.permit(everything)
    const { code, text } = await realm.closure(() => realm.api.delete(`/vhosts/${realm.vhost}`))
    expect(code).toBe(320)
    // RabbitMQ says one or the other: whichever of two processes is first.
    const words = target.isLeveret ? ['deleted'] : ['deleted', 'down']
    expect(words.map((word) => `CONNECTION_FORCED - vhost '${realm.vhost}' is ${word}`)).toContain(text)
  }))

  test('a vhost that was deleted and made again is empty', (session) => Realm.use(session, async (realm) => {
    const channel = await realm.channel('administrator')
    await channel.assertQueue('q')
    channel.sendToQueue('q', Buffer.from('m'), { persistent: true })
    await channel.prefetch(1)
    await realm.api.delete(`/vhosts/${realm.vhost}`)
    expect((await realm.refusal('administrator')).text).toBe(`NOT_ALLOWED - vhost ${realm.vhost} not found`)
    await realm.put(`/vhosts/${realm.vhost}`, {})
    const again = await realm.channel('administrator')
    expect(await again.assertQueue('q')).toMatchObject({ messageCount: 0 })
  }))
})
