// One connection seen from the client, frame by frame, over any pipe of bytes: the simulation's virtual
// sockets, a net.Socket, a fuzzer's buffer. It does nothing by itself but the handshake and the answers to
// the server's closes. Invariant: replies are matched in order per channel; all else goes to `hear`.
import { FRAME_BODY, FRAME_HEADER, FRAME_HEARTBEAT, FRAME_METHOD } from '../../protocol/spec.ts'
import * as codec from './client-codec.ts'
import type { Method, Values } from './client-codec.ts'

export interface Content {
  readonly properties: Values
  readonly body: Buffer
}

export type Reply = (method: Method, content: Content | null) => void

export interface Login {
  readonly user: string
  readonly password: string
  readonly vhost: string
  readonly heartbeatS: number
  readonly frameSizeMax: number
}

export class RawClient {
  private readonly write: (bytes: Buffer) => void
  private readonly hear: (channel: number, ...heard: Parameters<Reply>) => void
  private readonly splitter = new codec.FrameSplitter()
  private readonly awaited = new Map<number, { readonly names: readonly string[]; readonly then: Reply }[]>()
  private readonly gathering = new Map<number, Content & { method: Method; bodySize: number; body: Buffer }>()
  private frameSizeMax = 0

  /** `hear` is told what no call waits for: deliveries, returns, confirms, closes. */
  constructor(write: (bytes: Buffer) => void, hear: (channel: number, ...heard: Parameters<Reply>) => void) {
    this.write = write
    this.hear = hear
  }

  open(login: Login, then: () => void): void {
    const { user, password, vhost, heartbeatS: heartbeat, frameSizeMax: frameMax } = login
    this.frameSizeMax = frameMax
    this.await(0, ['connection.start'], () => {
      this.send(0, 'connection.start-ok', { mechanism: 'PLAIN', response: `\0${user}\0${password}` })
    })
    this.await(0, ['connection.tune'], () => {
      this.send(0, 'connection.tune-ok', { frameMax, heartbeat })
      this.send(0, 'connection.open', { virtualHost: vhost })
    })
    this.await(0, ['connection.open-ok'], then)
    this.write(Buffer.from('AMQP\0\0\x09\x01', 'latin1'))
  }

  receive(chunk: Buffer): void {
    this.splitter.push(chunk, (...frame) => this.onFrame(...frame))
  }

  send(channel: number, name: string, args: Values = {}): void {
    this.write(codec.encodeMethod(channel, name, args))
  }

  /** Sends a method whose answer is its `-ok`, or `basic.get-empty`. */
  call(channel: number, name: string, args: Values, then: Reply): void {
    this.await(channel, name === 'basic.get' ? ['basic.get-ok', 'basic.get-empty'] : [`${name}-ok`], then)
    this.send(channel, name, args)
  }

  publish(channel: number, args: Values, properties: Values, body: Buffer): void {
    const content = codec.encodeContent(channel, properties, body, this.frameSizeMax)
    this.write(Buffer.concat([codec.encodeMethod(channel, 'basic.publish', args), content]))
  }

  heartbeat(): void {
    this.write(codec.encodeFrame(FRAME_HEARTBEAT, 0, Buffer.alloc(0)))
  }

  private await(channel: number, names: readonly string[], then: Reply): void {
    this.awaited.set(channel, [...this.awaited.get(channel) ?? [], { names, then }])
  }

  private onFrame(type: number, channel: number, payload: Buffer): void {
    if (type === FRAME_HEARTBEAT) return
    if (type === FRAME_METHOD) {
      const method = codec.decodeMethod(payload)
      const hasContent = ['basic.deliver', 'basic.get-ok', 'basic.return'].includes(method.name)
      if (!hasContent) return this.onMethod(channel, method, null)
      this.gathering.set(channel, { method, properties: {}, bodySize: Infinity, body: Buffer.alloc(0) })
      return
    }
    const content = this.gathering.get(channel)
    if (content === undefined) throw new Error(`frame type ${type} on channel ${channel} follows no method`)
    if (type === FRAME_HEADER) Object.assign(content, codec.decodeHeader(payload))
    if (type === FRAME_BODY) content.body = Buffer.concat([content.body, payload])
    if (content.body.length < content.bodySize) return
    this.gathering.delete(channel)
    this.onMethod(channel, content.method, content)
  }

  private onMethod(channel: number, method: Method, content: Content | null): void {
    const [first, ...others] = this.awaited.get(channel) ?? []
    if (first?.names.includes(method.name) === true) {
      this.awaited.set(channel, others)
      return first.then(method, content)
    }
    if (method.name === 'connection.close' || method.name === 'channel.close') {
      this.send(channel, `${method.name}-ok`)
      this.awaited.delete(channel)
    }
    this.hear(channel, method, content)
  }
}
