// exchange.declare and exchange.delete, with the checks in RabbitMQ's order and words (behaviours §3.2,
// §3.3).
import { Exchange } from '../exchanges/exchange.ts'
import type { ExchangeFlags } from '../exchanges/exchange.ts'
import type { ExchangeType } from '../exchanges/exchange-type.ts'
import { exchangeTypes } from '../exchanges/index.ts'
import { validateExchangeDeduplication } from '../exchanges/message-deduplication.ts'
import { accessRefused, preconditionFailed } from '../protocol/errors.ts'
import { FIELD_TYPE_NAMES } from '../protocol/table.ts'
import type { FieldTable } from '../protocol/table.ts'
import { describeDifference } from '../queues/argument-difference.ts'
import { addExchange, removeExchange } from './bindings.ts'
import type { Caller } from './caller.ts'
import { equipExchange } from './exchange-deduplication.ts'
import type { VHost } from './vhost.ts'

export interface ExchangeDeclaration {
  readonly name: string
  readonly type: string
  readonly flags: ExchangeFlags
  readonly args: FieldTable
}

/** Passive: only asks whether it is there. Errors: access-refused, not-found. */
export function checkExchange(vhost: VHost, name: string, { access }: Caller): void {
  refuseDefaultExchange(name)
  access.checkAny('exchange', name)
  vhost.getExchange(name)
}

/**
 * Errors: precondition-failed for a type unknown or properties that differ, access-refused for reserved
 * names.
 */
export function declareExchange(vhost: VHost, declaration: ExchangeDeclaration, { access }: Caller): void {
  findType(declaration.type)
  refuseDefaultExchange(declaration.name)
  access.check('configure', 'exchange', declaration.name)
  const existing = vhost.findExchange(declaration.name)
  if (existing !== null) return checkEquivalent(vhost, existing, declaration)
  if (declaration.name.startsWith('amq.')) {
    throw accessRefused(`exchange name '${declaration.name}' contains reserved prefix 'amq.*'`)
  }
  const alternate = alternateOf(declaration.args, vhost.describeExchange(declaration.name))
  if (alternate !== null) {
    access.check('read', 'exchange', declaration.name)
    access.check('write', 'exchange', alternate)
  }
  createExchange(vhost, declaration)
}

/** A new one, whatever its name. Errors: as validateExchange. */
export function createExchange(vhost: VHost, declaration: ExchangeDeclaration): void {
  const { name, flags, args } = declaration
  const type = validateExchange(declaration.type, args, vhost.describeExchange(name))
  const exchange = new Exchange(name, type, flags, args, vhost.random)
  equipExchange(exchange, vhost.queueParts, vhost.newId)
  addExchange(vhost, exchange)
}

/** `what` is `exchange 'x' in vhost 'v'`. Errors: precondition-failed for type or arguments. */
export function validateExchange(typeName: string, args: FieldTable, what: string): ExchangeType {
  const type = findType(typeName)
  alternateOf(args, what)
  type.validate?.(args, what)
  validateExchangeDeduplication(type, args)
  return type
}

function findType(name: string): ExchangeType {
  const type = exchangeTypes.get(name)
  if (type === undefined) throw preconditionFailed(`unknown exchange type '${name}'`)
  return type
}

function alternateOf(args: FieldTable, what: string): string | null {
  const alternate = args.get('alternate-exchange')
  if (alternate === undefined) return null
  if (alternate.tag === 'S') return alternate.value
  const type = FIELD_TYPE_NAMES[alternate.tag]
  throw preconditionFailed(`invalid type '${type}' for arg 'alternate-exchange' in ${what}`)
}

/** A missing exchange is no error (RabbitMQ). Errors: access-refused, precondition-failed when in use. */
export function deleteExchange(vhost: VHost, name: string, ifUnused: boolean, { access }: Caller): void {
  refuseDefaultExchange(name)
  if (name.startsWith('amq.')) {
    throw accessRefused(`deletion of system ${vhost.describeExchange(name)} not allowed`)
  }
  access.check('configure', 'exchange', name)
  const exchange = vhost.findExchange(name)
  if (exchange === null) return
  if (ifUnused && exchange.bindings.size > 0) {
    throw preconditionFailed(`${vhost.describeExchange(name)} in use`)
  }
  removeExchange(vhost, exchange)
}

function checkEquivalent(vhost: VHost, current: Exchange, declaration: ExchangeDeclaration): void {
  const { flags } = declaration
  const pairs: readonly (readonly [string, string | boolean, string | boolean])[] = [
    ['type', printAtom(current.type.name), printAtom(declaration.type)],
    ['durable', current.flags.isDurable, flags.isDurable],
    ['auto_delete', current.flags.isAutoDelete, flags.isAutoDelete],
    ['internal', current.flags.isInternal, flags.isInternal],
  ]
  const fail = (name: string, difference: string): never => {
    throw preconditionFailed(
      `inequivalent arg '${name}' for ${vhost.describeExchange(current.name)}: ${difference}`)
  }
  for (const [name, has, wants] of pairs) {
    if (has !== wants) fail(name, `received '${String(wants)}' but current is '${String(has)}'`)
  }
  const name = 'alternate-exchange'
  const difference = describeDifference(current.args.get(name), declaration.args.get(name))
  if (difference !== null) fail(name, difference)
}

/** RabbitMQ's types are atoms, which it quotes when there is more than letters in them. */
function printAtom(type: string): string {
  return /^[a-z][a-zA-Z0-9_@]*$/.test(type) ? type : `'${type}'`
}

function refuseDefaultExchange(name: string): void {
  if (name === '') throw accessRefused('operation not permitted on the default exchange')
}
