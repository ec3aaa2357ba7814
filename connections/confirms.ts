// The confirms of one channel. A publish is confirmed when the batch that holds it is durable, one that nothing stores at
// the end of its turn, unless an earlier tag still waits: confirms leave in order, so `multiple` is always right.
//
//   tags:     … 17 |  18 … 40   |  41 … 57   | 58      waiting: (batch 7, up to 40) (batch 8, up to 57) (batch 8, 58)
//         written   ^ readyTo after batch 7 is durable
import { Ring } from '../base/ring.ts'
import type { DurableListener } from '../broker/vhost.ts'
import type { FrameWriter } from '../protocol/frame-writer.ts'
import { writeBasicAck } from '../protocol/methods.gen.ts'

/** What confirms ask of their channel. */
export interface ConfirmingChannel {
  readonly number: number
  readonly isOpen: boolean
  /** Have `write` called at the end of the turn. */
  confirmsReady(): void
  awaitDurable(listener: DurableListener): void
}

export class Confirms implements DurableListener {
  private readonly channel: ConfirmingChannel
  /** Pairs: tags up to `tag` wait for `batch`. */
  private readonly batches = new Ring<number>()
  private readonly tags = new Ring<number>()
  private lastTag = 0
  private readyTo = 0
  private writtenTo = 0

  constructor(channel: ConfirmingChannel) {
    this.channel = channel
  }

  /** The next publish was taken; `batch` is what it waits for, 0 when nothing of it is stored. */
  published(batch: number): void {
    const tag = ++this.lastTag
    const waiting = this.batches.length
    if (waiting === 0) {
      if (batch === 0) return this.ready(tag)
      this.channel.awaitDurable(this)
    } else if (batch <= this.batches.at(waiting - 1)!) {
      this.tags.setAt(waiting - 1, tag)
      return
    }
    this.batches.push(batch)
    this.tags.push(tag)
  }

  durable(batch: number): boolean {
    if (!this.channel.isOpen) return false
    let readyTo = this.readyTo
    while (this.batches.length > 0 && this.batches.first()! <= batch) {
      this.batches.shift()
      readyTo = this.tags.shift()!
    }
    if (readyTo > this.readyTo) this.ready(readyTo)
    return this.batches.length > 0
  }

  /** Writes what became ready; returns how many publishes that confirms. */
  write(writer: FrameWriter): number {
    const count = this.readyTo - this.writtenTo
    if (count > 0) writeBasicAck(writer, this.channel.number, this.readyTo, count > 1)
    this.writtenTo = this.readyTo
    return count
  }

  private ready(tag: number): void {
    this.readyTo = tag
    this.channel.confirmsReady()
  }
}
