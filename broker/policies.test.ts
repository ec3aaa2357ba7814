// Policies: which is in force, how an operator's joins it and the arguments, what is refused in which words,
// and what a change does to queues and exchanges that are there.
import { beforeEach, describe, expect, it } from 'vitest'
import { tableOf } from '../protocol/table-encode.ts'
import type { PolicyValue } from '../queues/policy-keys.ts'
import { messageOf } from '../queues/queue.contract.ts'
import { POLICY_KEYS, resolveQueueSettings } from '../queues/settings.ts'
import { BrokerWorld } from './broker.contract.ts'
import { joinPolicies, validatePolicy } from './policies.ts'
import type { Policy } from './policies.ts'
import { deletePolicy, putPolicy } from './policy-changes.ts'

let world: BrokerWorld
beforeEach(async () => { world = await BrokerWorld.start() })

type Definition = Record<string, PolicyValue>

function policy(name: string, definition: Definition, more: Partial<Policy> = {}): Policy {
  return { name, pattern: '', applyTo: 'all', priority: 0, definition, ...more }
}

const put = (given: Policy): boolean => putPolicy(world.vhost, 'policy', given)
const putOperator = (given: Policy): boolean => putPolicy(world.vhost, 'operator-policy', given)

describe('the policy in force', () => {
  it('is the matching one of highest priority, alone', () => {
    const queue = world.queue('q1')
    put(policy('low', { 'max-length': 1, 'message-ttl': 1 }, { priority: 1 }))
    put(policy('high', { 'max-length': 9 }, { priority: 2, pattern: '^q' }))
    put(policy('other', { 'max-length': 7 }, { priority: 3, pattern: '^x' }))
    expect(world.vhost.policies.appliedTo(queue).policy).toBe('high')
    expect(queue.settings).toMatchObject({ lengthMax: 9, messageTtlMs: Infinity })
  })

  it.each([
    ['all', true, true], ['queues', true, false], ['classic_queues', true, false],
    ['quorum_queues', false, false], ['streams', false, false], ['exchanges', false, true],
  ] as const)('for %s: queue %s, exchange %s', (applyTo, onQueue, onExchange) => {
    const queue = world.queue('q')
    put(policy('p', { 'alternate-exchange': 'alt', 'max-length': 1 }, { applyTo }))
    expect(queue.settings.lengthMax).toBe(onQueue ? 1 : Infinity)
    expect(world.vhost.getExchange('amq.direct').alternateName).toBe(onExchange ? 'alt' : null)
  })

  it('is, whole, not for a queue whose type heeds not every key, and the next one is', () => {
    const queue = world.queue('q')
    put(policy('quorum', { 'max-length': 1, 'delivery-limit': 3 }, { priority: 2 }))
    put(policy('next', { 'max-length': 5 }, { priority: 1 }))
    expect(queue.settings.lengthMax).toBe(5)
  })

  it.each([['quorum_queues', 3], ['queues', 3], ['classic_queues', null]] as const)(
    'for %s gives a quorum queue the delivery limit %s', (applyTo, deliveryLimit) => {
      const queue = world.queue('q', { args: tableOf({ 'x-queue-type': 'quorum' }) })
      put(policy('p', { 'delivery-limit': 3, 'consumer-timeout': 9 }, { applyTo }))
      expect(queue.settings.deliveryLimit).toBe(deliveryLimit)
    })

  it('is found for what is declared later', () => {
    put(policy('p', { 'max-length': 3, 'alternate-exchange': 'alt' }))
    world.exchange('x')
    expect(world.queue('q').settings.lengthMax).toBe(3)
    expect(world.vhost.getExchange('x').alternateName).toBe('alt')
  })

  it('is in force again after a restart', async () => {
    world.queue('q')
    put(policy('p', { 'max-length': 3 }))
    putOperator(policy('o', { 'max-length': 2 }))
    await world.restart()
    expect(world.vhost.findQueue('q')?.settings.lengthMax).toBe(2)
  })

  it('is that of every queue before a letter reaches one', () => {
    const args = tableOf({ 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'letters' })
    const [queue, letters] = [world.queue('q', { args }), world.queue('letters')]
    for (let n = 0; n < 2; n++) queue.publish(messageOf('q'))
    put(policy('p', { 'max-length': 1, 'message-ttl': 0 }))
    expect([queue.readyCount, letters.readyCount]).toEqual([1, 0])
  })

  it('ends with its deletion, and a second one says that there was none', async () => {
    const queue = world.queue('q')
    expect(put(policy('p', { 'max-length': 3 }))).toBe(true)
    expect(put(policy('p', { 'max-length': 4 }))).toBe(false)
    expect(deletePolicy(world.vhost, 'policy', 'p')).toBe(true)
    expect(deletePolicy(world.vhost, 'policy', 'p')).toBe(false)
    expect(queue.settings.lengthMax).toBe(Infinity)
    expect(await world.records()).toEqual(['queue q'])
  })
})

/** Policy, operator's, and what is in force: a row for each key that operators have. */
const JOINS: Readonly<Record<string, readonly (readonly [PolicyValue, PolicyValue, PolicyValue])[]>> = {
  'message-ttl': [[5, 3, 3], [3, 5, 3]],
  'expires': [[5, 3, 3], [3, 5, 3]],
  'max-length': [[5, 3, 3], [3, 5, 3]],
  'max-length-bytes': [[5, 3, 3], [3, 5, 3]],
  'max-in-memory-length': [[5, 3, 3]],
  'max-in-memory-bytes': [[5, 3, 3]],
  'overflow': [['drop-head', 'reject-publish', 'reject-publish']],
  'delivery-limit': [[5, 3, 3], [-1, 3, 3], [5, -1, 5], [-5, -2, -2]],
  'queue-version': [[1, 2, 2]],
  'target-group-size': [[1, 3, 3]],
  'delayed-retry-type': [['all', 'failed', 'failed']],
  'delayed-retry-min': [[5, 3, 5], [3, 5, 5]],
  'delayed-retry-max': [[5, 3, 3], [3, 5, 3]],
}

describe('an operator policy', () => {
  it('has these keys and no other', () => {
    const keys = [...POLICY_KEYS.values()].filter(({ withOperator }) => withOperator !== null)
    expect(keys.map(({ key }) => key).toSorted()).toEqual(Object.keys(JOINS).toSorted())
  })

  it.each(Object.entries(JOINS).flatMap(([key, rows]) => rows.map((row) => [key, ...row] as const)))(
    'joins %s: %s with %s is %s', (key, mine, operators, joined) => {
      expect(joinPolicies({ [key]: mine }, { [key]: operators }).get(key)).toBe(joined)
    })

  it('adds what the policy does not say, and stands without one', () => {
    const joined = joinPolicies({ 'max-length': 1, 'queue-mode': 'lazy' }, { 'message-ttl': 2 })
    expect(Object.fromEntries(joined)).toEqual(
      { 'max-length': 1, 'queue-mode': 'lazy', 'message-ttl': 2 })
    const queue = world.queue('q')
    putOperator(policy('o', { 'max-length': 2 }))
    expect(queue.settings.lengthMax).toBe(2)
  })
})

describe('an argument', () => {
  const settings = (args: Record<string, string | number>, definition: Definition) =>
    resolveQueueSettings(tableOf(args), new Map(Object.entries(definition)))

  it.each([
    ['x-message-ttl', 'message-ttl', 'messageTtlMs'], ['x-expires', 'expires', 'expiresMs'],
    ['x-max-length', 'max-length', 'lengthMax'], ['x-max-length-bytes', 'max-length-bytes', 'lengthBytesMax'],
  ] as const)('%s and policy %s: the lower one', (argument, key, setting) => {
    expect(settings({ [argument]: 5 }, { [key]: 3 })[setting]).toBe(3)
    expect(settings({ [argument]: 3 }, { [key]: 5 })[setting]).toBe(3)
    expect(settings({}, { [key]: 5 })[setting]).toBe(5)
    expect(settings({ [argument]: 5 }, {})[setting]).toBe(5)
  })

  it.each([
    ['x-overflow', 'overflow', 'overflow', 'reject-publish', 'drop-head'],
    ['x-dead-letter-exchange', 'dead-letter-exchange', 'deadLetterExchange', 'mine', 'policy'],
    ['x-dead-letter-routing-key', 'dead-letter-routing-key', 'deadLetterRoutingKey', 'mine', 'policy'],
  ] as const)('%s goes before policy %s', (argument, key, setting, mine, theirs) => {
    expect(settings({ [argument]: mine }, { [key]: theirs })[setting]).toBe(mine)
    expect(settings({}, { [key]: theirs })[setting]).toBe(theirs)
  })

  it.each([
    [5, 3, 3], [3, 5, 3], [-1, 5, 5], [5, -1, 5], [-1, -2, Infinity], ['none', 5, 5],
  ] as const)('x-delivery-limit %s and policy delivery-limit %s: %s', (argument, limit, inForce) => {
    expect(settings({ 'x-queue-type': 'quorum', 'x-delivery-limit': argument }, { 'delivery-limit': limit }))
      .toMatchObject({ deliveryLimit: inForce })
  })

  it('x-overflow of a quorum queue gives way to the policy', () => {
    expect(settings({ 'x-queue-type': 'quorum', 'x-overflow': 'reject-publish' }, { overflow: 'drop-head' })
      .overflow).toBe('drop-head')
  })

  it('alternate-exchange goes before the policy', () => {
    put(policy('p', { 'alternate-exchange': 'policy' }))
    world.exchange('x', 'direct', {}, tableOf({ 'alternate-exchange': 'mine' }))
    expect(world.vhost.getExchange('x').alternateName).toBe('mine')
  })
})

describe('a refusal', () => {
  const refused = (definition: Definition, more: Partial<Policy> = {}): void =>
    validatePolicy('policy', policy('p', definition, more))

  it.each([
    [{}, 'no policy provided'],
    [{ foo: 1, bar: 'a' }, '[{<<"bar">>,<<"a">>},{<<"foo">>,1}] are not recognised policy settings'],
    [{ foo: 1, 'max-length': -1 }, '-1 is not a valid maximum length'],
    [{ 'max-length': -1, 'expires': 0 }, '0 is not a valid queue expiry'],
    [{ 'max-priority': 5 }, '[{<<"max-priority">>,5}] are not recognised policy settings'],
    [{ 'overflow': 'zz' }, '<<"zz">> is not a valid overflow value'],
    [{ 'message-ttl': 1.5 }, '1.5 is not a valid message TTL'],
    [{ 'expires': 0 }, '0 is not a valid queue expiry'],
    [{ 'alternate-exchange': 5 }, '5 is not a valid alternate exchange name'],
    [{ 'delivery-limit': 'a' }, '<<"a">> is not a valid delivery limit'],
    [{ 'queue-master-locator': 'x' }, 'use of deprecated queue-master-locator argument is not permitted'],
    [{ 'retry-then': 'drop' },
      '<<"drop">> is not a valid end of retries: expected one of dead-letter, discard, park'],
    [{ 'delayed-retry-type': 'all' }, 'delayed-retry-min is required when delayed-retry-type is all'],
  ] as const)('of %j says: %s', (definition, words) => {
    expect(() => refused(definition)).toThrow(`Validation failed\n\n${words}\n`)
  })

  it('names the words for apply-to', () => {
    expect(() => refused({ 'max-length': 1 }, { applyTo: 'foo' as Policy['applyTo'] })).toThrow(
      "apply-to 'foo' unrecognised; should be one of: 'queues', 'classic_queues',  'quorum_queues', ")
  })

  it('of a pattern says where', () => {
    expect(() => refused({ 'max-length': 1 }, { pattern: '(' })).toThrow(
      'pattern should be regular expression but is invalid: {"missing closing parenthesis",1}')
  })

  it('of an operator policy is for keys that only policies have', () => {
    expect(() => putOperator(policy('o', { 'dead-letter-exchange': 'x' }))).toThrow(
      '[{<<"dead-letter-exchange">>,<<"x">>}] are not recognised policy settings')
  })

  it('changes nothing', () => {
    const queue = world.queue('q')
    put(policy('p', { 'max-length': 3 }))
    expect(() => put(policy('p', { 'max-length': -1 }))).toThrow('Validation failed')
    expect(queue.settings.lengthMax).toBe(3)
  })
})
