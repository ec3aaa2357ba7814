// Queue arguments: what is refused and in which words (behaviours §4.6), and what a queue runs by.
import { describe, expect, it } from 'vitest'
import type { Field, FieldTable } from '../protocol/table.ts'
import { tableOf } from '../protocol/table-encode.ts'
import { QUEUE_ARGUMENTS, resolveQueueSettings, validateQueueArguments } from './settings.ts'

const WHAT = "queue 'q' in vhost 'v'"
const text = (value: string): Field => ({ tag: 'S', value })
const int = (value: number | bigint): Field => ({ tag: 'l', value })
const bool: Field = { tag: 't', value: true }
const double: Field = { tag: 'd', value: 1 }
const none: Field = { tag: 'V', value: null }
const time: Field = { tag: 'T', value: 1 }

const validate = (args: FieldTable) => (): void => validateQueueArguments(args, WHAT)
const INTEGERS = ['x-message-ttl', 'x-expires', 'x-max-length', 'x-max-length-bytes', 'x-max-priority']

describe('a value', () => {
  it.each<[string, Field, string]>([
    ...INTEGERS.flatMap((name): [string, Field, string][] => [
      [name, text('1'), '"expected integer, got longstr"'], [name, double, '"expected integer, got double"'],
      [name, bool, '"expected integer, got bool"'], [name, none, '"expected integer, got void"'],
      [name, time, '"expected integer, got timestamp"'], [name, int(-1), '{value_negative,-1}'],
    ]),
    ['x-expires', int(0), '{value_zero,0}'],
    ['x-message-ttl', int(315_360_000_001), '{value_too_large,315360000001}'],
    ['x-expires', int(315_360_000_001), '{value_too_large,315360000001}'],
    ['x-max-priority', int(256), '{max_value_exceeded,256}'],
    ['x-max-length', int(-(2n ** 63n)), '{value_negative,-9223372036854775808}'],
    ['x-overflow', text('drop-tail'), 'invalid_overflow'],
    ['x-overflow', int(1), '{unacceptable_type,long}'],
    ['x-overflow', { tag: 'I', value: 1 }, '{unacceptable_type,signedint}'],
    ['x-single-active-consumer', text('true'), '{unacceptable_type,longstr}'],
    ['x-dead-letter-routing-key', text('k'), 'routing_key_but_no_dlx_defined'],
    ['x-dead-letter-routing-key', text('é'.repeat(128)), '{routing_key_too_long,256}'],
    ['x-queue-type', text('foo'), '"unsupported queue type \'foo\'"'],
    ['x-queue-type', { tag: 'I', value: 1 }, '{unacceptable_type,signedint}'],
    ['x-queue-version', int(1), '"unsupported queue version \'1\'"'],
    ['x-queue-version', text('2'), '"expected integer, got longstr"'],
    ['x-queue-leader-locator', text('nearest'), 'invalid_queue_locator_arg'],
    ['x-queue-leader-locator', int(1), 'invalid_queue_locator_arg'],
    ['x-group-header', int(1), '{unacceptable_type,long}'],
    ['x-group-header', text(''), 'expected the name of a header, 1 to 255 bytes, got 0'],
    ['x-group-header', text('é'.repeat(128)), 'expected the name of a header, 1 to 255 bytes, got 256'],
  ])('of %s that is %o is refused', (name, field, problem) => {
    expect(validate(new Map([[name, field]]))).toThrow(
      `PRECONDITION_FAILED - invalid arg '${name}' for ${WHAT}: ${problem}`)
  })

  it.each<[string, Field]>([
    ...INTEGERS.flatMap((name): [string, Field][] =>
      (['b', 'B', 's', 'u', 'I', 'i', 'l', 'L'] as const).map((tag) => [name, { tag, value: 1 }])),
    ['x-message-ttl', int(0)], ['x-max-length', int(0)], ['x-max-length-bytes', int(0)],
    ['x-max-priority', int(0)],
    ['x-message-ttl', int(315_360_000_000)], ['x-expires', int(315_360_000_000)],
    ['x-max-priority', int(255)],
    ['x-max-length', int(2n ** 62n)], ['x-overflow', text('drop-head')],
    ['x-overflow', text('reject-publish')],
    ['x-overflow', text('reject-publish-dlx')], ['x-single-active-consumer', bool],
    ['x-dead-letter-exchange', text('')], ['x-queue-type', text('classic')], ['x-queue-type', text('')],
    ['x-group-header', text('x'.repeat(255))],
    ['x-queue-type', text('undefined')], ['x-queue-mode', text('lazy')], ['x-queue-mode', int(9)],
    ['x-queue-version', int(2)], ['x-queue-leader-locator', text('client-local')],
    ['x-queue-leader-locator', text('min-masters')], ['x-ha-policy', text('all')], ['foo', none],
  ])('of %s that is %o is taken', (name, field) => {
    expect(validate(new Map([[name, field]]))).not.toThrow()
  })

  it('of x-dead-letter-routing-key is taken beside an exchange, and must be a text', () => {
    const exchange = tableOf({ 'x-dead-letter-exchange': 'dlx' })
    expect(validate(new Map([...exchange, ['x-dead-letter-routing-key', text('k')]]))).not.toThrow()
    expect(validate(new Map([...exchange, ['x-dead-letter-routing-key', { tag: 'I', value: 1 } as const]])))
      .toThrow(
      `invalid arg 'x-dead-letter-routing-key' for ${WHAT}: {unacceptable_type,signedint}`)
  })

  it('of x-dead-letter-exchange that is no text is refused before the others, in other words', () => {
    expect(validate(new Map<string,
      Field>([['x-max-length', int(-1)], ['x-dead-letter-exchange', { tag: 'I', value: 1 }]])))
      .toThrow(`PRECONDITION_FAILED - invalid type 'signedint' for arg 'x-dead-letter-exchange' in ${WHAT}`)
  })
})

describe('an argument', () => {
  it.each(['x-consumer-timeout', 'x-max-age', 'x-dead-letter-strategy', 'x-quorum-initial-group-size'])(
    'of another queue type is refused: %s', (name) => {
      expect(validate(tableOf({ [name]: 1 }))).toThrow(
        `PRECONDITION_FAILED - invalid arg '${name}' for ${WHAT} of queue type rabbit_classic_queue`)
    })

  it('that asks for a queue type that is not there is refused as an unknown one is', () => {
    expect(validate(tableOf({ 'x-queue-type': 'stream' }))).toThrow(
      `PRECONDITION_FAILED - invalid arg 'x-queue-type' for ${WHAT}: "unsupported queue type 'stream'"`)
  })

  it.each<[string, FieldTable, string]>([
    ['first, where the type is said', tableOf({ 'x-queue-type': 'classic', 'x-max-age': 1, 'x-a': 1,
      'x-dead-letter-strategy': 1 }), 'x-max-age'],
    ['first by name, where it is not', tableOf({ 'x-max-age': 1, 'x-dead-letter-strategy': 1 }),
      'x-dead-letter-strategy'],
    ['after every wrong value', tableOf({ 'x-queue-type': 'quorum', 'x-max-age': 1, 'x-overflow': 1 }),
      'x-overflow'],
  ])('of another queue type is the one that comes %s', (_where, args, name) => {
    expect(validate(args)).toThrow(`invalid arg '${name}' for`)
  })

  it('has one row each', () => {
    const names = QUEUE_ARGUMENTS.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
  })
})

describe('settings', () => {
  it('without arguments have no limits', () => {
    expect(resolveQueueSettings(tableOf({}))).toMatchObject({
      messageTtlMs: Infinity, expiresMs: Infinity, lengthMax: Infinity, lengthBytesMax: Infinity,
      overflow: 'drop-head', deadLetterExchange: null, deadLetterRoutingKey: null, priorityMax: null,
      isSingleActive: false,
    })
  })

  it('are what the arguments say', () => {
    const args = new Map([...tableOf({
      'x-message-ttl': 0, 'x-expires': 2, 'x-max-length': 3, 'x-max-length-bytes': 2 ** 40,
      'x-overflow': 'reject-publish', 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'k',
      'x-max-priority': 10, 'x-single-active-consumer': true,
    })])
    expect(resolveQueueSettings(args)).toMatchObject({
      messageTtlMs: 0, expiresMs: 2, lengthMax: 3, lengthBytesMax: 2 ** 40, overflow: 'reject-publish',
      deadLetterExchange: '', deadLetterRoutingKey: 'k', priorityMax: 10, isSingleActive: true,
    })
  })

  it('take a highest priority of 0 for 1', () => {
    expect(resolveQueueSettings(tableOf({ 'x-max-priority': 0 })).priorityMax).toBe(1)
  })
})
