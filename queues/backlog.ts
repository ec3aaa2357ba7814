// What the ready lists of one queue have together, one list (paged-ready.ts) or one for each priority
// (priority-ready.ts): how much waits, in memory and in the store, and from which message on the store has
// their priorities. Invariant: what is paged is counted for all lists at once, because a restart knows no
// more; when no list has anything paged any more, the rest of that count was damaged messages.

import { Extractions } from './extractions.ts'

export class Backlog {
  count = 0
  /** Of the bodies. */
  bytes = 0
  /** Part of `count` and `bytes`: what is in the store only. */
  pagedCount = 0
  private pagedBytes = 0
  /** Lists that may have something in the store only. */
  private pagedLists = 0
  /** The store may have transient messages of the queue. */
  hasSpilled = false
  /**
   * Messages from this id on are in the store under the level of their list, those before under none.
   * Infinity: there was no need for levels yet.
   */
  levelledFrom = Infinity
  /** Taken out of what only the store had. */
  readonly extractions = new Extractions()

  entered(bodyBytes: number): void {
    this.count++
    this.bytes += bodyBytes
  }

  left(bodyBytes: number): void {
    this.count--
    this.bytes -= bodyBytes
  }

  pagedOut(bodyBytes: number): void {
    this.pagedCount++
    this.pagedBytes += bodyBytes
  }

  pagedIn(bodyBytes: number): void {
    this.pagedCount--
    this.pagedBytes -= bodyBytes
  }

  /** An earlier process left so much, all of it in the store only. */
  restore(count: number, bytes: number): void {
    this.count = this.pagedCount = count
    this.bytes = this.pagedBytes = bytes
  }

  /** What is paged is known for one list alone. */
  get isOfOneList(): boolean {
    return this.pagedLists === 1
  }

  listBeginsPaging(): void {
    this.pagedLists++
  }

  listEndsPaging(): void {
    this.pagedLists--
    if (this.pagedLists > 0) return
    this.count -= this.pagedCount
    this.bytes -= this.pagedBytes
    this.pagedCount = this.pagedBytes = 0
  }
}
