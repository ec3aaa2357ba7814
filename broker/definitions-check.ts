// Everything about a definitions file that can be wrong, found before anything of it is made: against what is
// there and what the file itself brings. Texts are RabbitMQ's where it has one. Used by
// definitions-import.ts.
import type { Exchange } from '../exchanges/exchange.ts'
import { exchangeTypes } from '../exchanges/index.ts'
import { AmqpError } from '../protocol/errors.ts'
import { EMPTY_TABLE } from '../protocol/table.ts'
import { tableFromPlain } from '../protocol/table-plain.ts'
import { findQueueKind } from '../queues/index.ts'
import type { QueueKind } from '../queues/queue-kind.ts'
import { validateQueueArguments } from '../queues/settings.ts'
import { compileName } from './access.ts'
import type { Broker } from './broker.ts'
import type { BindingItem, DefinitionsFile, QueueItem, TopicPermissionItem } from './definitions-file.ts'
import { checkParameter, declarationOf, policyOf, userOf, vhostFactsOf } from './definitions-items.ts'
import { validateExchange } from './exchange-declarations.ts'
import { PatternInvalid } from './pattern.ts'
import { validatePolicy } from './policies.ts'
import { checkQueueProperties } from './queue-declarations.ts'
import { Refusal } from './refusal.ts'
import { NEW_VHOST } from './vhost-facts.ts'
import type { VHostFacts } from './vhost-facts.ts'
import { PREDECLARED } from './vhost.ts'

interface Named {
  readonly user: string
  readonly vhost: string
}

export class DefinitionsCheck {
  private readonly broker: Broker
  private readonly file: DefinitionsFile

  constructor(broker: Broker, file: DefinitionsFile) {
    this.broker = broker
    this.file = file
  }

  /** Errors: Refusal, for the first item that cannot be. */
  run(): void {
    const { file } = this
    for (const item of file.users) userOf(item, file, this.broker.random)
    for (const item of file.vhosts) vhostFactsOf(item)
    for (const item of file.permissions) this.permission(item, [item.configure, item.write, item.read])
    for (const item of file.topic_permissions) this.topicPermission(item)
    for (const { name, vhost, type, arguments: args } of file.exchanges) {
      const what = `exchange '${name}' in vhost '${vhost}'`
      this.item(vhost, () => validateExchange(type, tableFromPlain(args), what))
    }
    for (const item of file.policies) this.item(item.vhost, () => validatePolicy('policy', policyOf(item)))
    for (const item of file.parameters) this.item(item.vhost, () => checkParameter(item))
    for (const item of file.queues) this.item(item.vhost, () => checkQueue(item, this.factsOf(item.vhost)))
    for (const item of file.bindings) this.item(item.vhost, () => this.binding(item))
  }

  private permission({ user, vhost }: Named, patterns: readonly string[]): void {
    this.vhost(vhost)
    if (!this.broker.users.has(user) && !this.file.users.some(({ name }) => name === user)) {
      throw new Refusal(`{no_such_user,<<"${user}">>}`)
    }
    for (const pattern of patterns) checkPattern(pattern)
  }

  private topicPermission(item: TopicPermissionItem): void {
    this.permission(item, [item.write, item.read])
    if (this.findExchange(item.vhost, item.exchange) !== null) return
    throw new Refusal(`{no_such_exchange,<<"${item.exchange}">>}`)
  }

  /** An AMQP error becomes RabbitMQ's text for definitions: `precondition_failed: unknown exchange…`. */
  private item(vhost: string, check: () => void): void {
    this.vhost(vhost)
    try {
      check()
    } catch (error) {
      if (!(error instanceof AmqpError)) throw error
      const reason = error.message.replace(/^[A-Z_]+ - /, (name) => `${name.slice(0, -3).toLowerCase()}: `)
      throw new Refusal(reason)
    }
  }

  private vhost(name: string): void {
    if (this.broker.vhosts.has(name) || this.file.vhosts.some((item) => item.name === name)) return
    throw new Refusal(`Please create virtual host "${name}" prior to importing definitions.`)
  }

  /** Of a vhost that the file makes, or that is there. */
  private factsOf(name: string): VHostFacts {
    const brought = this.file.vhosts.find((item) => item.name === name)
    return brought === undefined ? this.broker.vhosts.get(name)?.facts ?? NEW_VHOST : vhostFactsOf(brought)
  }

  /** A queue that is not there was an exclusive one, whose bindings RabbitMQ exports: no mistake. */
  private binding({ vhost, source, destination, destination_type: kind, ...binding }: BindingItem): void {
    const from = this.findExchange(vhost, source)
    const target = kind === 'exchange'
      ? this.findExchange(vhost, destination)?.type ?? null : this.kindOf(vhost, destination)
    const missing = from === null ? source
      : kind === 'exchange' && target === null ? destination : null
    if (missing !== null) {
      const resource = `{resource,<<"${vhost}">>,exchange,<<"${missing}">>}`
      throw new Refusal(`{resources_missing,[{not_found,${resource}}]}`)
    }
    if (target === null) return
    const args = tableFromPlain(binding.arguments)
    from?.type.validateBinding?.(binding.routing_key, args, { kind, type: target }, from.args)
  }

  /** One that is there or will be. */
  private findExchange(vhost: string, name: string): Pick<Exchange, 'type' | 'args'> | null {
    const existing = this.broker.vhosts.get(vhost)?.findExchange(name) ?? null
    if (existing !== null) return existing
    const brought = this.file.exchanges.find((item) => item.vhost === vhost && item.name === name)
    const predeclared = PREDECLARED.find(([predeclared]) => predeclared === name)?.[1]
    const type = exchangeTypes.get(brought?.type ?? predeclared ?? '')
    const args = brought === undefined ? EMPTY_TABLE : tableFromPlain(brought.arguments)
    return type === undefined ? null : { type, args }
  }

  /** Of a queue that is there or will be. */
  private kindOf(vhost: string, name: string): QueueKind | null {
    const existing = this.broker.vhosts.get(vhost)?.findQueue(name) ?? null
    if (existing !== null) return existing.type
    const brought = this.file.queues.find((item) => item.vhost === vhost && item.name === name)
    if (brought === undefined) return null
    return findQueueKind(declarationOf(brought, this.factsOf(vhost)).args)
  }
}

/** Errors: AmqpError. */
function checkQueue(item: QueueItem, facts: VHostFacts): void {
  const what = `queue '${item.name}' in vhost '${item.vhost}'`
  const declaration = declarationOf(item, facts)
  validateQueueArguments(declaration.args, what)
  checkQueueProperties(declaration, what)
}

/** Errors: Refusal. */
export function checkPattern(pattern: string): void {
  try {
    compileName(pattern)
  } catch (error) {
    if (!(error instanceof PatternInvalid)) throw error
    throw new Refusal(`invalid regular expression '${pattern}': ${error.tuple}`)
  }
}
