// A channel's transaction (tx.select): publishes and settlements staged until commit, forgotten at rollback.
// Called by the channel and its publisher. Routes and checks are of the moment of the publish, tags are
// checked when they come (RabbitMQ). Invariant: `commit` appends everything it does in one go, which the
// store's seam keeps in one batch, so that a crash leaves all of a commit or nothing.
import type { Route } from '../exchanges/route.ts'
import { preconditionFailed } from '../protocol/errors.ts'
import type { Entry, GivenUpCause, ReturnCause } from '../queues/entry.ts'
import type { Message } from '../queues/message.ts'
import type { Queue } from '../queues/queue.ts'
import type { TakenEntry } from './unacked.ts'

/** What becomes of an unacked entry: done with, given up, or back to its queue. */
export type Settlement = 'ack' | GivenUpCause | ReturnCause

/** Bytes that a staged publish counts besides its own: its objects, and its heads in the store's batch. */
const STAGED_OVERHEAD_BYTES = 512

export interface StagedPublish {
  readonly route: Route<Queue>
  readonly message: Message
  readonly isMandatory: boolean
  /** As VHost.publish takes it. */
  readonly dueMs: number
  readonly stagedAtMs: number
}

export interface StagedSettlement extends TakenEntry {
  readonly how: Settlement
}

/** What committing asks of its channel. */
export interface TransactionalChannel {
  commitPublish(publish: StagedPublish): void
  commitSettlement(entry: Entry, how: Settlement): void
}

export class Transaction {
  private readonly bytesMax: number
  private publishes: StagedPublish[] = []
  private settlements: StagedSettlement[] = []
  private bytes = 0

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  /** Deliveries that are settled when the transaction commits: until then they count as unacked. */
  get publishCount(): number {
    return this.publishes.length
  }

  get settlementCount(): number {
    return this.settlements.length
  }

  /** Errors: precondition-failed when more is staged than a transaction may hold; RabbitMQ has no limit. */
  stagePublish(publish: StagedPublish): void {
    const { message } = publish
    const propertiesBytes = message.propertiesEnd - message.propertiesStart
    this.bytes += message.bodyBytes + propertiesBytes + STAGED_OVERHEAD_BYTES
    if (this.bytes > this.bytesMax) {
      throw preconditionFailed(
        `transaction of ${this.bytes} bytes is larger than configured max size ${this.bytesMax}`)
    }
    this.publishes.push(publish)
  }

  stageSettlement(settlement: StagedSettlement): void {
    this.settlements.push(settlement)
  }

  /** All publishes, then all settlements (RabbitMQ). The next transaction has begun. */
  commit(channel: TransactionalChannel): void {
    const { publishes, settlements } = this
    this.begin()
    for (const publish of publishes) channel.commitPublish(publish)
    // A queue hands out what it got before it takes something older back (RabbitMQ).
    if (settlements.length > 0) {
      for (const { route } of publishes) for (const queue of route.queues) queue.pump()
    }
    for (const { entry, how } of settlements) channel.commitSettlement(entry, how)
  }

  /** Forgets the publishes; returns what is unacked again. The next transaction has begun. */
  rollback(): readonly TakenEntry[] {
    const { settlements } = this
    this.begin()
    return settlements
  }

  private begin(): void {
    this.publishes = []
    this.settlements = []
    this.bytes = 0
  }
}
