// Users: who may log in, what they are tagged with, how much they may open. A record is never changed, only
// replaced, so a connection keeps the tags that it logged in with (RabbitMQ).
import type { Random } from '../base/random.ts'
import { DEFAULT_HASHING, hashPassword, matchesHash } from './passwords.ts'
import type { HashingAlgorithm } from './passwords.ts'

/** Negative, or not set: no limit. 0 lets nobody in. */
export interface UserLimits {
  readonly 'max-connections'?: number
  readonly 'max-channels'?: number
}

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

export const USER_LIMITS = ['max-connections', 'max-channels'] as const satisfies (keyof UserLimits)[]

export function createUser(name: string, password: string, tags: readonly string[], random: Random): User {
  return { name, passwordHash: hashPassword(password, random), hashing: DEFAULT_HASHING, tags, limits: {} }
}

export function passwordMatches(user: User, password: Buffer): boolean {
  return matchesHash(password, user.passwordHash, user.hashing)
}

/** Has `count` reached the limit? One that is negative or not set is never reached. */
export function isLimitReached(limit: number | undefined, count: number): boolean {
  return limit !== undefined && limit >= 0 && count >= limit
}
