// The names of direct replies: a requester's pseudo-queue, and the name made for it that responders publish
// to (RabbitMQ; behaviours §6.3). Both doors have requesters and responders, so what ends here is asked by
// both: connections/publisher.ts and http/publishing.ts, after nothing took a message.
import type { Message } from '../queues/message.ts'
import type { VHost } from './vhost.ts'

export const REPLY_TO = 'amq.rabbitmq.reply-to'
export const REPLY_TO_PREFIX = `${REPLY_TO}.`
const replyNamePattern = /^amq\.rabbitmq\.reply-to\.[\w-]{22}$/

/** A requester's name, whether or not it is still there; any other text after the prefix is no such name. */
export function isReplyName(name: string): boolean {
  return replyNamePattern.test(name)
}

/**
 * Hands a message that went to no queue to the requester it names. A direct reply counts as routed even when
 * the requester is gone (RabbitMQ 4). False: it is none.
 */
export function deliverReply(vhost: VHost, message: Message): boolean {
  if (message.exchange !== '' || !message.routingKey.startsWith(REPLY_TO_PREFIX)) return false
  if (!isReplyName(message.routingKey)) return false
  vhost.replyPorts.get(message.routingKey)?.deliverReply(message)
  return true
}
