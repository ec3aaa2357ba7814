// Policies as queues and exchanges feel them (behaviours §9.1): which one is in force, how it joins operator
// policies and arguments, what it does to what is there.
import type { ConfirmChannel } from 'amqplib'
import { expect } from 'vitest'
import { forEachTarget } from './harness/for-each-target.ts'
import { until } from './harness/poll.ts'
import { Realm } from './harness/realm.ts'

/** How many of five messages stay in a queue: what its length limit is. */
async function keeps(channel: ConfirmChannel, queue: string): Promise<number> {
  await channel.purgeQueue(queue)
  for (let n = 0; n < 5; n++) channel.sendToQueue(queue, Buffer.from(String(n)))
  await channel.waitForConfirms().catch(() => undefined) // by policy some may be nacked
  return (await channel.checkQueue(queue)).messageCount
}

/** RabbitMQ: policies reach queues within moments. */
const becomes = (channel: ConfirmChannel, queue: string, count: number): Promise<boolean> =>
  until(`${queue} keeps ${count}`, async () => await keeps(channel, queue) === count)

forEachTarget((test) => {
  const inRealm = (title: string, run: (realm: Realm, channel: ConfirmChannel) => Promise<void>): void => {
    test(title, (session) => Realm.use(session, async (realm) => {
      await run(realm, await realm.session.confirmChannel(await realm.connect('administrator')))
    }))
  }

  inRealm('a policy reaches queues that are there, and those that come', async (realm, channel) => {
    await channel.assertQueue('q')
    await realm.policy('p', { 'max-length': 2 })
    await becomes(channel, 'q', 2)
    await channel.assertQueue('later')
    await becomes(channel, 'later', 2)
  })

  inRealm('a policy that is deleted is in force no more', async (realm, channel) => {
    await channel.assertQueue('q')
    await realm.policy('p', { 'max-length': 2 })
    await becomes(channel, 'q', 2)
    await realm.api.delete(`/policies/${realm.vhost}/p`)
    await becomes(channel, 'q', 5)
  })

  inRealm('a lower limit cuts what is in the queue', async (realm, channel) => {
    await channel.assertQueue('q')
    await becomes(channel, 'q', 5)
    await realm.policy('p', { 'max-length': 2 })
    await until('the queue is cut', async () => (await channel.checkQueue('q')).messageCount === 2)
    expect((await channel.get('q', { noAck: true }) as { content: Buffer }).content.toString()).toBe('3')
  })

  inRealm('a lower limit cuts by the overflow of before, not the policy\'s', async (realm, channel) => {
    await channel.assertQueue('q')
    await becomes(channel, 'q', 5)
    await realm.policy('p', { 'max-length': 2, 'overflow': 'reject-publish' })
    await until('the queue is cut', async () => (await channel.checkQueue('q')).messageCount === 2)
    expect((await channel.get('q', { noAck: true }) as { content: Buffer }).content.toString()).toBe('3')
  })

  inRealm('of policies that match, the one of highest priority counts, alone', async (realm, channel) => {
    await channel.assertQueue('q')
    await realm.policy('low', { 'max-length': 1 }, { priority: 1 })
    await realm.policy('high', { 'message-ttl': 60_000 }, { priority: 2 })
    await becomes(channel, 'q', 5)
  })

  inRealm('a policy is for names that its pattern finds', async (realm, channel) => {
    await channel.assertQueue('xabx')
    await channel.assertQueue('other')
    await realm.policy('p', { 'max-length': 1 }, { pattern: 'ab' })
    await becomes(channel, 'xabx', 1)
    await becomes(channel, 'other', 5)
  })

  for (const [applyTo, count] of [
    ['all', 2], ['queues', 2], ['classic_queues', 2], ['quorum_queues', 5], ['streams', 5], ['exchanges', 5],
  ] as const) {
    inRealm(`a policy for ${applyTo} leaves a classic queue ${count} of 5`, async (realm, channel) => {
      await channel.assertQueue('q')
      await realm.policy('p', { 'max-length': 2 }, { 'apply-to': applyTo })
      await becomes(channel, 'q', count)
    })
  }

  // RabbitMQ: a policy with a key that the queue's type does not know is, whole, not for that queue.
  for (const [key, value, isHeeded] of [
    ['message-ttl', 60_000, true], ['expires', 60_000, true], ['max-length-bytes', 1000, true],
    ['overflow', 'drop-head', true], ['dead-letter-exchange', 'none', true],
    ['dead-letter-routing-key', 'k', true], ['queue-mode', 'lazy', true], ['queue-version', 2, true],
    ['queue-leader-locator', 'client-local', true], ['alternate-exchange', 'none', true],
    ['delivery-limit', 3, false], ['dead-letter-strategy', 'at-most-once', false],
    ['max-in-memory-length', 5, false], ['max-in-memory-bytes', 5, false], ['max-age', '1h', false],
    ['stream-max-segment-size-bytes', 1000, false], ['initial-cluster-size', 1, false],
    ['target-group-size', 1, false],
  ] as const) {
    const title = `a policy with ${key} is ${isHeeded ? '' : 'not '}for a classic queue`
    inRealm(title, async (realm, channel) => {
      await channel.assertQueue('q')
      await realm.policy('p', { 'max-length': 2, [key]: value })
      await becomes(channel, 'q', isHeeded ? 2 : 5)
    })
  }

  for (const [applyTo, count] of [
    ['all', 2], ['queues', 2], ['classic_queues', 5], ['quorum_queues', 2],
  ] as const) {
    inRealm(`a policy for ${applyTo} leaves a quorum queue ${count} of 5`, async (realm, channel) => {
      await channel.assertQueue('q', { arguments: { 'x-queue-type': 'quorum' } })
      await realm.policy('p', { 'max-length': 2 }, { 'apply-to': applyTo })
      await becomes(channel, 'q', count)
    })
  }

  for (const [key, value, isHeeded] of [
    ['message-ttl', 60_000, true], ['expires', 60_000, true], ['overflow', 'drop-head', true],
    ['delivery-limit', 3, true], ['dead-letter-strategy', 'at-least-once', true],
    ['consumer-timeout', 60_000, true], ['max-in-memory-length', 5, true], ['target-group-size', 1, true],
    ['queue-leader-locator', 'client-local', true], ['alternate-exchange', 'none', true],
    ['queue-version', 2, true], ['queue-mode', 'lazy', false], ['max-age', '1h', false],
  ] as const) {
    const title = `a policy with ${key} is ${isHeeded ? '' : 'not '}for a quorum queue`
    inRealm(title, async (realm, channel) => {
      await channel.assertQueue('q', { arguments: { 'x-queue-type': 'quorum' } })
      await realm.policy('p', { 'max-length': 2, [key]: value })
      await becomes(channel, 'q', isHeeded ? 2 : 5)
    })
  }

  inRealm('a policy limits how often a quorum queue delivers a message again', async (realm, channel) => {
    await channel.assertQueue('q', { arguments: { 'x-queue-type': 'quorum' } })
    await realm.policy('p', { 'max-length': 2, 'delivery-limit': 1 })
    await becomes(channel, 'q', 2)
    await channel.purgeQueue('q')
    channel.sendToQueue('q', Buffer.from('m'))
    let deliveries = 0
    const taken = new Promise<void>((resolve) => {
      void channel.consume('q', (message) => {
        deliveries++
        if (deliveries === 2) resolve()
        channel.nack(message!)
      })
    })
    await taken
    await until('the message is gone', async () => (await channel.checkQueue('q')).messageCount === 0)
    expect(deliveries).toBe(2)
  })

  inRealm('an operator policy lowers what a policy says, and raises nothing', async (realm, channel) => {
    await channel.assertQueue('q')
    await realm.policy('p', { 'max-length': 3 })
    await realm.operatorPolicy('o', { 'max-length': 2 })
    await becomes(channel, 'q', 2)
    await realm.operatorPolicy('o', { 'max-length': 4 })
    await becomes(channel, 'q', 3)
  })

  inRealm('an operator policy counts without a policy', async (realm, channel) => {
    await channel.assertQueue('q')
    await realm.operatorPolicy('o', { 'max-length': 2 })
    await becomes(channel, 'q', 2)
  })

  inRealm('of an argument and a policy the lower limit counts', async (realm, channel) => {
    await channel.assertQueue('q', { arguments: { 'x-max-length': 3 } })
    await realm.policy('p', { 'max-length': 4 })
    await becomes(channel, 'q', 3)
    await realm.policy('p', { 'max-length': 2 })
    await becomes(channel, 'q', 2)
  })

  inRealm('an argument for overflow goes before the policy', async (realm, channel) => {
    await channel.assertQueue('mine', { arguments: { 'x-overflow': 'drop-head' } })
    await channel.assertQueue('theirs')
    await realm.policy('p', { 'max-length': 2, 'overflow': 'reject-publish' })
    const first = async (queue: string): Promise<string> => {
      await becomes(channel, queue, 2)
      return (await channel.get(queue, { noAck: true }) as { content: Buffer }).content.toString()
    }
    expect(await first('mine')).toBe('3')
    await until('the policy rejects', async () => await first('theirs') === '0')
  })

  inRealm('a policy names the dead-letter exchange; an argument goes before it', async (realm, channel) => {
    for (const name of ['policys', 'mine']) {
      await channel.assertExchange(name, 'fanout')
      await channel.assertQueue(`${name}.dead`)
      await channel.bindQueue(`${name}.dead`, name, '')
    }
    await realm.policy('p', { 'dead-letter-exchange': 'policys', 'max-length': 0 }, { pattern: '^q' })
    await channel.assertQueue('q1')
    await channel.assertQueue('q2', { deadLetterExchange: 'mine' })
    for (const [queue, dead] of [['q1', 'policys.dead'], ['q2', 'mine.dead']] as const) {
      await until(`a letter from ${queue} in ${dead}`, async () => {
        channel.sendToQueue(queue, Buffer.from('m'))
        return channel.get(dead, { noAck: true })
      })
    }
  })

  inRealm('a message TTL by policy is for messages that come', async (realm, channel) => {
    await channel.assertQueue('q')
    await realm.policy('p', { 'message-ttl': 100 })
    const count = async (): Promise<number> => (await channel.checkQueue('q')).messageCount
    // One that came before RabbitMQ's queue had heard of its policy stays.
    await until('a message is there, and expires', async () => {
      await channel.purgeQueue('q')
      channel.sendToQueue('q', Buffer.from('m'))
      if (await count() === 0) return false
      return until('it expires', async () => await count() === 0, 2_000).catch(() => false)
    })
  })

  inRealm('a queue expires by policy, though it was declared before', async (realm, channel) => {
    await channel.assertQueue('q')
    await realm.policy('p', { expires: 50 })
    await until('the queue is gone', async () =>
      (await realm.api.read<object[]>(`/queues/${realm.vhost}?disable_stats=true`)).length === 0)
  })

  inRealm('an exchange takes its alternate from a policy, or its argument', async (realm, channel) => {
    for (const name of ['policys', 'mine']) {
      await channel.assertExchange(name, 'fanout')
      await channel.assertQueue(`${name}.q`)
      await channel.bindQueue(`${name}.q`, name, '')
    }
    await channel.assertExchange('x1', 'direct')
    await channel.assertExchange('x2', 'direct', { alternateExchange: 'mine' })
    await realm.policy('p', { 'alternate-exchange': 'policys' }, { 'pattern': '^x', 'apply-to': 'exchanges' })
    for (const [exchange, queue] of [['x1', 'policys.q'], ['x2', 'mine.q']] as const) {
      await until(`what ${exchange} cannot route is in ${queue}`, async () => {
        channel.publish(exchange, 'none', Buffer.from('m'))
        return channel.get(queue, { noAck: true })
      })
    }
  })

  inRealm('a policy makes no redeclaration inequivalent', async (realm, channel) => {
    await channel.assertQueue('q')
    await realm.policy('p', { 'max-length': 2, 'message-ttl': 60_000 })
    await becomes(channel, 'q', 2)
    await channel.assertQueue('q')
  })
})
