// Definitions as RabbitMQ exports them: everything that administrators and clients declared and that a
// restart keeps, without messages, so that RabbitMQ or another Leveret can import it. Left out, as
// RabbitMQ does: exclusive queues and their bindings, `amq.*` exchanges, the default exchange's bindings.
// Internal exchanges are kept: without them their bindings would lead nowhere.
import type { Exchange } from '../exchanges/exchange.ts'
import { tableToPlain } from '../protocol/table-plain.ts'
import type { Queue } from '../queues/queue.ts'
import type { Broker } from './broker.ts'
import type { Policy } from './policies.ts'
import type { User } from './users.ts'
import type { VHostFacts } from './vhost-facts.ts'
import type { VHost } from './vhost.ts'

export function exportDefinitions(broker: Broker): object {
  const { access, clusterName } = broker
  const vhosts = sorted(broker.vhosts.values(), ({ name }) => name)
  const ofAll = (items: (vhost: VHost) => object[]): object[] =>
    vhosts.flatMap((vhost) => items(vhost).map((item) => ({ ...item, vhost: vhost.name })))
  return {
    ...versions(broker),
    rabbitmq_definition_format: 'cluster',
    original_cluster_name: clusterName,
    explanation: `Definitions of cluster '${clusterName}'`,
    users: sorted(broker.users.values(), ({ name }) => name).map(describeUser),
    vhosts: vhosts.map(({ name, facts }) =>
      ({ name, metadata: describeMetadata(facts), limits: facts.limits })),
    permissions: access.permissions().map(({ user, vhost, permission }) => ({ user, vhost, ...permission })),
    topic_permissions: access.topicPermissions().map(({ user, vhost, topic }) => ({ user, vhost, ...topic })),
    parameters: ofAll(parametersOf),
    global_parameters: [...broker.globalParameters].map(([name, value]) => ({ name, value })),
    policies: ofAll(policiesOf),
    queues: ofAll(queuesOf),
    exchanges: ofAll(exchangesOf),
    bindings: ofAll(bindingsOf),
  }
}

export function exportVHostDefinitions(broker: Broker, vhost: VHost): object {
  return {
    ...versions(broker),
    rabbitmq_definition_format: 'single_virtual_host',
    original_vhost_name: vhost.name,
    explanation: `Definitions of virtual host '${vhost.name}'`,
    description: vhost.facts.description,
    metadata: describeMetadata(vhost.facts),
    limits: vhost.facts.limits,
    parameters: parametersOf(vhost),
    policies: policiesOf(vhost),
    queues: queuesOf(vhost),
    exchanges: exchangesOf(vhost),
    bindings: bindingsOf(vhost),
  }
}

export function describeUser({ name, passwordHash, hashing, tags, limits }: User): object {
  return { name, password_hash: passwordHash, hashing_algorithm: hashing, tags, limits }
}

export function describeMetadata({ description, tags, defaultQueueType }: VHostFacts): object {
  return { description, tags, default_queue_type: defaultQueueType }
}

export function describePolicy({ name, pattern, applyTo, definition, priority }: Policy): object {
  return { name, pattern, 'apply-to': applyTo, definition, priority }
}

/** Operator policies and limits: RabbitMQ keeps both as parameters. */
export function parametersOf(vhost: VHost): object[] {
  const operators = vhost.policies.list('operator-policy').map((policy) => {
    const { pattern, applyTo, definition, priority } = policy
    const value = { pattern, 'apply-to': applyTo, definition, priority }
    return { component: 'operator_policy', name: policy.name, value }
  })
  const { limits } = vhost.facts
  if (Object.keys(limits).length === 0) return operators
  return [...operators, { component: 'vhost-limits', name: 'limits', value: limits }]
}

function versions({ identity: { product, version } }: Broker): object {
  return {
    rabbit_version: version, rabbitmq_version: version, product_name: product, product_version: version,
  }
}

function policiesOf(vhost: VHost): object[] {
  return sorted(vhost.policies.list('policy'), ({ name }) => name).map(describePolicy)
}

function queuesOf(vhost: VHost): object[] {
  const shared = [...vhost.queues.values()].filter(({ owner }) => owner === null)
  return sorted(shared, ({ name }) => name).map(({ name, flags, args, type }) => ({
    name, type: type.name, durable: flags.isDurable, auto_delete: flags.isAutoDelete,
    // Said always: the vhost that imports it may have another default.
    arguments: { ...tableToPlain(args), 'x-queue-type': type.name },
  }))
}

function exchangesOf(vhost: VHost): object[] {
  return sorted(vhost.exchanges.values(), ({ name }) => name).filter(isExported)
    .map(({ name, type, flags, args }) => ({
      name, type: type.name, durable: flags.isDurable, auto_delete: flags.isAutoDelete,
      ...flags.isInternal && { internal: true }, arguments: tableToPlain(args),
    }))
}

function bindingsOf(vhost: VHost): object[] {
  const all = sorted(vhost.exchanges.values(), ({ name }) => name)
    .flatMap(({ bindings }) => [...bindings.values()])
    .filter(({ destination }) => destination.kind === 'exchange' || (destination as Queue).owner === null)
  return all.map((binding) => ({
    source: binding.source, destination: binding.destination.name,
    destination_type: binding.destination.kind, routing_key: binding.routingKey,
    arguments: tableToPlain(binding.args),
  }))
}

function isExported({ name }: Exchange): boolean {
  return name !== '' && !name.startsWith('amq.')
}

function sorted<T>(items: Iterable<T>, nameOf: (item: T) => string): T[] {
  return [...items].toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
}
