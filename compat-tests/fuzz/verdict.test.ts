// What counts as a difference when a broker is played several times: RabbitMQ's own races hide what follows
// from them, and nothing that comes before.

import { expect, test } from 'vitest'
import { entryKind } from './peer.ts'
import type { Program } from './program.ts'
import type { Played } from './transcript.ts'
import { compare } from './verdict.ts'

const steps = [{ elapseMs: 1 }, { elapseMs: 2 }, { elapseMs: 3 }]
const program: Program = { generator: 'none', seed: 0, steps }

/** What was heard in each step. */
function heard(...texts: readonly string[]): Played {
  return {
    prefix: 'p.',
    transcript: texts.map((text) =>
      new Map([['http', [{ channel: 0, kind: entryKind.http, payload: Buffer.from(text) }]]])),
  }
}

const kindOf = (mine: readonly Played[], theirs: readonly Played[]): string =>
  compare(program, mine, theirs).kind

test('what all performances have alike is the same', () => {
  expect(kindOf([heard('a', 'b', 'c')], [heard('a', 'b', 'c'), heard('a', 'b', 'c')])).toBe('same')
})

test('what RabbitMQ repeats and Leveret does not do is a difference', () => {
  expect(kindOf([heard('a', 'x', 'c')], [heard('a', 'b', 'c'), heard('a', 'b', 'c')])).toBe('differs')
})

test('what RabbitMQ does not repeat is not determined', () => {
  expect(kindOf([heard('a', 'x', 'c')], [heard('a', 'b', 'c'), heard('a', 'y', 'c')])).toBe('undetermined')
})

test('a difference before RabbitMQ\'s race is one, after it is none', () => {
  const theirs = [heard('a', 'b', 'c'), heard('a', 'b', 'y')]
  expect(kindOf([heard('x', 'b', 'c')], theirs)).toBe('differs')
  expect(kindOf([heard('a', 'b', 'x')], theirs)).toBe('undetermined')
})

test('what Leveret does not repeat is a difference where RabbitMQ does', () => {
  expect(kindOf([heard('a', 'b', 'c'), heard('a', 'x', 'c')], [heard('a', 'b', 'c'), heard('a', 'b', 'c')]))
    .toBe('differs')
})
