// Binding and unbinding, and what follows from it: records, the reverse index, exchanges that delete
// themselves when their last binding goes.
import { Binding, bindingKey } from '../exchanges/binding.ts'
import type { Destination } from '../exchanges/binding.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import { accessRefused } from '../protocol/errors.ts'
import type { FieldTable } from '../protocol/table.ts'
import type { Queue } from '../queues/queue.ts'
import type { Caller } from './caller.ts'
import { replayHistory } from './histories.ts'
import { bindingDefinition, bindingName, exchangeDefinition, removal } from './definitions.ts'
import { deduplicationOf } from './exchange-deduplication.ts'
import { applyToExchange } from './policy-changes.ts'
import type { VHost } from './vhost.ts'

export interface BindingRequest {
  readonly source: string
  readonly kind: Destination['kind']
  readonly destination: string
  readonly routingKey: string
  readonly args: FieldTable
}

/**
 * Errors: access-refused for the default exchange or without permission, not-found (the source first),
 * resource-locked, the type's own.
 */
export function bind(vhost: VHost, request: BindingRequest, caller: Caller): void {
  checkPermitted(vhost, request, caller)
  const source = vhost.getExchange(request.source)
  const destination = request.kind === 'queue'
    ? vhost.getQueue(request.destination, caller.owner) : vhost.getExchange(request.destination)
  source.type.validateBinding?.(request.routingKey, request.args, destination, source.args)
  addBinding(vhost, source, destination, request.routingKey, request.args)
}

/** A missing binding, queue or exchange is no error (RabbitMQ). Errors: access-refused, resource-locked. */
export function unbind(vhost: VHost, request: BindingRequest, caller: Caller): void {
  checkPermitted(vhost, request, caller)
  const source = vhost.findExchange(request.source)
  const key = bindingKey(request.kind, request.destination, request.routingKey, request.args)
  const binding = source?.bindings.get(key)
  if (binding === undefined) return
  if (binding.destination.kind === 'queue') vhost.checkOwner(binding.destination as Queue, caller.owner)
  removeBinding(vhost, binding)
  deleteIfLeft(vhost, source!)
}

/** From a definitions file, checked before: nothing to do when a queue that it leads to is not there. */
export function importBinding(vhost: VHost, request: BindingRequest): void {
  const source = vhost.getExchange(request.source)
  const destination = request.kind === 'queue'
    ? vhost.findQueue(request.destination) : vhost.getExchange(request.destination)
  if (destination !== null) addBinding(vhost, source, destination, request.routingKey, request.args)
}

/** At boot: a record read back. The source or destination may be gone from a file edited by hand. */
export function restoreBinding(vhost: VHost, request: BindingRequest): boolean {
  const source = vhost.findExchange(request.source)
  const destination = request.kind === 'queue'
    ? vhost.findQueue(request.destination) : vhost.findExchange(request.destination)
  if (source === null || destination === null) return false
  addTo(vhost, source, new Binding(source.name, destination, request.routingKey, request.args, true))
  return true
}

/**
 * A queue or an exchange is going: with it go all bindings that lead to it, and sources that have none left.
 */
export function removeBindingsTo(vhost: VHost, destination: Destination): void {
  const sources = new Set<Exchange>()
  for (const binding of vhost.inbound.get(destination) ?? []) {
    removeBinding(vhost, binding)
    const source = vhost.findExchange(binding.source)
    if (source !== null) sources.add(source)
  }
  vhost.inbound.delete(destination)
  for (const source of sources) deleteIfLeft(vhost, source)
}

/** Removes an exchange with the bindings from it and to it. */
export function removeExchange(vhost: VHost, exchange: Exchange): void {
  vhost.exchanges.delete(exchange.name)
  for (const binding of [...exchange.bindings.values()]) removeBinding(vhost, binding)
  removeBindingsTo(vhost, exchange)
  deduplicationOf(exchange)?.delete()
  vhost.exchangeDeleted(exchange.name)
  vhost.changed(exchange.flags.isDurable ? removal('exchange', exchange.name) : null)
}

/** A new exchange, known from now on. */
export function addExchange(vhost: VHost, exchange: Exchange): void {
  vhost.exchanges.set(exchange.name, exchange)
  applyToExchange(vhost, exchange)
  vhost.changed(exchange.flags.isDurable ? exchangeDefinition(exchange) : null)
}

function addBinding(
  vhost: VHost, source: Exchange, destination: Destination, routingKey: string, args: FieldTable,
): void {
  const isDurable = source.flags.isDurable && (destination as Exchange | Queue).flags.isDurable
  const binding = new Binding(source.name, destination, routingKey, args, isDurable)
  if (!addTo(vhost, source, binding)) return
  vhost.changed(isDurable ? bindingDefinition(binding) : null)
  const { history } = source.router
  if (history !== undefined) replayHistory(vhost, history, destination)
}

function addTo(vhost: VHost, source: Exchange, binding: Binding): boolean {
  if (!source.bind(binding)) return false
  let inbound = vhost.inbound.get(binding.destination)
  if (inbound === undefined) vhost.inbound.set(binding.destination, inbound = new Set())
  inbound.add(binding)
  return true
}

function removeBinding(vhost: VHost, binding: Binding): void {
  vhost.findExchange(binding.source)?.unbind(binding)
  vhost.inbound.get(binding.destination)?.delete(binding)
  vhost.changed(binding.isDurable ? removal('binding', bindingName(binding)) : null)
}

/**
 * An auto-delete exchange goes with its last binding as a source; being a destination does not keep it
 * (RabbitMQ).
 */
function deleteIfLeft(vhost: VHost, exchange: Exchange): void {
  const isThere = vhost.findExchange(exchange.name) === exchange
  if (isThere && exchange.flags.isAutoDelete && exchange.bindings.size === 0) removeExchange(vhost, exchange)
}

function refuseDefaultExchange(request: BindingRequest): void {
  if (request.source === '' || (request.kind === 'exchange' && request.destination === '')) {
    throw accessRefused('operation not permitted on the default exchange')
  }
}

/** Before anything is looked up, so that nobody learns what exists (RabbitMQ). */
function checkPermitted(vhost: VHost, request: BindingRequest, { access }: Caller): void {
  access.check('write', request.kind, request.destination)
  refuseDefaultExchange(request)
  access.check('read', 'exchange', request.source)
  const source = vhost.findExchange(request.source)
  if (source !== null) access.checkTopic('read', source, request.routingKey)
}
