// Policies that come, change and go, and what that does to the queues and exchanges that are there: at once,
// and again for each that is declared later. The records lie in the vhost's own scope and go with it.
import type { Exchange } from '../exchanges/exchange.ts'
import type { Queue } from '../queues/queue.ts'
import { resolveQueueSettings } from '../queues/settings.ts'
import { policyDefinition, removal } from './definitions.ts'
import { validatePolicy } from './policies.ts'
import type { Policy, PolicyKind } from './policies.ts'
import type { VHost } from './vhost.ts'

/** Returns true when there was none of this name. Errors: Refusal. */
export function putPolicy(vhost: VHost, kind: PolicyKind, policy: Policy): boolean {
  validatePolicy(kind, policy)
  const isNew = vhost.policies.find(kind, policy.name) === null
  vhost.policies.put(kind, policy)
  vhost.changed(policyDefinition(kind, policy))
  applyPolicies(vhost)
  return isNew
}

/** Returns false when there is none of this name. */
export function deletePolicy(vhost: VHost, kind: PolicyKind, name: string): boolean {
  if (!vhost.policies.remove(kind, name)) return false
  vhost.changed(removal(kind, name))
  applyPolicies(vhost)
  return true
}

/** To everything there is, before a letter of what is too much now reaches a queue. */
export function applyPolicies(vhost: VHost): void {
  for (const exchange of vhost.exchanges.values()) applyToExchange(vhost, exchange)
  const isHolder = vhost.holdLetters()
  for (const queue of [...vhost.queues.values()]) applyToQueue(vhost, queue)
  if (isHolder) vhost.sendLetters()
}

export function applyToQueue(vhost: VHost, queue: Queue): void {
  queue.applySettings(resolveQueueSettings(queue.args, vhost.policies.appliedTo(queue).definition))
}

export function applyToExchange(vhost: VHost, exchange: Exchange): void {
  const alternate = vhost.policies.appliedTo(exchange).definition.get('alternate-exchange')
  exchange.applyAlternate(typeof alternate === 'string' ? alternate : null)
}
