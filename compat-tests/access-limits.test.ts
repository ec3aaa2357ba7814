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
      const limit = target.isRabbit3 ? '(1)' : '1'
      expect(await connectionClosure(connection, () => connection.createChannel())).toEqual(closed(530,
        `NOT_ALLOWED - number of channels opened for user '${realm.user}' has reached the maximum allowed `
        + `user limit of ${limit}`))
    })))

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
