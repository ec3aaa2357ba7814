// The turn: handlers only change memory and mark what they touched; once per event-loop turn the marks are
// worked off in a fixed order. A message consumed in the turn it arrived cancels out in the store's batch and
// never reaches the disk; clients hear last, so that one write per socket carries everything.
import type { Clock } from './clock.ts'
import { IngestBudget } from './ingest-budget.ts'

/**
 * A queue with something to hand out. Returns true when its bound was reached and it wants to go on next
 * turn.
 */
export interface Pumpable {
  isMarked: boolean
  pump(): boolean
}

export interface Sealable {
  seal(): void
}

/** A connection with something to say. */
export interface Flushable {
  isMarked: boolean
  flush(): void
}

/** A connection that stopped reading because it had its share of the turn. */
export interface Resumable {
  resume(): void
}

export class Turn {
  readonly budget = new IngestBudget()
  private readonly clock: Clock
  private readonly schedule: (run: () => void) => void
  private readonly stores: Sealable[] = []
  private queues: Pumpable[] = []
  private connections: Flushable[] = []
  private resumables: Resumable[] = []
  private armed = false
  private readonly run = (): void => this.end()

  /** `schedule` runs its argument once, after the events that are already waiting (setImmediate). */
  constructor(clock: Clock, schedule: (run: () => void) => void) {
    this.clock = clock
    this.schedule = schedule
  }

  /** The first event of a turn calls it: data, a timer, an answer of the store. */
  begin(): void {
    if (this.armed) return
    this.armed = true
    this.clock.tick()
    this.schedule(this.run)
  }

  pump(queue: Pumpable): void {
    if (queue.isMarked) return
    queue.isMarked = true
    this.queues.push(queue)
    this.begin()
  }

  flush(connection: Flushable): void {
    if (connection.isMarked) return
    connection.isMarked = true
    this.connections.push(connection)
    this.begin()
  }

  /** Goes on reading when this turn is over. */
  resumeNext(connection: Resumable): void {
    this.resumables.push(connection)
    this.begin()
  }

  addStore(store: Sealable): void {
    this.stores.push(store)
  }

  /** Its scope was given back: nothing is appended to it any more. */
  removeStore(store: Sealable): void {
    const at = this.stores.indexOf(store)
    if (at >= 0) this.stores.splice(at, 1)
  }

  private end(): void {
    this.armed = false
    const queues = this.queues
    this.queues = []
    for (const queue of queues) {
      queue.isMarked = false
      if (queue.pump()) this.pump(queue)
    }
    for (const store of this.stores) store.seal()
    const connections = this.connections
    this.connections = []
    for (const connection of connections) {
      connection.isMarked = false
      connection.flush()
    }
    this.budget.next()
    const resumables = this.resumables
    this.resumables = []
    for (const connection of resumables) connection.resume()
  }
}
