// The channels of one connection by number. The first frame on an unused number opens a channel or is an
// error; channel_max limits how many are open, not how they are numbered (RabbitMQ).
import type { User } from '../broker/users.ts'
import type { VHost } from '../broker/vhost.ts'
import { channelError, notAllowed, unexpectedFrame } from '../protocol/errors.ts'
import { describeFrame } from '../protocol/frame-reader.ts'
import {
  CHANNEL_OPEN, DECODERS, decodeChannelOpen, writeChannelOpenOk,
} from '../protocol/methods.gen.ts'
import type { ReceivedMethods } from '../protocol/methods.gen.ts'
import { FRAME_HEARTBEAT, FRAME_METHOD } from '../protocol/spec.ts'
import { Channel } from './channel.ts'
import type { ChannelHost } from './channel-host.ts'
import { checkKnown } from './connection-methods.ts'
import { SilentClose } from './handshake.ts'
import { channelMethods } from './methods/index.ts'

export class ChannelTable {
  private readonly connection: ChannelHost
  private readonly byNumber = new Map<number, Channel>()
  private user: User | null = null
  private vhost: VHost | null = null
  private channelMax = 0

  constructor(connection: ChannelHost) {
    this.connection = connection
  }

  get count(): number {
    return this.byNumber.size
  }

  opened(user: User, vhost: VHost, channelMax: number): void {
    this.user = user
    this.vhost = vhost
    this.channelMax = channelMax
  }

  [Symbol.iterator](): IterableIterator<Channel> {
    return this.byNumber.values()
  }

  /** Errors: AmqpError for what closes the connection. */
  onFrame(type: number, number: number, buf: Buffer, start: number, end: number): void {
    if (type === FRAME_HEARTBEAT) throw unexpectedFrame(describeFrame(type, buf.subarray(start, end)))
    const channel = this.byNumber.get(number)
    if (channel === undefined) return this.open(type, number, buf, start, end)
    channel.onFrame(type, buf, start, end)
  }

  placeForBody(number: number, size: number): Buffer | null {
    return this.byNumber.get(number)?.placeForBody(size) ?? null
  }

  remove(channel: { readonly number: number }): void {
    this.byNumber.delete(channel.number)
  }

  end(): void {
    for (const channel of this.byNumber.values()) channel.end()
    this.byNumber.clear()
  }

  offerCredit(): void {
    for (const channel of this.byNumber.values()) channel.offerCredit()
  }

  /** Frames on a channel before connection.open: told after tune-ok, dropped in silence before (RabbitMQ). */
  tooEarly(isTuned: boolean, type: number, buf: Buffer, start: number, end: number): Error {
    return isTuned
      ? unexpectedFrame(describeFrame(type, buf.subarray(start, end)))
      : new SilentClose('a frame on a channel in the handshake')
  }

  notForChannel0(type: number, buf: Buffer, start: number, end: number): Error {
    return unexpectedFrame(describeFrame(type, buf.subarray(start, end)))
  }

  /** Errors: not-allowed, which names no method (RabbitMQ). */
  private checkUserLimit(): void {
    const { methodId, broker } = this.connection
    this.connection.methodId = 0
    broker.checkChannelLimit(this.user!)
    this.connection.methodId = methodId
  }

  /** Errors: as for the method itself, when it is none that can be read (RabbitMQ looks at that first). */
  private notOpen(id: number, buf: Buffer, start: number, end: number): Error {
    checkKnown(id)
    DECODERS[id as keyof ReceivedMethods]?.(this.connection.arguments.over(buf, start + 4, end))
    return channelError("expected 'channel.open'")
  }

  private open(type: number, number: number, buf: Buffer, start: number, end: number): void {
    if (type !== FRAME_METHOD) throw unexpectedFrame('expected method frame, got non method frame instead')
    const id = buf.readUInt32BE(start)
    this.connection.methodId = id
    if (id !== CHANNEL_OPEN) throw this.notOpen(id, buf, start, end)
    decodeChannelOpen(this.connection.arguments.over(buf, start + 4, end))
    if (this.channelMax > 0 && this.byNumber.size >= this.channelMax) {
      this.connection.methodId = 0
      throw notAllowed(`number of channels opened (${this.byNumber.size}) has reached the negotiated `
        + `channel_max (${this.channelMax})`)
    }
    this.checkUserLimit()
    this.byNumber.set(number, new Channel(this.connection, number, this.vhost!, this.user!, channelMethods))
    this.connection.broker.counters.channelsOpened++
    writeChannelOpenOk(this.connection.writer, number, Buffer.alloc(0))
    this.connection.mark()
  }
}
