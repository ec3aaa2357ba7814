// A definitions file taken in: first everything is checked, then everything is made, so that a file with a
// mistake changes nothing (RabbitMQ keeps what came before the mistake). Between the two the caller makes the
// vhosts, which takes the store's time. Users, permissions, policies and parameters of the same name are
// overwritten; queues, exchanges and bindings that are there stay as they are (RabbitMQ).
import { tableFromPlain } from '../protocol/table-plain.ts'
import { importBinding } from './bindings.ts'
import type { Broker } from './broker.ts'
import { DefinitionsCheck } from './definitions-check.ts'
import type {
  BindingItem, DefinitionsFile, ExchangeItem, ParameterItem, QueueItem,
} from './definitions-file.ts'
import { declarationOf, operatorPolicyOf, policyOf, userOf, vhostFactsOf } from './definitions-items.ts'
import { createExchange } from './exchange-declarations.ts'
import { readVHostLimits } from './limits.ts'
import { putPolicy } from './policy-changes.ts'
import { createQueue } from './queue-declarations.ts'
import type { VHostFacts } from './vhost-facts.ts'
import type { VHost } from './vhost.ts'

/** Errors: Refusal; then nothing has changed. */
export function checkDefinitions(broker: Broker, file: DefinitionsFile): void {
  new DefinitionsCheck(broker, file).run()
}

/** The vhosts that the file makes, or says something new about. */
export function vhostsOf(file: DefinitionsFile): { name: string; facts: VHostFacts }[] {
  return file.vhosts.map((item) => ({ name: item.name, facts: vhostFactsOf(item) }))
}

/** The file was checked and its vhosts are there. */
export function applyDefinitions(broker: Broker, file: DefinitionsFile): void {
  const { access, random } = broker
  const inside = (item: { readonly vhost: string }): VHost => broker.vhosts.get(item.vhost)!
  for (const item of file.users) access.putUser(userOf(item, file, random))
  for (const { user, vhost, ...permission } of file.permissions) access.permit(user, vhost, permission)
  for (const item of file.exchanges) addExchange(inside(item), item)
  for (const { user, vhost, ...topic } of file.topic_permissions) access.limitTopics(user, vhost, topic)
  for (const { name, value } of file.global_parameters) broker.putGlobalParameter(name, value)
  for (const item of file.policies) putPolicy(inside(item), 'policy', policyOf(item))
  for (const item of file.parameters) applyParameter(broker, inside(item), item)
  for (const item of file.queues) addQueue(broker, inside(item), item)
  for (const item of file.bindings) addBinding(inside(item), item)
}

function addExchange(vhost: VHost, item: ExchangeItem): void {
  if (vhost.findExchange(item.name) !== null) return
  const flags = { isDurable: item.durable, isAutoDelete: item.auto_delete, isInternal: item.internal }
  createExchange(vhost, { name: item.name, type: item.type, flags, args: tableFromPlain(item.arguments) })
}

function addQueue(broker: Broker, vhost: VHost, item: QueueItem): void {
  if (vhost.findQueue(item.name) !== null) return
  createQueue(vhost, declarationOf(item, vhost.facts), null, broker.newQueueId())
}

function addBinding(vhost: VHost, item: BindingItem): void {
  const { source, destination, destination_type: kind, routing_key: routingKey } = item
  importBinding(vhost, { source, kind, destination, routingKey, args: tableFromPlain(item.arguments) })
}

function applyParameter(broker: Broker, vhost: VHost, { component, name, value }: ParameterItem): void {
  if (component === 'operator_policy') putPolicy(vhost, 'operator-policy', operatorPolicyOf(name, value))
  else broker.recordVHost(vhost.name, { ...vhost.facts, limits: readVHostLimits(value) })
}
