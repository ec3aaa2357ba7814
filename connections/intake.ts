// What a connection takes in, and when it does not: the frame reader and the reasons to hold it. Reading
// stops for one reason or several at a time and goes on when the last of them is gone; what has arrived stays
// in the reader, and the socket is paused before that becomes much. Nothing queues frames (rule 31).
//
//   durable  a reply waits for its batch          outbox  the client does not read what it asked for
//   store    the store is behind                  turn    the connection had its share of this turn
//   page     basic.get waits for the store to give a message back
//   alarm    memory or disk is low
import type { Resumable, Turn } from '../base/turn.ts'
import { FrameReader } from '../protocol/frame-reader.ts'
import type { FrameSink } from '../protocol/frame-reader.ts'
import type { Transport } from './transport.ts'

export const HOLD_DURABLE = 1
export const HOLD_OUTBOX = 2
export const HOLD_STORE = 4
const HOLD_TURN = 8
export const HOLD_PAGE = 16
export const HOLD_ALARM = 32

/** Bytes that wait to be read, from which on the socket is paused and below which it flows again. */
const UNREAD_BYTES_MAX = 256 * 1024
const UNREAD_BYTES_LOW = 64 * 1024

/** The connection: it gets the frames, and what reading throws. */
export interface IntakeOwner extends FrameSink {
  readFailed(error: unknown): void
}

export class Intake implements Resumable {
  private readonly owner: IntakeOwner
  private readonly transport: Transport
  private readonly turn: Turn
  private readonly reader: FrameReader
  private holds = 0
  private isPaused = false
  private isOver = false
  /** The turn that `shareLeft` is good for. */
  private shareTurn = -1
  private shareLeft = 0

  constructor(owner: IntakeOwner, transport: Transport, turn: Turn, frameSizeMax: number) {
    this.owner = owner
    this.transport = transport
    this.turn = turn
    this.reader = new FrameReader(owner, frameSizeMax)
  }

  get frameSizeMax(): number {
    return this.reader.frameSizeMax
  }

  set frameSizeMax(bytes: number) {
    this.reader.frameSizeMax = bytes
  }

  get isReading(): boolean {
    return this.holds === 0
  }

  isHeldFor(reason: number): boolean {
    return (this.holds & reason) !== 0
  }

  push(chunk: Buffer): void {
    try {
      this.reader.push(chunk)
    } catch (error) {
      this.owner.readFailed(error)
    }
    if (this.holds !== 0 && this.reader.unreadBytes > UNREAD_BYTES_MAX) this.pause()
  }

  /** A message came in: when the share of this turn is used up, the next ones wait for the next turn. */
  ingested(bodyBytes: number): void {
    const { budget } = this.turn
    if (this.shareTurn !== budget.turn) {
      this.shareTurn = budget.turn
      this.shareLeft = budget.enter()
    }
    this.shareLeft -= budget.cost(bodyBytes)
    if (this.shareLeft > 0 || this.isHeldFor(HOLD_TURN)) return
    this.hold(HOLD_TURN)
    this.turn.resumeNext(this)
  }

  /** The next turn has begun: there is a share again. */
  resume(): void {
    this.release(HOLD_TURN)
  }

  hold(reason: number): void {
    this.reader.hold()
    this.holds |= reason
    if (reason !== HOLD_TURN) this.pause()
  }

  release(reason: number): void {
    if (!this.isHeldFor(reason)) return
    this.holds &= ~reason
    if (this.holds === 0) this.readOn()
  }

  /** Whatever it was held for: only the end of the conversation is still of interest. */
  releaseAll(): void {
    this.release(this.holds)
  }

  /** Forgets what has arrived and all that will: the connection is over. */
  discard(): void {
    this.isOver = true
    this.reader.discard()
  }

  private readOn(): void {
    if (this.isOver) return
    try {
      this.reader.release()
    } catch (error) {
      this.owner.readFailed(error)
    }
    const isHeldForLonger = (this.holds & ~HOLD_TURN) !== 0
    // What is left without a hold is a part of a frame, however large: the rest of it is in the socket.
    const hasMuch = this.holds !== 0 && this.reader.unreadBytes > UNREAD_BYTES_LOW
    if (!this.isPaused || isHeldForLonger || hasMuch) return
    this.isPaused = false
    this.transport.resume()
  }

  private pause(): void {
    if (this.isPaused) return
    this.isPaused = true
    this.transport.pause()
  }
}
