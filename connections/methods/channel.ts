// channel.* and access.*: open and close-ok are the connection's and the channel's own business.
import { notImplemented } from '../../protocol/errors.ts'
import {
  ACCESS_REQUEST, CHANNEL_CLOSE, CHANNEL_FLOW, writeAccessRequestOk, writeChannelFlowOk,
} from '../../protocol/methods.gen.ts'
import type { Handlers } from './handler.ts'

export const channelMethods: Handlers = {
  /** RabbitMQ: a client may not stop deliveries; it sets a prefetch. */
  [CHANNEL_FLOW](channel, { active }) {
    if (!active) throw notImplemented('active=false')
    writeChannelFlowOk(channel.connection.writer, channel.number, true)
    channel.connection.mark()
  },

  [CHANNEL_CLOSE](channel) {
    channel.closedByClient()
  },
}

/** Realms went with AMQP 0-9; clients that still ask get ticket 1, which nobody looks at (RabbitMQ). */
export const accessMethods: Handlers = {
  [ACCESS_REQUEST](channel) {
    writeAccessRequestOk(channel.connection.writer, channel.number, 1)
    channel.connection.mark()
  },
}
