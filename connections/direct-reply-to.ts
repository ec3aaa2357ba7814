// Direct reply-to: a requester consumes the pseudo-queue `amq.rabbitmq.reply-to` and publishes with it as
// reply-to; the responder sees a name made for that requester, and what it publishes there goes straight to
// the requester's channel, through no queue. It lives as long as the channel (RabbitMQ; behaviours §6.3).
import { REPLY_TO_PREFIX } from '../broker/reply-names.ts'
import type { ReplyPort } from '../broker/vhost.ts'
import { buildDeliverTemplate } from '../protocol/deliver-template.ts'
import type { FrameWriter } from '../protocol/frame-writer.ts'
import type { Message } from '../queues/message.ts'

/** What a reply needs of the requester's channel. */
export interface RequestingChannel {
  readonly number: number
  readonly connection: { readonly writer: FrameWriter; mark(): void }
  nextDeliveryTag(): number
  writeContent(message: Message): void
}

export class DirectReplyTo implements ReplyPort {
  readonly consumerTag: string
  /** What the responder sees as reply-to. */
  readonly name: string
  private readonly channel: RequestingChannel

  constructor(channel: RequestingChannel, consumerTag: string, token: string) {
    this.channel = channel
    this.consumerTag = consumerTag
    this.name = REPLY_TO_PREFIX + token
  }

  deliverReply(message: Message): void {
    const { channel } = this
    const template = buildDeliverTemplate(channel.number, this.consumerTag, message.envelope.wire)
    channel.connection.writer.deliver(template, channel.nextDeliveryTag(), false)
    channel.writeContent(message)
    channel.connection.mark()
  }
}
