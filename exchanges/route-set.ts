// The destinations of one message while they are gathered: each queue once, however many bindings and paths
// lead to it. One set per vhost, used again for every message; a destination carries the mark of the last
// routing that saw it, so finding a duplicate is one comparison.
import type { Destination } from './binding.ts'
import type { History } from './history.ts'

export class RouteSet {
  readonly queues: Destination[] = []
  readonly exchanges: Destination[] = []
  /** Where the message is to be kept for later bindings. */
  readonly histories: History[] = []
  /** How often `add` was called since `begin`: also counts destinations that were there already. */
  matches = 0
  private mark = 0

  begin(): void {
    this.mark++
    this.queues.length = 0
    this.exchanges.length = 0
    this.histories.length = 0
    this.matches = 0
  }

  add(destination: Destination): void {
    this.matches++
    if (destination.routeMark === this.mark) return
    destination.routeMark = this.mark
    if (destination.kind === 'queue') this.queues.push(destination)
    else this.exchanges.push(destination)
  }
}
