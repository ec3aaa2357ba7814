// What a connection needs of a socket. listener.ts has the real one over TCP, the simulation a virtual one;
// nothing else in this folder knows which.
import type { SocketAddress } from '../broker/connection-view.ts'

export interface Peer extends SocketAddress {
  /** Comes from this machine: users of broker.loopbackUsers may log in. */
  readonly isLoopback: boolean
  /**
   * Who the client's certificate says it is, empty when it does not; null without a certificate that was
   * checked, and then there is no login by EXTERNAL.
   */
  readonly certificateName: string | null
}

export interface Transport {
  readonly peer: Peer
  /** Our end. */
  readonly local: SocketAddress
  /** Bytes that were written and not yet taken by the other side's kernel. */
  readonly bufferedBytes: number
  write(pieces: readonly Buffer[]): void
  /** Stops and resumes `onData`; what is under way may still arrive. */
  pause(): void
  resume(): void
  /** Closes once everything written has been sent. */
  end(): void
  /** Closes now. `onClosed` follows, as it does after every other end. */
  destroy(): void
}

/** What a socket tells its connection. */
export interface TransportListener {
  onData(chunk: Buffer): void
  /** `bufferedBytes` has come down. */
  onDrain(): void
  onClosed(): void
}
