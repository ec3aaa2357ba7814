// exchange.declare and exchange.delete: RabbitMQ's checks, in its order and words (behaviours §3.2, §3.3).
import { beforeEach, describe, expect, it } from 'vitest'
import { tableOf } from '../protocol/table-encode.ts'
import { BrokerWorld, someCaller } from './broker.contract.ts'
import { checkExchange, deleteExchange } from './exchange-declarations.ts'

let world: BrokerWorld
beforeEach(async () => { world = await BrokerWorld.start() })

const DEFAULT_REFUSED = 'ACCESS_REFUSED - operation not permitted on the default exchange'

it('has the exchanges that every vhost has, and no record of them', async () => {
  const all = [...world.vhost.exchanges.values()]
    .map(({ name, type, flags }) => [name, type.name, flags.isInternal])
  expect(all).toEqual([
    ['', 'direct', false], ['amq.direct', 'direct', false], ['amq.fanout', 'fanout', false],
    ['amq.topic', 'topic', false], ['amq.headers', 'headers', false], ['amq.match', 'headers', false],
    ['amq.rabbitmq.trace', 'topic', true],
  ])
  expect(await world.records()).toEqual([])
})

describe('declare', () => {
  it('refuses an unknown type before anything else', () => {
    expect(() => world.exchange('', 'nosuch')).toThrow("PRECONDITION_FAILED - unknown exchange type 'nosuch'")
  })

  it('refuses what the type refuses, but looks at no argument of an exchange that is there', () => {
    const args = tableOf({ 'hash-property': 'foo' })
    expect(() => world.exchange('x', 'x-consistent-hash', {}, args))
      .toThrow('PRECONDITION_FAILED - Unsupported property: foo')
    world.exchange('x', 'x-consistent-hash')
    expect(() => world.exchange('x', 'x-consistent-hash', {}, args)).not.toThrow()
  })

  it('quotes a type that is more than a word, as RabbitMQ prints it', () => {
    world.exchange('x', 'x-random')
    expect(() => world.exchange('x', 'topic')).toThrow("received 'topic' but current is ''x-random''")
  })

  it('refuses the default exchange and reserved names', () => {
    expect(() => world.exchange('')).toThrow(DEFAULT_REFUSED)
    expect(() => world.exchange('amq.foo')).toThrow(
      "ACCESS_REFUSED - exchange name 'amq.foo' contains reserved prefix 'amq.*'")
  })

  it('takes an equal declaration of what is there, also of a reserved name', () => {
    world.exchange('x', 'topic', { isAutoDelete: true }, tableOf({ 'alternate-exchange': 'a', other: 1 }))
    expect(() => world.exchange('x', 'topic', { isAutoDelete: true },
      tableOf({ 'alternate-exchange': 'a', other: 2 })))
      .not.toThrow()
    expect(() => world.exchange('amq.direct')).not.toThrow()
  })

  it('names the first property that differs', () => {
    world.exchange('x')
    const expected = (name: string, received: string, current: string): string =>
      `PRECONDITION_FAILED - inequivalent arg '${name}' for exchange 'x' in vhost '/': `
      + `received '${received}' but current is '${current}'`
    const others = { isDurable: false, isAutoDelete: true, isInternal: true }
    expect(() => world.exchange('x', 'fanout', others)).toThrow(expected('type', 'fanout', 'direct'))
    expect(() => world.exchange('x', 'direct', others)).toThrow(expected('durable', 'false', 'true'))
    expect(() => world.exchange('x', 'direct', { ...others, isDurable: true })).toThrow(
      expected('auto_delete', 'true', 'false'))
    expect(() => world.exchange('x', 'direct', { isInternal: true }))
      .toThrow(expected('internal', 'true', 'false'))
  })

  it('compares the alternate exchange', () => {
    world.exchange('x1')
    world.exchange('x2', 'direct', {}, tableOf({ 'alternate-exchange': 'foo' }))
    const fails = (name: string, alternate: string | null, text: string): void => {
      const args = tableOf(alternate === null ? {} : { 'alternate-exchange': alternate })
      expect(() => world.exchange(name, 'direct', {}, args)).toThrow(
        `inequivalent arg 'alternate-exchange' for exchange '${name}' in vhost '/': ${text}`)
    }
    fails('x2', 'bar', "received 'bar' but current is 'foo'")
    fails('x2', null, "received none but current is the value 'foo' of type 'longstr'")
    fails('x1', 'foo', "received the value 'foo' of type 'longstr' but current is none")
  })

  it('refuses an alternate exchange that is no string', () => {
    expect(() => world.exchange('x', 'direct', {}, tableOf({ 'alternate-exchange': 1 }))).toThrow(
      "PRECONDITION_FAILED - invalid type 'signedint' for arg 'alternate-exchange' in "
      + "exchange 'x' in vhost '/'")
  })

  it('writes a record of what is durable', async () => {
    world.exchange('x1')
    world.exchange('x2', 'direct', { isDurable: false })
    expect(await world.records()).toEqual(['exchange x1'])
    deleteExchange(world.vhost, 'x1', false, someCaller)
    deleteExchange(world.vhost, 'x2', false, someCaller)
    expect(await world.records()).toEqual([])
  })
})

describe('passive declare', () => {
  it('finds what is there and nothing else', () => {
    expect(() => checkExchange(world.vhost, 'amq.topic', someCaller)).not.toThrow()
    expect(() => checkExchange(world.vhost, 'xnope', someCaller)).toThrow(
      "NOT_FOUND - no exchange 'xnope' in vhost '/'")
    expect(() => checkExchange(world.vhost, '', someCaller)).toThrow(DEFAULT_REFUSED)
  })
})

describe('delete', () => {
  it('of what is missing is no error', () => {
    expect(() => deleteExchange(world.vhost, 'xnope', true, someCaller)).not.toThrow()
  })

  it('refuses the default exchange and reserved names, there or not', () => {
    expect(() => deleteExchange(world.vhost, '', false, someCaller)).toThrow(DEFAULT_REFUSED)
    for (const name of ['amq.direct', 'amq.none']) {
      expect(() => deleteExchange(world.vhost, name, false, someCaller)).toThrow(
        `ACCESS_REFUSED - deletion of system exchange '${name}' in vhost '/' not allowed`)
    }
  })

  it('if unused refuses the source of a binding, not a destination', () => {
    world.exchange('x1')
    world.exchange('x2')
    world.bind('x1', 'x2')
    expect(() => deleteExchange(world.vhost, 'x1', true, someCaller)).toThrow(
      "PRECONDITION_FAILED - exchange 'x1' in vhost '/' in use")
    expect(() => deleteExchange(world.vhost, 'x2', true, someCaller)).not.toThrow()
    expect(() => deleteExchange(world.vhost, 'x1', true, someCaller)).not.toThrow()
  })
})
