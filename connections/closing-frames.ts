// The frames of a channel after our close, until close-ok: nothing of them is done, but what comes must still
// be methods that can be read, and contents that are whole (RabbitMQ). Called by channel.ts.
import { channelError } from '../protocol/errors.ts'
import {
  BASIC_PUBLISH, CHANNEL_CLOSE, CHANNEL_CLOSE_OK, CHANNEL_OPEN, DECODERS, writeChannelCloseOk,
} from '../protocol/methods.gen.ts'
import type { ReceivedMethods } from '../protocol/methods.gen.ts'
import { FRAME_BODY, FRAME_HEADER } from '../protocol/spec.ts'
import type { ChannelHost, HostedChannel } from './channel-host.ts'
import { checkKnown } from './connection-methods.ts'
import type { Publisher } from './publisher.ts'

export class ClosingFrames {
  private readonly connection: ChannelHost
  private readonly channel: HostedChannel
  private readonly publisher: Publisher

  /** `publisher` has the content that had begun. */
  constructor(connection: ChannelHost, channel: HostedChannel, publisher: Publisher) {
    this.connection = connection
    this.channel = channel
    this.publisher = publisher
    publisher.discard()
  }

  /** Errors: AmqpError for what closes the connection. */
  onFrame(type: number, buf: Buffer, start: number, end: number): void {
    const { publisher, connection } = this
    if (publisher.isExpectingContent) connection.methodId = BASIC_PUBLISH
    if (type === FRAME_BODY) return publisher.onBody(buf, start, end)
    if (type === FRAME_HEADER) return publisher.onHeader(buf, start, end)
    publisher.checkIdle()
    this.onMethod(buf.readUInt32BE(start), buf, start + 4, end)
  }

  /** A client's close that crosses ours is answered, and ours still waits. */
  private onMethod(id: number, buf: Buffer, start: number, end: number): void {
    const { connection, channel } = this
    connection.methodId = id
    if (id === CHANNEL_OPEN) throw channelError("second 'channel.open' seen")
    checkKnown(id)
    const reader = connection.arguments
    if (id === BASIC_PUBLISH) return this.publisher.onPublish(buf, start, end, reader)
    DECODERS[id as keyof ReceivedMethods]?.(reader.over(buf, start, end))
    if (id === CHANNEL_CLOSE_OK) connection.removeChannel(channel)
    if (id !== CHANNEL_CLOSE) return
    writeChannelCloseOk(connection.writer, channel.number)
    connection.mark()
  }
}
