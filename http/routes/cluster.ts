// What concerns the broker as a whole and never changes while it runs: names, versions, features. There is
// one node; it is the cluster.
import { json } from '../answer.ts'
import { endpoint } from '../endpoint.ts'
import { noSuchObject } from '../errors.ts'
import { RABBITMQ_VERSION } from '../rabbitmq-version.ts'

export const clusterEndpoints = [
  endpoint({
    method: 'GET', path: '/api/cluster-name', access: 'management', doc: 'Name of the cluster: the node\'s.',
    handle: ({ door: { node } }) => json({ name: node.nodeName }),
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
