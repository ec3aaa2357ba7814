// /api/vhosts: to read, make, change and delete vhosts, and to protect them. What was done in one is counted
// by itself, so that it survives the queues, channels and connections that did it.
import { z } from 'zod'
import { EVERYTHING } from '../../broker/access.ts'
import type { Broker } from '../../broker/broker.ts'
import { describeMetadata } from '../../broker/definitions-export.ts'
import { Refusal } from '../../broker/refusal.ts'
import type { User } from '../../broker/users.ts'
import { NEW_VHOST, readDefaultQueueType } from '../../broker/vhost-facts.ts'
import type { VHost } from '../../broker/vhost.ts'
import { isMonitor, visibleVHosts } from '../access.ts'
import { json, listing, noContent, put } from '../answer.ts'
import { whenRecorded } from '../durability.ts'
import { endpoint } from '../endpoint.ts'
import { badRequest, noSuchObject } from '../errors.ts'
import { curveOf, curveQuery, messageStats, statKeys, withDetails } from '../message-stats.ts'
import type { CurveQuery } from '../message-stats.ts'
import type { Door } from '../node-view.ts'
import { looseBoolean, newName, tagList, text } from '../schemas.ts'

function describe({ node, sampler }: Door, vhost: VHost, query: CurveQuery): object {
  const { traffic, facts } = vhost
  const history = sampler.historyOf(traffic)
  const metadata = describeMetadata(facts)
  const stats = messageStats(statKeys.channel, traffic, history, curveOf(query, 'msg_rates'))
  return {
    name: vhost.name, ...metadata, tracing: false, protected_from_deletion: facts.isProtected, metadata,
    cluster_state: { [node.nodeName]: 'running' },
    ...withDetails(statKeys.lengths, vhost.countMessages(), history, curveOf(query, 'lengths')),
    ...messageStats(statKeys.bytes, traffic, history, curveOf(query, 'data_rates')),
    ...stats !== null && { message_stats: stats },
  }
}

/** RabbitMQ: who monitors sees every vhost in the list, though not what is inside. */
function listed(broker: Broker, user: User): VHost[] {
  return isMonitor(user) ? [...broker.vhosts.values()] : visibleVHosts(broker, user)
}

export const vhostEndpoints = [
  endpoint({
    method: 'GET', path: '/api/vhosts', access: 'management', list: 'paged', query: curveQuery,
    doc: 'Vhosts that the user may enter; all of them for who monitors. `message_stats` is what channels '
      + 'did in it, those that are closed too; `recv_oct` and `send_oct` are the bytes of connections.',
    handle: ({ door, user, query }) => listing(listed(door.broker, user), {
      name: (vhost) => vhost.name, vhost: () => '', show: (vhost) => describe(door, vhost, query),
    }),
  }),
  endpoint({
    method: 'GET', path: '/api/vhosts/:name', access: 'administrator', query: curveQuery, doc: 'One vhost.',
    handle: ({ door, params, query }) => json(describe(door, vhostNamed(door.broker, params.name), query)),
  }),
  endpoint({
    method: 'PUT', path: '/api/vhosts/:name', access: 'administrator',
    body: z.object({
      description: text.default(''), tags: tagList.default([]), default_queue_type: text.nullish(),
      tracing: looseBoolean.default(false),
    }),
    doc: 'Makes a vhost, in which the user who asks gets every permission, or describes it anew. '
      + '`default_queue_type`, classic or quorum, is what queues are that are declared without x-queue-type.',
    async handle({ door, user, params, body }) {
      const defaultQueueType = readDefaultQueueType(body.default_queue_type)
      if (body.tracing) throw badRequest('tracing is not built yet')
      const { broker } = door
      const name = newName(params.name)
      const facts = broker.vhosts.get(name)?.facts ?? NEW_VHOST
      const { description, tags } = body
      const isNew = await door.vhosts.put(name, { ...facts, description, tags, defaultQueueType })
      if (isNew) broker.access.permit(user.name, name, EVERYTHING)
      await whenRecorded(broker.records)
      return put(isNew)
    },
  }),
  endpoint({
    method: 'DELETE', path: '/api/vhosts/:name', access: 'administrator',
    doc: 'Deletes a vhost with everything in it; its connections are closed. 412 when it is protected.',
    async handle({ door, params }) {
      const { facts } = vhostNamed(door.broker, params.name)
      if (facts.isProtected) {
        throw new Refusal(`Cannot delete virtual host '${params.name}': it is protected from deletion`,
          'precondition_failed')
      }
      await door.vhosts.delete(params.name)
      return noContent()
    },
  }),
  endpoint({
    method: 'POST', path: '/api/vhosts/:name/start/:node', access: 'administrator',
    doc: 'RabbitMQ starts a vhost that has failed on a node. Here all of them run: 204.',
    handle({ door: { broker, node }, params }) {
      if (params.node !== node.nodeName) throw badRequest(`Unknown node: ${params.node}`)
      if (!broker.vhosts.has(params.name)) throw badRequest(`no vhost '${params.name}'`)
      return noContent()
    },
  }),
  ...(['POST', 'DELETE'] as const).map((method) => endpoint({
    method, path: '/api/vhosts/:name/deletion/protection', access: 'administrator',
    doc: method === 'POST' ? 'Protects a vhost from being deleted.' : 'Ends the protection.',
    async handle({ door, params }) {
      const { facts } = vhostNamed(door.broker, params.name)
      await door.vhosts.put(params.name, { ...facts, isProtected: method === 'POST' })
      return noContent()
    },
  })),
]

/** Errors: HttpError 404. */
function vhostNamed(broker: Broker, name: string): VHost {
  const vhost = broker.vhosts.get(name)
  if (vhost === undefined) throw noSuchObject()
  return vhost
}
