// What the HTTP door tells the operator: failures, never requests. The process's logger has this shape.
// Invariant: no password comes into a log, not even one that a path has.
import type { IncomingMessage } from 'node:http'

export interface HttpLog {
  error(fields: { err: unknown; method: string; path: string }, message: string): void
}

/** RabbitMQ's tools send the password that is to be hashed in the path. */
const HASHING = '/api/auth/hash_password/'

export function logFailure(
  log: HttpLog, err: unknown, { method = '', url = '' }: Pick<IncomingMessage, 'method' | 'url'>,
): void {
  const path = decoded(url).startsWith(HASHING) ? `${HASHING}…` : url
  log.error({ err, method, path }, 'HTTP request failed')
}

/** As the router reads it. */
function decoded(url: string): string {
  try {
    return decodeURIComponent(url)
  } catch {
    return url
  }
}
