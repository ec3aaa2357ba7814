// Kinds of queue: what a quorum queue may be declared with, what it may not be, how kinds differ at
// re-declare and delete. Reference: behaviours §4.1, §4.2, §4.5, §4.6, §4.9, §5.3, §5.5. Classic queues are
// in queue-arguments.test.ts. Raw frames where field tags matter.

import { expect } from 'vitest'
import { channelClosure, closed, connectionClosure, rawClosure } from './harness/closure.ts'
import type { Closure } from './harness/closure.ts'
import { forEachTarget } from './harness/for-each-target.ts'
import { collect, fill, get, text } from './harness/messages.ts'
import type { Session } from './harness/session.ts'
import type { Args, Field } from './harness/wire.ts'

const type: Field = ['x-queue-type', 'S', 'quorum']
const quorum = { arguments: { 'x-queue-type': 'quorum' } }

const invalidValues: [Field[], key: string, problem: string][] = [
  ...['x-message-ttl', 'x-expires', 'x-max-length', 'x-max-length-bytes', 'x-quorum-initial-group-size',
    'x-consumer-disconnected-timeout', 'x-max-in-memory-length', 'x-max-in-memory-bytes'].flatMap(
    (key): [Field[], string, string][] => [
      [[[key, 'S', '5']], key, '"expected integer, got longstr"'],
      [[[key, 'I', -1]], key, '{value_negative,-1}'],
    ],
  ),
  [[['x-quorum-initial-group-size', 'I', 0]], 'x-quorum-initial-group-size', '{value_zero,0}'],
  [[['x-overflow', 'S', 'foo']], 'x-overflow', 'invalid_overflow'],
  [[['x-dead-letter-routing-key', 'S', 'k']], 'x-dead-letter-routing-key', 'routing_key_but_no_dlx_defined'],
  [[['x-single-active-consumer', 'I', 1]], 'x-single-active-consumer', '{unacceptable_type,signedint}'],
  [[['x-queue-leader-locator', 'S', 'foo']], 'x-queue-leader-locator', 'invalid_queue_locator_arg'],
  [[['x-dead-letter-strategy', 'S', 'foo']], 'x-dead-letter-strategy', 'invalid_dlx_strategy'],
  [[['x-dead-letter-strategy', 'I', 1]], 'x-dead-letter-strategy', '{unacceptable_type,signedint}'],
  [[['x-consumer-timeout', 'I', -1]], 'x-consumer-timeout', '{value_negative,-1}'],
]

const accepted: [title: string, Field[]][] = [
  ['x-message-ttl 0', [['x-message-ttl', 'I', 0]]],
  ['x-max-length 0', [['x-max-length', 'I', 0]]],
  ...['drop-head', 'reject-publish', 'reject-publish-dlx'].map((overflow): [string, Field[]] =>
    [`x-overflow ${overflow}`, [['x-overflow', 'S', overflow]]]),
  ['x-single-active-consumer', [['x-single-active-consumer', 't', true]]],
  ['x-quorum-initial-group-size 1', [['x-quorum-initial-group-size', 'I', 1]]],
  ['x-consumer-disconnected-timeout 0', [['x-consumer-disconnected-timeout', 'I', 0]]],
  ['x-max-in-memory-length and -bytes',
    [['x-max-in-memory-length', 'I', 0], ['x-max-in-memory-bytes', 'I', 0]]],
  ['x-consumer-timeout 0', [['x-consumer-timeout', 'I', 0]]],
  ...['at-most-once', 'at-least-once'].map((strategy): [string, Field[]] =>
    [`x-dead-letter-strategy ${strategy}`, [['x-dead-letter-strategy', 'S', strategy]]]),
  ['x-delivery-limit of any type', [['x-delivery-limit', 'S', 'many']]],
  ['arguments nobody knows', [['x-ha-policy', 'S', 'all'], ['foo', 'V']]],
  ...['client-local', 'balanced', 'random', 'least-leaders', 'min-masters'].map((where): [string, Field[]] =>
    [`x-queue-leader-locator ${where}`, [['x-queue-leader-locator', 'S', where]]]),
]

const ofOtherKinds: Field[] = [
  ['x-max-priority', 'I', 5], ['x-queue-mode', 'S', 'lazy'], ['x-queue-version', 'I', 2],
  ['x-max-age', 'S', '1D'], ['x-stream-max-segment-size-bytes', 'I', 1000],
  ['x-initial-cluster-size', 'I', 1], ['x-stream-filter-size-bytes', 'I', 16],
]

const refusedProperties: [title: string, Args, property: string][] = [
  ['not durable', { durable: false }, 'non-durable'],
  ['exclusive', { durable: true, exclusive: true }, 'exclusive-owner'],
  ['auto-delete', { 'durable': true, 'auto-delete': true }, 'auto-delete'],
  ['auto-delete before exclusive', { 'durable': true, 'exclusive': true, 'auto-delete': true },
    'auto-delete'],
  ['exclusive before durable', { durable: false, exclusive: true }, 'exclusive-owner'],
]

const differing: [title: string, first: Field[], second: Field[], key: string, rest: string][] = [
  ['classic where there was quorum', [type], [['x-queue-type', 'S', 'classic']], 'x-queue-type',
    'received \'classic\' but current is \'quorum\''],
  ['no type where there was quorum', [type], [], 'x-queue-type',
    'received \'classic\' but current is \'quorum\''],
  ['quorum where there was classic', [], [type], 'x-queue-type',
    'received \'quorum\' but current is \'classic\''],
  ['stream where there was quorum', [type], [['x-queue-type', 'S', 'stream']], 'x-queue-type',
    'received \'stream\' but current is \'quorum\''],
  ['another x-max-length', [type, ['x-max-length', 'I', 1]], [type, ['x-max-length', 'I', 2]],
    'x-max-length', 'received \'2\' but current is \'1\''],
  ['another group size', [type, ['x-quorum-initial-group-size', 'I', 1]], [type],
    'x-quorum-initial-group-size',
    'received none but current is the value \'1\' of type \'signedint\''],
]

const sameToQuorum: [title: string, first: Field[], second: Field[]][] = [
  ['an argument of classic queues', [type], [type, ['x-max-priority', 'I', 5]]],
  ['one that nobody knows', [type], [type, ['foo', 'I', 5]]],
]

async function refusal({ raw }: Session, queue: string, args: Args): Promise<Closure> {
  const client = await raw()
  client.send(1, 'queue.declare', { queue, durable: true, ...args })
  return rawClosure(client, 'channel')
}

const show = (fields: readonly Field[]): string =>
  fields.map(([key, tag, value]) => `${key} ${tag} ${String(value)}`).join(', ')

forEachTarget((test) => {
  for (const [fields, key, problem] of invalidValues) {
    test(`a quorum queue is refused with 406: ${show(fields)}`, async (session) => {
      const queue = session.name()
      expect(await refusal(session, queue, { arguments: [type, ...fields] })).toEqual(closed(406,
        `PRECONDITION_FAILED - invalid arg '${key}' for queue '${queue}' in vhost '/': ${problem}`,
        'queue.declare'))
    })
  }

  for (const field of ofOtherKinds) {
    test(`a quorum queue refuses ${field[0]} with 406`, async (session) => {
      const queue = session.name()
      expect(await refusal(session, queue, { arguments: [type, field] })).toEqual(closed(406,
        `PRECONDITION_FAILED - invalid arg '${field[0]}' for queue '${queue}' in vhost '/' ` +
        'of queue type rabbit_quorum_queue', 'queue.declare'))
    })
  }

  for (const [title, fields] of accepted) {
    test(`a quorum queue takes ${title}`, async ({ raw, name }) => {
      const [client, queue] = [await raw(), name()]
      const args = { queue, durable: true, arguments: [type, ...fields] }
      expect(await client.call(1, 'queue.declare', args))
        .toEqual({ queue, 'message-count': 0, 'consumer-count': 0 })
    })
  }

  for (const [title, flags, property] of refusedProperties) {
    test(`a quorum queue cannot be ${title}: 406`, async (session) => {
      const queue = session.name()
      expect(await refusal(session, queue, { arguments: [type], ...flags })).toEqual(closed(406,
        `PRECONDITION_FAILED - invalid property '${property}' for queue '${queue}' in vhost '/'`,
        'queue.declare'))
    })
  }

  test('its arguments are checked before its properties', async (session) => {
    const queue = session.name()
    const args = { durable: false, arguments: [type, ['x-max-length', 'I', -1]] }
    expect((await refusal(session, queue, args)).text).toContain('invalid arg \'x-max-length\'')
  })

  test('the server makes up no name for a quorum queue: 406', async (session) => {
    expect(await refusal(session, '', { arguments: [type] })).toEqual(closed(406,
      'PRECONDITION_FAILED - Cannot declare a server-named queue for type rabbit_quorum_queue',
      'queue.declare'))
  })

  for (const [title, first, second, key, rest] of differing) {
    test(`re-declaring with a difference is 406: ${title}`, async (session) => {
      const [client, queue] = [await session.raw(), session.name()]
      await client.call(1, 'queue.declare', { queue, durable: true, arguments: first })
      expect(await refusal(session, queue, { arguments: second })).toEqual(closed(406,
        `PRECONDITION_FAILED - inequivalent arg '${key}' for queue '${queue}' in vhost '/': ${rest}`,
        'queue.declare'))
    })
  }

  for (const [title, first, second] of sameToQuorum) {
    test(`re-declaring a quorum queue may differ in ${title}`, async ({ raw, name }) => {
      const [client, queue] = [await raw(), name()]
      await client.call(1, 'queue.declare', { queue, durable: true, arguments: first })
      expect(await client.call(1, 'queue.declare', { queue, durable: true, arguments: second }))
        .toMatchObject({ queue })
    })
  }

  test('re-declaring a quorum queue as exclusive is 405', async (session) => {
    const [ch, queue] = [await session.channel(), session.name()]
    await ch.assertQueue(queue, quorum)
    expect((await refusal(session, queue, { arguments: [type], exclusive: true })).code).toBe(405)
  })

  test('re-declaring a quorum queue as transient or auto-delete is the usual 406', async (session) => {
    const [ch, queue] = [await session.channel(), session.name()]
    await ch.assertQueue(queue, quorum)
    const wording = (arg: string, wants: boolean, has: boolean): string =>
      `PRECONDITION_FAILED - inequivalent arg '${arg}' for queue '${queue}' in vhost '/': ` +
      `received '${wants}' but current is '${has}'`
    expect((await refusal(session, queue, { arguments: [type], durable: false })).text)
      .toBe(wording('durable', false, true))
    expect((await refusal(session, queue, { 'arguments': [type], 'auto-delete': true })).text)
      .toBe(wording('auto_delete', true, false))
  })

  const conditions = [['if-unused', { ifUnused: true }], ['if-empty', { ifEmpty: true }]] as const
  for (const [flag, option] of conditions) {
    test(`a quorum queue is not deleted with ${flag}: 540`, async ({ connect, channel, name }) => {
      const [connection, queue] = [await connect(), name()]
      const ch = await channel(connection)
      await ch.assertQueue(queue, quorum)
      expect(await connectionClosure(connection, () => ch.deleteQueue(queue, option))).toEqual(closed(540,
        `NOT_IMPLEMENTED - cannot delete queue '${queue}' in vhost '/'. queue.delete operations with ` +
        `${flag} flag set are not supported by quorum queues`))
    })
  }

  test('delete and purge of a quorum queue tell how many were ready', async ({ confirmChannel, name }) => {
    const [ch, queue] = [await confirmChannel(), name()]
    await ch.assertQueue(queue, quorum)
    await fill(ch, queue, ['held', 'a', 'b'])
    await get(ch, queue)
    expect(await ch.purgeQueue(queue)).toEqual({ messageCount: 2 })
    await fill(ch, queue, ['c'])
    expect(await ch.deleteQueue(queue)).toEqual({ messageCount: 1 })
  })

  for (const [value, tag, problem] of [
    ['x', 'S', '"expected integer, got longstr"'], [-1, 'I', '{value_negative,-1}'],
  ] as [unknown, string, string][]) {
    test(`a consumer of a quorum queue refuses x-consumer-timeout ${value}`, async ({ raw, name }) => {
      const [client, queue] = [await raw(), name()]
      await client.call(1, 'queue.declare', { queue, durable: true, arguments: [type] })
      client.send(1, 'basic.consume', { queue, arguments: [['x-consumer-timeout', tag, value]] as Field[] })
      expect(await rawClosure(client, 'channel')).toEqual(closed(406,
        `PRECONDITION_FAILED - invalid arg 'x-consumer-timeout' for queue '${queue}' in vhost '/': ` +
        `${problem}`, 'basic.consume'))
    })
  }

  test('a consumer of a quorum queue refuses arguments of streams', async ({ channel, name }) => {
    const [ch, queue] = [await channel(), name()]
    await ch.assertQueue(queue, quorum)
    expect(await channelClosure(ch, () =>
      ch.consume(queue, () => undefined, { arguments: { 'x-stream-offset': 'first' } }))).toEqual(closed(406,
      `PRECONDITION_FAILED - invalid arg 'x-stream-offset' for queue '${queue}' in vhost '/' ` +
      'of queue type rabbit_quorum_queue', 'basic.consume'))
  })

  test('basic.get beside a single active consumer is 405', async ({ channel, name, differs, older }) => {
    const [ch, queue] = [await channel(), name()]
    await ch.assertQueue(queue, { arguments: { ...quorum.arguments, 'x-single-active-consumer': true } })
    const kind = older('quorum-get-text') || differs('quorum-get-text') ? 'quorum' : '<<"quorum">>'
    expect(await channelClosure(ch, () => ch.get(queue))).toEqual(closed(405,
      `RESOURCE_LOCKED - cannot obtain access to locked queue '${queue}' in vhost '/'. ` +
      `basic.get operations are not supported by ${kind} queues with single active consumer`, 'basic.get'))
  })

  test('an exclusive consumer of a quorum queue', async ({ channel, name, differs }) => {
    const [ch, other, queue] = [await channel(), await channel(), name()]
    await ch.assertQueue(queue, quorum)
    await collect(ch, queue, { exclusive: true })
    const second = (): Promise<unknown> => collect(other, queue)
    if (!differs('quorum-exclusive-consumer')) return expect(await second()).toMatchObject({})
    expect(await channelClosure(other, second)).toEqual(closed(403,
      `ACCESS_REFUSED - queue '${queue}' in vhost '/' in exclusive use`, 'basic.consume'))
  })

  test('a prefetch for the whole channel does not keep it from a quorum queue',
    async ({ confirmChannel, name }) => {
      const [ch, queue] = [await confirmChannel(), name()]
      await ch.assertQueue(queue, quorum)
      await ch.prefetch(1, true)
      await fill(ch, queue, ['a'])
      expect(text(await (await collect(ch, queue)).message(0))).toBe('a')
    })

  test('a stream', async (session) => {
    const queue = session.name()
    const args = { queue, durable: true, arguments: [['x-queue-type', 'S', 'stream']] as Field[] }
    if (!session.differs('stream-unavailable')) {
      expect(await (await session.raw()).call(1, 'queue.declare', args)).toMatchObject({ queue })
      return
    }
    expect(await refusal(session, queue, args)).toEqual(closed(406,
      `PRECONDITION_FAILED - invalid arg 'x-queue-type' for queue '${queue}' in vhost '/': ` +
      '"unsupported queue type \'stream\'"', 'queue.declare'))
  })
})
