// Writes a test file once for every broker of the run: `forEachTarget((test) => { test('…', async ({ channel
// }) => …) })`. Called at the top of each test file. Invariant: the same titles, in the same order, for every
// target, so that the report can set them side by side.

import { describe, inject, test as vitestTest } from 'vitest'
import { runAsListed } from './as-listed.ts'
import { collectRequests } from './asked-endpoints.ts'
import { Session } from './session.ts'
import type { Consulted } from './session.ts'
import type { Target } from './target.ts'

export interface CompatTest {
  (title: string, run: (session: Session) => Promise<void>, timeoutMs?: number): void
  /** Runs beside the file's other concurrent tests: for those that wait for the broker's own timers. */
  concurrent: (title: string, run: (session: Session) => Promise<void>, timeoutMs?: number) => void
}

/** Longer than any wait in a test (poll.ts), so that the wait says what was awaited. */
const defaultTimeoutMs = 60_000

function testOn(target: Target): CompatTest {
  const runId = inject('runId')
  const register = (isConcurrent: boolean): CompatTest['concurrent'] => (
    title, run, timeout = defaultTimeoutMs,
  ) => {
    vitestTest(title, { timeout, concurrent: isConcurrent }, async ({ task }) => {
      const consulted: Consulted = { differences: [], older: [] }
      task.meta.older = consulted.older
      const requests = new Set<string>()
      const session = new Session(target, runId, consulted)
      try {
        await collectRequests(requests, () => runAsListed(target, task, () => run(session)))
      } finally {
        task.meta.differences = consulted.differences
        task.meta.requests = [...requests]
        await session.end()
      }
    })
  }
  return Object.assign(register(false), { concurrent: register(true) })
}

export function forEachTarget(
  body: (test: CompatTest, target: Target) => void, isWanted: (target: Target) => boolean = () => true,
): void {
  for (const target of inject('targets').filter(isWanted)) {
    describe(`${target.label}`, () => {
      body(testOn(target), target)
    })
  }
}
