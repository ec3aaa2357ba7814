// What makes a redeclaration differ (behaviours §4.5).
import { describe, expect, it } from 'vitest'
import type { Field, FieldTable } from '../protocol/table.ts'
import { tableOf } from '../protocol/table-encode.ts'
import { checkQueueArgumentsEqual } from './argument-equality.ts'

const WHAT = "queue 'q' in vhost 'v'"
const text = (value: string): Field => ({ tag: 'S', value })
const int = (value: number): Field => ({ tag: 'l', value })
const bool: Field = { tag: 't', value: true }
const none: Field = { tag: 'V', value: null }

describe('a redeclaration', () => {
  const ttl = (field: Field | null): FieldTable => new Map(field === null ? [] : [['x-message-ttl', field]])
  const signed: Field = { tag: 'I', value: 1000 }

  it.each<[string, Field | null, Field | null, string | null]>([
    ['the same', signed, signed, null],
    ['neither', null, null, null],
    ['new', null, signed, "received the value '1000' of type 'signedint' but current is none"],
    ['left out', signed, null, "received none but current is the value '1000' of type 'signedint'"],
    ['another number', signed, { tag: 'I', value: 2000 }, "received '2000' but current is '1000'"],
    ['another width', signed, int(1000), null],
    ['a text', signed, text('1000'), "received '1000' but current is '1000'"],
    ['a float', signed, { tag: 'd', value: 1000 }, "received '1.0e3' but current is '1000'"],
    ['a void', signed, none, "received none but current is '1000'"],
  ])('with %s: %o, %o', (_what, current, received, difference) => {
    const check = (): void => checkQueueArgumentsEqual(ttl(current), ttl(received), WHAT)
    if (difference === null) expect(check).not.toThrow()
    else expect(check).toThrow(`inequivalent arg 'x-message-ttl' for ${WHAT}: ${difference}`)
  })

  it.each<[FieldTable, FieldTable]>([
    [tableOf({}), tableOf({ 'x-queue-type': 'classic' })],
    [tableOf({ 'x-queue-type': 'classic' }), tableOf({})],
    [tableOf({ 'x-queue-type': '' }), tableOf({ 'x-queue-type': 'undefined' })],
    [tableOf({ foo: 1 }), tableOf({ foo: 2, bar: 3 })], [tableOf({}), tableOf({ 'x-max-age': '1D' })],
  ])('with the default type, unknown arguments and those of other types is the same: %o, %o',
  (current, received) => {
    expect(() => checkQueueArgumentsEqual(current, received, WHAT)).not.toThrow()
  })

  it('with another type is not', () => {
    expect(() => checkQueueArgumentsEqual(tableOf({}), tableOf({ 'x-queue-type': 'quorum' }), WHAT)).toThrow(
      `inequivalent arg 'x-queue-type' for ${WHAT}: received 'quorum' but current is 'classic'`)
  })

  it.each<[string, string]>([['classic', 'x-message-ttl'], ['quorum', 'x-overflow']])(
    'of a %s queue that differs in two names the one that RabbitMQ does', (type, name) => {
      const received = tableOf({ 'x-queue-type': type, 'x-message-ttl': 1, 'x-overflow': 'drop-head' })
      expect(() => checkQueueArgumentsEqual(tableOf({ 'x-queue-type': type }), received, WHAT)).toThrow(
        `inequivalent arg '${name}' for`)
    })

  it('says a boolean that was left out', () => {
    const current = new Map([['x-single-active-consumer', bool]])
    expect(() => checkQueueArgumentsEqual(current, tableOf({}), WHAT)).toThrow(
      "received none but current is the value 'true' of type 'bool'")
  })
})
