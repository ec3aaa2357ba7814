// Both ends of a request's socket, as the broker shows them.
import type { Socket } from 'node:net'
import type { Ends } from './session.ts'

export function endsOf(socket: Socket): Ends {
  return {
    peer: { address: plainAddress(socket.remoteAddress), port: socket.remotePort ?? 0 },
    local: { address: plainAddress(socket.localAddress), port: socket.localPort ?? 0 },
  }
}

/** IPv4 inside IPv6 is IPv4. */
function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:(?=\d+\.)/, '')
}
