// The confirms of one channel. A publish is confirmed when the batch that holds it is durable, one that
// nothing stores at the end of its turn, unless an earlier tag still waits: answers leave in order, so
// `multiple` is always right and never covers a tag that was answered otherwise.
//
//   tags:     … 17 |  18 … 40   |  41 … 57   | 58
//         answered   batch 7      batch 8      batch 8, nack     waiting; 18 … 40 are ready once 7 is durable
import { Ring } from '../base/ring.ts'
import type { TimeHistogram } from '../base/time-histogram.ts'
import type { DurableListener } from '../broker/durable-records.ts'
import type { FrameWriter } from '../protocol/frame-writer.ts'
import { writeBasicAck, writeBasicNack } from '../protocol/methods.gen.ts'

/** What confirms ask of their channel. */
export interface ConfirmingChannel {
  readonly number: number
  readonly isOpen: boolean
  readonly monotonicMs: number
  /** Have `write` called at the end of the turn. */
  confirmsReady(): void
  awaitDurable(listener: DurableListener): void
}

/** Tags from the end of the run before up to `lastTag` share a fate. */
interface Run {
  readonly batch: number
  readonly isNack: boolean
  /** When the first of them was taken. */
  readonly sinceMs: number
  lastTag: number
}

export class Confirms implements DurableListener {
  private readonly channel: ConfirmingChannel
  private readonly waiting = new Ring<Run>()
  private readonly ready = new Ring<Run>()
  private lastTag = 0
  private answeredTag = 0

  constructor(channel: ConfirmingChannel) {
    this.channel = channel
  }

  /** The next publish was taken; `batch` is what it waits for, 0 when nothing of it is stored. */
  published(batch: number, isNack: boolean): void {
    const tag = ++this.lastTag
    const newest = this.waiting.at(this.waiting.length - 1)
    if (newest === null) {
      if (batch === 0) return this.addReady(isNack, tag, this.channel.monotonicMs)
      this.channel.awaitDurable(this)
    }
    add(this.waiting, Math.max(batch, newest?.batch ?? 0), isNack, tag, this.channel.monotonicMs)
  }

  durable(batch: number): boolean {
    if (!this.channel.isOpen) return false
    for (let run = this.waiting.first(); run !== null && run.batch <= batch; run = this.waiting.first()) {
      this.waiting.shift()
      this.addReady(run.isNack, run.lastTag, run.sinceMs)
    }
    return this.waiting.length > 0
  }

  /** Published and not answered. */
  get unansweredCount(): number {
    return this.lastTag - this.answeredTag
  }

  /** Writes what became ready; returns how many publishes were answered. `times` are told how late. */
  write(writer: FrameWriter, times: TimeHistogram): number {
    const before = this.answeredTag
    for (let run = this.ready.shift(); run !== null; run = this.ready.shift()) {
      const isMultiple = run.lastTag - this.answeredTag > 1
      times.add(this.channel.monotonicMs - run.sinceMs, run.lastTag - this.answeredTag)
      if (run.isNack) writeBasicNack(writer, this.channel.number, run.lastTag, isMultiple, true)
      else writeBasicAck(writer, this.channel.number, run.lastTag, isMultiple)
      this.answeredTag = run.lastTag
    }
    return this.answeredTag - before
  }

  private addReady(isNack: boolean, tag: number, sinceMs: number): void {
    add(this.ready, 0, isNack, tag, sinceMs)
    this.channel.confirmsReady()
  }
}

/**
 * Extends the newest run or begins another. Ready runs have batch 0: what they waited for no longer matters.
 */
function add(runs: Ring<Run>, batch: number, isNack: boolean, lastTag: number, sinceMs: number): void {
  const newest = runs.at(runs.length - 1)
  if (newest !== null && newest.isNack === isNack && newest.batch === batch) newest.lastTag = lastTag
  else runs.push({ batch, isNack, sinceMs, lastTag })
}
