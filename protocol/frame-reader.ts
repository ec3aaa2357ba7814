// Chunks in, frames out, split at any byte boundary. A frame inside one chunk is handed on where it lies; one
// that spans chunks is joined once, where the sink wants it if it is a part of a body. `hold` is the only way
// to wait (rule 31): reading stops after the current frame, what has arrived stays here, and `release` goes
// on where it stopped.
//
//   octet type | short channel | long size | size bytes of payload | octet 206
import { FRAME_BODY, FRAME_END, FRAME_HEADER, FRAME_HEARTBEAT, FRAME_METHOD, FRAME_OVERHEAD } from './spec.ts'
import { AmqpError, printBinary } from './errors.ts'

/** Class, weight and body size: a header frame without them is no frame (RabbitMQ). */
const CONTENT_HEADER_BYTES_MIN = 12
/** Type, channel and size. */
const HEADER_BYTES = 7

export interface FrameSink {
  /** The payload is buf[start, end). The buffer may be kept: it is never written again. */
  onFrame(type: number, channel: number, buf: Buffer, start: number, end: number): void
  /**
   * A body frame of `size` bytes came in pieces: where its payload goes, to be given to `onFrame` next. Null:
   * the sink expects none, and gets it in a buffer of its own.
   */
  placeForBody(channel: number, size: number): Buffer | null
}

export class FrameReader {
  /** The negotiated frame_max. RabbitMQ accepts a payload of up to it, 8 bytes more than the spec allows. */
  frameSizeMax: number
  private readonly sink: FrameSink
  /** Chunks not read to their end; the first one from `at` on. */
  private readonly chunks: Buffer[] = []
  private at = 0
  private unread = 0
  private held = false
  private reading = false
  private isDiscarded = false

  constructor(sink: FrameSink, frameSizeMax: number) {
    this.sink = sink
    this.frameSizeMax = frameSizeMax
  }

  get isHeld(): boolean {
    return this.held
  }

  /** Bytes that have arrived and were not handed on. */
  get unreadBytes(): number {
    return this.unread
  }

  hold(): void {
    this.held = true
  }

  /** Reads on with what has gathered. Errors: as `push`. */
  release(): void {
    if (!this.held || this.isDiscarded) return
    this.held = false
    if (!this.reading) this.read()
  }

  /** Errors: AmqpError frame-error for bytes that are no frame, and whatever the sink throws. */
  push(chunk: Buffer): void {
    if (this.isDiscarded || chunk.length === 0) return
    this.chunks.push(chunk)
    this.unread += chunk.length
    if (!this.held && !this.reading) this.read()
  }

  /** Forgets everything, and whatever still comes: the connection is over. */
  discard(): void {
    this.isDiscarded = true
    this.held = true
    this.chunks.length = 0
    this.at = this.unread = 0
  }

  private read(): void {
    this.reading = true
    try {
      while (!this.held && this.readFrame());
    } finally {
      this.reading = false
    }
  }

  /** Hands on the next frame; false when it has not arrived whole. */
  private readFrame(): boolean {
    if (this.unread < HEADER_BYTES) return false
    let buf = this.chunks[0]!
    let { at } = this
    if (buf.length - at < HEADER_BYTES) {
      buf = this.join(HEADER_BYTES)
      at = 0
    }
    const size = buf.readUInt32BE(at + 3)
    if (size > this.frameSizeMax) throw tooLarge(buf[at]!, size, this.frameSizeMax)
    const frameBytes = size + FRAME_OVERHEAD
    if (this.unread < frameBytes) return false
    if (buf.length - at < frameBytes) {
      if (buf[at] === FRAME_BODY && this.placeBody(buf.readUInt16BE(at + 1), size)) return true
      buf = this.join(frameBytes)
      at = 0
    }
    this.skip(frameBytes)
    const type = buf[at]!
    const start = at + HEADER_BYTES
    const end = start + size
    if (buf[end] !== FRAME_END) throw badEnd(type, buf.subarray(start, end), buf[end]!)
    if (!isKnown(type, size)) throw unknownFrame(type, buf.subarray(start, end))
    this.sink.onFrame(type, buf.readUInt16BE(at + 1), buf, start, end)
    return true
  }

  /** Large bodies are copied once and not twice: from the chunks to the message. */
  private placeBody(channel: number, size: number): boolean {
    const place = this.sink.placeForBody(channel, size)
    if (place === null) return false
    this.skip(HEADER_BYTES)
    this.copyTo(place)
    this.skip(size)
    const end = this.chunks[0]![this.at]!
    if (end !== FRAME_END) throw badEnd(FRAME_BODY, place, end)
    this.skip(1)
    this.sink.onFrame(FRAME_BODY, channel, place, 0, size)
    return true
  }

  /** The next `length` bytes in one buffer. */
  private join(length: number): Buffer {
    const joined = Buffer.allocUnsafeSlow(length)
    this.copyTo(joined)
    return joined
  }

  /** Fills it with what comes next; the chunks stay as they are. */
  private copyTo(target: Buffer): void {
    let filled = 0
    for (let n = 0; filled < target.length; n++) {
      const start = n === 0 ? this.at : 0
      filled += this.chunks[n]!.copy(target, filled, start, start + target.length - filled)
    }
  }

  private skip(length: number): void {
    this.unread -= length
    this.at += length
    while (this.chunks.length > 0 && this.at >= this.chunks[0]!.length) this.at -= this.chunks.shift()!.length
  }
}

function isKnown(type: number, size: number): boolean {
  if (type === FRAME_METHOD) return size >= 4
  if (type === FRAME_HEADER) return size >= CONTENT_HEADER_BYTES_MIN
  return type === FRAME_BODY || (type === FRAME_HEARTBEAT && size === 0)
}

/** `type 1, all octets = <<…>>`: how RabbitMQ names a frame that it refuses (behaviours §1.11). */
export function describeFrame(type: number, payload: Buffer): string {
  const octets = payload.length > 16 ? 'first 16 octets' : 'all octets'
  return `type ${type}, ${octets} = ${printBinary(payload.subarray(0, 16))}`
}

const noFrame = (why: string): Error => new AmqpError('frameError', why, false)

const unknownFrame = (type: number, payload: Buffer): Error =>
  noFrame(`${describeFrame(type, payload)}: unknown_frame`)

const badEnd = (type: number, payload: Buffer, end: number): Error =>
  noFrame(`${describeFrame(type, payload)}: {invalid_frame_end_marker,${end}}`)

const tooLarge = (type: number, size: number, sizeMax: number): Error =>
  noFrame(`type ${type}, all octets = <<>>: {frame_too_large,${size},${sizeMax - FRAME_OVERHEAD}}`)
