// Queue arguments: which a classic queue takes, how wrong values and differences at re-declare are refused.
// Reference: behaviours §4.5, §4.6. Raw frames, because amqplib chooses the field tags itself.

import { expect } from 'vitest'
import { closed, rawClosure } from './harness/closure.ts'
import type { Closure } from './harness/closure.ts'
import { forEachTarget } from './harness/for-each-target.ts'
import { fill, get, untilCount } from './harness/messages.ts'
import type { Session } from './harness/session.ts'
import type { Field } from './harness/wire.ts'

const tenYearsMs = 315_360_000_000

const invalidValues: [Field[], key: string, problem: string][] = [
  ...['x-message-ttl', 'x-expires', 'x-max-length', 'x-max-length-bytes', 'x-max-priority'].flatMap(
    (key): [Field[], string, string][] => [
      [[[key, 'S', '5']], key, '"expected integer, got longstr"'],
      [[[key, 'I', -1]], key, '{value_negative,-1}'],
    ],
  ),
  [[['x-message-ttl', 'd', 5]], 'x-message-ttl', '"expected integer, got double"'],
  [[['x-message-ttl', 'f', 5]], 'x-message-ttl', '"expected integer, got float"'],
  [[['x-message-ttl', 't', true]], 'x-message-ttl', '"expected integer, got bool"'],
  [[['x-message-ttl', 'T', 5n]], 'x-message-ttl', '"expected integer, got timestamp"'],
  [[['x-message-ttl', 'V']], 'x-message-ttl', '"expected integer, got void"'],
  [[['x-message-ttl', 'A', []]], 'x-message-ttl', '"expected integer, got array"'],
  [[['x-message-ttl', 'F', []]], 'x-message-ttl', '"expected integer, got table"'],
  [[['x-message-ttl', 'l', tenYearsMs + 1]], 'x-message-ttl', `{value_too_large,${tenYearsMs + 1}}`],
  [[['x-expires', 'l', tenYearsMs + 1]], 'x-expires', `{value_too_large,${tenYearsMs + 1}}`],
  [[['x-expires', 'I', 0]], 'x-expires', '{value_zero,0}'],
  [[['x-max-priority', 'I', 256]], 'x-max-priority', '{max_value_exceeded,256}'],
  [[['x-overflow', 'S', 'foo']], 'x-overflow', 'invalid_overflow'],
  [[['x-overflow', 'I', 1]], 'x-overflow', '{unacceptable_type,signedint}'],
  [[['x-dead-letter-routing-key', 'S', 'k']], 'x-dead-letter-routing-key', 'routing_key_but_no_dlx_defined'],
  [[['x-dead-letter-exchange', 'S', 'x'], ['x-dead-letter-routing-key', 'I', 1]],
    'x-dead-letter-routing-key', '{unacceptable_type,signedint}'],
  [[['x-single-active-consumer', 'S', 'true']], 'x-single-active-consumer', '{unacceptable_type,longstr}'],
  [[['x-single-active-consumer', 'I', 1]], 'x-single-active-consumer', '{unacceptable_type,signedint}'],
  [[['x-queue-type', 'S', 'foo']], 'x-queue-type', '"unsupported queue type \'foo\'"'],
  [[['x-queue-type', 'I', 1]], 'x-queue-type', '{unacceptable_type,signedint}'],
  [[['x-queue-version', 'I', 1]], 'x-queue-version', '"unsupported queue version \'1\'"'],
  [[['x-queue-version', 'S', '2']], 'x-queue-version', '"expected integer, got longstr"'],
  [[['x-queue-leader-locator', 'S', 'foo']], 'x-queue-leader-locator', 'invalid_queue_locator_arg'],
]

const accepted: [title: string, Field[]][] = [
  ['x-message-ttl 0', [['x-message-ttl', 'I', 0]]],
  ['x-message-ttl of ten years', [['x-message-ttl', 'l', tenYearsMs]]],
  ['x-expires of ten years', [['x-expires', 'l', tenYearsMs]]],
  ['x-max-length 0', [['x-max-length', 'I', 0]]],
  ['x-max-length-bytes 0', [['x-max-length-bytes', 'I', 0]]],
  ['a very large x-max-length', [['x-max-length', 'l', 9_223_372_036_854_775_807n]]],
  ...['drop-head', 'reject-publish', 'reject-publish-dlx'].map((overflow): [string, Field[]] =>
    [`x-overflow ${overflow}`, [['x-overflow', 'S', overflow]]]),
  ['x-max-priority 0', [['x-max-priority', 'I', 0]]],
  ['x-max-priority 255', [['x-max-priority', 'I', 255]]],
  ['x-single-active-consumer false', [['x-single-active-consumer', 't', false]]],
  ['a dead-letter exchange that does not exist', [['x-dead-letter-exchange', 'S', 'compat.nowhere']]],
  ['the default exchange for dead letters', [['x-dead-letter-exchange', 'S', '']]],
  ['an empty dead-letter routing key',
    [['x-dead-letter-exchange', 'S', ''], ['x-dead-letter-routing-key', 'S', '']]],
  ['arguments nobody knows', [['x-ha-policy', 'S', 'all'], ['foo', 'V']]],
  ...['b', 'B', 's', 'u', 'I', 'i', 'l'].map((tag): [string, Field[]] =>
    [`an integer of tag ${tag}`, [['x-max-length', tag, 100]]]),
  ['x-queue-mode of any value', [['x-queue-mode', 'S', 'whatever']]],
  ['x-queue-mode of any type', [['x-queue-mode', 'I', 1]]],
  ['an empty x-queue-type', [['x-queue-type', 'S', '']]],
  ['x-queue-type undefined', [['x-queue-type', 'S', 'undefined']]],
  ...['client-local', 'balanced', 'random', 'least-leaders', 'min-masters'].map((where): [string, Field[]] =>
    [`x-queue-leader-locator ${where}`, [['x-queue-leader-locator', 'S', where]]]),
]

const ofOtherTypes: Field[] = [
  ['x-dead-letter-strategy', 'S', 'at-most-once'],
  ['x-quorum-initial-group-size', 'I', 1], ['x-max-in-memory-length', 'I', 1],
  ['x-max-in-memory-bytes', 'I', 1], ['x-max-age', 'S', '1D'],
  ['x-stream-max-segment-size-bytes', 'I', 1000], ['x-initial-cluster-size', 'I', 1],
  ['x-consumer-timeout', 'I', 1000], ['x-consumer-disconnected-timeout', 'I', 1000],
  ['x-delayed-retry-type', 'S', 'all'], ['x-delayed-retry-min', 'I', 1], ['x-delayed-retry-max', 'I', 1],
  ['x-stream-filter-size-bytes', 'I', 16],
]

const differing: [title: string, first: Field[], second: Field[], key: string, rest: string][] = [
  ['no x-queue-version where there was one', [['x-queue-version', 'I', 2]], [], 'x-queue-version',
    'received none but current is the value \'2\' of type \'signedint\''],
  ['another x-queue-mode', [['x-queue-mode', 'S', 'lazy']], [['x-queue-mode', 'S', 'default']],
    'x-queue-mode', 'received \'default\' but current is \'lazy\''],
  ['a time to live where there was none', [], [['x-message-ttl', 'I', 1000]], 'x-message-ttl',
    'received the value \'1000\' of type \'signedint\' but current is none'],
  ['no time to live where there was one', [['x-message-ttl', 'I', 1000]], [], 'x-message-ttl',
    'received none but current is the value \'1000\' of type \'signedint\''],
  ['another time to live', [['x-message-ttl', 'I', 1000]], [['x-message-ttl', 'I', 2000]], 'x-message-ttl',
    'received \'2000\' but current is \'1000\''],
  ['a time to live as a string', [['x-message-ttl', 'I', 1000]], [['x-message-ttl', 'S', '1000']],
    'x-message-ttl', 'received \'1000\' but current is \'1000\''],
  ['a time to live as a double', [['x-message-ttl', 'I', 1000]], [['x-message-ttl', 'd', 1000]],
    'x-message-ttl', 'received \'1.0e3\' but current is \'1000\''],
  ['a void time to live', [['x-message-ttl', 'I', 1000]], [['x-message-ttl', 'V']], 'x-message-ttl',
    'received none but current is \'1000\''],
  ['a value that would be invalid', [['x-message-ttl', 'I', 1000]], [['x-message-ttl', 'I', -1]],
    'x-message-ttl', 'received \'-1\' but current is \'1000\''],
  ['another x-expires', [['x-expires', 'I', 60_000]], [['x-expires', 'I', 70_000]], 'x-expires',
    'received \'70000\' but current is \'60000\''],
  ['another x-max-length', [['x-max-length', 'I', 1]], [['x-max-length', 'I', 2]], 'x-max-length',
    'received \'2\' but current is \'1\''],
  ['another x-max-length-bytes', [['x-max-length-bytes', 'I', 1]], [['x-max-length-bytes', 'I', 2]],
    'x-max-length-bytes', 'received \'2\' but current is \'1\''],
  ['another overflow', [['x-overflow', 'S', 'drop-head']], [['x-overflow', 'S', 'reject-publish']],
    'x-overflow', 'received \'reject-publish\' but current is \'drop-head\''],
  ['the default overflow spelled out', [], [['x-overflow', 'S', 'drop-head']], 'x-overflow',
    'received the value \'drop-head\' of type \'longstr\' but current is none'],
  ['another dead-letter exchange', [['x-dead-letter-exchange', 'S', 'a']],
    [['x-dead-letter-exchange', 'S', 'b']], 'x-dead-letter-exchange', 'received \'b\' but current is \'a\''],
  ['another dead-letter routing key',
    [['x-dead-letter-exchange', 'S', 'a'], ['x-dead-letter-routing-key', 'S', 'k']],
    [['x-dead-letter-exchange', 'S', 'a'], ['x-dead-letter-routing-key', 'S', 'l']],
    'x-dead-letter-routing-key', 'received \'l\' but current is \'k\''],
  ['another x-max-priority', [['x-max-priority', 'I', 5]], [['x-max-priority', 'I', 6]], 'x-max-priority',
    'received \'6\' but current is \'5\''],
  ['no single active consumer where there was one', [['x-single-active-consumer', 't', true]], [],
    'x-single-active-consumer', 'received none but current is the value \'true\' of type \'bool\''],
  ['an end to the single active consumer', [['x-single-active-consumer', 't', true]],
    [['x-single-active-consumer', 't', false]], 'x-single-active-consumer',
    'received \'false\' but current is \'true\''],
]

async function refusal({ raw }: Session, queue: string, fields: readonly Field[]): Promise<Closure> {
  const client = await raw()
  client.send(1, 'queue.declare', { queue, durable: true, arguments: fields })
  return rawClosure(client, 'channel')
}

const show = (fields: readonly Field[]): string =>
  fields.map(([key, tag, value]) => `${key} ${tag} ${String(value)}`).join(', ')

forEachTarget((test) => {
  for (const [fields, key, problem] of invalidValues) {
    test(`refused with 406: ${show(fields)}`, async (session) => {
      const queue = session.name()
      expect(await refusal(session, queue, fields)).toEqual(closed(406,
        `PRECONDITION_FAILED - invalid arg '${key}' for queue '${queue}' in vhost '/': ${problem}`,
        'queue.declare'))
    })
  }

  test('a dead-letter exchange that is no string is 406 in other words', async (session) => {
    const queue = session.name()
    expect(await refusal(session, queue, [['x-dead-letter-exchange', 'I', 1]])).toEqual(closed(406,
      'PRECONDITION_FAILED - invalid type \'signedint\' for arg \'x-dead-letter-exchange\' ' +
      `in queue '${queue}' in vhost '/'`, 'queue.declare'))
  })

  test('the dead-letter exchange is checked before the others', async (session) => {
    const queue = session.name()
    const { text } = await refusal(session, queue, [['x-message-ttl', 'I', -1],
      ['x-dead-letter-exchange', 'I', 1]])
    expect(text).toContain('invalid type \'signedint\' for arg \'x-dead-letter-exchange\'')
  })

  for (const field of ofOtherTypes) {
    test(`a classic queue refuses ${field[0]} with 406`, async (session) => {
      const queue = session.name()
      expect(await refusal(session, queue, [field])).toEqual(closed(406,
        `PRECONDITION_FAILED - invalid arg '${field[0]}' for queue '${queue}' in vhost '/' ` +
        'of queue type rabbit_classic_queue', 'queue.declare'))
    })
  }

  for (const [where, fields, named] of [
    ['first, where the type is said', [['x-max-age', 'S', '1h'], ['x-queue-type', 'S', 'classic'],
      ['x-dead-letter-strategy', 'S', 'at-most-once']], 'x-max-age'],
    ['first by name, where it is not', [['x-max-age', 'S', '1h'],
      ['x-dead-letter-strategy', 'S', 'at-most-once']], 'x-dead-letter-strategy'],
    ['first by name, where it is empty', [['x-queue-type', 'S', ''], ['x-max-age', 'S', '1h'],
      ['x-dead-letter-strategy', 'S', 'at-most-once']], 'x-dead-letter-strategy'],
    ['after every wrong value', [['x-queue-type', 'S', 'quorum'], ['x-max-age', 'S', '1h'],
      ['x-overflow', 'S', 'no']], 'x-overflow'],
    ['first in an order of their own, of wrong values', [['x-queue-type', 'S', 'quorum'],
      ['x-overflow', 'S', 'no'], ['x-max-in-memory-length', 'I', -1]], 'x-max-in-memory-length'],
  ] as [string, Field[], string][]) {
    test(`of arguments that are refused the one is named that comes ${where} (4.x)`, async (session) => {
      const { text } = await refusal(session, session.name(), fields)
      expect(text).toContain(`invalid arg '${named}' for`)
    })
  }

  test('x-delivery-limit for a classic queue', async (session) => {
    const queue = session.name()
    if (session.differs('classic-delivery-limit')) {
      const ch = await session.confirmChannel()
      await ch.assertQueue(queue, { arguments: { 'x-delivery-limit': 2 } })
      await fill(ch, queue, ['m'])
      for (let n = 0; n < 3; n++) {
        const message = await get(ch, queue)
        expect(message.properties.headers?.['x-delivery-count']).toBe(n === 0 ? undefined : n)
        ch.nack(message, false, true)
      }
      await untilCount(ch, queue, 0)
    } else {
      expect(await refusal(session, queue, [['x-delivery-limit', 'I', 3]])).toEqual(closed(406,
        `PRECONDITION_FAILED - invalid arg 'x-delivery-limit' for queue '${queue}' in vhost '/' ` +
        'of queue type rabbit_classic_queue', 'queue.declare'))
    }
  })

  for (const [title, fields] of accepted) {
    test(`a classic queue takes ${title}`, async ({ raw, name }) => {
      const [client, queue] = [await raw(), name()]
      expect(await client.call(1, 'queue.declare', { queue, durable: true, arguments: fields }))
        .toEqual({ queue, 'message-count': 0, 'consumer-count': 0 })
    })
  }

  for (const [title, first, second, key, rest] of differing) {
    test(`re-declaring with a difference is 406: ${title}`, async (session) => {
      const [client, queue] = [await session.raw(), session.name()]
      await client.call(1, 'queue.declare', { queue, durable: true, arguments: first })
      expect(await refusal(session, queue, second)).toEqual(closed(406,
        `PRECONDITION_FAILED - inequivalent arg '${key}' for queue '${queue}' in vhost '/': ${rest}`,
        'queue.declare'))
    })
  }

  for (const [type, named] of [['classic', 'x-message-ttl'], ['quorum', 'x-overflow']] as const) {
    test(`re-declaring a ${type} queue with two differences names one (4.x)`, async (session) => {
      const [client, queue] = [await session.raw(), session.name()]
      const ofType: Field = ['x-queue-type', 'S', type]
      await client.call(1, 'queue.declare', { queue, durable: true, arguments: [ofType] })
      const { text } = await refusal(session, queue,
        [ofType, ['x-message-ttl', 'I', 1], ['x-overflow', 'S', 'drop-head']])
      expect(text).toContain(`inequivalent arg '${named}' for`)
    })
  }

  for (const [title, first, second] of [
    ['the width of an integer', [['x-max-length', 'b', 100]], [['x-max-length', 'l', 100]]],
    ['the order of the arguments', [['x-max-length', 'I', 1], ['x-message-ttl', 'I', 1000]],
      [['x-message-ttl', 'I', 1000], ['x-max-length', 'I', 1]]],
    ['an argument of another queue type', [], [['x-dead-letter-strategy', 'S', 'at-most-once']]],
  ] as [string, Field[], Field[]][]) {
    test(`re-declaring may differ in ${title}`, async ({ raw, name }) => {
      const [client, queue] = [await raw(), name()]
      await client.call(1, 'queue.declare', { queue, durable: true, arguments: first })
      expect(await client.call(1, 'queue.declare', { queue, durable: true, arguments: second }))
        .toMatchObject({ queue })
    })
  }

  test('x-queue-master-locator', async ({ raw, name, differs, older }) => {
    const [client, queue] = [await raw(), name()]
    client.send(1, 'queue.declare', {
      queue, durable: true, arguments: [['x-queue-master-locator', 'S', 'min-masters']],
    })
    if (older('queue-master-locator') || differs('queue-master-locator')) {
      await client.expect('queue.declare-ok')
      return
    }
    const { code, text } = await rawClosure(client, 'connection')
    expect(code).toBe(541)
    expect(text).toContain('Feature `queue_master_locator` is deprecated')
  })

  for (const [title, field, onRabbit4] of [
    ['unknown', ['x-queue-type', 'S', 'nosuch'],
      closed(406, 'PRECONDITION_FAILED - unknown queue type \'nosuch\'', 'queue.declare')],
    ['no text', ['x-queue-type', 'I', 1], closed(541, 'INTERNAL_ERROR', 'none')],
  ] as const) {
    test(`a queue type that is ${title}, where the server is to name the queue`, async ({ raw, differs }) => {
      const client = await raw()
      client.send(1, 'queue.declare', { arguments: [field] })
      if (differs('server-named-queue-type')) {
        expect((await rawClosure(client, 'channel')).text).toContain('invalid arg \'x-queue-type\' for queue')
        return
      }
      expect(await rawClosure(client, onRabbit4.code === 541 ? 'connection' : 'channel')).toEqual(onRabbit4)
    })
  }
})
