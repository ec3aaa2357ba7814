// A deduplicating queue against a naive model, over many seeded runs: whatever is published, settled, tried
// again, dead-lettered, purged, forgotten in time or cut off by a crash between two batches, a message is
// refused exactly when its key is known, and what the store has of keys belongs to what it has of messages.
import { expect, it } from 'vitest'
import { SeededRandom } from '../base/random.ts'
import { tableOf } from '../protocol/table-encode.ts'
import { failuresOf } from '../test/model-seeds.ts'
import { keysNumber } from './deduplication.ts'
import type { Entry } from './entry.ts'
import { QueueWorld, messageWith } from './queue.contract.ts'
import type { RecordingStore } from './queue.contract.ts'

const SEEDS = 120
const STEPS = 150
const KEYS = 6
const RETRY_MS = 300
const KEYS_ID = 8
const WINDOW = {
  frontMessages: 4, frontBytes: 60, tailMessages: 3, tailBytes: 45, pageMessages: 3, pageBytes: 1e9,
}

interface Alive {
  readonly key: number
  readonly isPersistent: boolean
  place: 'ready' | 'unacked' | 'held'
  failures: number
  dueMs: number
}

interface Known {
  readonly endsAtMs: number
  readonly isStored: boolean
}

interface Model {
  readonly alive: Map<string, Alive>
  readonly known: Map<number, Known>
}

type Kept = RecordingStore['kept']

function same(what: string, actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`${what}: expected ${String(expected)}, found ${String(actual)}`)
}

class ModelRun {
  private readonly random: SeededRandom
  private readonly args
  private readonly windowMs: number
  private world: QueueWorld
  private model: Model = { alive: new Map(), known: new Map() }
  /** As of the last durable batch: what a crash leaves. */
  private durable: { model: Model; kept: Kept }
  private unacked: Entry[] = []
  private published = 0
  private duplicates = 0

  constructor(seed: number) {
    const random = this.random = new SeededRandom(seed)
    this.windowMs = random.chance(0.5) ? 500 : Infinity
    this.args = tableOf({
      'x-message-deduplication': true, 'x-queue-type': random.chance(0.3) ? 'quorum' : 'classic',
      'x-dead-letter-exchange': 'dlx', 'x-retry-attempts': 1, 'x-retry-delay': RETRY_MS,
      ...this.windowMs !== Infinity && { 'x-cache-ttl': this.windowMs },
    })
    this.world = this.start()
    this.durable = this.snapshot()
  }

  run(): void {
    for (let n = 0; n < STEPS; n++) {
      this.step()
      if (this.random.chance(0.7)) this.settleDown()
      this.check()
    }
  }

  private start(): QueueWorld {
    const world = new QueueWorld({ args: this.args, window: WINDOW, keysId: KEYS_ID })
    world.onDeath = (name) => this.left(name)
    return world
  }

  private get nowMs(): number {
    return this.world.clock.nowMs
  }

  private settleDown(): void {
    this.world.settleDown()
    this.durable = this.snapshot()
  }

  private snapshot(): { model: Model; kept: Kept } {
    return { model: structuredClone(this.model), kept: new Map(this.world.store.kept) }
  }

  private step(): void {
    const roll = this.random.below(100)
    if (roll < 40) this.publish()
    else if (roll < 58) this.get()
    else if (roll < 68) this.settle((entry) => this.world.queue.settle(entry), 'done')
    else if (roll < 76) this.settle((entry) => this.world.queue.reject(entry), 'failed')
    else if (roll < 80) this.settle((entry) => this.world.queue.requeue(entry), 'ready')
    else if (roll < 92) this.pass(1 + this.random.below(300))
    else if (roll < 95) this.restart(false)
    else if (roll < 98) this.restart(true)
    else this.purge()
  }

  private publish(): void {
    const { random, world, model } = this
    const name = String(++this.published)
    const key = random.below(KEYS)
    const isPersistent = random.chance(0.8)
    const ownMs = random.chance(0.2) ? 1 + random.below(800) : null
    if (this.isKnown(key)) this.duplicates++
    else {
      const isStored = isPersistent || world.queue.type.name === 'quorum'
      const endsAtMs = this.nowMs + (ownMs ?? this.windowMs)
      model.known.set(key, { endsAtMs, isStored })
      model.alive.set(name, { key, isPersistent: isStored, place: 'ready', failures: 0, dueMs: 0 })
    }
    const headers = tableOf({ 'x-deduplication-header': key, ...ownMs !== null && { 'x-cache-ttl': ownMs } })
    same('taken', world.queue.publish(messageWith(name, headers, isPersistent)), true)
    same('duplicates', world.queue.traffic.duplicates, this.duplicates)
  }

  private isKnown(key: number): boolean {
    return (this.model.known.get(key)?.endsAtMs ?? 0) > this.nowMs
  }

  private get(): void {
    if (this.world.queue.isPaging) return
    const entry = this.world.queue.get(false)
    if (entry === null) return
    const alive = this.model.alive.get(entry.message.routingKey)
    if (alive?.place !== 'ready') throw new Error(`${entry.message.routingKey} came while ${alive?.place}`)
    alive.place = 'unacked'
    this.unacked.push(entry)
  }

  private settle(how: (entry: Entry) => void, outcome: 'done' | 'failed' | 'ready'): void {
    const [entry] = this.unacked.splice(this.random.below(this.unacked.length), 1)
    if (entry === undefined) return
    const name = entry.message.routingKey
    const alive = this.model.alive.get(name)!
    if (outcome === 'done') this.left(name)
    else if (outcome === 'ready') alive.place = 'ready'
    else if (++alive.failures === 1) Object.assign(alive, { place: 'held', dueMs: this.nowMs + RETRY_MS })
    how(entry)
  }

  /** Its key goes with it, unless that has a window. */
  private left(name: string): void {
    const { alive, known } = this.model
    const { key } = alive.get(name)!
    alive.delete(name)
    if (known.get(key)?.endsAtMs === Infinity) known.delete(key)
  }

  private pass(ms: number): void {
    this.settleDown()
    this.world.clock.travel(ms)
    for (const alive of this.model.alive.values()) {
      if (alive.place === 'held' && alive.dueMs <= this.nowMs) alive.place = 'ready'
    }
    this.world.timers.advance(this.world.clock.monotonicMs)
    this.settleDown()
  }

  /** A crash forgets what came after the last batch; both forget what was never stored. */
  private restart(isCrash: boolean): void {
    if (!isCrash) this.settleDown()
    const { model, kept } = this.durable
    const { ids, clock } = this.world
    this.model = model
    this.world = this.start()
    this.world.clock.travel(clock.nowMs - this.world.clock.nowMs)
    this.world.timers.advance(this.world.clock.monotonicMs)
    this.world.ids.skipTo(ids.last)
    const counts = { ready: 0, held: 0 }
    for (const { queue, stored, isSpilled } of kept.values()) {
      if (isSpilled) continue
      this.world.store.recovered(queue, stored.id, stored, stored)
      if (queue > 0) counts.ready++
      else if (queue !== keysNumber(KEYS_ID)) counts.held++
    }
    if (counts.ready > 0) this.world.restore()
    if (counts.held > 0) this.world.queue.held.restore(counts.held, counts.held * 10, 0)
    this.world.queue.deduplication!.restore(() => {})
    this.unacked = []
    this.duplicates = 0
    for (const [name, alive] of this.model.alive) {
      if (!alive.isPersistent && alive.failures === 0) this.model.alive.delete(name)
      else if (alive.place === 'unacked') alive.place = 'ready'
    }
    for (const [key, known] of this.model.known) if (!known.isStored) this.model.known.delete(key)
    this.settleDown()
  }

  private purge(): void {
    const gone = [...this.model.alive].filter(([, { place }]) => place !== 'unacked')
    same('purged', this.world.queue.purge(), gone.length)
    for (const [name] of gone) this.model.alive.delete(name)
    for (const [key, { endsAtMs }] of this.model.known) {
      if (endsAtMs === Infinity) this.model.known.delete(key)
    }
  }

  private check(): void {
    const { queue, store } = this.world
    const counts = { ready: 0, unacked: 0, held: 0 }
    for (const { place } of this.model.alive.values()) counts[place]++
    same('counts', `${queue.readyCount} ${queue.unackedCount} ${queue.heldCount}`,
      `${counts.ready} ${counts.unacked} ${counts.held}`)
    for (let key = 0; key < KEYS; key++) {
      same(`key ${key}`, queue.deduplication!.knows(String(key)), this.isKnown(key))
    }
    const rows = [...store.kept.values()].filter((kept) => kept.queue === keysNumber(KEYS_ID))
      .map(({ stored: { buf, bodyStart, bodyEnd } }) => buf.toString('utf8', bodyStart, bodyEnd))
    const expected = [...this.model.known].filter(([key, { isStored }]) => isStored && this.isKnown(key))
      .map(([key]) => String(key))
    same('stored keys', rows.toSorted().join(), expected.toSorted().join())
  }
}

it(`agrees with a naive model over ${SEEDS} seeds, through failures, windows, purges and crashes`, () => {
  expect(failuresOf(SEEDS, (seed) => new ModelRun(seed).run())).toEqual([])
}, 120_000)
