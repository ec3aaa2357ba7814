// A publisher of the generator: writes prebuilt messages at full speed, by a confirm window, or at a pace
// with time stamps in the bodies. Made by flow.ts and backlog.ts. Invariant: one write and one look at the
// clock per turn, never per message; never more than the window unconfirmed nor more than the budget sent.
import { methodId, throwIfClose } from './connection.ts'
import type { GeneratorConnection } from './connection.ts'
import type { FrameSink } from './frame-walker.ts'
import type { PublisherPlan } from './job.ts'
import { buildBatch } from './message-batch.ts'
import type { MessageBatch } from './message-batch.ts'
import type { Samples } from './samples.ts'

const BASIC_ACK = methodId('basic.ack')
const PACE_MS = 1

/** How many messages all publishers of a job may still send. */
export interface Budget {
  left: number
}

export class Publisher implements FrameSink {
  sent = 0
  confirmed = 0
  private readonly connection: GeneratorConnection
  private readonly plan: PublisherPlan
  private readonly budget: Budget
  private readonly samples: Samples
  private readonly batch: MessageBatch
  private readonly ring: number
  /** When the message with a tag was sent, and whether it is confirmed, by the tag's place in the ring. */
  private readonly sentAt: Float64Array
  private readonly isConfirmed: Uint8Array
  private confirmedUpTo = 0
  private startedAt = 0
  private isRunning = false
  private pace: NodeJS.Timeout | null = null

  constructor(connection: GeneratorConnection, plan: PublisherPlan, budget: Budget, samples: Samples) {
    this.connection = connection
    this.plan = plan
    this.budget = budget
    this.samples = samples
    this.batch = buildBatch(plan.messages, plan.bodyBytes, plan.window > 0 ? plan.window : undefined)
    this.ring = 2 ** Math.ceil(Math.log2(plan.window + 1))
    this.sentAt = new Float64Array(this.ring)
    this.isConfirmed = new Uint8Array(this.ring)
  }

  async start(): Promise<void> {
    if (this.plan.window > 0) await this.connection.call('confirm.select', {}, 'confirm.select-ok')
    this.connection.stream(this)
    this.isRunning = true
    this.startedAt = performance.now()
    if (this.plan.perSecond > 0) this.pace = setInterval(() => this.sendDue(), PACE_MS)
    else if (this.plan.window > 0) this.fillWindow()
    else this.sendFreely()
  }

  stop(): void {
    this.isRunning = false
    if (this.pace !== null) clearInterval(this.pace)
    this.connection.destroy()
  }

  method(bytes: Buffer, at: number): void {
    if (bytes.readUInt32BE(at) !== BASIC_ACK) {
      throwIfClose(bytes, at)
      throw new Error(`a publisher was sent method 0x${bytes.readUInt32BE(at).toString(16)}`)
    }
    this.settle(bytes.readUInt32BE(at + 8), bytes[at + 12] === 1)
  }

  header(): void {
    throw new Error('a publisher was sent a message')
  }

  body(): void {
    throw new Error('a publisher was sent a message')
  }

  endOfChunk(): void {
    if (this.plan.window > 0 && this.isRunning) this.fillWindow()
  }

  private settle(tag: number, isMultiple: boolean): void {
    const now = this.samples.isOn ? performance.now() : 0
    for (let n = isMultiple ? this.confirmedUpTo + 1 : tag; n <= tag; n++) {
      const place = n & (this.ring - 1)
      if (n <= this.confirmedUpTo || this.isConfirmed[place] === 1) continue
      this.isConfirmed[place] = 1
      this.confirmed++
      this.samples.add(now - this.sentAt[place]!)
    }
    while (this.isConfirmed[(this.confirmedUpTo + 1) & (this.ring - 1)] === 1) {
      this.isConfirmed[++this.confirmedUpTo & (this.ring - 1)] = 0
    }
  }

  private fillWindow(): void {
    // By the oldest unconfirmed tag, not by the count: the ring has room for a window of tags.
    const count = Math.min(this.plan.window - (this.sent - this.confirmedUpTo), this.budget.left)
    if (count <= 0) return
    const now = performance.now()
    for (let n = 1; n <= count; n++) this.sentAt[(this.sent + n) & (this.ring - 1)] = now
    this.write(this.batch.bytes, count)
  }

  /** A batch per turn and no more until the socket has room: consumers in this process read in between. */
  private sendFreely(): void {
    if (!this.isRunning || this.budget.left <= 0) return
    const { socket } = this.connection
    this.write(this.batch.bytes, Math.min(this.batch.count, this.budget.left))
    if (socket.writableLength === 0) setImmediate(() => this.sendFreely())
    else socket.once('drain', () => setImmediate(() => this.sendFreely()))
  }

  private sendDue(): void {
    const now = performance.now()
    const due = Math.floor((now - this.startedAt) / 1000 * this.plan.perSecond) - this.sent
    const count = Math.min(due, this.batch.count, this.budget.left)
    if (count <= 0) return
    const stamped = Buffer.from(this.batch.bytes.subarray(0, this.batch.ends[count - 1]))
    for (let n = 0; n < count; n++) stamped.writeDoubleBE(now, this.batch.bodies[n])
    this.write(stamped, count)
  }

  private write(bytes: Buffer, count: number): void {
    this.connection.socket.write(bytes.subarray(0, this.batch.ends[count - 1]))
    this.sent += count
    this.budget.left -= count
  }
}
