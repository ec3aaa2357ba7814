// A consumer of the generator: counts deliveries, and settles them in one write per chunk. Made by flow.ts
// and backlog.ts. Invariant: one consumer per channel, so that delivery tags run without gaps and the last
// one says what there is to acknowledge.
import { methodFrame, methodId, throwIfClose } from './connection.ts'
import type { GeneratorConnection } from './connection.ts'
import type { FrameSink } from './frame-walker.ts'
import type { ConsumerPlan } from './job.ts'
import type { Samples } from './samples.ts'

const CONSUME_OK = methodId('basic.consume-ok')
const DELIVER = methodId('basic.deliver')
// Where the two things that differ lie in the frame of a basic.ack: the low half of the tag, and multiple.
const ACK_TAG_AT = 15
const ACK_MULTIPLE_AT = 19

export class Consumer implements FrameSink {
  received = 0
  private readonly connection: GeneratorConnection
  private readonly plan: ConsumerPlan
  /** Null where nothing is timed; see ConsumerPlan. */
  private readonly samples: Samples | null
  private readonly ackFrame = methodFrame('basic.ack', { 'delivery-tag': 0 })
  private lastTag = 0
  private ackedTag = 0
  private ackedAt = 0
  private isBodyNext = false
  private started: (() => void) | null = null
  private slowAcks: NodeJS.Timeout | null = null

  constructor(connection: GeneratorConnection, plan: ConsumerPlan, samples: Samples | null) {
    this.connection = connection
    this.plan = plan
    this.samples = samples
  }

  async start(): Promise<void> {
    const { queue, prefetch, ackEvery, ackIntervalMs } = this.plan
    if (prefetch > 0) await this.connection.call('basic.qos', { 'prefetch-count': prefetch }, 'basic.qos-ok')
    this.connection.stream(this)
    const args = { queue, 'consumer-tag': 'c', 'no-ack': ackEvery === 0 }
    await new Promise<void>((resolve) => {
      this.started = resolve
      this.connection.socket.write(methodFrame('basic.consume', args))
    })
    if (ackIntervalMs > 0) this.slowAcks = setInterval(() => this.ackAll(), ackIntervalMs)
  }

  stop(): void {
    if (this.slowAcks !== null) clearInterval(this.slowAcks)
    this.connection.destroy()
  }

  method(bytes: Buffer, at: number): void {
    const id = bytes.readUInt32BE(at)
    if (id === DELIVER) {
      this.received++
      this.lastTag = bytes.readUInt32BE(at + 9 + bytes[at + 4]!)
      this.isBodyNext = true
      return
    }
    throwIfClose(bytes, at)
    if (id !== CONSUME_OK) throw new Error(`a consumer was sent method 0x${id.toString(16)}`)
    this.started?.()
  }

  header(): void {
    // a header says nothing that is counted
  }

  body(bytes: Buffer, at: number): void {
    if (this.samples === null || !this.isBodyNext) return
    this.isBodyNext = false
    const sinceMs = this.plan.ackIntervalMs > 0 ? this.ackedAt : bytes.readDoubleBE(at)
    this.samples.add(performance.now() - sinceMs)
  }

  endOfChunk(): void {
    const { ackEvery, ackIntervalMs } = this.plan
    if (ackEvery === 0 || ackIntervalMs > 0) return
    const count = Math.floor((this.lastTag - this.ackedTag) / ackEvery)
    if (count > 0) this.ack(count, ackEvery)
  }

  private ackAll(): void {
    const count = this.lastTag - this.ackedTag
    if (count === 0) return
    this.ackedAt = performance.now()
    this.ack(1, count)
  }

  /** `count` acknowledgements of `each` deliveries. */
  private ack(count: number, each: number): void {
    const size = this.ackFrame.length
    const bytes = Buffer.allocUnsafe(count * size)
    for (let at = 0; at < bytes.length; at += size) {
      this.ackedTag += each
      this.ackFrame.copy(bytes, at)
      bytes.writeUInt32BE(this.ackedTag, at + ACK_TAG_AT)
      bytes[at + ACK_MULTIPLE_AT] = each > 1 ? 1 : 0
    }
    this.connection.socket.write(bytes)
  }
}
