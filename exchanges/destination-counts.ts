// Destinations with the number of bindings that lead to each: two bindings may differ only in their
// arguments, and the destination stays until the last of them goes. Types that choose one see them as a list.
import type { Destination } from './binding.ts'
import type { RouteSet } from './route-set.ts'

export class DestinationCounts {
  private readonly counts = new Map<Destination, number>()
  private sorted: readonly Destination[] | null = null

  get isEmpty(): boolean {
    return this.counts.size === 0
  }

  /** By kind and name, whatever the order of their bindings. Valid until something is added or removed. */
  get inOrder(): readonly Destination[] {
    this.sorted ??= [...this.counts.keys()].toSorted((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1))
    return this.sorted
  }

  add(destination: Destination): void {
    this.sorted = null
    this.counts.set(destination, (this.counts.get(destination) ?? 0) + 1)
  }

  remove(destination: Destination): void {
    this.sorted = null
    const left = (this.counts.get(destination) ?? 0) - 1
    if (left > 0) this.counts.set(destination, left)
    else this.counts.delete(destination)
  }

  addAllTo(out: RouteSet): void {
    for (const destination of this.counts.keys()) out.add(destination)
  }
}

const sortKey = ({ kind, name }: Destination): string => `${kind} ${name}`
