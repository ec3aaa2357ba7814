// Everything about a definitions file that can be wrong, found before anything of it is made: against what is
// there and what the file itself brings. Texts are RabbitMQ's where it has one. Used by
// definitions-import.ts.
import type { Exchange } from '../exchanges/exchange.ts'
import type { ExchangeType } from '../exchanges/exchange-type.ts'
import { exchangeTypes } from '../exchanges/index.ts'
import { AmqpError } from '../protocol/errors.ts'
import { tableFromPlain } from '../protocol/table-plain.ts'
import { validateQueueArguments } from '../queues/settings.ts'
import { compileName } from './access.ts'
import type { Broker } from './broker.ts'
import type { BindingItem, DefinitionsFile, QueueItem } from './definitions-file.ts'
import { checkParameter, policyOf, userOf, vhostFactsOf } from './definitions-items.ts'
import { validateExchange } from './exchange-declarations.ts'
import { PatternInvalid } from './pattern.ts'
import { validatePolicy } from './policies.ts'
import { checkQueueProperties } from './queue-declarations.ts'
import { Refusal } from './refusal.ts'
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
    for (const item of file.topic_permissions) this.permission(item, [item.write, item.read])
    for (const { name, vhost, type, arguments: args } of file.exchanges) {
      const what = `exchange '${name}' in vhost '${vhost}'`
      this.item(vhost, () => validateExchange(type, tableFromPlain(args), what))
    }
    for (const item of file.policies) this.item(item.vhost, () => validatePolicy('policy', policyOf(item)))
    for (const item of file.parameters) this.item(item.vhost, () => checkParameter(item))
    for (const item of file.queues) this.item(item.vhost, () => checkQueue(item))
    for (const item of file.bindings) this.item(item.vhost, () => this.binding(item))
  }

  private permission({ user, vhost }: Named, patterns: readonly string[]): void {
    this.vhost(vhost)
    if (!this.broker.users.has(user) && !this.file.users.some(({ name }) => name === user)) {
      throw new Refusal(`{no_such_user,<<"${user}">>}`)
    }
    for (const pattern of patterns) checkPattern(pattern)
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

  /** A queue that is not there was an exclusive one, whose bindings RabbitMQ exports: no mistake. */
  private binding({ vhost, source, destination, destination_type: kind, ...binding }: BindingItem): void {
    const type = this.typeOf(vhost, source)
    const missing = type === null ? source
      : kind === 'exchange' && this.typeOf(vhost, destination) === null ? destination : null
    if (missing !== null) {
      const resource = `{resource,<<"${vhost}">>,exchange,<<"${missing}">>}`
      throw new Refusal(`{resources_missing,[{not_found,${resource}}]}`)
    }
    type?.validateBinding?.(binding.routing_key, tableFromPlain(binding.arguments), { kind })
  }

  /** Of an exchange that is there or will be. */
  private typeOf(vhost: string, name: string): ExchangeType | null {
    const existing: Exchange | null = this.broker.vhosts.get(vhost)?.findExchange(name) ?? null
    const brought = this.file.exchanges.find((item) => item.vhost === vhost && item.name === name)?.type
    const predeclared = PREDECLARED.find(([predeclared]) => predeclared === name)?.[1]
    return existing?.type ?? exchangeTypes.get(brought ?? predeclared ?? '') ?? null
  }
}

/** Errors: AmqpError. */
function checkQueue({ name, vhost, durable, auto_delete: isAutoDelete, arguments: plain }: QueueItem): void {
  const args = tableFromPlain(plain)
  const what = `queue '${name}' in vhost '${vhost}'`
  validateQueueArguments(args, what)
  checkQueueProperties({ name, isDurable: durable, isAutoDelete, isExclusive: false, args }, what)
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
