// A queue against a naive model, over many seeded runs: whatever happens in whatever order, each message is
// in exactly one place, goes out oldest first to somebody with credit, and the store knows exactly what is
// left.
import { expect, it } from 'vitest'
import { SeededRandom } from '../base/random.ts'
import type { Entry } from './entry.ts'
import { messageOf, QueueWorld, TestConsumer } from './queue.contract.ts'

const SEEDS = 600
const STEPS = 120

function same(actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`expected ${String(expected)}, found ${String(actual)}`)
}

class ModelRun {
  private readonly random: SeededRandom
  private readonly world: QueueWorld
  private consumers: TestConsumer[] = []
  /** By id, all that is not settled: how often it came back, and whether it is stored. */
  private readonly held = new Map<number, { count: number; isStored: boolean }>()
  private readonly ready = new Set<number>()
  private readonly gotten: Entry[] = []
  /** Consumers that left while they had unacked entries: their channel may still settle them. */
  private readonly left: TestConsumer[] = []

  constructor(seed: number) {
    this.random = new SeededRandom(seed)
    this.world = new QueueWorld({ flags: { isDurable: this.random.chance(0.8) } })
  }

  run(): void {
    for (let n = 0; n < STEPS; n++) {
      this.step()
      this.check()
    }
    this.drain()
  }

  private step(): void {
    const { random } = this
    const roll = random.below(100)
    if (roll < 30) for (let n = random.below(6); n > 0; n--) this.publish()
    else if (roll < 50) this.endTurn()
    else if (roll < 68) this.settleOrRequeue()
    else if (roll < 78) this.addConsumer()
    else if (roll < 84) this.removeConsumer()
    else if (roll < 92) this.get()
    else if (roll < 98) this.stallOrResume()
    else this.purge()
  }

  private publish(): void {
    const { queue, ids } = this.world
    const message = messageOf('k', this.random.below(20), this.random.chance(0.7))
    queue.publish(message)
    this.held.set(ids.last, { count: 0, isStored: queue.stores(message) })
    this.ready.add(ids.last)
  }

  private endTurn(): void {
    this.world.endTurn()
    const isStuck = this.ready.size > 0 && this.consumers.some((consumer) => consumer.hasCredit)
    if (isStuck) throw new Error('somebody has credit, something is ready, and the turn is over')
  }

  /** What every delivery must be: the oldest, to one with credit, of the highest priority that has any. */
  private delivered(consumer: TestConsumer, entry: Entry): void {
    same(entry.id, Math.min(...this.ready))
    same(entry.deliveryCount, this.held.get(entry.id)?.count)
    const eligible = this.consumers.filter(({ hasCredit }) => hasCredit).map(({ priority }) => priority)
    same(consumer.hasCredit && this.consumers.includes(consumer), true)
    same(consumer.priority, Math.max(...eligible))
    this.ready.delete(entry.id)
    if (consumer.isNoAck) this.held.delete(entry.id)
  }

  private settleOrRequeue(): void {
    const { queue } = this.world
    const entry = this.takeUnacked()
    if (entry === null) return
    if (this.random.chance(0.6)) {
      queue.settle(entry)
      this.held.delete(entry.id)
      return
    }
    queue.requeue(entry)
    this.held.get(entry.id)!.count++
    this.ready.add(entry.id)
  }

  private takeUnacked(): Entry | null {
    const holders = [...this.consumers, ...this.left].filter(({ unacked }) => unacked.length > 0)
    const at = this.random.below(holders.length + 1)
    const holder = holders[at]
    if (holder !== undefined) return holder.take(this.random.below(holder.unacked.length))
    return this.gotten.splice(this.random.below(this.gotten.length), 1)[0] ?? null
  }

  private addConsumer(): void {
    const { random, world } = this
    if (this.consumers.length >= 5) return
    const consumer = new TestConsumer('c', random.below(4), random.chance(0.2), random.below(2) * 5)
    consumer.onDeliver = (entry) => this.delivered(consumer, entry)
    consumer.onCredit = () => world.queue.creditReturned(consumer)
    this.consumers.push(consumer)
    world.queue.addConsumer(consumer, false)
  }

  private removeConsumer(): void {
    const [consumer] = this.consumers.splice(this.random.below(this.consumers.length), 1)
    if (consumer === undefined) return
    this.left.push(consumer)
    this.world.queue.removeConsumer(consumer)
  }

  private get(): void {
    const isNoAck = this.random.chance(0.5)
    const entry = this.world.queue.get(isNoAck)
    same(entry?.id ?? Infinity, Math.min(...this.ready))
    if (entry === null) return
    this.ready.delete(entry.id)
    if (isNoAck) this.held.delete(entry.id)
    else this.gotten.push(entry)
  }

  private stallOrResume(): void {
    const consumer = this.consumers[this.random.below(this.consumers.length)]
    if (consumer === undefined) return
    consumer.hasRoom = !consumer.hasRoom
    if (consumer.hasRoom) this.world.queue.creditReturned(consumer)
  }

  private purge(): void {
    same(this.world.queue.purge(), this.ready.size)
    for (const id of this.ready) this.held.delete(id)
    this.ready.clear()
  }

  private check(): void {
    const { queue, store } = this.world
    queue.checkInvariants()
    same(queue.readyCount, this.ready.size)
    same(queue.unackedCount, this.held.size - this.ready.size)
    const stored = [...this.held].filter(([, { isStored }]) => isStored).map(([id]) => id)
    same([...store.kept.keys()].toSorted((a, b) => a - b).join(' '),
      stored.toSorted((a, b) => a - b).join(' '))
  }

  /** One consumer without a limit gets all that is left, in order. */
  private drain(): void {
    for (let entry = this.takeUnacked(); this.held.size > this.ready.size; entry = this.takeUnacked()) {
      if (entry === null) continue
      this.world.queue.requeue(entry)
      this.held.get(entry.id)!.count++
      this.ready.add(entry.id)
    }
    while (this.consumers.length > 0) this.removeConsumer()
    const expected = [...this.ready].toSorted((a, b) => a - b)
    const last = this.world.consumer('last')
    this.world.settleDown()
    same(last.received.join(' '), expected.join(' '))
  }
}

/** What went wrong with a seed; null when nothing did. */
function failureOf(seed: number): string | null {
  try {
    new ModelRun(seed).run()
    return null
  } catch (error) {
    return `seed ${seed}: ${error instanceof Error ? error.message : String(error)}`
  }
}

it(`agrees with a naive model over ${SEEDS} seeds of ${STEPS} steps`, () => {
  const failures: string[] = []
  for (let seed = 1; seed <= SEEDS && failures.length < 5; seed++) {
    const failure = failureOf(seed)
    if (failure !== null) failures.push(failure)
  }
  expect(failures).toEqual([])
}, 120_000)
