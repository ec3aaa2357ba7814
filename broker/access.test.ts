// Permissions: which operation needs which, from one table; what is remembered of decisions, and when not.
import { beforeEach, describe, expect, it } from 'vitest'
import { tableOf } from '../protocol/table-encode.ts'
import { EMPTY_TABLE } from '../protocol/table.ts'
import { Access } from './access.ts'
import type { Action } from './access.ts'
import { bind, unbind } from './bindings.ts'
import { BrokerWorld, someCaller } from './broker.contract.ts'
import type { Caller } from './caller.ts'
import { checkExchange, declareExchange, deleteExchange } from './exchange-declarations.ts'
import { checkQueue, declareQueue, deleteQueue, purgeQueue } from './queue-declarations.ts'

let world: BrokerWorld
beforeEach(async () => {
  world = await BrokerWorld.start()
  world.queue('q')
  for (const name of ['x', 'xto']) world.exchange(name)
})

const flags = { isDurable: true, isAutoDelete: false, isInternal: false }
const declaration = { isDurable: true, isExclusive: false, isAutoDelete: false, args: EMPTY_TABLE }
const newId = (): number => world.broker.newQueueId()
const alternate = tableOf({ 'alternate-exchange': 'alt' })
const deadLetters = tableOf({ 'x-dead-letter-exchange': 'dlx' })
const toQueue = { source: 'x', kind: 'queue', destination: 'q', routingKey: '', args: EMPTY_TABLE } as const
const toExchange = { ...toQueue, kind: 'exchange', destination: 'xto' } as const

type Need = readonly [Action, 'queue' | 'exchange', string]

/** RabbitMQ's table (behaviours §9.4), row by row. */
const OPERATIONS: readonly (readonly [string, readonly Need[], (caller: Caller) => unknown])[] = [
  ['exchange.declare', [['configure', 'exchange', 'new']],
    (c) => declareExchange(world.vhost, { name: 'new', type: 'direct', flags, args: EMPTY_TABLE }, c)],
  ['exchange.declare of one that is there', [['configure', 'exchange', 'x']],
    (c) => declareExchange(world.vhost, { name: 'x', type: 'direct', flags, args: EMPTY_TABLE }, c)],
  ['exchange.declare with an alternate',
    [['configure', 'exchange', 'new'], ['read', 'exchange', 'new'], ['write', 'exchange', 'alt']],
    (c) => declareExchange(world.vhost, { name: 'new', type: 'direct', flags, args: alternate }, c)],
  ['exchange.delete', [['configure', 'exchange', 'x']],
    (c) => deleteExchange(world.vhost, 'x', false, c)],
  ['exchange.delete of none', [['configure', 'exchange', 'none']],
    (c) => deleteExchange(world.vhost, 'none', false, c)],
  ['exchange.bind', [['write', 'exchange', 'xto'], ['read', 'exchange', 'x']],
    (c) => bind(world.vhost, toExchange, c)],
  ['exchange.unbind', [['write', 'exchange', 'xto'], ['read', 'exchange', 'x']],
    (c) => unbind(world.vhost, toExchange, c)],
  ['queue.declare', [['configure', 'queue', 'new']],
    (c) => declareQueue(world.vhost, { ...declaration, name: 'new' }, c, false, newId)],
  ['queue.declare of one that is there', [['configure', 'queue', 'q']],
    (c) => declareQueue(world.vhost, { ...declaration, name: 'q' }, c, false, newId)],
  ['queue.declare with a dead-letter exchange',
    [['configure', 'queue', 'new'], ['read', 'queue', 'new'], ['write', 'exchange', 'dlx']],
    (c) => declareQueue(world.vhost, { ...declaration, name: 'new', args: deadLetters }, c, false, newId)],
  ['queue.delete', [['configure', 'queue', 'q']], (c) => deleteQueue(world.vhost, 'q', c, false, false)],
  ['queue.delete of none', [['configure', 'queue', 'none']],
    (c) => deleteQueue(world.vhost, 'none', c, false, false)],
  ['queue.bind', [['write', 'queue', 'q'], ['read', 'exchange', 'x']],
    (c) => bind(world.vhost, toQueue, c)],
  ['queue.unbind', [['write', 'queue', 'q'], ['read', 'exchange', 'x']],
    (c) => unbind(world.vhost, toQueue, c)],
  ['queue.purge', [['read', 'queue', 'q']], (c) => purgeQueue(world.vhost, 'q', c)],
]

/** May do just this. */
function callerWith(needs: readonly Need[]): Caller {
  const access = new Access('u', '/')
  const patternOf = (action: Action): string => {
    const names = needs.filter(([each]) => each === action).map(([, , name]) => name)
    return names.length === 0 ? '' : `^(${names.join('|')})$`
  }
  access.replace({ configure: patternOf('configure'), write: patternOf('write'), read: patternOf('read') })
  return { owner: someCaller.owner, access }
}

describe.each(OPERATIONS)('%s', (_operation, needs, run) => {
  it('is permitted with what it needs, and nothing more', () => {
    expect(() => run(callerWith(needs))).not.toThrow()
  })

  it.each(needs)('is refused without %s on %s %s', (action, kind, name) => {
    const others = needs.filter((need) => need[0] !== action || need[2] !== name)
    expect(() => run(callerWith(others))).toThrow(
      `ACCESS_REFUSED - ${action} access to ${kind} '${name}' in vhost '/' refused for user 'u'`)
  })
})

describe.each([
  ['queue.declare passive', 'queue', 'q', (c: Caller) => checkQueue(world.vhost, 'q', c)],
  ['exchange.declare passive', 'exchange', 'x', (c: Caller) => checkExchange(world.vhost, 'x', c)],
] as const)('%s', (_operation, kind, name, run) => {
  it.each(['configure', 'write', 'read'] as const)('is permitted with %s alone', (action) => {
    expect(() => run(callerWith([[action, kind, name]]))).not.toThrow()
  })

  it('is refused with none of the three, and names configure', () => {
    expect(() => run(callerWith([]))).toThrow(
      `ACCESS_REFUSED - configure access to ${kind} '${name}' in vhost '/' refused for user 'u'`)
  })
})

describe('a pattern', () => {
  it('is found anywhere in a name', () => {
    const access = new Access('u', '/')
    access.replace({ configure: 'foo', write: '^foo$', read: '' })
    expect([access.may('configure', 'xfoox'), access.may('write', 'xfoox')]).toEqual([true, false])
  })

  it('that is empty permits nothing', () => {
    const access = new Access('u', '/')
    access.replace({ configure: '', write: '', read: '' })
    expect(access.may('read', 'q')).toBe(false)
  })

  it('is asked for the default exchange under the name amq.default', () => {
    const access = new Access('u', '/')
    access.replace({ configure: '', write: '^amq\\.default$', read: '' })
    expect(() => access.check('write', 'exchange', '')).not.toThrow()
    expect(() => access.check('read', 'exchange', '')).toThrow("read access to exchange 'amq.default' in")
  })

  it('that is no regular expression is refused, and the ones before stay', () => {
    const access = Access.toEverything('u', '/')
    expect(() => access.replace({ configure: '(', write: '', read: '' })).toThrow(
      '{"missing closing parenthesis",1}')
    expect(access.may('read', 'q')).toBe(true)
  })
})

describe('a decision', () => {
  const { access } = someCaller

  it('is remembered, and holds until the patterns are replaced', () => {
    const own = new Access('u', '/')
    own.replace({ configure: '', write: '', read: '^q' })
    expect([own.may('read', 'q1'), own.may('read', 'q1')]).toEqual([true, true])
    own.replace({ configure: '', write: '', read: '^other' })
    expect([own.may('read', 'q1'), own.may('read', 'other')]).toEqual([false, true])
    own.replace(null)
    expect(own.may('read', 'other')).toBe(false)
  })

  it('is right beyond the number that is remembered', () => {
    for (let n = 0; n < 25_000; n++) access.may('read', `q${n}`)
    expect(access.may('read', 'q0')).toBe(true)
  })
})

describe('a change of permissions', () => {
  it('reaches who holds the access, and ends what publishers remember', () => {
    const { broker, vhost } = world
    const access = broker.access.accessOf('guest', '/')
    const before = vhost.topologyVersion
    broker.access.permit('guest', '/', { configure: '', write: '', read: '^q' })
    expect([access.may('read', 'q'), access.may('write', 'q')]).toEqual([true, false])
    expect(vhost.topologyVersion).toBeGreaterThan(before)
  })

  it('is still there after a restart', async () => {
    world.broker.access.permit('guest', '/', { configure: 'a', write: 'b', read: 'c' })
    world.broker.access.limitTopics('guest', '/', { exchange: 'amq.topic', write: 'w', read: 'r' })
    await world.restart()
    const access = world.broker.access.accessOf('guest', '/')
    expect(access.permission).toEqual({ configure: 'a', write: 'b', read: 'c' })
    expect([...access.topicPermissions.values()]).toEqual([
      { exchange: 'amq.topic', write: 'w', read: 'r' },
    ])
  })

  it('that takes everything away is still there after a restart', async () => {
    world.broker.access.limitTopics('guest', '/', { exchange: 'amq.topic', write: 'w', read: 'r' })
    world.broker.access.forbid('guest', '/')
    world.broker.access.unlimitTopics('guest', '/', null)
    await world.restart()
    expect(world.broker.access.permissions()).toEqual([])
    expect(world.broker.access.topicPermissions()).toEqual([])
  })
})

describe('a topic permission', () => {
  const exchanges = (): string[] => world.broker.access.topicPermissions().map(({ topic }) => topic.exchange)

  it('goes with its exchange, and alone', async () => {
    for (const exchange of ['x', 'xto']) {
      world.broker.access.limitTopics('guest', '/', { exchange, write: '', read: '' })
    }
    deleteExchange(world.vhost, 'x', false, someCaller)
    expect(exchanges()).toEqual(['xto'])
    await world.restart()
    expect(exchanges()).toEqual(['xto'])
  })

  it('goes with an exchange that does not come back from a restart', async () => {
    world.exchange('xtransient', 'topic', { isDurable: false })
    world.broker.access.limitTopics('guest', '/', { exchange: 'xtransient', write: '', read: '' })
    await world.restart()
    expect(exchanges()).toEqual([])
  })

  const topic = (write: string, read = '.*'): Caller => {
    const access = Access.toEverything('u', '/')
    access.topicPermissions.set('amq.topic', { exchange: 'amq.topic', write, read })
    return { owner: someCaller.owner, access }
  }
  const check = (caller: Caller, exchange: string, key: string): void =>
    caller.access.checkTopic('write', world.vhost.getExchange(exchange), key)

  it('refuses the keys that it does not cover', () => {
    expect(() => check(topic('^a'), 'amq.topic', 'a.1')).not.toThrow()
    expect(() => check(topic('^a'), 'amq.topic', 'no.1')).toThrow(
      "ACCESS_REFUSED - write access to topic 'no.1' in exchange 'amq.topic' in vhost '/' refused for "
      + "user 'u'")
  })

  it('that is empty covers the empty key only', () => {
    expect(() => check(topic(''), 'amq.topic', '')).not.toThrow()
    expect(() => check(topic(''), 'amq.topic', 'a')).toThrow('ACCESS_REFUSED')
  })

  it('counts for its exchange, and for topic exchanges, only', () => {
    const caller = topic('^a')
    caller.access.topicPermissions.set('amq.direct', { exchange: 'amq.direct', write: '', read: '' })
    expect(() => check(caller, 'amq.direct', 'no')).not.toThrow()
  })

  it('knows the user and the vhost', () => {
    expect(() => check(topic('^{username}\\.{vhost}\\.'), 'amq.topic', 'u./.1')).not.toThrow()
    expect(() => check(topic('^{username}\\.'), 'amq.topic', 'v.1')).toThrow('ACCESS_REFUSED')
  })

  it('is asked on bind and on unbind', () => {
    const binding = { ...toQueue, source: 'amq.topic', routingKey: 'no.1' }
    const caller = topic('', '^a')
    for (const run of [bind, unbind]) {
      expect(() => run(world.vhost, binding, caller)).toThrow("read access to topic 'no.1'")
      expect(() => run(world.vhost, { ...binding, routingKey: 'a' }, caller)).not.toThrow()
    }
  })
})
