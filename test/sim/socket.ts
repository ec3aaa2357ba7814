// A TCP connection in virtual time: bytes arrive in order, cut anywhere, late, or never. The server's end
// is the Transport that connections/ knows. Bytes are copied when they arrive, not when they are written,
// so a broker that writes again into what it has handed over is found out.
import type { Peer, Transport, TransportListener } from '../../connections/transport.ts'
import { MS } from './world.ts'
import type { World } from './world.ts'

/** Node tells a writer of the drain only when it had been told to stop. */
const HIGH_WATER_BYTES = 16 * 1024

export interface ClientEnd {
  receive(chunk: Buffer): void
  /** Nothing more will be heard. */
  closed(): void
}

/** A connection, as its client uses it. */
export interface ClientLink {
  clientWrite(bytes: Buffer): void
  /** The client is gone at once. */
  clientDestroy(): void
  /** Nothing moves for so many microseconds; for ever, until a heartbeat finds out. */
  stall(duration: number): void
}

/** One direction. */
class Flow {
  readonly world: World
  readonly delayMax: number
  bytes = 0
  frozenUntil = 0
  isPaused = false
  onEmpty: () => void = () => {}
  private readonly deliver: (chunk: Buffer) => void
  private pieces: Buffer[] = []
  private isMoving = false

  constructor(world: World, delayMax: number, deliver: (chunk: Buffer) => void) {
    this.world = world
    this.delayMax = delayMax
    this.deliver = deliver
  }

  write(piece: Buffer): void {
    if (piece.length === 0) return
    this.pieces.push(piece)
    this.bytes += piece.length
    this.move()
  }

  move(): void {
    if (this.isMoving || this.bytes === 0 || this.isPaused || this.frozenUntil === Infinity) return
    this.isMoving = true
    const thaw = Math.max(0, this.frozenUntil - this.world.now)
    this.world.at(thaw + this.world.between(1, this.delayMax), () => {
      this.isMoving = false
      // What is under way when the reader pauses may still arrive (Transport.pause).
      const isMoved = this.bytes > 0 && this.frozenUntil <= this.world.now
      if (isMoved && (!this.isPaused || this.world.random.chance(0.2))) {
        this.deliver(this.take(this.chunkBytes()))
        if (this.bytes === 0) this.onEmpty()
      }
      this.move()
    })
  }

  take(size: number): Buffer {
    const all = this.pieces.length === 1 ? this.pieces[0]! : Buffer.concat(this.pieces)
    const chunk = Buffer.from(all.subarray(0, size))
    this.pieces = chunk.length === all.length ? [] : [all.subarray(size)]
    this.bytes -= chunk.length
    return chunk
  }

  clear(): void {
    this.pieces = []
    this.bytes = 0
  }

  private chunkBytes(): number {
    const { random } = this.world
    if (random.chance(0.04)) return 1 + random.below(12)
    return random.chance(0.25) ? 1 + random.below(400) : 64 * 1024
  }
}

export class Link implements Transport, ClientLink {
  readonly peer: Peer = { address: '127.0.0.1', port: 1, isLoopback: true, certificateName: null }
  readonly local = { address: '127.0.0.1', port: 5672 }
  private readonly world: World
  private readonly up: Flow
  private readonly down: Flow
  private readonly client: ClientEnd
  private server: TransportListener | null = null
  private isServerClosed = false
  private isClientClosed = false
  private isAboveHighWater = false

  constructor(world: World, delayMax: number, client: ClientEnd) {
    this.world = world
    this.client = client
    this.up = new Flow(world, delayMax, (chunk) => this.server?.onData(chunk))
    this.down = new Flow(world, delayMax, (chunk) => client.receive(chunk))
    this.down.onEmpty = () => this.drained()
  }

  attach(server: TransportListener): void {
    this.server = server
  }

  get bufferedBytes(): number {
    return this.down.bytes
  }

  write(pieces: readonly Buffer[]): void {
    if (this.isClientClosed || this.isServerClosed) return
    for (const piece of pieces) this.down.write(piece)
    if (this.down.bytes > HIGH_WATER_BYTES) this.isAboveHighWater = true
  }

  pause(): void {
    this.up.isPaused = true
  }

  resume(): void {
    this.up.isPaused = false
    this.up.move()
  }

  end(): void {
    const close = (): void => {
      this.closeClient()
      this.closeServer()
    }
    if (this.down.bytes === 0) close()
    else this.down.onEmpty = close
  }

  destroy(): void {
    this.closeClient()
    this.closeServer()
  }

  clientWrite(bytes: Buffer): void {
    if (!this.isClientClosed && !this.isServerClosed) this.up.write(bytes)
  }

  /** What it had sent arrives before the broker hears of that, or is lost with it. */
  clientDestroy(): void {
    this.isClientClosed = true
    this.down.clear()
    if (this.up.bytes === 0 || this.up.frozenUntil === Infinity || this.world.random.chance(0.5)) {
      this.closeServer()
    } else {
      this.up.onEmpty = () => this.closeServer()
      // A reader that has paused hears of the end only when it reads on: here it does not wait for that.
      this.world.at(200 * MS, () => this.closeServer())
    }
  }

  stall(duration: number): void {
    this.up.frozenUntil = this.down.frozenUntil = this.world.now + duration
  }

  /**
   * The broker's process died: of what its kernel had taken some still arrives, and does so before the
   * restart.
   */
  crash(): void {
    this.server = null
    this.isServerClosed = true
    this.up.clear()
    const { down } = this
    if (down.bytes > 0 && down.frozenUntil <= this.world.now && !this.isClientClosed) {
      const { random } = this.world
      this.client.receive(down.take(random.chance(0.5) ? down.bytes : random.below(down.bytes)))
    }
    this.closeClient()
  }

  private drained(): void {
    if (!this.isAboveHighWater) return
    this.isAboveHighWater = false
    this.server?.onDrain()
  }

  private closeClient(): void {
    this.down.clear()
    if (this.isClientClosed) return
    this.isClientClosed = true
    this.client.closed()
  }

  private closeServer(): void {
    if (this.isServerClosed) return
    this.isServerClosed = true
    this.up.clear()
    this.world.at(1, () => {
      const { server } = this
      this.server = null
      server?.onClosed()
    })
  }
}
