// /api/queues: listing, declaring, deleting. What is in them is messages.ts.
import { z } from 'zod'
import { declareQueue, deleteQueue } from '../../broker/queue-declarations.ts'
import type { VHost } from '../../broker/vhost.ts'
import type { Queue } from '../../queues/queue.ts'
import { checkEntry, visibleVHosts } from '../access.ts'
import { json, listing, noContent, put } from '../answer.ts'
import type { Listing } from '../answer.ts'
import {
  describeQueue, describeQueueBriefly, describeQueueInDetail, describeQueueWhole, queueCurves,
} from '../describe-queue.ts'
import type { PlacedQueue } from '../describe-queue.ts'
import { whenDefined } from '../durability.ts'
import { endpoint } from '../endpoint.ts'
import { badRequest, noSuchObject } from '../errors.ts'
import { curveQuery } from '../message-stats.ts'
import type { Door } from '../node-view.ts'
import { amqpArguments, looseBoolean, newName, queryFlag, text } from '../schemas.ts'

const listQuery = curveQuery.extend({ disable_stats: queryFlag, enable_queue_totals: queryFlag })
type ListQuery = z.infer<typeof listQuery>

function* queuesIn(vhosts: Iterable<VHost>): IterableIterator<PlacedQueue> {
  for (const vhost of vhosts) for (const queue of vhost.queues.values()) yield { vhost, queue }
}

function list(door: Door, vhosts: Iterable<VHost>, query: ListQuery): Listing {
  const curves = queueCurves(query)
  return listing(queuesIn(vhosts), {
    name: ({ queue }) => queue.name, vhost: ({ vhost }) => vhost.name,
    show: (placed) => (query.disable_stats
      ? describeQueueBriefly(door, placed, query.enable_queue_totals) : describeQueue(door, placed, curves)),
  })
}

/** Errors: HttpError 404. */
export function queueNamed(vhost: VHost, name: string): Queue {
  const queue = vhost.findQueue(name)
  if (queue === null) throw noSuchObject()
  return queue
}

export const queueEndpoints = [
  endpoint({
    method: 'GET', path: '/api/queues', access: 'management', list: 'paged', query: listQuery,
    doc: 'Queues of the vhosts that the user may enter. `disable_stats=true` leaves out everything counted, '
      + '`enable_queue_totals=true` then adds the lengths.',
    handle: ({ door, user, query }) => list(door, visibleVHosts(door.broker, user), query),
  }),
  endpoint({
    method: 'GET', path: '/api/queues/detailed', access: 'management', list: 'paged', query: listQuery,
    doc: 'The same with the fields of a queue\'s own page, but for its consumers.',
    handle({ door, user, query }) {
      const curves = queueCurves(query)
      return {
        ...list(door, visibleVHosts(door.broker, user), query),
        show: (placed) => describeQueueInDetail(door, placed as PlacedQueue, curves),
      }
    },
  }),
  endpoint({
    method: 'GET', path: '/api/queues/:vhost', access: 'management', list: 'paged', query: listQuery,
    doc: 'Queues of one vhost.',
    handle: ({ door, vhost, query }) => list(door, [vhost], query),
  }),
  endpoint({
    method: 'GET', path: '/api/queues/:vhost/:queue', access: 'management', query: curveQuery,
    doc: 'One queue, with its consumers.',
    handle({ door, vhost, params, query }) {
      const queue = queueNamed(vhost, params.queue)
      return json(describeQueueWhole(door, { vhost, queue }, queueCurves(query)))
    },
  }),
  endpoint({
    method: 'PUT', path: '/api/queues/:vhost/:queue', access: 'management',
    body: z.object({
      durable: looseBoolean.default(false), auto_delete: looseBoolean.default(false),
      arguments: amqpArguments, node: text.optional(),
    }),
    doc: 'Declares a queue: 201 when it is new, 204 when there is an equal one. `durable` is false when it '
      + 'is not given; the type is `arguments["x-queue-type"]`.',
    async handle({ door, user, vhost, params, body }) {
      const { broker, node } = door
      const caller = checkEntry(broker, user, vhost)
      const name = newName(params.queue)
      if (body.node !== undefined && body.node !== node.nodeName) {
        throw badRequest(`Node ${body.node.slice(0, 100)} is not a cluster member`)
      }
      const isNew = vhost.findQueue(name) === null
      declareQueue(vhost, {
        name, isDurable: body.durable, isExclusive: false, isAutoDelete: body.auto_delete,
          args: body.arguments,
      }, caller, false, () => broker.newQueueId()).used()
      broker.counters.queuesDeclared++
      await whenDefined(vhost)
      return put(isNew)
    },
  }),
  endpoint({
    method: 'DELETE', path: '/api/queues/:vhost/:queue', access: 'management',
    query: z.object({ 'if-empty': queryFlag, 'if-unused': queryFlag }),
    doc: 'Deletes a queue with its messages; with `if-empty=true` or `if-unused=true` only when it is.',
    async handle({ door, user, vhost, params, query }) {
      const caller = checkEntry(door.broker, user, vhost)
      const { name } = queueNamed(vhost, params.queue)
      deleteQueue(vhost, name, caller, query['if-unused'], query['if-empty'])
      await whenDefined(vhost)
      return noContent()
    },
  }),
  endpoint({
    method: 'POST', path: '/api/queues/:vhost/:queue/actions', access: 'administrator',
    doc: 'Nothing: the mirrors that RabbitMQ 3 synchronised with it are no more. Always 400, as there.',
    handle({ vhost, params }) {
      queueNamed(vhost, params.queue)
      throw badRequest('unknown')
    },
  }),
]

