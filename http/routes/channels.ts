// /api/channels, /api/vhosts/V/channels and /api/consumers.
import { isMonitor, visibleConnections, visibleVHosts } from '../access.ts'
import { json, listing } from '../answer.ts'
import type { Listing } from '../answer.ts'
import {
  channelName, channelsOf, consumersOf, describeChannel, describeConsumer,
} from '../describe-connection.ts'
import type { PlacedChannel, PlacedConsumer } from '../describe-connection.ts'
import { endpoint } from '../endpoint.ts'
import { noSuchObject } from '../errors.ts'
import { curveOf, curveQuery } from '../message-stats.ts'
import type { CurveQuery } from '../message-stats.ts'
import type { Door } from '../node-view.ts'

function listChannels(door: Door, channels: Iterable<PlacedChannel>, query: CurveQuery): Listing {
  const curve = curveOf(query, 'msg_rates')
  return listing(channels, {
    name: channelName, vhost: ({ channel }) => channel.vhost.name,
    show: (placed) => describeChannel(door, placed, curve),
  })
}

function listConsumers(door: Door, consumers: Iterable<PlacedConsumer>): Listing {
  return listing(consumers, {
    name: ({ consumer }) => consumer.queue.name, vhost: ({ channel }) => channel.vhost.name,
    show: (placed) => describeConsumer(door, placed),
  })
}

export const channelEndpoints = [
  endpoint({
    method: 'GET', path: '/api/channels', access: 'management', list: 'paged', query: curveQuery,
    doc: 'Open channels: the user\'s own, and everybody\'s for who monitors.',
    handle: ({ door, user, query }) =>
      listChannels(door, channelsOf(visibleConnections(door.broker, user)), query),
  }),
  endpoint({
    method: 'GET', path: '/api/vhosts/:vhost/channels', access: 'management', list: 'paged',
      query: curveQuery,
    doc: 'Those of one vhost.',
    handle({ door, user, vhost, query }) {
      const connections = visibleConnections(door.broker, user).filter((each) => each.vhost === vhost)
      return listChannels(door, channelsOf(connections), query)
    },
  }),
  endpoint({
    method: 'GET', path: '/api/channels/:channel', access: 'management', query: curveQuery,
    doc: 'One channel by its name, that of its connection and its number: `PEER:PORT -> HOST:PORT (1)`.',
    handle({ door, user, params, query }) {
      const connections = visibleConnections(door.broker, user)
      for (const placed of channelsOf(connections)) {
        if (channelName(placed) !== params.channel) continue
        const consumers = [...consumersOf([placed.connection])]
          .filter(({ channel }) => channel === placed.channel)
        return json({
          ...describeChannel(door, placed, curveOf(query, 'msg_rates')),
          consumer_details: consumers.map((consumer) => describeConsumer(door, consumer)),
          deliveries: [], publishes: [],
        })
      }
      throw noSuchObject()
    },
  }),
  endpoint({
    method: 'GET', path: '/api/consumers', access: 'management', list: 'plain',
    doc: 'Consumers in the vhosts that the user sees.',
    handle({ door, user }) {
      const seen = new Set(isMonitor(user) ? door.broker.vhosts.values() : visibleVHosts(door.broker, user))
      const consumers = [...consumersOf(door.broker.connections)]
      return listConsumers(door, consumers.filter(({ channel }) => seen.has(channel.vhost)))
    },
  }),
  endpoint({
    method: 'GET', path: '/api/consumers/:vhost', access: 'management', list: 'plain',
    doc: 'Those of one vhost.',
    handle: ({ door, vhost }) => listConsumers(door,
      [...consumersOf(door.broker.connections)].filter(({ channel }) => channel.vhost === vhost)),
  }),
]
