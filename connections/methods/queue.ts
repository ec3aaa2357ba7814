// queue.*: from wire to vhost and back. An empty name means the queue last declared on the channel, except
// where a queue is declared: there the server makes up a name.
import { bind, unbind } from '../../broker/bindings.ts'
import type { BindingRequest } from '../../broker/bindings.ts'
import { checkQueue, declareQueue, deleteQueue, purgeQueue } from '../../broker/queue-declarations.ts'
import { REPLY_TO, REPLY_TO_PREFIX, isReplyName } from '../../broker/reply-names.ts'
import {
  QUEUE_BIND, QUEUE_DECLARE, QUEUE_DELETE, QUEUE_PURGE, QUEUE_UNBIND, writeQueueBindOk, writeQueueDeclareOk,
  writeQueueDeleteOk, writeQueuePurgeOk, writeQueueUnbindOk,
} from '../../protocol/methods.gen.ts'
import type { QueueDeclare, QueueUnbind } from '../../protocol/methods.gen.ts'
import { accessRefused, notFound } from '../../protocol/errors.ts'
import { cleanName } from '../../protocol/names.ts'
import type { Queue } from '../../queues/queue.ts'
import type { Channel } from '../channel.ts'
import type { Handlers } from './handler.ts'

/** Errors: not-found when nothing was declared on this channel yet. */
export function queueNamed(channel: Channel, name: string): string {
  if (name !== '') return name
  if (channel.lastQueue === null) throw notFound('no previously declared queue')
  return channel.lastQueue
}

export const queueMethods: Handlers = {
  [QUEUE_DECLARE](channel, m) {
    if (m.queue.startsWith(REPLY_TO)) return declareReplyQueue(channel, m)
    const queue = m.passive
      ? checkQueue(channel.vhost, cleanName(m.queue), channel) : declare(channel, m)
    queue.used()
    channel.lastQueue = queue.name
    channel.broker.counters.queuesDeclared++
    const { readyCount } = queue
    const consumerCount = queue.consumers.count
    channel.connection.replyWhenDurable(channel, m.nowait ? null : (writer, number) => {
      writeQueueDeclareOk(writer, number, queue.name, readyCount, consumerCount)
    })
  },

  [QUEUE_BIND](channel, m) {
    bind(channel.vhost, requestOf(channel, m), channel)
    channel.connection.replyWhenDurable(channel, m.nowait ? null : writeQueueBindOk)
  },

  [QUEUE_UNBIND](channel, m) {
    unbind(channel.vhost, requestOf(channel, m), channel)
    channel.connection.replyWhenDurable(channel, writeQueueUnbindOk)
  },

  [QUEUE_PURGE](channel, m) {
    const count = purge(channel, queueNamed(channel, m.queue))
    channel.connection.replyWhenDurable(channel, m.nowait ? null : (writer, number) => {
      writeQueuePurgeOk(writer, number, count)
    })
  },

  [QUEUE_DELETE](channel, m) {
    const name = cleanName(queueNamed(channel, m.queue))
    const count = deleteQueue(channel.vhost, name, channel, m.ifUnused, m.ifEmpty)
    channel.connection.replyWhenDurable(channel, m.nowait ? null : (writer, number) => {
      writeQueueDeleteOk(writer, number, count)
    })
  },
}

/** A direct reply's name holds nothing, ever (RabbitMQ 4). Errors: not-found, resource-locked. */
function purge(channel: Channel, name: string): number {
  return isReplyName(name) ? 0 : purgeQueue(channel.vhost, name, channel)
}

/**
 * No queue, but declaring its name tells whether the requester is still there (RabbitMQ). Errors: not-found.
 */
function declareReplyQueue(channel: Channel, m: QueueDeclare): void {
  const { vhost, connection } = channel
  const isThere = m.queue === REPLY_TO || vhost.replyPorts.has(m.queue)
  if (!isThere) throw notFound(`no ${vhost.describeQueue(m.queue)}`)
  channel.lastQueue = m.queue
  if (m.nowait) return
  writeQueueDeclareOk(connection.writer, channel.number, m.queue, 0, 1)
  connection.mark()
}

function declare(channel: Channel, m: QueueDeclare): Queue {
  const { broker, vhost } = channel
  const given = cleanName(m.queue)
  const name = given === '' ? broker.generateName('amq.gen-') : given
  const declaration = {
    name, isDurable: m.durable, isExclusive: m.exclusive, isAutoDelete: m.autoDelete, args: m.arguments,
  }
  return declareQueue(vhost, declaration, channel, given === '', () => broker.newQueueId())
}

/** With neither queue nor routing key, the last queue's name is both (RabbitMQ). */
function requestOf(channel: Channel, m: QueueUnbind): BindingRequest {
  const destination = cleanName(queueNamed(channel, m.queue))
  if (destination.startsWith(REPLY_TO_PREFIX)) {
    throw accessRefused('cannot bind or unbind to a volatile (direct reply-to) queue')
  }
  const routingKey = m.queue === '' && m.routingKey === '' ? destination : m.routingKey
  return { source: cleanName(m.exchange), kind: 'queue', destination, routingKey, args: m.arguments }
}
