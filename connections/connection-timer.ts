// The one timer of a connection: the handshake's limit, then heartbeats, then the limit of closing. It sits
// in the broker's wheel; counting is all that happens between two of its ticks.
//
//   heartbeat H: after H/2 a first frame, then every H/2 one if nothing else was sent; every H it is asked
//   whether anything was heard, and two silent times in a row end the connection, so between 2 H and 3 H
//   after the last byte (RabbitMQ)
import type { Timer } from '../base/timer-wheel.ts'
import type { Broker } from '../broker/broker.ts'
import type { FrameWriter } from '../protocol/frame-writer.ts'
import { CloseReply } from './close-reply.ts'

export interface TimedConnection {
  readonly writer: FrameWriter
  /** False while we do not read: then silence is our own doing. */
  readonly isReading: boolean
  mark(): void
  drop(): void
}

export class ConnectionTimer implements Timer {
  dueMs = 0
  private readonly broker: Broker
  private readonly connection: TimedConnection
  private heartbeatS = 0
  private isDropping = false
  private hasHeard = false
  private hasSaid = false
  /** Our heartbeat is on its way: what is said next is that. */
  private isBeating = false
  private beats = 0
  private silences = 0

  constructor(broker: Broker, connection: TimedConnection) {
    this.broker = broker
    this.connection = connection
  }

  heard(): void {
    this.hasHeard = true
  }

  said(): void {
    if (this.isBeating) this.isBeating = false
    else this.hasSaid = true
  }

  dropAfter(ms: number): void {
    this.isDropping = true
    this.set(ms)
  }

  /** The interval is agreed; the limit of the handshake still holds until `opened`. */
  beat(heartbeatS: number): void {
    this.heartbeatS = heartbeatS
  }

  opened(): void {
    this.isDropping = false
    if (this.heartbeatS === 0) this.stop()
    else this.set(this.heartbeatS * 500)
  }

  dropAfterClose(): void {
    const heartbeatMs = this.heartbeatS * 1000
    this.dropAfter(heartbeatMs > 0 ? Math.min(heartbeatMs, CloseReply.awaitedMs) : CloseReply.awaitedMs)
  }

  stop(): void {
    this.broker.timers.clear(this)
  }

  fire(): void {
    if (this.isDropping) return this.connection.drop()
    if (!this.hasSaid || this.beats === 0) {
      this.isBeating = true
      this.connection.writer.heartbeat()
      this.connection.mark()
    }
    this.hasSaid = false
    if (++this.beats % 2 === 0 && this.hasBeenSilent()) return this.connection.drop()
    this.set(this.heartbeatS * 500)
  }

  private hasBeenSilent(): boolean {
    this.silences = this.hasHeard || !this.connection.isReading ? 0 : this.silences + 1
    this.hasHeard = false
    return this.silences >= 2
  }

  private set(ms: number): void {
    this.broker.timers.set(this, this.broker.clock.monotonicMs + ms)
  }
}
