// Waiting without sleeping: a condition is polled until it holds or its bound is reached, a promise until it
// settles. Called by the harness and the tests. Invariant: every wait has a bound, and a missed bound says
// what was awaited.

import { setTimeout as delay } from 'node:timers/promises'

/** Generous: it is reached only where something is wrong, and the machine may be busy. */
const defaultBoundMs = 30_000

/** Resolves with the first value of `probe` that is not null, undefined or false. */
export async function until<T>(
  what: string, probe: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  boundMs = defaultBoundMs,
): Promise<T> {
  const deadline = performance.now() + boundMs
  for (;;) {
    const value = await probe()
    if (value !== null && value !== undefined && value !== false) return value
    if (performance.now() > deadline) throw new Error(`not within ${boundMs} ms: ${what}`)
    await delay(5)
  }
}

/** Repeats `check` until it throws nothing; at the bound its last error is thrown. */
export async function eventually(check: () => Promise<void>, boundMs = defaultBoundMs): Promise<void> {
  const deadline = performance.now() + boundMs
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (performance.now() > deadline) throw error
      await delay(50)
    }
  }
}

/** The promise's own outcome, or an error naming what was awaited once the bound is reached. */
export async function within<T>(what: string, promise: Promise<T>, boundMs = defaultBoundMs): Promise<T> {
  const timer = new AbortController()
  const bound = delay(boundMs, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`not within ${boundMs} ms: ${what}`)
  })
  try {
    return await Promise.race([promise, bound])
  } finally {
    timer.abort()
    bound.catch(() => undefined) // the aborted timer's own rejection, of no interest once the race is over
  }
}
