// /api/connections and /api/vhosts/V/connections: who is connected, and closing them.
import { connectionName } from '../../broker/connection-view.ts'
import type { ConnectionView } from '../../broker/connection-view.ts'
import { connectionForced } from '../../protocol/errors.ts'
import { isAdministrator, ownConnection, visibleConnections } from '../access.ts'
import { json, listing, noContent } from '../answer.ts'
import type { Listing } from '../answer.ts'
import { channelName, channelsOf, describeChannel, describeConnection } from '../describe-connection.ts'
import { endpoint } from '../endpoint.ts'
import { notAuthorised } from '../errors.ts'
import { curveOf, curveQuery } from '../message-stats.ts'
import type { CurveQuery } from '../message-stats.ts'
import type { Door } from '../node-view.ts'

const REASON_LENGTH_MAX = 200

function list(door: Door, connections: readonly ConnectionView[], query: CurveQuery): Listing {
  const curve = curveOf(query, 'data_rates')
  return listing(connections, {
    name: connectionName, vhost: (connection) => connection.vhost!.name,
    show: (connection) => describeConnection(door, connection, curve, null),
  })
}

/** What the client is told: the text of an `X-Reason` header, in one line. */
function reasonOf(headers: Readonly<Record<string, string | string[] | undefined>>): string {
  const given = headers['x-reason']
  const text = typeof given === 'string' && given !== '' ? given : 'Closed via management plugin'
  return text.slice(0, REASON_LENGTH_MAX)
}

export const connectionEndpoints = [
  endpoint({
    method: 'GET', path: '/api/connections', access: 'management', list: 'paged', query: curveQuery,
    doc: 'Open connections: the user\'s own, and everybody\'s for who monitors.',
    handle: ({ door, user, query }) => list(door, visibleConnections(door.broker, user), query),
  }),
  endpoint({
    method: 'GET', path: '/api/vhosts/:vhost/connections', access: 'management', list: 'paged',
    query: curveQuery,
    doc: 'Those of one vhost.',
    handle: ({ door, user, vhost, query }) =>
      list(door, visibleConnections(door.broker, user).filter((each) => each.vhost === vhost), query),
  }),
  endpoint({
    method: 'GET', path: '/api/connections/:connection', access: 'management', query: curveQuery,
    doc: 'One connection by its name, `PEER:PORT -> HOST:PORT`.',
    handle({ door, user, params, query }) {
      const connection = ownConnection(door.broker, user, params.connection, true)
      return json(describeConnection(door, connection, curveOf(query, 'data_rates'), ''))
    },
  }),
  endpoint({
    method: 'DELETE', path: '/api/connections/:connection', access: 'management',
    doc: 'Closes it with 320 and the text of `X-Reason`; somebody else\'s only for administrators.',
    handle({ door, user, params, headers }) {
      ownConnection(door.broker, user, params.connection,
        false).forceClose(connectionForced(reasonOf(headers)))
      return noContent()
    },
  }),
  endpoint({
    method: 'GET', path: '/api/connections/username/:user', access: 'management', list: 'plain',
    doc: 'Connections of one user, in short; none of a user who is not there.',
    handle: ({ door, user, params }) => listing(
      visibleConnections(door.broker, user).filter((each) => each.user?.name === params.user), {
        name: connectionName, vhost: (each) => each.vhost!.name,
        show: (each) => ({
          name: connectionName(each), vhost: each.vhost!.name, user: params.user, node: door.node.nodeName,
        }),
      }),
  }),
  endpoint({
    method: 'DELETE', path: '/api/connections/username/:user', access: 'management',
    doc: 'Closes all of a user; somebody else\'s only for administrators.',
    handle({ door, user, params, headers }) {
      if (user.name !== params.user && !isAdministrator(user)) {
        throw notAuthorised('User not authorised to access object')
      }
      for (const connection of [...door.broker.connections]) {
        if (connection.user?.name === params.user) connection.forceClose(connectionForced(reasonOf(headers)))
      }
      return noContent()
    },
  }),
  endpoint({
    method: 'GET', path: '/api/connections/:connection/channels', access: 'management', list: 'plain',
    query: curveQuery,
    doc: 'Channels of one connection.',
    handle({ door, user, params, query }) {
      const connection = ownConnection(door.broker, user, params.connection, true)
      const curve = curveOf(query, 'msg_rates')
      return listing(channelsOf([connection]), {
        name: channelName, vhost: () => '', show: (placed) => describeChannel(door, placed, curve),
      })
    },
  }),
]
