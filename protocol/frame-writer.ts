// Frames written in place. One writer per connection: handlers append, the outbox takes what has gathered
// once a turn and hands it to the socket. Large bodies are not copied: they leave as pieces of their own
// between two slab pieces.
//
//   slab:  | taken already | finished frames | frame being written | free |
//                          ^ takenTo         ^ frameStart          ^ at
import { copyBytes } from './bytes.ts'
import { FRAME_BODY, FRAME_END, FRAME_HEADER, FRAME_HEARTBEAT, FRAME_METHOD, FRAME_OVERHEAD } from './spec.ts'
import { encodeTable } from './table-encode.ts'
import type { FieldTable } from './table.ts'

const SLAB_BYTES = 64 * 1024
/**
 * From here on a body goes out as it lies; below it, one copy is cheaper than two more pieces for the socket.
 */
const COPY_BYTES_MAX = 16 * 1024
const CLASS_BASIC = 60

/**
 * A basic.deliver frame made ahead (deliver-template.ts): delivery tag and redelivered are patched in at
 * `tagAt`.
 */
export interface DeliverTemplate {
  readonly frame: Buffer
  readonly tagAt: number
}

export class FrameWriter {
  private slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
  private takenTo = 0
  private frameStart = 0
  private at = 0
  private pieces: Buffer[] = []
  /** The last body went out as it lies. */
  isBodyLarge = false
  private piecesBytes = 0

  /** Bytes that `take` would return. */
  get pendingBytes(): number {
    return this.piecesBytes + this.frameStart - this.takenTo
  }

  /**
   * What has been written since the last call, in order. The slab goes on being used after the taken part.
   */
  take(): Buffer[] {
    this.closePiece()
    const taken = this.pieces
    this.pieces = []
    this.piecesBytes = 0
    return taken
  }

  beginMethod(channel: number, methodId: number): void {
    this.reserve(11)
    this.frameStart = this.at
    this.slab[this.at] = FRAME_METHOD
    this.slab.writeUInt16BE(channel, this.at + 1)
    this.slab.writeUInt32BE(methodId, this.at + 7)
    this.at += 11
  }

  endFrame(): void {
    this.reserve(1)
    this.slab.writeUInt32BE(this.at - this.frameStart - 7, this.frameStart + 3)
    this.slab[this.at++] = FRAME_END
    this.frameStart = this.at
  }

  octet(value: number): void {
    this.reserve(1)
    this.slab[this.at++] = value
  }

  short(value: number): void {
    this.reserve(2)
    this.at = this.slab.writeUInt16BE(value, this.at)
  }

  long(value: number): void {
    this.reserve(4)
    this.at = this.slab.writeUInt32BE(value, this.at)
  }

  longlong(value: number): void {
    this.reserve(8)
    this.slab.writeUInt32BE(Math.floor(value / 0x1_0000_0000), this.at)
    this.slab.writeUInt32BE(value >>> 0, this.at + 4)
    this.at += 8
  }

  shortstr(value: string): void {
    this.reserve(256)
    const length = this.slab.write(value, this.at + 1, 255, 'utf8')
    this.slab[this.at] = length
    this.at += 1 + length
  }

  /** Bytes that are encoded already. */
  append(value: Buffer): void {
    this.bytes(value, 0, value.length)
  }

  longstr(value: Buffer): void {
    this.long(value.length)
    this.bytes(value, 0, value.length)
  }

  table(value: FieldTable): void {
    this.longstr(encodeTable(value))
  }

  heartbeat(): void {
    this.beginFrame(FRAME_HEARTBEAT, 0, 0)
    this.octet(FRAME_END)
    this.frameStart = this.at
  }

  /** The protocol header that answers a client which speaks something else. */
  raw(bytes: Buffer): void {
    this.bytes(bytes, 0, bytes.length)
    this.frameStart = this.at
  }

  /** A prebuilt basic.deliver with its two changing fields patched in. */
  deliver(template: DeliverTemplate, deliveryTag: number, redelivered: boolean): void {
    const frame = template.frame
    this.reserve(frame.length)
    const { slab, at } = this
    frame.copy(slab, at)
    const tagAt = at + template.tagAt
    slab.writeUInt32BE(Math.floor(deliveryTag / 0x1_0000_0000), tagAt)
    slab.writeUInt32BE(deliveryTag >>> 0, tagAt + 4)
    slab[tagAt + 8] = redelivered ? 1 : 0
    this.at = at + frame.length
    this.frameStart = this.at
  }

  /**
   * Content header and body frames. The header frame is never split (RabbitMQ sends it larger than
   * frame_max); an empty body has no body frame (AMQP 0-9-1 §4.2.6).
   */
  content(
    channel: number, buf: Buffer, propertiesStart: number, propertiesEnd: number,
    bodyStart: number, bodyEnd: number, frameSizeMax: number,
  ): void {
    this.contentHeader(channel, buf, propertiesStart, propertiesEnd, bodyEnd - bodyStart)
    this.contentBody(channel, buf, bodyStart, bodyEnd, frameSizeMax)
  }

  /** The header frame alone: for properties that lie elsewhere than the body. */
  contentHeader(
    channel: number, buf: Buffer, propertiesStart: number, propertiesEnd: number, bodyBytes: number,
  ): void {
    this.beginFrame(FRAME_HEADER, channel, 12 + propertiesEnd - propertiesStart)
    this.long(CLASS_BASIC << 16)
    this.longlong(bodyBytes)
    this.bytes(buf, propertiesStart, propertiesEnd)
    this.octet(FRAME_END)
    this.frameStart = this.at
  }

  contentBody(
    channel: number, buf: Buffer, bodyStart: number, bodyEnd: number, frameSizeMax: number,
  ): void {
    const payloadMax = frameSizeMax - FRAME_OVERHEAD
    this.isBodyLarge = bodyEnd - bodyStart > COPY_BYTES_MAX
    for (let start = bodyStart; start < bodyEnd; start += payloadMax) {
      const end = Math.min(start + payloadMax, bodyEnd)
      this.beginFrame(FRAME_BODY, channel, end - start)
      if (end - start <= COPY_BYTES_MAX) this.bytes(buf, start, end)
      else this.reference(buf.subarray(start, end))
      this.octet(FRAME_END)
      this.frameStart = this.at
    }
  }

  private beginFrame(type: number, channel: number, size: number): void {
    this.reserve(7)
    this.frameStart = this.at
    this.slab[this.at] = type
    this.slab.writeUInt16BE(channel, this.at + 1)
    this.slab.writeUInt32BE(size, this.at + 3)
    this.at += 7
  }

  private bytes(source: Buffer, start: number, end: number): void {
    this.reserve(end - start)
    copyBytes(source, start, end, this.slab, this.at)
    this.at += end - start
  }

  private reference(body: Buffer): void {
    this.frameStart = this.at
    this.closePiece()
    this.pieces.push(body)
    this.piecesBytes += body.length
  }

  private closePiece(): void {
    if (this.frameStart === this.takenTo) return
    this.pieces.push(this.slab.subarray(this.takenTo, this.frameStart))
    this.piecesBytes += this.frameStart - this.takenTo
    this.takenTo = this.frameStart
  }

  /** Makes room for `size` bytes; a frame that does not fit moves to a new slab with what it already has. */
  private reserve(size: number): void {
    if (this.at + size <= this.slab.length) return
    this.closePiece()
    const begun = this.slab.subarray(this.frameStart, this.at)
    this.slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, (begun.length + size) * 2))
    begun.copy(this.slab)
    this.takenTo = 0
    this.frameStart = 0
    this.at = begun.length
  }
}
