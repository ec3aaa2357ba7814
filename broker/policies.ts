// The policies of one vhost: which of them is in force for a queue or an exchange, and what they say
// together. One policy and one operator policy count per object, each the matching one of highest
// priority; the operator's is joined key by key (behaviours §9.1). policy-changes.ts writes and applies
// them.
import type { Exchange } from '../exchanges/exchange.ts'
import { NO_POLICY } from '../queues/policy-keys.ts'
import type { PolicyDefinition, PolicyValue } from '../queues/policy-keys.ts'
import type { Queue } from '../queues/queue.ts'
import { POLICY_KEYS } from '../queues/settings.ts'
import type { QueueKindName } from '../queues/settings.ts'
import { BoundedPattern } from './bounded-pattern.ts'
import { PatternInvalid, compilePattern } from './pattern.ts'
import { Refusal, printTerm, printTermPairs } from './refusal.ts'

export const APPLY_TO = ['all', 'queues', 'classic_queues', 'quorum_queues', 'streams', 'exchanges'] as const

export type PolicyKind = 'policy' | 'operator-policy'

export interface Policy {
  readonly name: string
  readonly pattern: string
  readonly applyTo: (typeof APPLY_TO)[number]
  readonly priority: number
  readonly definition: Readonly<Record<string, PolicyValue>>
}

/** What is in force for one queue or exchange. */
export interface AppliedPolicies {
  readonly policy: string | null
  readonly operatorPolicy: string | null
  readonly definition: PolicyDefinition
}

export type PolicyTarget = Queue | Exchange

interface Compiled {
  readonly policy: Policy
  readonly pattern: BoundedPattern
}

const NOTHING: AppliedPolicies = { policy: null, operatorPolicy: null, definition: NO_POLICY }

/** In RabbitMQ's text, two spaces and all. */
const APPLY_TO_TEXT = "'queues', 'classic_queues',  'quorum_queues', 'streams', 'exchanges', or 'all'"

export class Policies {
  /** Highest priority first, then by name. */
  private readonly compiled: Record<PolicyKind, Compiled[]> = { 'policy': [], 'operator-policy': [] }

  list(kind: PolicyKind): Policy[] {
    return this.compiled[kind].map(({ policy }) => policy)
  }

  find(kind: PolicyKind, name: string): Policy | null {
    return this.list(kind).find((policy) => policy.name === name) ?? null
  }

  /** The policy passed `validatePolicy`. */
  put(kind: PolicyKind, policy: Policy): void {
    this.remove(kind, policy.name)
    this.compiled[kind].push({ policy, pattern: new BoundedPattern(policy.pattern) })
    this.compiled[kind].sort((a, b) =>
      b.policy.priority - a.policy.priority || (a.policy.name < b.policy.name ? -1 : 1))
  }

  remove(kind: PolicyKind, name: string): boolean {
    const at = this.compiled[kind].findIndex(({ policy }) => policy.name === name)
    if (at >= 0) this.compiled[kind].splice(at, 1)
    return at >= 0
  }

  appliedTo(target: PolicyTarget): AppliedPolicies {
    if (this.compiled.policy.length === 0 && this.compiled['operator-policy'].length === 0) return NOTHING
    const policy = this.winner('policy', target)
    const operator = this.winner('operator-policy', target)
    if (policy === null && operator === null) return NOTHING
    return {
      policy: policy?.name ?? null,
      operatorPolicy: operator?.name ?? null,
      definition: joinPolicies(policy?.definition ?? {}, operator?.definition ?? {}),
    }
  }

  private winner(kind: PolicyKind, target: PolicyTarget): Policy | null {
    return this.compiled[kind].find((each) => matches(each, target))?.policy ?? null
  }
}

/** Key by key: what only one says stands, what both say is joined by the key's rule. */
export function joinPolicies(policy: Policy['definition'], operator: Policy['definition']): PolicyDefinition {
  const joined = new Map<string, PolicyValue>(Object.entries(policy))
  for (const [key, value] of Object.entries(operator)) {
    const mine = joined.get(key)
    const join = POLICY_KEYS.get(key)?.withOperator ?? null
    joined.set(key, mine === undefined || join === null ? value : join(mine, value))
  }
  return joined
}

/** Errors: Refusal, in RabbitMQ's words. */
export function validatePolicy(kind: PolicyKind, policy: Policy): void {
  const refuse = (reason: string): never => {
    throw new Refusal(`Validation failed\n\n${reason}\n`)
  }
  try {
    compilePattern(policy.pattern)
  } catch (error) {
    if (!(error instanceof PatternInvalid)) throw error
    refuse(`pattern should be regular expression but is invalid: ${error.tuple}`)
  }
  if (!APPLY_TO.includes(policy.applyTo)) {
    refuse(`apply-to '${policy.applyTo}' unrecognised; should be one of: ${APPLY_TO_TEXT}`)
  }
  const problem = definitionProblem(kind, policy.definition)
  if (problem !== null) refuse(problem)
}

function definitionProblem(kind: PolicyKind, definition: Policy['definition']): string | null {
  const entries = Object.entries(definition)
  if (entries.length === 0) return 'no policy provided'
  if ('queue-master-locator' in definition) {
    return 'use of deprecated queue-master-locator argument is not permitted'
  }
  const unknown: Record<string, PolicyValue> = {}
  // Of several mistakes RabbitMQ tells the first by name.
  for (const [key, value] of entries.toSorted(([a], [b]) => Number(a > b) - Number(a < b))) {
    const row = POLICY_KEYS.get(key)
    if (row === undefined || (kind === 'operator-policy' && row.withOperator === null)) unknown[key] = value
    else if (!row.isValid(value)) return `${printTerm(value)} is not a valid ${row.refusal}`
  }
  if (Object.keys(unknown).length > 0) return `${printTermPairs(unknown)} are not recognised policy settings`
  const retry = definition['delayed-retry-type']
  const isRetryWhole = retry === undefined || retry === 'disabled' || 'delayed-retry-min' in definition
  return isRetryWhole ? null : `delayed-retry-min is required when delayed-retry-type is ${String(retry)}`
}

/** A policy with one key that the queue's type does not heed is, whole, not for that queue (RabbitMQ). */
function matches({ policy, pattern }: Compiled, target: PolicyTarget): boolean {
  if (!isMeant(policy.applyTo, target)) return false
  if (target.kind === 'queue' && !isHeeded(policy, target.type.name)) return false
  return pattern.test(target.name)
}

function isHeeded({ definition }: Policy, kind: QueueKindName): boolean {
  return Object.keys(definition).every((key) => POLICY_KEYS.get(key)?.kinds.includes(kind) ?? false)
}

function isMeant(applyTo: Policy['applyTo'], target: PolicyTarget): boolean {
  if (applyTo === 'all') return true
  if (target.kind === 'exchange') return applyTo === 'exchanges'
  return applyTo === 'queues' || applyTo === `${target.type.name}_queues`
}
