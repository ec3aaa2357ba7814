// basic.* outside of the message path: qos, consume, cancel, get, recover.
import { REPLY_TO, isReplyName } from '../../broker/reply-names.ts'
import { writeGetOk } from '../../protocol/envelope.ts'
import {
  accessRefused, notAllowed, notImplemented, preconditionFailed, resourceLocked,
} from '../../protocol/errors.ts'
import {
  BASIC_CANCEL, BASIC_CANCEL_OK, BASIC_CONSUME, BASIC_GET, BASIC_QOS, BASIC_RECOVER, BASIC_RECOVER_ASYNC,
  writeBasicCancelOk, writeBasicConsumeOk, writeBasicGetEmpty, writeBasicQosOk, writeBasicRecoverOk,
} from '../../protocol/methods.gen.ts'
import type { BasicConsume, BasicGet } from '../../protocol/methods.gen.ts'
import { readConsumerArguments } from '../../queues/consumer-arguments.ts'
import type { ConsumerSettings } from '../../queues/consumer-arguments.ts'
import type { Queue } from '../../queues/queue.ts'
import type { AckTime } from '../ack-timeouts.ts'
import type { Channel } from '../channel.ts'
import { Consumer } from '../consumer.ts'
import { DirectReplyTo } from '../direct-reply-to.ts'
import { queueNamed } from './queue.ts'
import type { Handlers } from './handler.ts'

export const basicMethods: Handlers = {
  /** global: Leveret limits the whole channel, as RabbitMQ 3 did; RabbitMQ 4 takes it for global=false. */
  [BASIC_QOS](channel, m) {
    if (m.prefetchSize !== 0) throw notImplemented(`prefetch_size!=0 (${m.prefetchSize})`)
    if (m.global) {
      channel.channelPrefetch = m.prefetchCount
      channel.offerCredit()
    } else {
      channel.consumerPrefetch = m.prefetchCount
    }
    writeBasicQosOk(channel.connection.writer, channel.number)
    channel.connection.mark()
  },

  [BASIC_CONSUME](channel, m) {
    const name = queueNamed(channel, m.queue)
    // RabbitMQ asks for the tag before it looks at the queue, permissions included.
    if (channel.consumers.has(m.consumerTag)) throw tagReused(m.consumerTag)
    if (name === REPLY_TO) return consumeReplies(channel, m)
    if (isReplyName(name)) throw replyNameConsumed(channel, name)
    const queue = readable(channel, name)
    const settings = checkConsume(channel, queue, m)
    const tag = m.consumerTag === '' ? channel.broker.generateName('amq.ctag-') : m.consumerTag
    const { consumerPrefetch: prefetch } = channel
    const consumer = new Consumer(channel, queue, {
      tag, isNoAck: m.noAck, isExclusive: m.exclusive, priority: settings.priority, prefetch,
      args: m.arguments, ackTime: ackTimeOf(channel, queue, settings),
    })
    channel.consumers.set(tag, consumer)
    if (!m.nowait) writeBasicConsumeOk(channel.connection.writer, channel.number, tag)
    queue.addConsumer(consumer, m.exclusive)
    channel.connection.mark()
  },

  /** An unknown tag is answered all the same; what the consumer holds can still be acked (RabbitMQ). */
  [BASIC_CANCEL](channel, m) {
    const consumer = channel.consumers.get(m.consumerTag)
    if (consumer !== undefined) channel.removeConsumer(consumer)
    if (channel.replyTo?.consumerTag === m.consumerTag) channel.setReplyTo(null)
    if (!m.nowait) writeBasicCancelOk(channel.connection.writer, channel.number, m.consumerTag)
    channel.connection.mark()
  },

  /** The client's answer to our basic.cancel, which asked for none: RabbitMQ 4 lets it pass. */
  [BASIC_CANCEL_OK]() {},

  [BASIC_GET]: get,

  [BASIC_RECOVER](channel, m) {
    if (!m.requeue) throw notImplemented('requeue=false')
    writeBasicRecoverOk(channel.connection.writer, channel.number)
    channel.connection.mark()
    channel.recover()
  },

  [BASIC_RECOVER_ASYNC](channel, m) {
    if (!m.requeue) throw notImplemented('requeue=false')
    channel.recover()
  },
}

/** When the next message has to come from the store first, the connection waits for it and asks again. */
function get(channel: Channel, m: BasicGet): void {
  const name = queueNamed(channel, m.queue)
  if (isReplyName(name)) {
    throw notImplemented(`basic.get not supported by volatile ${channel.vhost.describeQueue(name)}`)
  }
  const queue = readable(channel, name)
  if (queue.settings.isSingleActive && !queue.type.canBeGotBesideSingleActive) {
    throw resourceLocked(`cannot obtain access to locked ${channel.vhost.describeQueue(queue.name)}. `
      + `basic.get operations are not supported by ${queue.type.name} queues with single active consumer`)
  }
  // Letters of what has expired in front of it may come back: after its count has been told (RabbitMQ).
  const isHolder = channel.vhost.holdLetters()
  const isTold = getFrom(queue, channel, m)
  if (isHolder) channel.vhost.sendLetters()
  // What was loaded may have expired, and the next is in the store again.
  if (!isTold) channel.connection.waitForPage(channel, queue, () => get(channel, m))
}

/** False when the next message is in the store. */
function getFrom(queue: Queue, channel: Channel, m: BasicGet): boolean {
  const entry = queue.isPaging ? null : queue.get(m.noAck)
  if (queue.isPaging && entry === null) return false
  const { traffic } = channel.vhost
  const { writer } = channel.connection
  channel.connection.mark()
  if (entry === null) {
    traffic.gotEmpty++
    channel.traffic.gotEmpty++
    writeBasicGetEmpty(writer, channel.number, '')
    return true
  }
  const tag = channel.nextDeliveryTag()
  if (!m.noAck) channel.addUnacked(tag, entry, queue, ackTimeOf(channel, queue))
  for (const counted of [traffic, channel.traffic]) {
    if (m.noAck) counted.gotAutoAck++
    else counted.gotManualAck++
    if (entry.isRedelivered) counted.redelivered++
  }
  const { wire } = entry.message.envelope
  writeGetOk(writer, channel.number, tag, entry.isRedelivered, wire, queue.readyCount)
  channel.writeEntry(entry)
  return true
}

/** Errors: access-refused, not-found, resource-locked. */
function readable(channel: Channel, name: string): Queue {
  channel.access.check('read', 'queue', name)
  return channel.vhost.getQueue(name, channel.owner)
}

/** The name that a responder is given is for publishing to (RabbitMQ 4). */
function replyNameConsumed(channel: Channel, name: string): Error {
  const why = channel.replyTo?.name === name ? 'multiple consumers are unsupported for'
    : 'only creator channel may consume from'
  return preconditionFailed(`${why} ${channel.vhost.describeQueue(name)}`)
}

/** A lease goes before a timeout, what the consumer says before what its queue does. */
function ackTimeOf(
  { broker }: Channel, { type, settings }: Queue, consumer: ConsumerSettings | null = null,
): AckTime {
  const leaseMs = consumer?.leaseMs ?? settings.ackTimeoutMs
  if (leaseMs !== null) return { ms: leaseMs, isLease: true }
  const timeoutMs = consumer?.timeoutMs ?? settings.consumerTimeoutMs ?? broker.limits.consumerTimeoutMs
  return { ms: type.hasConsumerTimeout ? timeoutMs : Infinity, isLease: false }
}

/** Errors: precondition-failed with acks or for a second one. */
function consumeReplies(channel: Channel, m: BasicConsume): void {
  if (!m.noAck) throw preconditionFailed('reply consumer cannot acknowledge')
  if (channel.replyTo !== null) throw preconditionFailed('reply consumer already set')
  const tag = m.consumerTag === '' ? channel.broker.generateName('amq.ctag-') : m.consumerTag
  channel.setReplyTo(new DirectReplyTo(channel, tag, channel.broker.generateName('')))
  if (!m.nowait) writeBasicConsumeOk(channel.connection.writer, channel.number, tag)
  channel.connection.mark()
}

function tagReused(tag: string): Error {
  return notAllowed(`attempt to reuse consumer tag '${tag}'`)
}

/**
 * Returns what its arguments say. Errors, in RabbitMQ's order: precondition-failed for bad arguments,
 * access-refused for exclusive use; and not-allowed for the tag of the channel's reply consumer.
 */
function checkConsume(channel: Channel, queue: Queue, m: BasicConsume): ConsumerSettings {
  const what = channel.vhost.describeQueue(queue.name)
  const settings = readConsumerArguments(m.arguments, queue.type.name, what)
  // One that is to be the only one and a single active one exclude each other (RabbitMQ).
  const isShared = queue.consumers.count > 0 || queue.settings.isSingleActive
  if (queue.consumers.hasExclusive || (m.exclusive && isShared)) {
    throw accessRefused(`${what} in exclusive use`)
  }
  if (channel.replyTo?.consumerTag === m.consumerTag) throw tagReused(m.consumerTag)
  return settings
}
