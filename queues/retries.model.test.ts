// A queue with a retry policy against a naive model, over many seeded runs: whatever fails, waits, is parked,
// purged or outlives a restart in whatever order, each message is in exactly one place, nothing comes before
// its time, and each is tried exactly as often as the policy says.
import { expect, it } from 'vitest'
import { SeededRandom } from '../base/random.ts'
import { tableOf } from '../protocol/table-encode.ts'
import { failuresOf } from '../test/model-seeds.ts'
import type { Entry } from './entry.ts'
import { heldNumber } from './held.ts'
import { QueueWorld, messageOf } from './queue.contract.ts'
import { PARKED_MS } from './returns.ts'

const SEEDS = 120
const STEPS = 120
const DELAYS_MS = [50, 120, 400]
const QUEUE = 7
const WINDOW = {
  frontMessages: 4, frontBytes: 60, tailMessages: 3, tailBytes: 45, pageMessages: 3, pageBytes: 1e9,
}

function same(actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`expected ${String(expected)}, found ${String(actual)}`)
}

/** A message that is not settled. */
interface Alive {
  /** Failures that the policy counts. */
  failures: number
  place: 'ready' | 'unacked' | 'held'
  dueMs: number
}

class ModelRun {
  private readonly random: SeededRandom
  private readonly args
  private readonly end: string
  private world: QueueWorld
  private readonly alive = new Map<string, Alive>()
  private unacked: Entry[] = []
  private published = 0

  constructor(seed: number) {
    const random = this.random = new SeededRandom(seed)
    this.end = ['dead-letter', 'discard', 'park'][random.below(3)]!
    this.args = tableOf({
      'x-queue-type': random.chance(0.5) ? 'quorum' : 'classic', 'x-dead-letter-exchange': 'dlx',
      'x-retry-delay': DELAYS_MS.join(), 'x-retry-then': this.end,
    })
    this.world = this.start()
  }

  run(): void {
    for (let n = 0; n < STEPS; n++) {
      this.step()
      this.world.settleDown()
      this.check()
    }
  }

  private start(): QueueWorld {
    const world = new QueueWorld({ args: this.args, window: WINDOW })
    world.onDeath = (id, reason) => this.died(id, reason)
    return world
  }

  private step(): void {
    const roll = this.random.below(100)
    if (roll < 25) this.publish()
    else if (roll < 50) this.get()
    else if (roll < 58) this.settle((entry) => this.world.queue.settle(entry), null)
    else if (roll < 75) this.settle((entry) => this.world.queue.reject(entry, 'nacked-for-good'), 'failed')
    else if (roll < 80) this.settle((entry) => this.world.queue.requeue(entry, 'timed-out'), 'failed')
    else if (roll < 84) this.settle((entry) => this.world.queue.requeue(entry, 'nacked'), 'ready')
    else if (roll < 95) this.pass(1 + this.random.below(200))
    else if (roll < 99) this.restart()
    else this.purge()
  }

  private publish(): void {
    const id = String(++this.published)
    this.alive.set(id, { failures: 0, place: 'ready', dueMs: 0 })
    this.world.queue.publish(messageOf(id))
  }

  private get(): void {
    if (this.world.queue.isPaging) return
    const entry = this.world.queue.get(false)
    if (entry === null) return
    const alive = this.alive.get(entry.message.routingKey)
    if (alive?.place !== 'ready') throw new Error(`${entry.message.routingKey} came while ${alive?.place}`)
    alive.place = 'unacked'
    this.unacked.push(entry)
  }

  private settle(how: (entry: Entry) => void, outcome: 'failed' | 'ready' | null): void {
    const [entry] = this.unacked.splice(this.random.below(this.unacked.length), 1)
    if (entry === undefined) return
    const id = entry.message.routingKey
    const alive = this.alive.get(id)!
    if (outcome === null) this.alive.delete(id)
    else if (outcome === 'ready') alive.place = 'ready'
    else this.failed(id, alive)
    how(entry)
  }

  private failed(id: string, alive: Alive): void {
    alive.failures++
    if (alive.failures <= DELAYS_MS.length) {
      alive.place = 'held'
      alive.dueMs = this.world.clock.nowMs + DELAYS_MS[alive.failures - 1]!
    } else if (this.end === 'park') {
      alive.place = 'held'
      alive.dueMs = PARKED_MS
    } else if (this.end === 'discard') {
      this.alive.delete(id)
    }
  }

  private died(id: string, reason: string): void {
    const failures = this.alive.get(id)?.failures
    if (reason !== 'delivery_limit' || this.end !== 'dead-letter' || failures !== DELAYS_MS.length + 1) {
      throw new Error(`${id} died of ${reason} after ${failures} failures`)
    }
    this.alive.delete(id)
  }

  private pass(ms: number): void {
    this.world.settleDown()
    this.world.clock.travel(ms)
    this.released()
    this.world.timers.advance(this.world.clock.monotonicMs)
  }

  private released(): void {
    for (const alive of this.alive.values()) {
      if (alive.place === 'held' && alive.dueMs <= this.world.clock.nowMs) alive.place = 'ready'
    }
  }

  /** What was handed out is ready again; what waits goes on waiting. */
  private restart(): void {
    const { store, clock, ids } = this.world
    this.world = this.start()
    this.world.clock.travel(clock.nowMs - this.world.clock.nowMs)
    this.world.timers.advance(this.world.clock.monotonicMs)
    this.world.ids.skipTo(ids.last)
    const before = store.kept.size
    let heldCount = 0
    for (const { queue, stored } of store.kept.values()) {
      const { id, expiresAtMs, deliveryCount, level, routingKey } = stored
      this.world.store.recovered(queue, id, messageOf(routingKey), { expiresAtMs, deliveryCount, level })
      if (queue !== QUEUE) heldCount++
    }
    if (before > heldCount) this.world.restore()
    if (heldCount > 0) this.world.queue.held.restore(heldCount, heldCount * 10, 0)
    this.unacked = []
    for (const alive of this.alive.values()) if (alive.place === 'unacked') alive.place = 'ready'
  }

  private purge(): void {
    const gone = [...this.alive].filter(([, { place }]) => place !== 'unacked')
    same(this.world.queue.purge(), gone.length)
    for (const [id] of gone) this.alive.delete(id)
  }

  private check(): void {
    const { queue, store } = this.world
    const counts = { ready: 0, unacked: 0, held: 0 }
    for (const { place } of this.alive.values()) counts[place]++
    same(`${queue.readyCount} ${queue.unackedCount} ${queue.heldCount}`,
      `${counts.ready} ${counts.unacked} ${counts.held}`)
    const places = [...store.kept.values()].map((kept) =>
      `${kept.stored.routingKey} ${kept.queue === heldNumber(QUEUE) ? 'held' : 'there'}`)
    const expected = [...this.alive].map(([id, { place }]) => `${id} ${place === 'held' ? 'held' : 'there'}`)
    same(places.toSorted().join(), expected.toSorted().join())
  }
}

it(`agrees with a naive model over ${SEEDS} seeds, through failures, delays, purges and restarts`, () => {
  expect(failuresOf(SEEDS, (seed) => new ModelRun(seed).run())).toEqual([])
}, 120_000)
