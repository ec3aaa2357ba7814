// A connection of the generator: a bare socket with the handshake done and channel 1 open. First it answers
// calls one by one; from `stream` on it only feeds a frame walker. Used by every job. Invariant: a close that
// nobody asked for throws out of the event handler and so ends the generator: a bench never measures a broker
// that has hung up.
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { methods } from '../../compat-tests/harness/amqp-methods.ts'
import type { MethodName } from '../../compat-tests/harness/amqp-methods.ts'
import { encodeFrame, encodeMethod, frameType } from '../../compat-tests/harness/wire.ts'
import type { Args } from '../../compat-tests/harness/wire.ts'
import { FrameWalker } from './frame-walker.ts'
import type { FrameSink } from './frame-walker.ts'

const READ_BYTES = 1 << 16
const CHANNEL = 1
export const FRAME_MAX = 131_072
const PROTOCOL_HEADER = Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1])

export const methodId = (name: MethodName): number => methods[name][0] << 16 | methods[name][1]
export const methodFrame = (name: MethodName, args: Args, channel = CHANNEL): Buffer =>
  encodeFrame(frameType.method, channel, encodeMethod(name, args))

const CONNECTION_CLOSE = methodId('connection.close')
const CHANNEL_CLOSE = methodId('channel.close')

interface Awaited {
  readonly id: number
  readonly settle: (payload: Buffer) => void
}

export class GeneratorConnection {
  readonly socket: Socket
  private received: Buffer = Buffer.alloc(0)
  private readonly awaited: Awaited[] = []
  private walker: FrameWalker | null = null
  private isClosing = false

  private constructor(port: number, readBytes: number) {
    const onread = { buffer: Buffer.alloc(readBytes), callback: this.read.bind(this) }
    this.socket = connect({ host: '127.0.0.1', port, noDelay: true, onread })
    this.socket.on('error', (error) => this.onEnd(error.message))
    this.socket.on('close', () => this.onEnd('closed'))
  }

  static async open(url: string, readBytes = READ_BYTES): Promise<GeneratorConnection> {
    const { port, username, password } = new URL(url)
    const connection = new GeneratorConnection(Number(port === '' ? 5672 : port), readBytes)
    await connection.send(PROTOCOL_HEADER, methodId('connection.start'))
    const response = `\0${decodeURIComponent(username)}\0${decodeURIComponent(password)}`
    const startOk = methodFrame('connection.start-ok', { mechanism: 'PLAIN', response, locale: 'en_US' }, 0)
    await connection.send(startOk, methodId('connection.tune'))
    const limits = { 'channel-max': 2047, 'frame-max': FRAME_MAX, 'heartbeat': 0 }
    const tuneOk = methodFrame('connection.tune-ok', limits, 0)
    const open = methodFrame('connection.open', { 'virtual-host': '/' }, 0)
    await connection.send(Buffer.concat([tuneOk, open]), methodId('connection.open-ok'))
    await connection.call('channel.open', {}, 'channel.open-ok')
    return connection
  }

  call(name: MethodName, args: Args, answer: MethodName, channel = CHANNEL): Promise<Buffer> {
    return this.send(methodFrame(name, args, channel), methodId(answer))
  }

  /** Resolves with the payload of the next method with this id. */
  send(bytes: Buffer, answerId: number): Promise<Buffer> {
    return new Promise((settle) => {
      this.awaited.push({ id: answerId, settle })
      this.socket.write(bytes)
    })
  }

  /** From here on frames go to the sink; a call is answered no more. */
  stream(sink: FrameSink): void {
    if (this.awaited.length > 0 || this.received.length > 0) {
      throw new Error('a connection cannot stream while a call waits for its answer')
    }
    this.walker = new FrameWalker(sink)
  }

  async close(): Promise<void> {
    this.isClosing = true
    await this.call('connection.close', { 'reply-code': 200 }, 'connection.close-ok', 0)
    this.socket.destroy()
  }

  /** Leaves without a word, as every streaming connection does. */
  destroy(): void {
    this.isClosing = true
    this.socket.destroy()
  }

  private read(length: number, bytes: Uint8Array): boolean {
    const chunk = bytes as Buffer
    if (this.walker !== null) this.walker.walk(chunk, length)
    else this.readAnswers(chunk.subarray(0, length))
    return true
  }

  private readAnswers(chunk: Buffer): void {
    this.received = Buffer.concat([this.received, chunk])
    for (;;) {
      if (this.received.length < 7) return
      const end = this.received.readUInt32BE(3) + 8
      if (this.received.length < end) return
      const payload = this.received.subarray(7, end - 1)
      const type = this.received[0]
      this.received = this.received.subarray(end)
      if (type === frameType.method) this.answer(payload)
    }
  }

  private answer(payload: Buffer): void {
    throwIfClose(payload, 0)
    const id = payload.readUInt32BE(0)
    const next = this.awaited.shift()
    if (next === undefined || next.id !== id) {
      throw new Error(`method 0x${id.toString(16)} came, 0x${next?.id.toString(16)} was awaited`)
    }
    next.settle(payload)
  }

  private onEnd(why: string): void {
    if (!this.isClosing) throw new Error(`the broker left the generator's connection: ${why}`)
  }
}

/** Throws what a connection.close or channel.close says. */
export function throwIfClose(bytes: Buffer, at: number): void {
  const id = bytes.readUInt32BE(at)
  if (id !== CONNECTION_CLOSE && id !== CHANNEL_CLOSE) return
  const text = bytes.subarray(at + 7, at + 7 + bytes[at + 6]!).toString()
  throw new Error(`the broker closed with ${bytes.readUInt16BE(at + 4)} ${text}`)
}
