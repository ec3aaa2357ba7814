// Numbers that only go up. Message ids come from one sequence for the whole broker: they give order within a
// queue, the place of a requeued message, and the key on disk.

export class Sequence {
  private value: number

  constructor(last = 0) {
    this.value = last
  }

  next(): number {
    return ++this.value
  }

  /** Goes on after `last`, when that is further. */
  skipTo(last: number): void {
    if (last > this.value) this.value = last
  }

  get last(): number {
    return this.value
  }
}
