// Health checks under /api/health/checks, in RabbitMQ's shapes: 200 with a status, or 503 with a reason.
import type { Broker } from '../../broker/broker.ts'
import { json } from '../answer.ts'
import type { Answer } from '../answer.ts'
import { endpoint } from '../endpoint.ts'
import type { Access, Endpoint } from '../endpoint.ts'
import { badRequest } from '../errors.ts'
import type { NodeView } from '../node-view.ts'

const root = '/api/health/checks'
/** Other names for the protocols of listeners that RabbitMQ takes. */
const protocolNames: Readonly<Record<string, string>> = { amqp091: 'amqp', 'amqp0.9.1': 'amqp' }
const timeUnits = ['days', 'weeks', 'months', 'years']

const ok = (fields: object = {}): Answer => json({ status: 'ok', ...fields })
const failed = (reason: string, fields: object = {}): Answer => json({ status: 'failed', reason, ...fields },
  503)

function inService(node: NodeView): Answer {
  return node.isReady() ? ok()
    : failed('this node does not accept AMQP connections: it is starting or stopping')
}

function belowConnectionLimit({ limits, connections }: Broker): Answer {
  const { connectionMax } = limits
  return connectionMax === 0 || connections.size < connectionMax ? ok()
    : failed('node connection limit is reached')
}

/** Checks of what cannot fail with one node, or is always so when anything is answered. */
function always(name: string, access: Access, doc: string, fields: object = {}): Endpoint {
  return endpoint({ method: 'GET', path: `${root}/${name}`, access, doc, handle: () => ok(fields) })
}

function alarms(name: string, reason: string): Endpoint {
  return endpoint({
    method: 'GET', path: `${root}/${name}`, access: 'management',
    doc: 'Whether publishers are blocked for want of memory or disk space.',
    handle({ door: { broker: { alarms: { isMemoryLow, isDiskLow } }, node } }) {
      const low = [...isMemoryLow ? ['memory'] : [], ...isDiskLow ? ['disk space'] : []]
      return low.length === 0 ? ok()
        : failed(reason, { alarms: low.map((resource) => ({ node: node.nodeName, resource })) })
    },
  })
}

export const healthEndpoints = [
  endpoint({
    method: 'GET', path: `${root}/ready-to-serve-clients`, access: 'anonymous',
    doc: '200 `{"status":"ok"}` once AMQP clients can connect, else 503 `{"status":"failed","reason":…}`. '
      + 'The readiness probe for containers.',
    handle: ({ door: { node, broker } }) =>
      (node.isReady() ? belowConnectionLimit(broker) : inService(node)),
  }),
  endpoint({
    method: 'GET', path: `${root}/is-in-service`, access: 'anonymous',
    doc: 'As ready-to-serve-clients, whatever the number of connections.',
    handle: ({ door: { node } }) => inService(node),
  }),
  endpoint({
    method: 'GET', path: `${root}/below-node-connection-limit`, access: 'anonymous',
    doc: 'Whether one more connection is within `connection-max`.',
    handle: ({ door: { broker } }) => belowConnectionLimit(broker),
  }),
  always('reached-target-cluster-size', 'anonymous', 'There is one node, as there is to be.'),
  alarms('alarms', 'There are alarms in effect in the cluster'),
  alarms('local-alarms', 'There are alarms in effect on the node'),
  always('virtual-hosts', 'management', 'Every vhost is up.'),
  always('node-is-quorum-critical', 'management', 'There is one node.', { reason: 'single node cluster' }),
  always('metadata-store/initialized', 'management', 'It was read before anything is answered.'),
  always('metadata-store/initialized/with-data', 'management', 'It was read before anything is answered.'),
  always('quorum-queues-without-elected-leaders/all-vhosts', 'management',
    'Every queue is led by this node.'),
  always('quorum-queues-without-elected-leaders/vhost/:vhost', 'management',
    'Every queue is led by this node.'),
  endpoint({
    method: 'GET', path: `${root}/port-listener/:port`, access: 'management',
    doc: 'Whether something listens on a port.',
    handle({ door: { node }, params }) {
      if (!/^\d{1,9}$/.test(params.port)) throw badRequest('Invalid port')
      const port = Number(params.port)
      const ports = node.listeners().map((listener) => listener.port)
      return ports.includes(port) ? ok({ port }) : failed('No active listener', { missing: port, ports })
    },
  }),
  endpoint({
    method: 'GET', path: `${root}/protocol-listener/:protocols`, access: 'management',
    doc: 'Whether something listens for one of the protocols, with commas between them: amqp, http, …',
    handle({ door: { node }, params }) {
      const protocols = node.listeners().map(({ protocol }) => protocol)
      const missing = params.protocols.split(',').filter((name) =>
        !protocols.includes(protocolNames[name] ?? name))
      return missing.length === 0 ? ok({ protocols }) : failed('No active listener', { missing, protocols })
    },
  }),
  endpoint({
    method: 'GET', path: `${root}/certificate-expiration/:within/:unit`, access: 'management',
    doc: 'There is no certificate that could expire.',
    handle({ params }) {
      if (!/^\d+$/.test(params.within)) throw badRequest('Invalid expiration period')
      if (timeUnits.includes(params.unit)) return ok()
      throw badRequest('Time unit not recognised. Supported units: days, weeks, months, years.')
    },
  }),
]
