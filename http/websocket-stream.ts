// A queue over a WebSocket: its messages as JSON texts, each with a tag, and the client's acks as JSON texts.
// Made by websockets.ts. Invariant: what is not settled when the socket goes, goes back to the queue.
//
//   ◀ {"tag":1,"routing_key":"k","body":"…", …}        ▶ {"ack":1}   {"nack":[2,3]}   {"reject":4}
import { z } from 'zod'
import type { WebSocket } from 'ws'
import type { Timer } from '../base/timer-wheel.ts'
import type { Entry } from '../queues/entry.ts'
import type { Queue } from '../queues/queue.ts'
import { messageToJson } from './message-json.ts'
import type { Session } from './session.ts'
import { StreamConsumer } from './stream-consumer.ts'
import type { StreamSink, StreamWish } from './stream-consumer.ts'

/** Unsent bytes at which the stream gets nothing more. */
const ROOM_BYTES = 256 * 1024
/** As often a client must show that it is there. */
const PING_MS = 30_000
/** RFC 6455 §7.4.1: normal closure, going away, policy violation. */
const GONE = 1001
const VIOLATION = 1008
/** §5.5.1: of the reason in a close frame. */
const REASON_BYTES_MAX = 123

const EXPECTED = 'expected {"ack":TAG}, "nack" or "reject", with a tag or an array'
const tag = z.int().min(1)
const tags = z.union([tag, z.array(tag)]).transform((given) => [given].flat()).default([])
const settlements = z.strictObject({ ack: tags, nack: tags, reject: tags })

export class WebSocketStream implements StreamSink, Timer {
  dueMs = 0
  private readonly socket: WebSocket
  private readonly session: Session
  private readonly consumer: StreamConsumer
  private isAlive = true
  private isShortOfRoom = false
  private readonly sent = (): void => this.drained()

  constructor(socket: WebSocket, session: Session, queue: Queue, wish: StreamWish) {
    this.socket = socket
    this.session = session
    this.consumer = new StreamConsumer(session, queue, wish, this)
  }

  start(): void {
    const { socket, session } = this
    socket.on('message', (data, isBinary) => {
      this.received(isBinary ? '' : (data as Buffer).toString('utf8'))
    })
    socket.on('pong', () => {
      this.isAlive = true
    })
    socket.on('close', () => session.end('the client is gone'))
    session.addConsumer(this.consumer)
    this.wait()
  }

  get hasRoom(): boolean {
    this.isShortOfRoom ||= this.socket.bufferedAmount >= ROOM_BYTES
    return !this.isShortOfRoom
  }

  message(entry: Entry, tag: number): void {
    this.socket.send(JSON.stringify({ ...tag > 0 && { tag }, ...messageToJson(entry) }), this.sent)
  }

  ended(reason: string): void {
    this.session.broker.timers.clear(this)
    this.socket.close(GONE, cut(reason))
  }

  /** A client that did not answer the last ping is gone. */
  fire(): void {
    if (!this.isAlive) return this.socket.terminate()
    this.isAlive = false
    this.socket.ping()
    this.wait()
  }

  private wait(): void {
    const { timers, clock } = this.session.broker
    timers.set(this, clock.monotonicMs + PING_MS)
  }

  private drained(): void {
    if (!this.isShortOfRoom || this.socket.bufferedAmount >= ROOM_BYTES) return
    this.isShortOfRoom = false
    this.consumer.roomReturned()
  }

  /** All of it is done, up to a tag that is not known: then the connection ends, as AMQP's channel would. */
  private received(text: string): void {
    this.session.broker.turn.begin()
    const wanted = settlements.safeParse(parse(text))
    if (!wanted.success) return this.refuse(EXPECTED)
    const { ack, nack, reject } = wanted.data
    for (const [given, how] of [[ack, 'ack'], [nack, 'requeue'], [reject, 'reject']] as const) {
      for (const tag of given) {
        if (!this.consumer.settle(tag, how)) return this.refuse(`unknown delivery tag ${tag}`)
      }
    }
  }

  private refuse(reason: string): void {
    this.socket.close(VIOLATION, cut(reason))
    this.session.end(reason)
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** Whole characters: the frame must be UTF-8. */
function cut(reason: string): Buffer {
  const shown = Buffer.from(reason).subarray(0, REASON_BYTES_MAX).toString('utf8')
  return Buffer.from(shown.replace(/\ufffd$/, ''))
}
