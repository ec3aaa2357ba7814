// Users: who may log in, what they are tagged with, how much they may open. A record is never changed, only
// replaced, so a connection keeps the tags that it logged in with (RabbitMQ).
import type { Random } from '../base/random.ts'
import type { UserLimits } from './limits.ts'
import { DEFAULT_HASHING, hashPassword, matchesHash } from './passwords.ts'
import type { HashingAlgorithm } from './passwords.ts'

export interface User {
  readonly name: string
  /** Empty: no password opens it. */
  readonly passwordHash: string
  readonly hashing: HashingAlgorithm
  readonly tags: readonly string[]
  readonly limits: UserLimits
}

/** Publishes under any user-id (RabbitMQ). */
export const IMPERSONATOR = 'impersonator'

export function createUser(name: string, password: string, tags: readonly string[], random: Random): User {
  return { name, passwordHash: hashPassword(password, random), hashing: DEFAULT_HASHING, tags, limits: {} }
}

export function passwordMatches(user: User, password: Buffer): boolean {
  return matchesHash(password, user.passwordHash, user.hashing)
}
