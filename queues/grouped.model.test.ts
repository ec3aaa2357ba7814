// A queue with groups against a naive model, over many seeded runs: whatever is published, fails, waits,
// expires, is dropped, extracted or outlives a restart in whatever order, of a group never two messages are
// out, they go out in the order of their publishing, and a group that is blocked blocks nobody else. Each
// message is in exactly one place, on classic and quorum queues, with next to nothing in memory.
import { expect, it } from 'vitest'
import { SeededRandom } from '../base/random.ts'
import { tableOf } from '../protocol/table-encode.ts'
import { failuresOf } from '../test/model-seeds.ts'
import { Browser, EVERY, FIRST } from './browser.ts'
import type { BrowsedPage, Place } from './browser.ts'
import type { Entry } from './entry.ts'
import { heldNumber } from './held.ts'
import { messageWith, QueueWorld, TestConsumer } from './queue.contract.ts'
import { storedMessage } from './stored-entry.ts'

const SEEDS = 120
const STEPS = 150
const DELAYS_MS = [50, 120, 400]
const QUEUE = 7

function same(actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`expected ${String(expected)}, found ${String(actual)}`)
}

/** A message that is not settled. Ids are in the order of publishing. */
interface Alive {
  readonly id: number
  readonly group: string | null
  /** Failures that the policy counts. */
  failures: number
  place: 'ready' | 'unacked' | 'waiting' | 'held'
  dueMs: number
  expiresAtMs: number
}

class ModelRun {
  private readonly random: SeededRandom
  private readonly args
  private readonly window
  private readonly end: string
  private readonly ttlMs: number
  private readonly lengthMax: number
  private world: QueueWorld
  private browser: Browser
  private consumers: TestConsumer[] = []
  private gotten: Entry[] = []
  private readonly alive = new Map<number, Alive>()
  private published = 0
  /** Something is being taken without an ack, and what it uncovers may expire before it is known here. */
  private isTaking = false
  /** What somebody has seen, to be extracted later. */
  private seen: BrowsedPage | null = null

  constructor(seed: number) {
    const random = this.random = new SeededRandom(seed)
    this.end = ['dead-letter', 'discard', 'park'][random.below(3)]!
    this.ttlMs = random.chance(0.3) ? 100 + random.below(500) : Infinity
    this.lengthMax = random.chance(0.3) ? 1 + random.below(12) : Infinity
    this.args = tableOf({
      'x-queue-type': random.chance(0.5) ? 'quorum' : 'classic', 'x-group-header': 'g',
      'x-dead-letter-exchange': 'dlx', 'x-retry-delay': DELAYS_MS.join(), 'x-retry-then': this.end,
      ...this.ttlMs < Infinity && { 'x-message-ttl': this.ttlMs },
      ...this.lengthMax < Infinity && { 'x-max-length': this.lengthMax },
    })
    const size = 1 + random.below(6)
    this.window = {
      frontMessages: size, frontBytes: size * 15, tailMessages: size, tailBytes: size * 15,
      pageMessages: size, pageBytes: 1e9,
    }
    this.world = this.start()
    this.browser = new Browser(this.world.store)
  }

  run(): void {
    for (let n = 0; n < STEPS; n++) {
      this.step()
      this.world.settleDown()
      this.check()
    }
    this.drain()
  }

  private start(): QueueWorld {
    const world = new QueueWorld({ args: this.args, window: this.window })
    world.onDeath = (id, reason) => this.died(Number(id), reason)
    return world
  }

  private step(): void {
    const { random } = this
    const roll = random.below(114)
    if (roll < 26) for (let n = 1 + random.below(4); n > 0; n--) this.publish()
    else if (roll < 38) this.get(random.chance(0.2))
    else if (roll < 54) this.settle((entry) => this.world.queue.settle(entry), null)
    else if (roll < 68) this.settle((entry) => this.world.queue.reject(entry, 'nacked-for-good'), 'failed')
    else if (roll < 72) this.settle((entry) => this.world.queue.requeue(entry, 'timed-out'), 'failed')
    else if (roll < 78) this.settle((entry) => this.world.queue.requeue(entry, 'nacked'), 'ready')
    else if (roll < 84) this.addConsumer()
    else if (roll < 88) this.removeConsumer()
    else if (roll < 98) this.pass(1 + random.below(150))
    else if (roll < 102) this.look()
    else if (roll < 108) this.extract()
    else if (roll < 112) this.restart()
    else this.purge()
  }

  private publish(): void {
    const id = ++this.published
    const [group, name] = [[null, ''], ['5', 5], ["'5", '5'], ["'a", 'a'], ["'b", 'b']][this.random.below(5)]!
    const expiresAtMs = this.world.clock.nowMs + this.ttlMs
    this.alive.set(id, { id, group: group as string, failures: 0, place: 'ready', dueMs: 0, expiresAtMs })
    const header = group === null ? { other: 1 } : { g: name! }
    this.world.queue.publish(messageWith(String(id), tableOf(header)))
  }

  /** What is ready, or waits, of the same group, or of none, the oldest first. */
  private others({ id, group }: Alive): Alive[] {
    return [...this.alive.values()].filter((other) => other.group === group && other.id !== id
      && (other.place === 'ready' || other.place === 'waiting'))
  }

  private isBlocked(group: string | null): boolean {
    return group !== null && [...this.alive.values()].some((other) => other.group === group
      && (other.place === 'unacked' || other.place === 'waiting'))
  }

  /** It is the first of its group, and nothing of it is out or waits. */
  private delivered(id: number, isNoAck: boolean): void {
    const alive = this.alive.get(id)
    if (alive?.place !== 'ready') throw new Error(`${id} came while ${alive?.place}`)
    if (this.isBlocked(alive.group)) throw new Error(`${id} came while its group is blocked`)
    this.isFirst(alive)
    if (isNoAck) this.alive.delete(id)
    else alive.place = 'unacked'
  }

  private isFirst(alive: Alive): void {
    const first = alive.group === null ? undefined : this.others(alive).find(({ id }) => id < alive.id)
    if (first !== undefined) throw new Error(`${alive.id} came before ${first.id} of its group`)
  }

  private get(isNoAck: boolean): void {
    if (this.world.queue.isPaging) return
    this.isTaking = isNoAck
    const entry = this.world.queue.get(isNoAck)
    this.isTaking = false
    if (entry === null) return
    this.delivered(Number(entry.message.routingKey), isNoAck)
    if (!isNoAck) this.gotten.push(entry)
  }

  private takeUnacked(): Entry | null {
    const holder = this.consumers[this.random.below(this.consumers.length)]
    if (holder !== undefined && holder.unacked.length > 0 && this.random.chance(0.7)) {
      return holder.take(this.random.below(holder.unacked.length))
    }
    return this.gotten.splice(this.random.below(this.gotten.length), 1)[0] ?? null
  }

  private settle(how: (entry: Entry) => void, outcome: 'failed' | 'ready' | null): void {
    const entry = this.takeUnacked()
    if (entry === null) return
    const alive = this.alive.get(Number(entry.message.routingKey))!
    same(alive.place, 'unacked')
    if (outcome === null) this.alive.delete(alive.id)
    else if (outcome === 'ready') alive.place = 'ready'
    else this.failed(alive)
    how(entry)
  }

  private failed(alive: Alive): void {
    alive.failures++
    if (alive.failures <= DELAYS_MS.length) {
      const delayMs = DELAYS_MS[alive.failures - 1]!
      alive.place = alive.group === null ? 'held' : 'waiting'
      alive.dueMs = this.world.clock.nowMs + delayMs
      alive.expiresAtMs += delayMs
    } else if (this.end === 'park') {
      alive.place = 'held'
      alive.dueMs = Infinity
    } else if (this.end === 'discard') {
      this.alive.delete(alive.id)
    }
  }

  private died(id: number, reason: string): void {
    const alive = this.alive.get(id)
    if (alive === undefined) throw new Error(`${id} died that was no more`)
    if (reason === 'delivery_limit') {
      same(this.end, 'dead-letter')
      same(alive.failures, DELAYS_MS.length + 1)
    } else if (reason === 'expired') {
      same(alive.place, 'ready')
      if (alive.expiresAtMs > this.world.clock.nowMs) throw new Error(`${id} died before its time`)
      if (!this.isTaking) this.isFirst(alive)
    } else {
      same(`${reason} ${alive.place === 'ready' || alive.place === 'waiting'}`, 'maxlen true')
      this.isFirst(alive)
    }
    this.alive.delete(id)
  }

  private addConsumer(): void {
    if (this.consumers.length >= 3) return
    const consumer = new TestConsumer('c', this.random.below(4), this.random.chance(0.1))
    consumer.onDeliver = (entry) => this.delivered(Number(entry.message.routingKey), consumer.isNoAck)
    consumer.onCredit = () => this.world.queue.creditReturned(consumer)
    this.consumers.push(consumer)
    this.world.queue.addConsumer(consumer, false)
  }

  /** Its channel settles later what it has. */
  private removeConsumer(): void {
    const [consumer] = this.consumers.splice(this.random.below(this.consumers.length), 1)
    if (consumer === undefined) return
    this.gotten.push(...consumer.unacked)
    this.world.queue.removeConsumer(consumer)
  }

  private pass(ms: number): void {
    this.world.settleDown()
    this.world.clock.travel(ms)
    this.released()
    this.world.timers.advance(this.world.clock.monotonicMs)
  }

  /** What was held is new then; what waited in its group kept its place. */
  private released(): void {
    const due = [...this.alive.values()].filter(({ place, dueMs }) =>
      (place === 'held' || place === 'waiting') && dueMs <= this.world.clock.nowMs)
    for (const alive of due) {
      if (alive.place === 'held') {
        alive.expiresAtMs = Math.min(alive.expiresAtMs, this.world.clock.nowMs + this.ttlMs)
      }
      alive.place = 'ready'
    }
  }

  private look(): void {
    this.lookAt(FIRST, 1 + this.random.below(8), (page) => { this.seen = page })
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

  /** Of what was seen, all that is ready still is taken, and nothing else, blocked or not. */
  private extract(): void {
    const { seen, world: { queue } } = this
    if (seen === null) return
    const entries = seen.items.map(({ entry }) => entry).filter(() => this.random.chance(0.5))
    const expected = entries.map(({ message }) => this.alive.get(Number(message.routingKey)))
      .filter((alive) => alive?.place === 'ready' || alive?.place === 'waiting').map((alive) => alive!.id)
    // What was held meanwhile has another id since.
    const isNew = (id: number): boolean => {
      const { group, failures } = this.alive.get(id)!
      return group === null && failures > 0
    }
    const taken = queue.ready.extract(entries, seen.seenBatch)
    const ids = taken.map(({ message }) => Number(message.routingKey))
    same(ids.filter((id) => !isNew(id)).toSorted((a, b) => a - b).join(' '),
      expected.filter((id) => !isNew(id)).toSorted((a, b) => a - b).join(' '))
    for (const entry of taken) {
      queue.forget(entry)
      this.alive.delete(Number(entry.message.routingKey))
    }
    this.world.turn.pump(queue)
  }

  /** What was handed out is ready again; what waits goes on waiting. */
  private restart(): void {
    const { store, clock, ids } = this.world
    this.seen = null
    this.consumers = []
    this.gotten = []
    for (const alive of this.alive.values()) if (alive.place === 'unacked') alive.place = 'ready'
    this.world = this.start()
    this.browser = new Browser(this.world.store)
    this.world.clock.travel(clock.nowMs - this.world.clock.nowMs)
    this.world.timers.advance(this.world.clock.monotonicMs)
    this.world.ids.skipTo(ids.last)
    let [readyCount, heldCount] = [0, 0]
    for (const { queue, stored } of store.kept.values()) {
      const { id, expiresAtMs, deliveryCount, level } = stored
      this.world.store.recovered(queue, id, storedMessage(stored), { expiresAtMs, deliveryCount, level })
      if (queue === QUEUE) readyCount++
      else heldCount++
    }
    if (readyCount > 0) this.world.restore()
    if (heldCount > 0) this.world.queue.held.restore(heldCount, heldCount * 10, 0)
  }

  private purge(): void {
    const gone = [...this.alive.values()].filter(({ place }) => place !== 'unacked')
    same(this.world.queue.purge(), gone.length)
    for (const { id } of gone) this.alive.delete(id)
    this.seen = null
  }

  private check(): void {
    const { queue, store, residence } = this.world
    queue.checkInvariants()
    const all = [...this.alive.values()]
    const count = (...places: string[]): number => all.filter(({ place }) => places.includes(place)).length
    same(`${queue.readyCount} ${queue.unackedCount} ${queue.heldCount}`,
      `${count('ready', 'waiting')} ${count('unacked')} ${count('held')}`)
    same(queue.readyBytes, 10 * queue.readyCount)
    same(queue.readyCount <= this.lengthMax, true)
    const { groups } = queue
    same(groups?.outCount, all.filter(({ place, group }) => place === 'unacked' && group !== null).length)
    if (residence.bytes < 0) throw new Error(`${residence.bytes} bytes in memory`)
    const places = [...store.kept.values()].map((kept) =>
      `${kept.stored.routingKey} ${kept.queue === heldNumber(QUEUE) ? 'held' : 'there'}`)
    const expected = all.map(({ id, place }) => `${id} ${place === 'held' ? 'held' : 'there'}`)
    same(places.toSorted().join(), expected.toSorted().join())
    this.checkNobodyStarves()
    if (this.random.chance(0.15)) this.compareView()
  }

  /** Who has credit has been given what is in no group, and of each group that is not blocked the first. */
  private checkNobodyStarves(): void {
    const ready = [...this.alive.values()].filter(({ place, group }) =>
      place === 'ready' && !this.isBlocked(group))
    if (ready.length === 0 || !this.consumers.some(({ hasCredit }) => hasCredit)) return
    throw new Error(`${ready.map(({ id }) => id).join()} could go out`)
  }

  /** When nothing is on its way, a look at everything sees each message once. */
  private compareView(): void {
    const ids: string[] = []
    const positions: number[] = []
    const take = ({ items, next }: BrowsedPage): void => {
      for (const { entry, position } of items) {
        ids.push(entry.message.routingKey)
        positions.push(position)
      }
      if (next !== null) this.lookAt(next, 4, take)
    }
    this.lookAt(FIRST, 4, take)
    this.world.settleDown()
    const expected = [...this.alive.values()].filter(({ place }) => place === 'ready' || place === 'waiting')
    same(ids.toSorted().join(' '), expected.map(({ id }) => String(id)).toSorted().join(' '))
    same(positions.join(' '), ids.map((_, position) => position).join(' '))
  }

  /** In the end one consumer gets all that is left, each group in its order. */
  private drain(): void {
    while (this.consumers.length > 0) this.removeConsumer()
    for (const entry of this.gotten.splice(0)) {
      this.alive.delete(Number(entry.message.routingKey))
      this.world.queue.settle(entry)
    }
    this.pass(1_000)
    const last = new TestConsumer('last')
    last.onDeliver = (entry) => this.delivered(Number(entry.message.routingKey), false)
    this.world.queue.addConsumer(last, false)
    this.world.settleDown()
    while (last.unacked.length > 0) {
      const entry = last.take()
      this.alive.delete(Number(entry.message.routingKey))
      this.world.queue.settle(entry)
      this.world.settleDown()
    }
    same([...this.alive.values()].filter(({ place }) => place !== 'held').length, 0)
    same(this.world.queue.groups?.parkedCount, 0)
  }
}

it(`agrees with a naive model over ${SEEDS} seeds of ${STEPS} steps`, () => {
  expect(failuresOf(SEEDS, (seed) => new ModelRun(seed).run())).toEqual([])
}, 120_000)
