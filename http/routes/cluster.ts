// What concerns the broker as a whole: names, versions, features. There is one node; it is the cluster.
import { z } from 'zod'
import { CLUSTER_NAME } from '../../broker/broker.ts'
import { json, noContent } from '../answer.ts'
import { whenRecorded } from '../durability.ts'
import { endpoint } from '../endpoint.ts'
import { noSuchObject } from '../errors.ts'
import { RABBITMQ_VERSION } from '../rabbitmq-version.ts'
import { shortText } from '../schemas.ts'

export const clusterEndpoints = [
  endpoint({
    method: 'GET', path: '/api/cluster-name', access: 'management',
    doc: 'Name of the cluster: the node\'s until it was given one.',
    handle: ({ door: { broker } }) => json({ name: broker.clusterName }),
  }),
  endpoint({
    method: 'PUT', path: '/api/cluster-name', access: 'administrator', body: z.object({ name: shortText }),
    doc: 'Names it, up to 255 bytes: here, in the overview, to clients that connect and in definitions. It '
      + 'is the global parameter `cluster_name`; without that the node\'s name counts again.',
    async handle({ door: { broker }, body }) {
      broker.putGlobalParameter(CLUSTER_NAME, body.name)
      await whenRecorded(broker.records)
      return noContent()
    },
  }),
  endpoint({
    method: 'POST', path: '/api/rebalance/queues', access: 'administrator',
    doc: 'RabbitMQ spreads queues over its nodes. There is one: 204, and nothing moves.',
    handle: () => noContent(),
  }),
  endpoint({
    method: 'GET', path: '/api/version', access: 'anonymous',
    doc: 'The version of RabbitMQ whose API this is, as a JSON text.',
    handle: () => ({
      status: 200, body: JSON.stringify(RABBITMQ_VERSION), contentType: 'application/json', headers: {},
    }),
  }),
  endpoint({
    method: 'GET', path: '/api/extensions', access: 'management', list: 'plain',
    doc: 'Scripts for RabbitMQ\'s pages: none.',
    handle: () => json([]),
  }),
  endpoint({
    method: 'GET', path: '/api/feature-flags', access: 'management', list: 'plain',
    doc: 'RabbitMQ\'s switches for upgrading a cluster node by node: none.',
    handle: () => json([]),
  }),
  endpoint({
    method: 'GET', path: '/api/deprecated-features', access: 'management', list: 'plain',
    doc: 'Features that are about to be removed: none.',
    handle: () => json([]),
  }),
  endpoint({
    method: 'GET', path: '/api/deprecated-features/used', access: 'management', list: 'plain',
    doc: 'Those in use: none.',
    handle: () => json([]),
  }),
  endpoint({
    method: 'GET', path: '/api/aliveness-test/:vhost', access: 'management',
    doc: 'RabbitMQ\'s old check: `{"status":"ok"}` for a vhost that is there.',
    handle: () => json({ status: 'ok' }),
  }),
  endpoint({
    method: 'GET', path: '/api/healthchecks/node', access: 'management',
    doc: 'RabbitMQ\'s old check: `{"status":"ok"}`.',
    handle: () => json({ status: 'ok' }),
  }),
  endpoint({
    method: 'GET', path: '/api/healthchecks/node/:node', access: 'management',
    doc: 'The same of a node by its name.',
    handle({ door: { node }, params }) {
      if (params.node !== node.nodeName) throw noSuchObject()
      return json({ status: 'ok' })
    },
  }),
]
