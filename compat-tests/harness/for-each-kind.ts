// Writes tests once per kind of queue, for behaviours that all kinds share: what a test declares by amqplib
// is of that kind. Titles of classic queues stay as they are. Called at the top of a test file, in place of
// forEachTarget; `test.classic` is for what only classic queues do, or do so.

import { forEachTarget } from './for-each-target.ts'
import type { CompatTest } from './for-each-target.ts'
import type { QueueKind } from './session.ts'
import type { Target } from './target.ts'

export interface KindTest extends CompatTest {
  /** Written for classic queues only. */
  classic: CompatTest
}

const notWritten: CompatTest = Object.assign((): void => undefined, { concurrent: (): void => undefined })

function testOfKind(test: CompatTest, kind: QueueKind): KindTest {
  const prefix = kind === 'classic' ? '' : `${kind} queue: `
  const register = (at: CompatTest['concurrent']): CompatTest['concurrent'] => (title, run, timeoutMs) => {
    at(prefix + title, (session) => {
      session.queueKind = kind
      return run(session)
    }, timeoutMs)
  }
  return Object.assign(register(test),
    { concurrent: register(test.concurrent), classic: kind === 'classic' ? test : notWritten })
}

export function forEachKind(body: (test: KindTest, target: Target) => void): void {
  forEachTarget((test, target) => {
    body(testOfKind(test, 'classic'), target)
    body(testOfKind(test, 'quorum'), target)
  })
}
