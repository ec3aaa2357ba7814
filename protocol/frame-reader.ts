// Chunks in, frames out, split at any byte boundary. A frame inside one chunk is handed on where it lies; one
// that spans chunks is joined once. `hold` is the only way to wait (rule 31): reading stops after the current
// frame, what has arrived stays here, and `release` goes on where it stopped.
//
//   octet type | short channel | long size | size bytes of payload | octet 206
import { FRAME_BODY, FRAME_END, FRAME_HEADER, FRAME_HEARTBEAT, FRAME_METHOD, FRAME_OVERHEAD } from './spec.ts'
import { AmqpError, printBinary } from './errors.ts'

export interface FrameSink {
  /** The payload is buf[start, end). The buffer may be kept: it is never written again. */
  onFrame(type: number, channel: number, buf: Buffer, start: number, end: number): void
}

export class FrameReader {
  /** The negotiated frame_max. RabbitMQ accepts a payload of up to it, 8 bytes more than the spec allows. */
  frameSizeMax: number
  private readonly sink: FrameSink
  private waiting: Buffer[] = []
  private waitingBytes = 0
  private neededBytes = 7
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

  hold(): void {
    this.held = true
  }

  /** Reads on with what has gathered. Errors: as `push`. */
  release(): void {
    if (!this.held || this.isDiscarded) return
    this.held = false
    if (!this.reading) this.readWaiting()
  }

  /** Errors: AmqpError frame-error for bytes that are no frame, and whatever the sink throws. */
  push(chunk: Buffer): void {
    if (this.isDiscarded) return
    this.waiting.push(chunk)
    this.waitingBytes += chunk.length
    if (!this.held && !this.reading) this.readWaiting()
  }

  /** Forgets everything, and whatever still comes: the connection is over. */
  discard(): void {
    this.isDiscarded = true
    this.held = true
    this.waiting = []
    this.waitingBytes = 0
  }

  private readWaiting(): void {
    while (!this.held && this.waitingBytes >= this.neededBytes) {
      const buf = this.waiting.length === 1 ? this.waiting[0]! : Buffer.concat(this.waiting, this.waitingBytes)
      this.waiting = []
      this.waitingBytes = 0
      const readTo = this.readWhole(buf)
      if (this.isDiscarded) return
      // What the sink pushed meanwhile comes after what it has not read yet.
      if (readTo < buf.length) this.waiting.unshift(buf.subarray(readTo))
      this.waitingBytes += buf.length - readTo
    }
  }

  private readWhole(buf: Buffer): number {
    this.reading = true
    try {
      return this.readFrames(buf)
    } finally {
      this.reading = false
    }
  }

  private readFrames(buf: Buffer): number {
    let at = 0
    while (!this.held) {
      if (buf.length - at < 7) {
        this.neededBytes = 7
        break
      }
      const size = buf.readUInt32BE(at + 3)
      if (size > this.frameSizeMax) throw tooLarge(buf[at]!, size, this.frameSizeMax)
      const end = at + 7 + size
      if (end >= buf.length) {
        this.neededBytes = size + FRAME_OVERHEAD
        break
      }
      const type = buf[at]!
      if (buf[end] !== FRAME_END) throw badEnd(type, buf.subarray(at + 7, end), buf[end]!)
      if (!isKnown(type, size)) throw unknownFrame(type, buf.subarray(at + 7, end))
      this.sink.onFrame(type, buf.readUInt16BE(at + 1), buf, at + 7, end)
      at = end + 1
    }
    if (this.held) this.neededBytes = 7
    return at
  }
}

function isKnown(type: number, size: number): boolean {
  if (type === FRAME_METHOD) return size >= 4
  return type === FRAME_HEADER || type === FRAME_BODY || (type === FRAME_HEARTBEAT && size === 0)
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
