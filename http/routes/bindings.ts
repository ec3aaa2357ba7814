// Bindings in all their lists, and binding and unbinding. Every queue is bound to the default exchange by its
// name; those bindings are listed and can be neither made nor removed.
import { z } from 'zod'
import { bind, unbind } from '../../broker/bindings.ts'
import type { VHost } from '../../broker/vhost.ts'
import { Binding } from '../../exchanges/binding.ts'
import type { Exchange } from '../../exchanges/exchange.ts'
import { EMPTY_TABLE } from '../../protocol/table.ts'
import type { Queue } from '../../queues/queue.ts'
import { checkEntry, visibleVHosts } from '../access.ts'
import { created, json, listing, noContent } from '../answer.ts'
import type { Answer, Listing } from '../answer.ts'
import { propertiesKey } from '../binding-key.ts'
import { whenDefined } from '../durability.ts'
import { endpoint } from '../endpoint.ts'
import type { Endpoint } from '../endpoint.ts'
import { noSuchObject } from '../errors.ts'
import { amqpArguments, shortText } from '../schemas.ts'
import { tableToObject } from '../table-as-json.ts'
import { exchangeNamed } from './exchanges.ts'
import { queueNamed } from './queues.ts'

interface PlacedBinding {
  readonly vhost: VHost
  readonly binding: Binding
}

function describe({ vhost, binding }: PlacedBinding): object {
  return {
    source: binding.source, vhost: vhost.name, destination: binding.destination.name,
    destination_type: binding.destination.kind, routing_key: binding.routingKey,
    arguments: tableToObject(binding.args),
    properties_key: propertiesKey(binding.routingKey, binding.args),
  }
}

function list(vhost: VHost, bindings: Iterable<Binding>): Listing {
  return listAll([...bindings].map((binding) => ({ vhost, binding })))
}

/** In the order of source, destination and key. */
function listAll(bindings: readonly PlacedBinding[]): Listing {
  return listing(bindings, {
    name: ({ binding }) => `${binding.source}\0${binding.destination.name}\0${binding.routingKey}`,
    vhost: ({ vhost }) => vhost.name, show: describe,
  })
}

function implicit(queue: Queue): Binding {
  return new Binding('', queue, queue.name, EMPTY_TABLE, false)
}

function* bindingsFrom(vhost: VHost, source: Exchange): IterableIterator<Binding> {
  if (source === vhost.defaultExchange) for (const queue of vhost.queues.values()) yield implicit(queue)
  yield* source.bindings.values()
}

function* bindingsTo(vhost: VHost, destination: Queue | Exchange): IterableIterator<Binding> {
  if (destination.kind === 'queue') yield implicit(destination)
  yield* vhost.inbound.get(destination) ?? []
}

function bindingsBetween(vhost: VHost, source: string, kind: Binding['destination']['kind'], name: string) {
  const destination = kind === 'queue' ? vhost.findQueue(name) : vhost.findExchange(name)
  return destination === null ? []
    : [...bindingsTo(vhost, destination)].filter((binding) => binding.source === source)
}

const bindingBody = z.object({ routing_key: shortText.default(''), arguments: amqpArguments })

/** The same endpoints lead to queues, `q`, and to exchanges, `e`. */
function between(letter: 'q' | 'e', kind: Binding['destination']['kind']): Endpoint[] {
  const path = `/api/bindings/:vhost/e/:source/${letter}/:destination` as const
  const find = (vhost: VHost, { source, destination, props }: Record<'source' | 'destination' | 'props',
    string>,
  ): Binding => {
    const found = bindingsBetween(vhost, source, kind, destination)
      .find((binding) => propertiesKey(binding.routingKey, binding.args) === props)
    if (found === undefined) throw noSuchObject()
    return found
  }
  return [
    endpoint({
      method: 'GET', path, access: 'management', list: 'plain', doc: `Bindings of an exchange to ${kind}s.`,
      handle: ({ vhost, params }) =>
        list(vhost, bindingsBetween(vhost, params.source, kind, params.destination)),
    }),
    endpoint({
      method: 'POST', path, access: 'management', body: bindingBody,
      doc: 'Binds: 201, and 201 again for a binding that is there. `Location` ends in its `properties_key`.',
      async handle({ door, user, vhost, params, body }) {
        const caller = checkEntry(door.broker, user, vhost)
        const { source, destination } = params
        const { routing_key: routingKey, arguments: args } = body
        bind(vhost, { source, kind, destination, routingKey, args }, caller)
        await whenDefined(vhost)
        const key = encodeURIComponent(propertiesKey(routingKey, args))
        return created(`${encodeURIComponent(destination)}/${key}`)
      },
    }),
    endpoint({
      method: 'GET', path: `${path}/:props`, access: 'management',
      doc: 'One binding, by its `properties_key`, percent-encoded once more.',
      handle: ({ vhost, params }) => json(describe({ vhost, binding: find(vhost, params) })),
    }),
    endpoint({
      method: 'DELETE', path: `${path}/:props`, access: 'management', doc: 'Unbinds.',
      async handle({ door, user, vhost, params }): Promise<Answer> {
        const caller = checkEntry(door.broker, user, vhost)
        const { source, routingKey, args } = find(vhost, params)
        unbind(vhost, { source, kind, destination: params.destination, routingKey, args }, caller)
        await whenDefined(vhost)
        return noContent()
      },
    }),
  ]
}

function allOf(vhost: VHost): PlacedBinding[] {
  return [...vhost.exchanges.values()].flatMap((source) =>
    [...bindingsFrom(vhost, source)].map((binding) => ({ vhost, binding })))
}

export const bindingEndpoints = [
  endpoint({
    method: 'GET', path: '/api/bindings', access: 'management', list: 'plain',
    doc: 'Bindings of the vhosts that the user may enter.',
    handle: ({ door, user }) => listAll(visibleVHosts(door.broker, user).flatMap(allOf)),
  }),
  endpoint({
    method: 'GET', path: '/api/bindings/:vhost', access: 'management', list: 'plain',
    doc: 'Bindings of one vhost.',
    handle: ({ vhost }) => listAll(allOf(vhost)),
  }),
  endpoint({
    method: 'GET', path: '/api/queues/:vhost/:queue/bindings', access: 'management', list: 'plain',
    doc: 'Bindings to a queue.',
    handle: ({ vhost, params }) => list(vhost, bindingsTo(vhost, queueNamed(vhost, params.queue))),
  }),
  endpoint({
    method: 'GET', path: '/api/exchanges/:vhost/:exchange/bindings/source', access: 'management',
    list: 'plain', doc: 'Bindings from an exchange.',
    handle: ({ vhost, params }) => list(vhost, bindingsFrom(vhost, exchangeNamed(vhost, params.exchange))),
  }),
  endpoint({
    method: 'GET', path: '/api/exchanges/:vhost/:exchange/bindings/destination', access: 'management',
    list: 'plain', doc: 'Bindings to an exchange.',
    handle: ({ vhost, params }) => list(vhost, bindingsTo(vhost, exchangeNamed(vhost, params.exchange))),
  }),
  ...between('q', 'queue'),
  ...between('e', 'exchange'),
]
