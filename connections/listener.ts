// The doors to the network: TCP and TLS. They accept sockets and give each a Connection. The only file here
// that knows net and tls; everything above the Transport is also driven by the simulation.
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { TLSSocket } from 'node:tls'
import type { Broker } from '../broker/broker.ts'
import type { SocketAddress } from '../broker/connection-view.ts'
import { Connection } from './connection.ts'
import type { Peer, Transport } from './transport.ts'

export interface AmqpListener {
  readonly address: AddressInfo
  /** Stops accepting; connections that are open stay. */
  stop(): void
}

/** PEM, as read. */
export interface TlsFiles {
  readonly certificate: Buffer
  readonly key: Buffer
  readonly ca: Buffer | null
}

export interface TlsWish extends TlsFiles {
  /** Asks for a certificate, and drops a client whose certificate is not of `ca`. */
  readonly verifiesPeer: boolean
  /** Drops a client without one, too. */
  readonly needsPeerCertificate: boolean
  readonly loginFrom: 'distinguished_name' | 'common_name'
}

/** Errors: the operating system's (EADDRINUSE, EACCES), before anything is accepted. */
export function listenAmqp(broker: Broker, host: string, port: number): Promise<AmqpListener> {
  const server = createServer({ noDelay: true, keepAlive: true }, (socket) => accept(socket, broker, null))
  return listen(server, broker, host, port)
}

/** Errors: as `listenAmqp`, and OpenSSL's for files that it cannot use. */
export function listenAmqps(
  broker: Broker, host: string, port: number, wish: TlsWish,
): Promise<AmqpListener> {
  const server = createTlsServer({
    cert: wish.certificate, key: wish.key, ...wish.ca !== null && { ca: wish.ca },
    requestCert: wish.verifiesPeer, rejectUnauthorized: wish.needsPeerCertificate, minVersion: 'TLSv1.2',
    handshakeTimeout: broker.limits.handshakeTimeoutMs, noDelay: true, keepAlive: true,
  }, (socket) => {
    const name = wish.verifiesPeer ? certificateName(socket, wish.loginFrom) : null
    if (name !== null && !socket.authorized) return refuse(socket, broker)
    accept(socket, broker, name)
  })
  server.on('tlsClientError', (error, socket) => {
    broker.log.info({ connection: describe(socket), reason: error.message }, 'TLS handshake failed')
  })
  return listen(server, broker, host, port)
}

async function listen(server: Server, broker: Broker, host: string, port: number): Promise<AmqpListener> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog: 1024 }, resolve)
  })
  server.on('error', (err) => broker.log.error({ err, listener: port }, 'an AMQP listener failed'))
  return { address: server.address() as AddressInfo, stop: () => stop(server) }
}

function stop(server: Server): void {
  server.close()
}

function accept(socket: Socket, broker: Broker, name: string | null): void {
  const connection = new Connection(new SocketTransport(socket, name), broker)
  socket.on('data', (chunk: Buffer) => connection.onData(chunk))
  socket.on('drain', () => connection.onDrain())
  socket.on('error', (error) => {
    broker.log.info({ connection: describe(socket), reason: error.message }, 'socket error')
  })
  socket.on('close', () => connection.onClosed())
}

/** A certificate that was asked for, given, and is not of our authorities. */
function refuse(socket: TLSSocket, broker: Broker): void {
  const reason = String(socket.authorizationError)
  broker.log.warn({ connection: describe(socket), reason }, 'client certificate refused')
  socket.on('error', () => {}) // the client's reset: it has been refused already
  socket.destroy()
}

const describe = (socket: Socket): string => `${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`

/**
 * null without a certificate. A distinguished name is written as RFC 2253 has it, the most specific part
 * first; common names of which there are several, with commas between (RabbitMQ, ssl_cert_login_from).
 */
function certificateName(socket: TLSSocket, from: TlsWish['loginFrom']): string | null {
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return null
  if (from === 'distinguished_name') return certificate.subject.split('\n').toReversed().join(',')
  const { CN } = socket.getPeerCertificate().subject as { readonly CN?: string | readonly string[] }
  return CN === undefined ? '' : [CN].flat().join(',')
}

class SocketTransport implements Transport {
  readonly peer: Peer
  readonly local: SocketAddress
  private readonly socket: Socket

  constructor(socket: Socket, certificateName: string | null) {
    this.socket = socket
    const address = plainAddress(socket.remoteAddress)
    this.peer = { address, port: socket.remotePort ?? 0, isLoopback: isLoopback(address), certificateName }
    this.local = { address: plainAddress(socket.localAddress), port: socket.localPort ?? 0 }
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

/** IPv4 inside IPv6 is IPv4. */
function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:(?=\d+\.)/, '')
}
