// One AMQP connection over a real socket, for tests that do to it what no client library would: say nothing
// any more, read nothing any more. Opened by the tests here; whoever opens one destroys it.
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { RawClient } from '../amqp/raw-client.ts'
import type { Content } from '../amqp/raw-client.ts'
import type { Method, Values } from '../amqp/client-codec.ts'

interface Answer {
  readonly method: Method
  readonly content: Content | null
}

export class Peer {
  readonly raw: RawClient
  /** What no call waited for. */
  onHeard: (method: Method, content: Content | null) => void = () => {}
  private readonly socket: Socket
  private beats: NodeJS.Timeout | null = null

  private constructor(socket: Socket) {
    this.socket = socket
    this.raw = new RawClient((bytes) => socket.write(bytes), (_, ...heard) => this.onHeard(...heard))
    socket.on('data', (chunk: Buffer) => this.raw.receive(chunk))
    // A reset is one way of being closed; `close` follows.
    socket.on('error', () => {})
  }

  /** Connected, and with channel 1 open. */
  static async open(port: number, heartbeatS: number): Promise<Peer> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    await once(socket, 'connect')
    const peer = new Peer(socket)
    const login = { user: 'guest', password: 'guest', vhost: '/', heartbeatS, frameSizeMax: 131_072 }
    await new Promise<void>((resolve) => peer.raw.open(login, resolve))
    if (heartbeatS > 0) peer.beats = setInterval(() => peer.raw.heartbeat(), heartbeatS * 500)
    await peer.call('channel.open')
    return peer
  }

  call(name: string, args: Values = {}): Promise<Answer> {
    return new Promise((resolve) => {
      this.raw.call(1, name, args, (method, content) => resolve({ method, content }))
    })
  }

  publish(queue: string, body: Buffer, isPersistent = false): void {
    const properties = { deliveryMode: isPersistent ? 2 : 1 }
    this.raw.publish(1, { exchange: '', routingKey: queue }, properties, body)
  }

  /** As a stopped process: the connection is there, and nobody. */
  fallSilent(): void {
    this.stopReading()
    if (this.beats !== null) clearInterval(this.beats)
    this.beats = null
  }

  /** The window of the connection fills up and stays full; heartbeats go on. */
  stopReading(): void {
    this.socket.pause()
  }

  /** Bytes that wait to be sent because the broker does not read. */
  get unsentBytes(): number {
    return this.socket.writableLength
  }

  destroy(): void {
    this.fallSilent()
    this.socket.destroy()
  }
}

/** What the operating system says of a process. */
export function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
}

export function descriptorCount(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}
