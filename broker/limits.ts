// Limits of users and of vhosts, as administrators write them: a few names, whole numbers, checked in
// RabbitMQ's words. What they limit is counted in broker.ts (connections, channels) and
// queue-declarations.ts (queues).
import { Refusal, printTerm, printTermPairs } from './refusal.ts'

type Limits<Name extends string> = { readonly [N in Name]?: number }

const USER_LIMITS = ['max-connections', 'max-channels'] as const
const VHOST_LIMITS = ['max-connections', 'max-queues'] as const

/** Negative, or not set: no limit. 0 lets nothing in. */
export type UserLimits = Limits<(typeof USER_LIMITS)[number]>
export type VHostLimits = Limits<(typeof VHOST_LIMITS)[number]>

/** Has `count` reached the limit? One that is negative or not set is never reached. */
export function isLimitReached(limit: number | undefined, count: number): boolean {
  return limit !== undefined && limit >= 0 && count >= limit
}

/** Errors: Refusal. */
export function readUserLimits(values: unknown): UserLimits {
  return readLimits(values, USER_LIMITS, 'user-limits', (problem) => new Refusal(problem))
}

/** Errors: Refusal. */
export function readVHostLimits(values: unknown): VHostLimits {
  return readLimits(values, VHOST_LIMITS, 'limits', (problem) =>
    new Refusal(`Validation failed\n\n${problem}\n`))
}

function readLimits<Name extends string>(
  values: unknown, names: readonly Name[], what: string, refusal: (problem: string) => Refusal,
): Limits<Name> {
  if (typeof values !== 'object' || values === null) {
    throw refusal(`${printTerm(values)} is no map of ${what}`)
  }
  const unknown = Object.entries(values).filter(([name]) => !names.some((known) => known === name))
  for (const [name, value] of Object.entries(values)) {
    if (names.some((known) => known === name) && !Number.isSafeInteger(value)) {
      throw refusal(`${name} should be a number, actually was ${printTerm(value)}`)
    }
  }
  if (unknown.length === 0) return { ...values }
  throw refusal(`Unrecognised terms ${printTermPairs(Object.fromEntries(unknown))} in ${what}`)
}
