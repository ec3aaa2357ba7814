// The order in which a quorum queue hands out: what came back, then 32 priorities; against a plain sort.
import { expect, it } from 'vitest'
import { SeededRandom } from '../base/random.ts'
import { encodeEnvelope } from '../protocol/envelope.ts'
import { tableOf } from '../protocol/table-encode.ts'
import { Entry } from './entry.ts'
import { Envelope, Message } from './message.ts'
import { WINDOW } from './paged-ready.ts'
import { QueueWorld, RecordingStore, noHolder } from './queue.contract.ts'
import { QuorumReady } from './quorum-ready.ts'
import { Residence } from './residence.ts'

const PRIORITY_FLAG = 0x08
const envelope = new Envelope('', 'q', encodeEnvelope('', 'q'))

/** With the given priority, or, with null, without the property. */
function messageOf(priority: number | null, bodyBytes = 1): Message {
  const properties = priority === null ? [0, 0] : [PRIORITY_FLAG, 0, priority]
  const { length } = properties
  const buf = Buffer.concat([Buffer.from(properties), Buffer.alloc(bodyBytes)])
  const traits = { isPersistent: true, expiresAtMs: Infinity, priority: priority ?? 0, isDeadLetter: false }
  return new Message(envelope, buf, 0, length, length, buf.length, traits)
}

const entryOf = (id: number, priority: number | null, bodyBytes = 1): Entry =>
  new Entry(id, messageOf(priority, bodyBytes), noHolder, Infinity)

function emptyReady(): QuorumReady {
  const queue = { id: 1, entryOf: () => null, paged() {} }
  const parts = { store: new RecordingStore(), residence: new Residence(1e9), window: WINDOW }
  return new QuorumReady(queue, parts)
}

function drain(ready: QuorumReady): number[] {
  const ids: number[] = []
  for (let entry = ready.shift(); entry !== null; entry = ready.shift()) ids.push(entry.id)
  return ids
}

it('serves high priorities first, 4 for none, everything above 31 as 31', () => {
  const ready = emptyReady()
  const priorities = [0, 1, 4, 31, 9, null, 3, 40, 255]
  priorities.forEach((priority, id) => ready.push(entryOf(id, priority)))
  expect(drain(ready)).toEqual([3, 7, 8, 4, 2, 5, 6, 1, 0])
})

it('serves what came back before everything else, in the order in which it did', () => {
  const ready = emptyReady()
  const entries = [0, 1, 2].map((id) => entryOf(id, null))
  for (const entry of entries) ready.push(entry)
  for (let n = 0; n < 2; n++) ready.shift()
  ready.requeue(entries[1]!)
  ready.requeue(entries[0]!)
  ready.push(entryOf(3, 255))
  expect(drain(ready)).toEqual([1, 0, 3, 2])
})

it('agrees with a plain sort, counts and bytes included', () => {
  const random = new SeededRandom(20_261_122)
  const ready = emptyReady()
  const waiting: { entry: Entry; level: number; order: number }[] = []
  for (let order = 0; order < 3_000; order++) {
    const isReturn = random.below(4) === 0
    if (random.below(5) < 3) {
      const priority = random.below(8) === 0 ? null : random.below(40)
      const entry = entryOf(order, priority, random.below(50))
      if (isReturn) ready.requeue(entry)
      else ready.push(entry)
      waiting.push({ entry, level: isReturn ? 99 : Math.min(priority ?? 4, 31), order })
      waiting.sort((a, b) => b.level - a.level || a.order - b.order)
    } else {
      expect(ready.first()).toBe(waiting[0]?.entry ?? null)
      expect(ready.shift()).toBe(waiting.shift()?.entry ?? null)
    }
    expect(ready.length).toBe(waiting.length)
  }
  expect([...ready]).toEqual(waiting.map(({ entry }) => entry))
  expect(ready.bytes).toBe(waiting.reduce((sum, { entry }) => sum + entry.message.bodyBytes, 0))
})

const window = {
  frontMessages: 8, frontBytes: 1e6, tailMessages: 4, tailBytes: 1e6, pageMessages: 3, pageBytes: 1e6,
}

const quorumWorld = (): QueueWorld =>
  new QueueWorld({ args: tableOf({ 'x-queue-type': 'quorum' }), window })

/** Everything, acked as it comes; what is in the store is fetched. */
function consume({ queue, store }: QueueWorld): number[] {
  const ids: number[] = []
  for (let n = 0; n < 1_000 && queue.readyCount > 0; n++) {
    const entry = queue.isPaging ? null : queue.get(false)
    if (entry === null) {
      queue.awaitPage({ paged() {} })
      store.answerLoads()
    } else {
      ids.push(entry.id)
      queue.settle(entry)
    }
  }
  return ids
}

it('lets a long queue without priorities go to the store, and serves it in order', () => {
  const world = quorumWorld()
  for (let n = 0; n < 100; n++) {
    world.queue.publish(messageOf(null))
    world.store.seal()
  }
  expect(world.residence.bytes).toBeLessThan(30 * 351)
  expect(consume(world)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1))
  expect(world.store.kept.size).toBe(0)
})

it('serves a high priority before a long backlog, and a low one after it', () => {
  const world = quorumWorld()
  const publish = (priority: number | null): void => {
    world.queue.publish(messageOf(priority))
    world.store.seal()
  }
  for (let n = 0; n < 50; n++) publish(null)
  publish(9)
  publish(0)
  for (let n = 0; n < 50; n++) publish(null)
  const plain = Array.from({ length: 102 }, (_, n) => n + 1).filter((id) => id !== 51 && id !== 52)
  expect(consume(world)).toEqual([51, ...plain, 52])
  expect(world.store.kept.size).toBe(0)
})

it('serves nothing after a restart until the highest is loaded', () => {
  const world = quorumWorld()
  const priorities = [null, 1, null, 9]
  priorities.forEach((priority, n) =>
    world.store.recovered(7, n + 1, messageOf(priority), { level: n === 0 ? 0 : (priority ?? 4) + 1 }))
  world.restore()
  expect([world.queue.isPaging, world.queue.readyCount]).toEqual([true, 4])
  expect(consume(world)).toEqual([4, 1, 3, 2])
})

it('drops what is in memory and what is in the store, but not what is unacked', () => {
  const world = quorumWorld()
  for (const priority of [9, ...new Array<null>(40).fill(null), 0]) {
    world.queue.publish(messageOf(priority))
    world.store.seal()
  }
  const held = world.queue.get(false)!
  expect(world.queue.purge()).toBe(41)
  expect([...world.store.kept.keys()]).toEqual([held.id])
})

it('lets what has other priorities go to the store, too, and serves it in order', () => {
  const world = quorumWorld()
  const priorityOf = (id: number): number | null => (id <= 40 || id % 3 === 0 ? null : id % 8)
  for (let id = 1; id <= 400; id++) {
    world.queue.publish(messageOf(priorityOf(id)))
    world.store.seal()
  }
  expect(world.residence.bytes).toBeLessThan(60 * 351)
  const level = (id: number): number => priorityOf(id) ?? 4
  const expected = Array.from({ length: 400 }, (_, n) => n + 1)
    .toSorted((a, b) => level(b) - level(a) || a - b)
  expect(consume(world)).toEqual(expected)
  expect(world.store.kept.size).toBe(0)
})

/** All entries as the segments show them, in order. */
function shown(ready: QuorumReady): number[] {
  return ready.segments().flatMap(({ entries }) => (
    Array.from({ length: entries!.length }, (_, at) => entries!.at(at)!.id)))
}

it('shows and gives out the middle of what it would serve in the same order', () => {
  const ready = emptyReady()
  const entries = [5, null, 9, 0, null, 9, 2].map((priority, at) => entryOf(at + 1, priority, at))
  for (const entry of entries.slice(1)) ready.push(entry)
  ready.requeue(entries[0]!)
  expect(shown(ready)).toEqual([1, 3, 6, 2, 5, 7, 4])
  const taken = ready.extract([entries[5]!, entries[0]!, entries[6]!, entries[4]!], 0)
  expect(taken.map(({ id }) => id).toSorted()).toEqual([1, 5, 6, 7])
  expect([shown(ready), ready.length, ready.bytes]).toEqual([[3, 2, 4], 3, 2 + 1 + 3])
  expect(ready.extract(entries, 0).map(({ id }) => id).toSorted()).toEqual([2, 3, 4])
  expect([ready.first(), ready.length, ready.bytes]).toEqual([null, 0, 0])
})
