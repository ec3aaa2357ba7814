// What an exchange type owes: a name, a router, and optional checks. One type per file, one line in index.ts,
// and exchange.contract.ts holds them all to the same promises.
import type { FieldTable } from '../protocol/table.ts'
import type { Binding } from './binding.ts'
import type { RouteSet } from './route-set.ts'

export interface ExchangeType {
  readonly name: string
  /**
   * True: where a message goes depends on its headers, so a route may not be remembered by exchange and key.
   */
  readonly readsHeaders: boolean
  createRouter(args: FieldTable): Router
  /** Errors: AmqpError precondition-failed for a binding that the type cannot take. */
  validateBinding?(routingKey: string, args: FieldTable): void
}

/** The headers of the message being routed, decoded when a router asks. */
export interface HeaderSource {
  decodeHeaders(): FieldTable | null
}

export interface Router {
  /** Called once per binding identity. */
  bind(binding: Binding): void
  unbind(binding: Binding): void
  /** Adds every destination that a message with this key and these headers goes to. */
  route(routingKey: string, headers: HeaderSource, out: RouteSet): void
}
