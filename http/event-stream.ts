// Messages as Server-Sent Events (WHATWG HTML §9.2), the last of which says why there are no more. Handed out
// is settled: a client that must not lose any polls, or takes a WebSocket. Made by routes/streams.ts.
//
//   event: message                                  event: end
//   data: {"routing_key":"k","body":"…", …}         data: {"reason":"…"}
import { Readable } from 'node:stream'
import type { Timer } from '../base/timer-wheel.ts'
import type { Entry } from '../queues/entry.ts'
import type { Queue } from '../queues/queue.ts'
import { messageToJson } from './message-json.ts'
import type { Session } from './session.ts'
import { StreamConsumer } from './stream-consumer.ts'
import type { StreamSink } from './stream-consumer.ts'

/** Unsent bytes at which the stream gets nothing more. */
const ROOM_BYTES = 256 * 1024
/** Proxies end connections that are silent for a minute. */
const SIGN_OF_LIFE_MS = 15_000

export class EventStream implements StreamSink, Timer {
  readonly body: Readable
  hasRoom = true
  dueMs = 0
  private readonly session: Session
  private readonly consumer: StreamConsumer

  constructor(session: Session, queue: Queue) {
    this.session = session
    this.body = new Readable({ highWaterMark: ROOM_BYTES, read: () => this.wanted() })
    this.consumer = new StreamConsumer(session, queue, { isNoAck: true, prefetch: 0 }, this)
  }

  /** The first line is out before the first message, so that the client knows that it is listening. */
  start(): void {
    this.push(': listening\n\n')
    this.session.addConsumer(this.consumer)
    this.wait()
  }

  message(entry: Entry): void {
    this.push(`event: message\ndata: ${JSON.stringify(messageToJson(entry))}\n\n`)
  }

  ended(reason: string): void {
    this.session.broker.timers.clear(this)
    this.push(`event: end\ndata: ${JSON.stringify({ reason })}\n\n`)
    this.body.push(null)
  }

  /** A comment says that we are still here. */
  fire(): void {
    this.push(':\n\n')
    this.wait()
  }

  private wait(): void {
    const { timers, clock } = this.session.broker
    timers.set(this, clock.monotonicMs + SIGN_OF_LIFE_MS)
  }

  private push(text: string): void {
    if (!this.body.destroyed) this.hasRoom = this.body.push(text)
  }

  private wanted(): void {
    if (this.hasRoom) return
    this.hasRoom = true
    this.consumer.roomReturned()
  }
}
