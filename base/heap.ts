// A binary heap: the first of many things at once, and each of them taken out from wherever it lies, in
// O(log n). What is added in order, as most is, costs one comparison. Each thing knows its own place, so that
// there is no map beside it.
//
//   items:   0 │ 1 2 │ 3 4 5 6 │ …      the parent of n is (n - 1) / 2, and never comes after it

export interface Heaped {
  /** Owned by the heap that it is in. */
  heapAt: number
}

export class Heap<T extends Heaped> {
  private readonly items: T[] = []
  private readonly isBefore: (one: T, other: T) => boolean

  constructor(isBefore: (one: T, other: T) => boolean) {
    this.isBefore = isBefore
  }

  get length(): number {
    return this.items.length
  }

  first(): T | null {
    return this.items[0] ?? null
  }

  add(item: T): void {
    this.items.push(item)
    this.rise(item, this.items.length - 1)
  }

  /** It must be in here. */
  remove(item: T): void {
    const last = this.items.pop()!
    if (last === item) return
    const at = item.heapAt
    if (at > 0 && this.isBefore(last, this.items[(at - 1) >>> 1]!)) this.rise(last, at)
    else this.sink(last, at)
  }

  clear(): void {
    this.items.length = 0
  }

  private rise(item: T, from: number): void {
    const { items, isBefore } = this
    let at = from
    while (at > 0) {
      const parent = (at - 1) >>> 1
      if (!isBefore(item, items[parent]!)) break
      this.place(items[parent]!, at)
      at = parent
    }
    this.place(item, at)
  }

  private sink(item: T, from: number): void {
    const { items, isBefore } = this
    let at = from
    for (let child = 2 * at + 1; child < items.length; child = 2 * at + 1) {
      if (child + 1 < items.length && isBefore(items[child + 1]!, items[child]!)) child++
      if (!isBefore(items[child]!, item)) break
      this.place(items[child]!, at)
      at = child
    }
    this.place(item, at)
  }

  private place(item: T, at: number): void {
    this.items[at] = item
    item.heapAt = at
  }
}
