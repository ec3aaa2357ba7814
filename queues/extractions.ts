// Which messages were taken out of the middle of what only the store has, or will have. It may show them
// still: to a page that was asked for before, to a query that began before the drop was on disk. One for each
// queue, used by its lists (paged-ready.ts). Invariant: whoever asked the store when batch n was durable is
// told of every extraction since, or that it asked too long ago.

/** From so many on those are forgotten whose drop is on disk. */
const REMEMBERED_MAX = 8_192

interface Batches {
  readonly openBatch: number
  readonly durableBatch: number
}

export class Extractions {
  /** Id → batch of its drop; batches ascend. */
  private readonly batches = new Map<number, number>()
  /** How many there ever were, and the batch of the last one's drop. */
  private count = 0
  private lastBatch = 0
  /** Of the newest one that is forgotten. */
  private forgottenTo = 0
  /** Who waits for a page, and what was durable when it was asked for. */
  private readonly loads = new Map<object, number>()

  has(id: number): boolean {
    return this.batches.size > 0 && this.batches.has(id)
  }

  /** In the open batch. False when it was taken out before. */
  add(id: number, store: Batches): boolean {
    if (this.batches.has(id)) return false
    this.batches.set(id, store.openBatch)
    this.count++
    this.lastBatch = store.openBatch
    if (this.batches.size > REMEMBERED_MAX) this.forget(store.durableBatch)
    return true
  }

  /** See ReadyList.version. */
  versionAt(durableBatch: number): number {
    return this.lastBatch > durableBatch ? -1 : this.count
  }

  areKnownSince(durableBatch: number): boolean {
    return durableBatch >= this.forgottenTo
  }

  /** Nothing is forgotten that this page may show. */
  pageAsked(by: object, durableBatch: number): void {
    this.loads.set(by, durableBatch)
  }

  pageCame(by: object): void {
    this.loads.delete(by)
  }

  private forget(durableBatch: number): void {
    const until = Math.min(durableBatch, ...this.loads.values())
    for (const [id, batch] of this.batches) {
      if (batch > until) return
      this.batches.delete(id)
      this.forgottenTo = batch
    }
  }
}
