// Connections, channels and consumers in RabbitMQ's fields. Names identify: `a:1 -> b:2` a connection, with
// ` (3)` behind it channel 3 of it.
import { connectionName } from '../broker/connection-view.ts'
import type { ChannelView, ConnectionView, ConsumerView } from '../broker/connection-view.ts'
import { decodeTable } from '../protocol/table.ts'
import type { Curve } from './message-stats.ts'
import { messageStats, statKeys, withDetails } from './message-stats.ts'
import type { Door } from './node-view.ts'
import { tableToObject } from './table-as-json.ts'

/** A channel and the connection it is on: what is listed as channels. */
export interface PlacedChannel {
  readonly connection: ConnectionView
  readonly channel: ChannelView
}

export interface PlacedConsumer extends PlacedChannel {
  readonly consumer: ConsumerView
}

export function* channelsOf(connections: Iterable<ConnectionView>): IterableIterator<PlacedChannel> {
  for (const connection of connections) {
    for (const channel of connection.channelViews()) yield { connection, channel }
  }
}

export function* consumersOf(connections: Iterable<ConnectionView>): IterableIterator<PlacedConsumer> {
  for (const { connection, channel } of channelsOf(connections)) {
    for (const consumer of channel.consumers.values()) yield { connection, channel, consumer }
  }
}

export function channelName({ connection, channel }: PlacedChannel): string {
  return `${connectionName(connection)} (${channel.number})`
}

/** RabbitMQ gives the fields of TLS as null in lists and as empty texts on their own. */
export function describeConnection(
  { node, sampler }: Door, connection: ConnectionView, curve: Curve | null, noTls: null | '',
): object {
  const { peer, local, traffic } = connection
  const { mechanism, properties: encoded } = connection.client
  const properties = tableToObject(decodeTable(encoded, 0, encoded.length))
  return {
    name: connectionName(connection),
    user: connection.user?.name, user_who_performed_action: connection.user?.name,
    vhost: connection.vhost?.name, node: node.nodeName, type: 'network', protocol: connection.protocol,
    state: connection.state, auth_mechanism: mechanism, connected_at: connection.connectedAtMs,
    host: local.address, port: local.port, peer_host: peer.address, peer_port: peer.port,
    ssl: false, ssl_protocol: noTls, ssl_cipher: noTls, ssl_key_exchange: noTls, ssl_hash: noTls,
    peer_cert_subject: noTls, peer_cert_issuer: noTls, peer_cert_validity: noTls,
    peer_cert_serial_number: noTls,
    timeout: connection.heartbeatS, frame_max: connection.frameSizeMax, channel_max: connection.channelMax,
    channels: connection.channelCount, client_properties: properties,
    ...typeof properties['connection_name'] === 'string'
      && { user_provided_name: properties['connection_name'] },
    ...withDetails(statKeys.bytes, traffic, sampler.historyOf(traffic), curve),
    recv_cnt: traffic.reads, send_cnt: traffic.writes,
  }
}

export function describeChannel({ node, sampler }: Door, placed: PlacedChannel, curve: Curve | null): object {
  const { connection, channel } = placed
  const stats = messageStats(statKeys.channel, channel.traffic, sampler.historyOf(channel.traffic), curve)
  return {
    name: channelName(placed), number: channel.number, node: node.nodeName, vhost: channel.vhost.name,
    user: channel.user.name, user_who_performed_action: channel.user.name, state: 'running',
    confirm: channel.confirms !== null, transactional: channel.transaction !== null,
    prefetch_count: channel.consumerPrefetch, global_prefetch_count: channel.channelPrefetch,
    consumer_count: channel.consumers.size, messages_unacknowledged: channel.unackedCount,
    messages_unconfirmed: channel.confirms?.unansweredCount ?? 0,
    messages_uncommitted: channel.transaction?.publishCount ?? 0,
    acks_uncommitted: channel.transaction?.settlementCount ?? 0,
    connection_details: {
      name: connectionName(connection), peer_host: connection.peer.address, peer_port: connection.peer.port,
    },
    ...stats !== null && { message_stats: stats },
  }
}

export function describeConsumer({ node }: Door, { connection, channel, consumer }: PlacedConsumer): object {
  return {
    consumer_tag: consumer.tag, queue: { name: consumer.queue.name, vhost: channel.vhost.name },
    ack_required: !consumer.isNoAck, exclusive: consumer.isExclusive, prefetch_count: consumer.prefetch,
    active: consumer.isActive, activity_status: activityOf(consumer), arguments: tableToObject(consumer.args),
    channel_details: {
      name: channelName({ connection, channel }), number: channel.number,
      connection_name: connectionName(connection), node: node.nodeName, user: channel.user.name,
      peer_host: connection.peer.address, peer_port: connection.peer.port,
    },
  }
}

function activityOf({ queue, isActive, hasCredit }: ConsumerView): string {
  if (queue.settings.isSingleActive) return isActive ? 'single_active' : 'waiting'
  return hasCredit ? 'up' : 'blocked'
}
