// What an exchange type owes: a name, a router, and optional checks. One type per file, one line in index.ts,
// and exchange.contract.ts holds them all to the same promises.
import type { Random } from '../base/random.ts'
import type { FieldTable } from '../protocol/table.ts'
import type { Binding, Destination } from './binding.ts'
import type { History } from './history.ts'
import type { RouteSet } from './route-set.ts'

/** What a type may ask of what is to be bound to it. */
export interface BindingTarget {
  readonly kind: Destination['kind']
  /** Of the queue or of the exchange. */
  readonly type: { readonly name: string }
}

export interface ExchangeType {
  readonly name: string
  /** `args` have passed `validate`. */
  createRouter(args: FieldTable, random: Random): Router
  /** One with these arguments lets a message pass once; not given: only where they say so for any type. */
  deduplicates?(args: FieldTable): boolean
  /** `what` names the exchange. Errors: AmqpError precondition-failed for arguments the type cannot take. */
  validate?(args: FieldTable, what: string): void
  /**
   * `exchangeArgs` are those of the exchange. Errors: AmqpError precondition-failed for a binding that the
   * type cannot take.
   */
  validateBinding?(
    routingKey: string, args: FieldTable, target: BindingTarget, exchangeArgs: FieldTable,
  ): void
}

/** Properties that a message may be routed by. */
export type RoutedProperty = 'correlation_id' | 'message_id' | 'timestamp'

/** What a router may ask of the message, decoded when it does. */
export interface HeaderSource {
  decodeHeaders(): FieldTable | null
  /** As text; null when the message has none. */
  property(name: RoutedProperty): string | null
}

export interface Router {
  /**
   * True: a key goes the same way until the bindings change, so its route may be remembered by exchange and
   * key.
   */
  readonly isRepeatable: boolean
  /**
   * True: asked with every key of a message (CC, BCC). False: asked with the first, because one answer is all
   * that a message gets.
   */
  readonly takesEveryKey: boolean
  /** Messages that later bindings are to get, too. */
  readonly history?: History
  /** Called once per binding identity. */
  bind(binding: Binding): void
  unbind(binding: Binding): void
  /** Adds every destination that a message with this key and these headers goes to. */
  route(routingKey: string, headers: HeaderSource, out: RouteSet): void
}
