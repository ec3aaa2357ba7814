// The TCP door: accepts sockets and gives each a Connection. The only file here that knows net; everything
// above the Transport is also driven by the simulation.
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { Broker } from '../broker/broker.ts'
import { Connection } from './connection.ts'
import type { Peer, Transport } from './transport.ts'

export interface AmqpListener {
  readonly address: AddressInfo
  /** Stops accepting; connections that are open stay. */
  stop(): void
}

/** Errors: the operating system's (EADDRINUSE, EACCES), before anything is accepted. */
export async function listenAmqp(broker: Broker, host: string, port: number): Promise<AmqpListener> {
  const server = createServer({ noDelay: true, keepAlive: true }, (socket) => accept(socket, broker))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog: 1024 }, resolve)
  })
  server.on('error', (err) => broker.log.error({ err, listener: 'amqp' }, 'the AMQP listener failed'))
  return { address: server.address() as AddressInfo, stop: () => stop(server) }
}

function stop(server: Server): void {
  server.close()
}

function accept(socket: Socket, broker: Broker): void {
  const transport = new SocketTransport(socket)
  const connection = new Connection(transport, broker)
  socket.on('data', (chunk: Buffer) => connection.onData(chunk))
  socket.on('drain', () => connection.onDrain())
  socket.on('error', (error) => {
    const { address, port: peerPort } = transport.peer
    broker.log.info({ connection: `${address}:${peerPort}`, reason: error.message }, 'socket error')
  })
  socket.on('close', () => connection.onClosed())
}

class SocketTransport implements Transport {
  readonly peer: Peer
  private readonly socket: Socket

  constructor(socket: Socket) {
    this.socket = socket
    const address = socket.remoteAddress ?? ''
    this.peer = { address, port: socket.remotePort ?? 0, isLoopback: isLoopback(address) }
  }

  get bufferedBytes(): number {
    return this.socket.writableLength
  }

  write(pieces: readonly Buffer[]): void {
    if (pieces.length === 1) {
      this.socket.write(pieces[0]!)
      return
    }
    this.socket.cork()
    for (const piece of pieces) this.socket.write(piece)
    this.socket.uncork()
  }

  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    this.socket.resume()
  }

  end(): void {
    this.socket.end()
  }

  destroy(): void {
    this.socket.destroy()
  }
}

/** 127.0.0.0/8 and ::1, also as an IPv4 address inside IPv6. */
function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address)
}
