// A tiny AMQP client on a bare socket, for what amqplib will not write: wrong frames, every field tag, no-
// wait methods. Tests get one by `raw()` (handshake done) or `dial()` (nothing sent). It answers nothing by
// itself, not even a close. Invariant: frames are handed out in the order they came; heartbeats are counted
// and otherwise left out.

import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { methods } from './amqp-methods.ts'
import type { MethodName } from './amqp-methods.ts'
import { until } from './poll.ts'
import type { Target } from './target.ts'
import {
  decodeMethod, encodeFrame, encodeHeader, encodeMethod, encodeProperties, frameType, Reader,
} from './wire.ts'
import type { Args, Field } from './wire.ts'

export interface Frame {
  type: number
  channel: number
  payload: Buffer
}

export interface RawMessage {
  method: string
  args: Args
  bodySize: number
  /** Flags and property values as received. */
  properties: Buffer
  body: Buffer
}

export interface HandshakeOptions {
  capabilities?: readonly string[]
  channelMax?: number
  frameMax?: number
  heartbeat?: number
  vhost?: string
}

const allCapabilities = [
  'publisher_confirms', 'basic.nack', 'consumer_cancel_notify', 'connection.blocked',
    'authentication_failure_close',
]

const closing = new Set(['connection.close-ok', 'connection.close'])

export const protocolHeader = Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1])

export function plainResponse(user: string, password: string): string {
  return `\0${user}\0${password}`
}

export class RawClient {
  heartbeats = 0
  isClosed = false
  private received = Buffer.alloc(0)
  private isOpened = false
  private readonly socket: Socket

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk])
    })
    socket.on('error', () => {
      this.isClosed = true // a reset: RabbitMQ closes with linger 0
    })
    socket.on('close', () => {
      this.isClosed = true
    })
  }

  static async dial(target: Target): Promise<RawClient> {
    const { hostname, port } = new URL(target.url)
    const socket = connect({ host: hostname, port: Number(port === '' ? 5672 : port), noDelay: true })
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    return new RawClient(socket)
  }

  static async open(target: Target, options: HandshakeOptions = {}): Promise<RawClient> {
    const client = await RawClient.dial(target)
    await client.handshake(target, options)
    return client
  }

  async handshake(target: Target, options: HandshakeOptions = {}): Promise<void> {
    await this.login(target, options.capabilities)
    this.tuneOk(options)
    this.send(0, 'connection.open', { 'virtual-host': options.vhost ?? target.vhost })
    await this.expect('connection.open-ok')
    this.isOpened = true
  }

  /** Up to and including connection.tune. */
  async login(target: Target, capabilities: readonly string[] = allCapabilities): Promise<Args> {
    this.write(protocolHeader)
    await this.expect('connection.start')
    const names: Field[] = capabilities.map((name) => [name, 't', true])
    this.send(0, 'connection.start-ok', {
      'client-properties': [['capabilities', 'F', names]], 'mechanism': 'PLAIN', 'locale': 'en_US',
      'response': plainResponse(target.user, target.password),
    })
    return this.expect('connection.tune')
  }

  tuneOk({ channelMax = 2047, frameMax = 131_072, heartbeat = 0 }: HandshakeOptions = {}): void {
    this.send(0, 'connection.tune-ok', { 'channel-max': channelMax, 'frame-max': frameMax, heartbeat })
  }

  write(bytes: Buffer): void {
    this.socket.write(bytes)
  }

  send(channel: number, name: MethodName, args: Args = {}): void {
    if (name === 'connection.close-ok') this.isOpened = false
    this.frame(frameType.method, channel, encodeMethod(name, args))
  }

  /** A request with its answer. */
  async call(channel: number, name: MethodName, args: Args = {}): Promise<Args> {
    this.send(channel, name, args)
    const answer = `${name}-ok`
    if (!(answer in methods)) throw new TypeError(`${name} has no answer`)
    return this.expect(answer as MethodName)
  }

  frame(type: number, channel: number, payload: Buffer): void {
    this.write(encodeFrame(type, channel, payload))
  }

  publish(channel: number, args: Args, properties: Args | Buffer = {}, body: Buffer = Buffer.alloc(0)): void {
    this.send(channel, 'basic.publish', args)
    const head = Buffer.isBuffer(properties) ? properties : encodeProperties(properties)
    this.frame(frameType.header, channel, encodeHeader(body.length, head))
    if (body.length > 0) this.frame(frameType.body, channel, body)
  }

  private takeFrame(): Frame | null {
    if (this.received.length < 8) return null
    const size = this.received.readUInt32BE(3)
    if (this.received.length < size + 8) return null
    const bytes = this.received.subarray(0, size + 8)
    this.received = this.received.subarray(size + 8)
    if (bytes[size + 7] !== 0xce) throw new Error(`frame without its end octet: ${bytes.toString('hex')}`)
    return { type: bytes[0]!, channel: bytes.readUInt16BE(1), payload: bytes.subarray(7, size + 7) }
  }

  /** The next frame that is no heartbeat. */
  async nextFrame(boundMs?: number): Promise<Frame> {
    return until('a frame from the broker', () => {
      const frame = this.takeFrame()
      if (frame?.type === frameType.heartbeat) {
        this.heartbeats++
        return null
      }
      if (frame === null && this.isClosed) throw new Error('the broker closed the connection without a frame')
      return frame
    }, boundMs)
  }

  async nextMethod(boundMs?: number): Promise<{ name: string, args: Args, channel: number }> {
    const frame = await this.nextFrame(boundMs)
    if (frame.type !== frameType.method) {
      throw new Error(`expected a method, got a frame of type ${frame.type}`)
    }
    return { ...decodeMethod(frame.payload), channel: frame.channel }
  }

  async expect(name: MethodName): Promise<Args> {
    const method = await this.nextMethod()
    if (method.name !== name) {
      throw new Error(`expected ${name}, got ${method.name} ${JSON.stringify(method.args)}`)
    }
    return method.args
  }

  /** A method with content: deliver, get-ok, return. */
  async nextMessage(): Promise<RawMessage> {
    const { name, args } = await this.nextMethod()
    const header = new Reader((await this.nextFrame()).payload)
    header.take(4)
    const bodySize = header.number(8)
    const properties = Buffer.from(header.rest())
    const parts: Buffer[] = []
    for (let size = 0; size < bodySize;) {
      const { payload } = await this.nextFrame()
      parts.push(payload)
      size += payload.length
    }
    return { method: name, args, bodySize, properties, body: Buffer.concat(parts) }
  }

  /** Bytes that are no frame: a refused protocol header's answer. */
  async takeBytes(length: number): Promise<Buffer> {
    return until(`${length} bytes from the broker`, () => {
      if (this.received.length < length) return null
      const bytes = this.received.subarray(0, length)
      this.received = this.received.subarray(length)
      return bytes
    })
  }

  /** Milliseconds until the broker dropped the socket. */
  async dropped(boundMs?: number): Promise<number> {
    const start = performance.now()
    await until('the broker drops the connection', () => this.isClosed, boundMs)
    return performance.now() - start
  }

  /** What was received and not yet taken. */
  get pendingBytes(): number {
    return this.received.length
  }

  /**
   * Closes in an orderly way where the broker still listens, so that its exclusive queues are gone
   * afterwards.
   */
  async end(): Promise<void> {
    if (this.isClosed || !this.isOpened) return this.destroy()
    this.send(0, 'connection.close', { 'reply-code': 200 })
    await until('close-ok, or the end of a connection in error', () => {
      if (this.isClosed) return true
      const frame = this.takeFrame()
      return frame?.type === frameType.method && frame.channel === 0
        && closing.has(decodeMethod(frame.payload).name)
    })
    this.destroy()
  }

  destroy(): void {
    this.isClosed = true
    this.socket.destroy()
  }
}
