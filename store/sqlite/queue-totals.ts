// The rows of `queue_scopes`: which scope a queue's messages belong to, and how many there are. Owned by
// SqliteWriter, which says what it inserts and deletes; asked by the reader at recovery, so that a start
// counts nothing. Invariant: after `write`, at the end of each transaction, the rows agree with `messages`,
// purged ones included until they are deleted.

import type { Statements } from './statements.ts'

interface Totals {
  readonly scope: string
  count: number
  bytes: number
}

export class QueueTotals {
  private readonly sql: Statements
  private readonly totals = new Map<number, Totals>()
  private readonly changed = new Set<number>()

  constructor(sql: Statements) {
    this.sql = sql
  }

  get queues(): readonly number[] {
    return [...this.totals.keys()]
  }

  /** Reads the rows anew: at open, and after a rollback. */
  remember(): void {
    this.totals.clear()
    this.changed.clear()
    for (const { queue, ...totals } of this.sql.queues.iterate()) this.totals.set(queue, totals)
  }

  has(queue: number): boolean {
    return this.totals.has(queue)
  }

  /** Before the queue's first message. */
  add(queue: number, scope: string): void {
    this.sql.insertQueue.run(queue, scope)
    this.totals.set(queue, { scope, count: 0, bytes: 0 })
  }

  delete(queue: number): void {
    this.totals.delete(queue)
    this.changed.delete(queue)
    this.sql.deleteQueue.run(queue)
  }

  /** `count` messages came, or, below 0, went. */
  change(queue: number, count: number, bytes: number): void {
    const totals = this.totals.get(queue)
    if (totals === undefined) return
    totals.count += count
    totals.bytes += bytes
    this.changed.add(queue)
  }

  /** At the end of a transaction. */
  write(): void {
    for (const queue of this.changed) {
      const { count, bytes } = this.totals.get(queue)!
      this.sql.updateQueue.run(count, bytes, queue)
    }
    this.changed.clear()
  }
}
