// The redrive jobs of a vhost: started, found, and taken in again after a restart. Owned by the vhost.
// Invariant: every job is on record from its start until the oldest ones that are over make room.
import type { Queue } from '../queues/queue.ts'
import { RedriveJob } from './redrive-job.ts'
import type { RedriveParts } from './redrive-job.ts'
import type { JobRecord, RedriveOrder } from './redrive-record.ts'

/** Jobs that are over and still told of. */
const KEPT_MAX = 100

export class RedriveJobs {
  private readonly parts: RedriveParts
  private readonly jobs = new Map<number, RedriveJob>()
  private lastId = 0

  constructor(parts: RedriveParts) {
    this.parts = parts
  }

  start(queue: Queue, order: RedriveOrder, untilId: number): RedriveJob {
    const record: JobRecord = {
      ...order, queue: queue.name, queueId: queue.id, untilId, state: 'running', error: null, place: null,
      scanned: 0, moved: 0, stayed: {}, startedAtMs: this.parts.clock.nowMs, endedAtMs: null,
    }
    this.makeRoom()
    const job = this.add(this.lastId + 1, record)
    this.parts.record(job.id, record)
    job.start()
    return job
  }

  /** From the records, when the queues are there again. */
  restore(id: number, record: JobRecord): void {
    this.add(id, record).start()
  }

  find(queue: string, id: number): RedriveJob | null {
    const job = this.jobs.get(id)
    return job?.record.queue === queue ? job : null
  }

  /** The newest first. */
  of(queue: string): RedriveJob[] {
    return [...this.jobs.values()].filter(({ record }) => record.queue === queue).toReversed()
  }

  /** The broker stops. */
  rest(): void {
    for (const job of this.jobs.values()) job.rest()
  }

  /** The vhost is going, and its records with it. */
  end(): void {
    for (const job of this.jobs.values()) {
      job.change('cancelled')
      this.parts.record(job.id, null)
    }
    this.jobs.clear()
  }

  private add(id: number, record: JobRecord): RedriveJob {
    const job = new RedriveJob(id, record, this.parts)
    this.jobs.set(id, job)
    this.lastId = Math.max(this.lastId, id)
    return job
  }

  private makeRoom(): void {
    const over = [...this.jobs.values()].filter(({ isOver }) => isOver)
    for (const { id } of over.slice(0, Math.max(0, over.length + 1 - KEPT_MAX))) {
      this.jobs.delete(id)
      this.parts.record(id, null)
    }
  }
}
