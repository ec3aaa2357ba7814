// What an answer means for the message. The table of docs/webhooks.md; attempt.ts asks.
//
//   2xx                                delivered
//   410                                gone: the target wants no more
//   429, 503 with retry-after          later: the target says when
//   408, 425, 429, 5xx, no answer      failed: may well work the next time
//   all others, redirects too          refused: would be answered so again

export type Verdict =
  | { readonly kind: 'delivered' | 'gone' | 'failed' | 'refused' }
  | { readonly kind: 'later'; readonly ms: number }

export const FAILED: Verdict = { kind: 'failed' }

const PASSING = [408, 425, 429]
const LATER = [429, 503]
/** What a target may ask for: not never, and no loop without a pause. */
const LATER_MS_MIN = 1_000
const LATER_MS_MAX = 3_600_000

export function judge(status: number, retryAfter: string | undefined, nowMs: number): Verdict {
  if (status >= 200 && status < 300) return { kind: 'delivered' }
  if (status === 410) return { kind: 'gone' }
  const ms = LATER.includes(status) ? readRetryAfter(retryAfter, nowMs) : null
  if (ms !== null) return { kind: 'later', ms: Math.min(Math.max(ms, LATER_MS_MIN), LATER_MS_MAX) }
  return status >= 500 || PASSING.includes(status) ? FAILED : { kind: 'refused' }
}

/** Seconds or a date (RFC 9110 §10.2.3); null for anything else. */
function readRetryAfter(value: string | undefined, nowMs: number): number | null {
  if (value === undefined) return null
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000
  const atMs = Date.parse(value)
  return Number.isNaN(atMs) ? null : atMs - nowMs
}
