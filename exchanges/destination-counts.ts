// Destinations with the number of bindings that lead to each: two bindings may differ only in their
// arguments, and the destination stays until the last of them goes.
import type { Destination } from './binding.ts'
import type { RouteSet } from './route-set.ts'

export class DestinationCounts {
  private readonly counts = new Map<Destination, number>()

  get isEmpty(): boolean {
    return this.counts.size === 0
  }

  add(destination: Destination): void {
    this.counts.set(destination, (this.counts.get(destination) ?? 0) + 1)
  }

  remove(destination: Destination): void {
    const left = (this.counts.get(destination) ?? 0) - 1
    if (left > 0) this.counts.set(destination, left)
    else this.counts.delete(destination)
  }

  addAllTo(out: RouteSet): void {
    for (const destination of this.counts.keys()) out.add(destination)
  }
}
