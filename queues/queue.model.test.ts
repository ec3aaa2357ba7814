// A queue against a naive model, over many seeded runs: whatever happens in whatever order, each message is
// in exactly one place, goes out in its turn to somebody with credit or dies for a good reason, and the store
// knows exactly what is left. Once for plain queues, once for queues with random limits, times to live,
// priorities and single active consumers, while time passes; and both again with next to nothing in memory.
import { expect, it } from 'vitest'
import { SeededRandom } from '../base/random.ts'
import { tableOf } from '../protocol/table-encode.ts'
import { failuresOf } from '../test/model-seeds.ts'
import { Browser, EVERY, FIRST, placeBehind } from './browser.ts'
import type { BrowsedPage, Place } from './browser.ts'
import type { Entry } from './entry.ts'
import { messageOf, QueueWorld, TestConsumer } from './queue.contract.ts'

const SEEDS = 600
const STEPS = 120

/** `isPaged`: so little stays in memory that most messages go through the store, transient ones too. */
interface Kind {
  readonly hasLimits: boolean
  readonly isPaged: boolean
}

/** A message that is not settled. */
interface Held {
  readonly id: number
  readonly isStored: boolean
  readonly level: number
  readonly bytes: number
  readonly expiresAtMs: number
  /** How often it came back. */
  count: number
}

function same(actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`expected ${String(expected)}, found ${String(actual)}`)
}

function argumentsOf(random: SeededRandom): Record<string, string | number | boolean> {
  const args: Record<string, string | number | boolean> = { 'x-dead-letter-exchange': 'dlx' }
  if (random.chance(0.5)) args['x-max-length'] = random.below(6)
  if (random.chance(0.3)) args['x-max-length-bytes'] = random.below(60)
  if (random.chance(0.4)) args['x-overflow'] = random.chance(0.5) ? 'reject-publish' : 'reject-publish-dlx'
  if (random.chance(0.4)) args['x-message-ttl'] = random.below(8) * 100
  if (random.chance(0.4)) args['x-max-priority'] = 1 + random.below(4)
  if (random.chance(0.2)) args['x-single-active-consumer'] = true
  return args
}

class ModelRun {
  private readonly hasLimits: boolean
  private readonly random: SeededRandom
  private readonly world: QueueWorld
  private consumers: TestConsumer[] = []
  private active: TestConsumer | null = null
  private readonly held = new Map<number, Held>()
  private readonly ready = new Map<number, Held>()
  private readonly gotten: Entry[] = []
  /** Consumers that left while they had unacked entries: their channel may still settle them. */
  private readonly left: TestConsumer[] = []
  /** The message that is being published, and whether it was refused with a dead letter. */
  private publishing = 0
  /** What a queue that may refuse is being given, until it is seen to have it. */
  private arriving: Held | null = null
  private isRefused = false
  private readonly browser: Browser
  /** What somebody has seen, to be extracted later. */
  private seen: BrowsedPage | null = null

  constructor(seed: number, { hasLimits, isPaged }: Kind) {
    this.hasLimits = hasLimits
    const random = this.random = new SeededRandom(seed)
    const args = tableOf(hasLimits ? argumentsOf(random) : {})
    const size = isPaged ? 1 + random.below(6) : 1e6
    this.world = new QueueWorld({
      flags: { isDurable: random.chance(0.8) }, args,
      window: { frontMessages: size, frontBytes: size * 15, tailMessages: size, tailBytes: size * 15,
        pageMessages: size, pageBytes: 1e9 },
      residentBytesMax: isPaged ? random.below(2) * 5_000 : 1e9,
    })
    this.browser = new Browser(this.world.store)
    this.world.onDeath = (routingKey, reason) => this.died(Number(routingKey), reason)
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
    const roll = random.below(116)
    if (roll < 30) for (let n = random.below(6); n > 0; n--) this.publish()
    else if (roll < 50) this.endTurn()
    else if (roll < 68) this.settleOrReturn()
    else if (roll < 78) this.addConsumer()
    else if (roll < 84) this.removeConsumer()
    else if (roll < 92) this.get()
    else if (roll < 98) this.stallOrResume()
    else if (roll < 100) this.purge()
    else if (roll < 106) this.pass()
    else if (roll < 111) this.look()
    else this.extract()
  }

  private publish(): void {
    const { random, world: { queue, ids, clock } } = this
    const { settings } = queue
    const [bytes, priority] = [random.below(20), random.below(7)]
    const ownTtlMs = this.hasLimits && random.chance(0.3) ? random.below(8) * 100 : Infinity
    const id = ids.last + 1
    const message = Object.assign(
      messageOf(String(id), bytes, random.chance(0.7), priority), { expiresAtMs: clock.nowMs + ownTtlMs })
    const held = {
      id, bytes, count: 0, isStored: queue.stores(message),
      level: settings.priorityMax === null ? 0 : Math.min(priority, settings.priorityMax),
      expiresAtMs: clock.nowMs + Math.min(ownTtlMs, settings.messageTtlMs),
    }
    const canRefuse = settings.overflow !== 'drop-head'
    // It may be handed out, or die, before `publish` has returned.
    if (!canRefuse) this.hold(held)
    this.arriving = canRefuse ? held : null
    this.publishing = id
    this.isRefused = false
    const isTaken = queue.publish(message)
    this.publishing = 0
    if (this.arriving !== null) same(isTaken, !canRefuse || !this.isFull(1, bytes))
    if (isTaken) this.arrive(id)
    this.arriving = null
    same(this.isRefused, !isTaken && settings.overflow === 'reject-publish-dlx')
  }

  private arrive(id: number): void {
    const { arriving } = this
    if (arriving?.id !== id) return
    this.arriving = null
    this.hold(arriving)
  }

  private isFull(more: number, moreBytes: number): boolean {
    const { lengthMax, lengthBytesMax } = this.world.queue.settings
    const bytes = [...this.ready.values()].reduce((sum, held) => sum + held.bytes, moreBytes)
    return this.ready.size + more > lengthMax || bytes > lengthBytesMax
  }

  private hold(held: Held): void {
    this.held.set(held.id, held)
    this.ready.set(held.id, held)
  }

  private settled({ id }: { readonly id: number }): void {
    this.held.delete(id)
    this.ready.delete(id)
  }

  /** Who goes out, or dies, next. */
  private head(): Held | null {
    return this.inOrder()[0] ?? null
  }

  private inOrder(): Held[] {
    return [...this.ready.values()].toSorted((a, b) => b.level - a.level || a.id - b.id)
  }

  private died(id: number, reason: string): void {
    const { world: { clock, queue } } = this
    const isRefusal = reason === 'maxlen' && queue.settings.overflow === 'reject-publish-dlx'
    if (id === this.publishing && isRefusal) {
      this.isRefused = true
      return
    }
    this.arrive(id)
    const held = this.held.get(id)
    if (held === undefined) throw new Error(`message ${id} died that was no longer there`)
    if (reason === 'rejected') {
      same(this.ready.has(id), false)
    } else {
      same(id, this.head()?.id)
      if (reason === 'expired') same(held.expiresAtMs <= clock.nowMs, true)
      else same(this.isFull(0, 0), true)
    }
    this.settled(held)
  }

  /** Loads are answered when the turn is over, with others behind them. */
  private endTurn(): void {
    this.world.endTurn()
    if (this.world.store.answerLoads()) this.world.settleDown()
    const receivers = this.world.queue.settings.isSingleActive ? [this.active] : this.consumers
    const isStuck = this.ready.size > 0 && receivers.some((consumer) => consumer?.hasCredit === true)
    if (isStuck) throw new Error('somebody has credit, something is ready, and the turn is over')
    if (this.world.queue.settings.overflow === 'drop-head') same(this.isFull(0, 0), false)
  }

  private pass(): void {
    const { world } = this
    world.settleDown()
    for (let n = this.random.below(6); n > 0; n--) {
      world.clock.travel(100)
      world.timers.advance(world.clock.monotonicMs)
      world.settleDown()
      const head = this.head()
      if (head !== null && head.expiresAtMs <= world.clock.nowMs) throw new Error(`${head.id} should be dead`)
    }
  }

  /** What every delivery must be: the next one, alive, to the one who is to have it. */
  private delivered(consumer: TestConsumer, entry: Entry): void {
    this.arrive(entry.id)
    const head = this.head()
    same(entry.id, head?.id)
    same(entry.deliveryCount, head?.count)
    same(entry.expiresAtMs < this.world.clock.nowMs, false)
    same(consumer.hasCredit && this.consumers.includes(consumer), true)
    const eligible = this.consumers.filter(({ hasCredit }) => hasCredit).map(({ priority }) => priority)
    if (this.world.queue.settings.isSingleActive) same(consumer, this.active)
    else same(consumer.priority, Math.max(...eligible))
    this.ready.delete(entry.id)
    if (consumer.isNoAck) this.held.delete(entry.id)
  }

  private settleOrReturn(): void {
    const { queue } = this.world
    const entry = this.takeUnacked()
    if (entry === null) return
    const roll = this.random.below(10)
    if (roll < 5) {
      queue.settle(entry)
      this.held.delete(entry.id)
    } else if (roll < 6) {
      queue.reject(entry)
      this.held.delete(entry.id)
    } else {
      this.requeue(entry)
    }
  }

  private requeue(entry: Entry): void {
    const held = this.held.get(entry.id)!
    held.count++
    this.ready.set(entry.id, held)
    this.world.queue.requeue(entry)
  }

  private takeUnacked(): Entry | null {
    const holders = [...this.consumers, ...this.left].filter(({ unacked }) => unacked.length > 0)
    const at = this.random.below(holders.length + 1)
    const holder = holders[at]
    if (holder !== undefined) return holder.take(this.random.below(holder.unacked.length))
    return this.gotten.splice(this.random.below(this.gotten.length), 1)[0] ?? null
  }

  private addConsumer(): void {
    const { random } = this
    if (this.consumers.length >= 5) return
    this.add(new TestConsumer('c', random.below(4), random.chance(0.2), random.below(2) * 5))
  }

  private add(consumer: TestConsumer): void {
    consumer.onDeliver = (entry) => this.delivered(consumer, entry)
    consumer.onCredit = () => this.world.queue.creditReturned(consumer)
    this.consumers.push(consumer)
    this.active ??= consumer
    this.world.queue.addConsumer(consumer, false)
  }

  private removeConsumer(): void {
    const [consumer] = this.consumers.splice(this.random.below(this.consumers.length), 1)
    if (consumer === undefined) return
    this.left.push(consumer)
    if (this.active === consumer) {
      this.active = this.consumers.toSorted((a, b) => b.priority - a.priority)[0] ?? null
    }
    this.world.queue.removeConsumer(consumer)
  }

  private get(): void {
    const isNoAck = this.random.chance(0.5)
    if (this.world.queue.isPaging) this.endTurn()
    const alive = this.inOrder().find(({ expiresAtMs }) => expiresAtMs > this.world.clock.nowMs)
    // What had expired before it, and right behind it, dies on the way.
    if (alive !== undefined) this.ready.delete(alive.id)
    const entry = this.world.queue.get(isNoAck)
    if (entry === null && this.world.queue.isPaging) {
      if (alive !== undefined) this.ready.set(alive.id, alive)
      return
    }
    same(entry?.id, alive?.id)
    const next = this.world.queue.isPaging ? null : this.head()
    same((next?.expiresAtMs ?? Infinity) > this.world.clock.nowMs, true)
    if (entry === null) return
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
    const all = [...this.ready.values()]
    same(this.world.queue.purge(), all.length)
    for (const held of all) this.settled(held)
  }

  private look(): void {
    const from = this.random.chance(0.5) ? FIRST : placeBehind(this.random.below(10))
    this.lookAt(from, 1 + this.random.below(6), (page) => { this.seen = page })
  }

  private lookAt(from: Place, limit: number, browsed: (page: BrowsedPage) => void): void {
    const request = { from, filter: EVERY, limit, bytesMax: 1e9, lastId: Infinity }
    this.browser.look(this.world.queue, request, {
      browsed,
      browseFailed(cause) {
        throw cause
      },
    })
  }

  /** Of what was seen, all that is ready still is taken, and nothing else, however long ago it was. */
  private extract(): void {
    const { seen, world: { queue, turn } } = this
    if (seen === null) return
    const entries = seen.items.map(({ entry }) => entry).filter(() => this.random.chance(0.8))
    const expected = entries.filter(({ id }) => this.ready.has(id)).map(({ id }) => id)
    const taken = queue.ready.extract(entries, seen.seenBatch)
    same(taken.map(({ id }) => id).toSorted((a, b) => a - b).join(' '),
      expected.toSorted((a, b) => a - b).join(' '))
    for (const entry of taken) {
      queue.forget(entry)
      this.settled(entry)
    }
    turn.pump(queue)
  }

  /** When nothing is on its way, a look at everything sees the model. */
  private compareView(): void {
    const ids: number[] = []
    const positions: number[] = []
    const take = ({ items, next }: BrowsedPage): void => {
      for (const { entry, position } of items) {
        ids.push(entry.id)
        positions.push(position)
      }
      if (next !== null) this.lookAt(next, 3, take)
    }
    this.lookAt(FIRST, 3, take)
    this.world.settleDown()
    same(ids.join(' '), this.inOrder().map(({ id }) => id).join(' '))
    same(positions.join(' '), ids.map((_, position) => position).join(' '))
  }

  private check(): void {
    const { queue, store } = this.world
    queue.checkInvariants()
    same(queue.readyCount, this.ready.size)
    same(queue.readyBytes, [...this.ready.values()].reduce((sum, { bytes }) => sum + bytes, 0))
    same(queue.unackedCount, this.held.size - this.ready.size)
    const stored = [...this.held.values()].filter(({ isStored }) => isStored).map(({ id }) => id)
    const kept = [...store.kept.values()].filter(({ isSpilled }) => !isSpilled)
      .map(({ stored: { id } }) => id)
    same(kept.toSorted((a, b) => a - b).join(' '), stored.toSorted((a, b) => a - b).join(' '))
    for (const id of store.kept.keys()) same(this.held.has(id), true)
  }

  /** One consumer without a limit gets all that is left and alive, in order. */
  private drain(): void {
    const { world } = this
    for (let entry = this.takeUnacked(); this.held.size > this.ready.size; entry = this.takeUnacked()) {
      if (entry !== null) this.requeue(entry)
    }
    while (this.consumers.length > 0) this.removeConsumer()
    world.settleDown()
    this.compareView()
    const expected = [...this.ready.values()].filter(({ expiresAtMs }) => expiresAtMs >= world.clock.nowMs)
      .toSorted((a, b) => b.level - a.level || a.id - b.id)
    const last = new TestConsumer('last')
    this.add(last)
    world.settleDown()
    same(last.received.join(' '), expected.map(({ id }) => id).join(' '))
    this.check()
  }
}

it.each<[string, Kind]>([
  ['plain', { hasLimits: false, isPaged: false }],
  ['limited', { hasLimits: true, isPaged: false }],
  ['paged', { hasLimits: false, isPaged: true }],
  ['paged and limited', { hasLimits: true, isPaged: true }],
])(`a %s queue agrees with a naive model over ${SEEDS} seeds of ${STEPS} steps`, (_, kind) => {
  expect(failuresOf(SEEDS, (seed) => new ModelRun(seed, kind).run())).toEqual([])
}, 120_000)
