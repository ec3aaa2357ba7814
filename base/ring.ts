// A first-in-first-out list in one array of a power-of-two size: no node per item, no shifting.
//
//   items:  |  free  | first … last |  free  |    head and tail grow; a place is one modulo the size
//                    ^ head          ^ tail
import { invariant } from './invariant.ts'

const SIZE_MIN = 16
const SIZE_LARGE = 65_536

export class Ring<T> {
  private items: (T | null)[] = emptySlots(SIZE_MIN)
  private mask = SIZE_MIN - 1
  /** Shifts in a row that left it less than a quarter full. */
  private calm = 0
  private head = 0
  private tail = 0

  get length(): number {
    return this.tail - this.head
  }

  push(item: T): void {
    if (this.length === this.items.length) this.resize(this.items.length * 2)
    this.items[this.tail++ & this.mask] = item
  }

  /** Before the first one. */
  unshift(item: T): void {
    if (this.length === this.items.length) this.resize(this.items.length * 2)
    this.items[--this.head & this.mask] = item
  }

  first(): T | null {
    return this.head === this.tail ? null : this.items[this.head & this.mask]!
  }

  shift(): T | null {
    if (this.head === this.tail) return null
    const at = this.head++ & this.mask
    const item = this.items[at]!
    this.items[at] = null
    if (this.items.length > SIZE_MIN) this.shrinkIfCalm()
    return item
  }

  /** The item at an index from the first, null outside of the list. */
  at(index: number): T | null {
    return index < 0 || index >= this.length ? null : this.items[(this.head + index) & this.mask]!
  }

  /** Errors: InvariantBroken for an index outside of the list. */
  setAt(index: number, item: T): void {
    invariant(index >= 0 && index < this.length, `ring index ${index} of ${this.length}`)
    this.items[(this.head + index) & this.mask] = item
  }

  /**
   * Takes out the items at these indexes, which ascend; the others keep their order. Those before the last
   * one move: what is taken near the head costs little, however long the list.
   * Errors: InvariantBroken for an index outside of the list.
   */
  takeAt(indexes: readonly number[]): T[] {
    const taken = indexes.map((index) => {
      invariant(index >= 0 && index < this.length, `ring index ${index} of ${this.length}`)
      return this.at(index)!
    })
    let gap = indexes.length - 1
    let write = indexes[gap] ?? -1
    for (let read = write; read >= 0; read--) {
      if (read === indexes[gap]) gap--
      else this.items[(this.head + write--) & this.mask] = this.at(read)
    }
    for (; write >= 0; write--) this.items[(this.head + write) & this.mask] = null
    this.head += taken.length
    return taken
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let i = 0; i < this.length; i++) yield this.at(i)!
  }

  /**
   * A list that fills and empties with every turn keeps its size (resizing was 6 % of the broker's time at
   * 285,000 messages/s, 2026-11); one that has been nearly empty for long, or has drained a large backlog,
   * gives it back.
   */
  private shrinkIfCalm(): void {
    const size = this.items.length
    if (this.length * 4 >= size) {
      this.calm = 0
    } else if (this.length === 0 && size >= SIZE_LARGE) {
      this.resize(SIZE_MIN)
    } else if (++this.calm > size * 8) {
      this.resize(size / 2)
    }
  }

  private resize(size: number): void {
    const length = this.length
    const items: (T | null)[] = emptySlots(size)
    for (let i = 0; i < length; i++) items[i] = this.items[(this.head + i) & this.mask]!
    this.items = items
    this.mask = size - 1
    this.head = 0
    this.tail = length
    this.calm = 0
  }
}

function emptySlots(size: number): null[] {
  return new Array<null>(size).fill(null)
}
