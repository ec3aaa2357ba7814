// /api/exchanges: listing, declaring, deleting. `amq.default` in a path is the default exchange.
import { z } from 'zod'
import { deduplicationOf } from '../../broker/exchange-deduplication.ts'
import { declareExchange, deleteExchange } from '../../broker/exchange-declarations.ts'
import type { VHost } from '../../broker/vhost.ts'
import type { Exchange } from '../../exchanges/exchange.ts'
import { checkEntry, visibleVHosts } from '../access.ts'
import { json, listing, noContent, put } from '../answer.ts'
import type { Listing } from '../answer.ts'
import { describeDeduplication } from '../describe-queue.ts'
import { whenDefined } from '../durability.ts'
import { endpoint } from '../endpoint.ts'
import { noSuchObject } from '../errors.ts'
import { curveOf, curveQuery, messageStats, statKeys } from '../message-stats.ts'
import type { Curve, CurveQuery } from '../message-stats.ts'
import type { Door } from '../node-view.ts'
import { amqpArguments, looseBoolean, newName, queryFlag, text } from '../schemas.ts'
import { tableToObject } from '../table-as-json.ts'

interface PlacedExchange {
  readonly vhost: VHost
  readonly exchange: Exchange
}

function* exchangesIn(vhosts: Iterable<VHost>): IterableIterator<PlacedExchange> {
  for (const vhost of vhosts) for (const exchange of vhost.exchanges.values()) yield { vhost, exchange }
}

function describe({ sampler }: Door, { vhost, exchange }: PlacedExchange, curve: Curve | null): object {
  const { traffic, flags } = exchange
  const stats = messageStats(statKeys.exchange, traffic, sampler.historyOf(traffic), curve)
  return {
    name: exchange.name, vhost: vhost.name, type: exchange.type.name, durable: flags.isDurable,
    auto_delete: flags.isAutoDelete, internal: flags.isInternal, arguments: tableToObject(exchange.args),
    ...describeDeduplication(deduplicationOf(exchange), traffic),
    ...stats !== null && { message_stats: stats },
  }
}

function list(door: Door, vhosts: Iterable<VHost>, query: CurveQuery): Listing {
  const curve = curveOf(query, 'msg_rates')
  return listing(exchangesIn(vhosts), {
    name: ({ exchange }) => exchange.name, vhost: ({ vhost }) => vhost.name,
    show: (placed) => describe(door, placed, curve),
  })
}

/** Errors: HttpError 404. */
export function exchangeNamed(vhost: VHost, name: string): Exchange {
  const exchange = vhost.findExchange(name)
  if (exchange === null) throw noSuchObject()
  return exchange
}

export const exchangeEndpoints = [
  endpoint({
    method: 'GET', path: '/api/exchanges', access: 'management', list: 'paged', query: curveQuery,
    doc: 'Exchanges of the vhosts that the user may enter.',
    handle: ({ door, user, query }) => list(door, visibleVHosts(door.broker, user), query),
  }),
  endpoint({
    method: 'GET', path: '/api/exchanges/:vhost', access: 'management', list: 'paged', query: curveQuery,
    doc: 'Exchanges of one vhost.',
    handle: ({ door, vhost, query }) => list(door, [vhost], query),
  }),
  endpoint({
    method: 'GET', path: '/api/exchanges/:vhost/:exchange', access: 'management', query: curveQuery,
    doc: 'One exchange.',
    handle({ door, vhost, params, query }) {
      const exchange = exchangeNamed(vhost, params.exchange)
      // RabbitMQ fills these two only when it keeps statistics for each pair.
      const pairs = { incoming: [], outgoing: [] }
      return json({ ...describe(door, { vhost, exchange }, curveOf(query, 'msg_rates')), ...pairs })
    },
  }),
  endpoint({
    method: 'PUT', path: '/api/exchanges/:vhost/:exchange', access: 'management',
    body: z.object({
      type: text.default('direct'), durable: looseBoolean.default(false),
      auto_delete: looseBoolean.default(false), internal: looseBoolean.default(false),
      arguments: amqpArguments,
    }),
    doc: 'Declares an exchange: 201 when it is new, 204 when there is an equal one. Without a body it is a '
      + 'transient direct one.',
    async handle({ door, user, vhost, params, body }) {
      const caller = checkEntry(door.broker, user, vhost)
      const name = newName(params.exchange)
      const isNew = vhost.findExchange(name) === null
      const flags = { isDurable: body.durable, isAutoDelete: body.auto_delete, isInternal: body.internal }
      declareExchange(vhost, { name, type: body.type, flags, args: body.arguments }, caller)
      await whenDefined(vhost)
      return put(isNew)
    },
  }),
  endpoint({
    method: 'DELETE', path: '/api/exchanges/:vhost/:exchange', access: 'management',
    query: z.object({ 'if-unused': queryFlag }),
    doc: 'Deletes an exchange; with `if-unused=true` only when nothing is bound to it.',
    async handle({ door, user, vhost, params, query }) {
      const caller = checkEntry(door.broker, user, vhost)
      const { name } = exchangeNamed(vhost, params.exchange)
      deleteExchange(vhost, name, query['if-unused'], caller)
      await whenDefined(vhost)
      return noContent()
    },
  }),
]
