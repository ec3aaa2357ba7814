// GET /api/overview: RabbitMQ's names and nesting, and only what is true here. Monitoring agents (Telegraf,
// Datadog) demand object_totals, queue_totals and message_stats, so these are always there, zeros included.

import { delivered } from './broker-view.ts'
import type { BrokerTotals, BrokerView, Caller } from './broker-view.ts'
import { json } from './endpoint.ts'
import type { Answer } from './endpoint.ts'

export function overview(view: BrokerView, caller: Caller): Answer {
  const totals = view.totals()
  const forAll = {
    management_version: view.productVersion,
    product_name: view.productName,
    product_version: view.productVersion,
    cluster_name: view.nodeName,
    rates_mode: 'none',
    object_totals: {
      channels: totals.channels,
      consumers: totals.consumers,
      connections: totals.connections,
      exchanges: totals.exchanges,
      queues: totals.queues,
    },
    queue_totals: {
      messages: totals.messagesReady + totals.messagesUnacked,
      messages_ready: totals.messagesReady,
      messages_unacknowledged: totals.messagesUnacked,
    },
    message_stats: messageStats(totals),
    churn_rates: {
      connection_created: totals.connectionsOpened,
      connection_closed: totals.connectionsClosed,
      channel_created: totals.channelsOpened,
      channel_closed: totals.channelsClosed,
      queue_declared: totals.queuesDeclared,
      queue_created: totals.queuesCreated,
      queue_deleted: totals.queuesDeleted,
    },
  }
  return json(200, seesNode(caller) ? { ...forAll, ...aboutNode(view) } : forAll)
}

function messageStats(totals: BrokerTotals): Record<string, number> {
  return {
    publish: totals.published,
    confirm: totals.confirmed,
    return_unroutable: totals.returned,
    drop_unroutable: totals.droppedUnroutable,
    deliver: totals.deliveredManualAck,
    deliver_no_ack: totals.deliveredAutoAck,
    get: totals.gotManualAck,
    get_no_ack: totals.gotAutoAck,
    get_empty: totals.gotEmpty,
    deliver_get: delivered(totals),
    redeliver: totals.redelivered,
    ack: totals.acked,
  }
}

// RabbitMQ: users who are only tagged management or policymaker are not told about the node.
function seesNode(caller: Caller): boolean {
  return caller.tags.includes('administrator') || caller.tags.includes('monitoring')
}

function aboutNode(view: BrokerView): object {
  return {
    node: view.nodeName,
    listeners: view.listeners().map((listener) => ({
      node: view.nodeName,
      protocol: listener.protocol,
      ip_address: listener.address,
      port: listener.port,
      tls: listener.isTls,
    })),
  }
}
