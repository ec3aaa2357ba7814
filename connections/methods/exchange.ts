// exchange.*: from wire to vhost and back. CR and LF are removed from names, as RabbitMQ does in these
// methods.
import { bind, unbind } from '../../broker/bindings.ts'
import { checkExchange, declareExchange, deleteExchange } from '../../broker/exchange-declarations.ts'
import {
  EXCHANGE_BIND, EXCHANGE_DECLARE, EXCHANGE_DELETE, EXCHANGE_UNBIND, writeExchangeBindOk,
  writeExchangeDeclareOk, writeExchangeDeleteOk, writeExchangeUnbindOk,
} from '../../protocol/methods.gen.ts'
import type { ExchangeBind } from '../../protocol/methods.gen.ts'
import { cleanName } from '../../protocol/names.ts'
import type { BindingRequest } from '../../broker/bindings.ts'
import type { Handlers } from './handler.ts'

const requestOf = (m: ExchangeBind): BindingRequest => ({
  source: cleanName(m.source), kind: 'exchange', destination: cleanName(m.destination),
  routingKey: m.routingKey, args: m.arguments,
})

export const exchangeMethods: Handlers = {
  [EXCHANGE_DECLARE](channel, m) {
    const name = cleanName(m.exchange)
    if (m.passive) {
      checkExchange(channel.vhost, name, channel)
    } else {
      const flags = { isDurable: m.durable, isAutoDelete: m.autoDelete, isInternal: m.internal }
      declareExchange(channel.vhost, { name, type: m.type, flags, args: m.arguments }, channel)
    }
    channel.connection.replyWhenDurable(channel, m.nowait ? null : writeExchangeDeclareOk)
  },

  [EXCHANGE_DELETE](channel, m) {
    deleteExchange(channel.vhost, cleanName(m.exchange), m.ifUnused, channel)
    channel.connection.replyWhenDurable(channel, m.nowait ? null : writeExchangeDeleteOk)
  },

  [EXCHANGE_BIND](channel, m) {
    bind(channel.vhost, requestOf(m), channel)
    channel.connection.replyWhenDurable(channel, m.nowait ? null : writeExchangeBindOk)
  },

  [EXCHANGE_UNBIND](channel, m) {
    unbind(channel.vhost, requestOf(m), channel)
    channel.connection.replyWhenDurable(channel, m.nowait ? null : writeExchangeUnbindOk)
  },
}
