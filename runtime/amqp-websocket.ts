// AMQP over a WebSocket, as @cloudamqp/amqp-client speaks it from browsers: the bytes of a connection in
// binary messages, cut anywhere. Joins the HTTP door, which opens the socket, and the AMQP door, to which it
// is a transport like TCP. Invariant: as for every transport, `onClosed` is the last that the connection
// hears.
import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import type { Broker } from '../broker/broker.ts'
import type { SocketAddress } from '../broker/connection-view.ts'
import { Connection } from '../connections/connection.ts'
import type { Peer, Transport } from '../connections/transport.ts'
import { endsOf } from '../http/client-ends.ts'

/** RFC 6455 §7.4.1: data of a kind that cannot be accepted. */
const NOT_BINARY = 1003

/** What takes over a WebSocket that the HTTP door opened, on that socket. */
export function amqpWebSockets(broker: Broker): (opened: WebSocket, socket: Socket) => void {
  return (opened, socket) => accept(opened, socket, broker)
}

function accept(opened: WebSocket, socket: Socket, broker: Broker): void {
  const transport = new WebSocketTransport(opened, socket)
  const connection = new Connection(transport, broker)
  transport.onSent = (error) => {
    if (error === undefined || error === null) connection.onDrain()
  }
  opened.on('message', (data, isBinary) => {
    if (isBinary) connection.onData(data as Buffer)
    else opened.close(NOT_BINARY, 'AMQP comes in binary messages')
  })
  opened.on('error', (error) => {
    const { address, port } = transport.peer
    broker.log.info({ connection: `${address}:${port}`, reason: error.message }, 'socket error')
  })
  opened.on('close', () => connection.onClosed())
}

class WebSocketTransport implements Transport {
  readonly peer: Peer
  readonly local: SocketAddress
  /** What was written is on its way, or, with an error, never will be. */
  onSent: (error?: Error | null) => void = () => {}
  private readonly opened: WebSocket

  constructor(opened: WebSocket, socket: Socket) {
    const { peer, local } = endsOf(socket)
    this.peer = { ...peer, isLoopback: /^(?:127\.|::1$)/.test(peer.address), certificateName: null }
    this.local = local
    this.opened = opened
  }

  get bufferedBytes(): number {
    return this.opened.bufferedAmount
  }

  write(pieces: readonly Buffer[]): void {
    this.opened.send(Buffer.concat(pieces), this.onSent)
  }

  pause(): void {
    this.opened.pause()
  }

  resume(): void {
    this.opened.resume()
  }

  end(): void {
    this.opened.close()
  }

  destroy(): void {
    this.opened.terminate()
  }
}
