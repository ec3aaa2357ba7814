// The order in which a quorum queue hands out: what came back, then 32 priorities; against a plain sort.
import { expect, it } from 'vitest'
import { SeededRandom } from '../base/random.ts'
import { encodeEnvelope } from '../protocol/envelope.ts'
import { Entry } from './entry.ts'
import { Envelope, Message } from './message.ts'
import { WINDOW } from './paged-ready.ts'
import { RecordingStore, noHolder } from './queue.contract.ts'
import { QuorumReady } from './quorum-ready.ts'
import { Residence } from './residence.ts'

const PRIORITY_FLAG = 0x0800
const envelope = new Envelope('', 'q', encodeEnvelope('', 'q'))

/** With the given priority, or, with null, without the property. */
function entryOf(id: number, priority: number | null, bodyBytes = 1): Entry {
  const buf = Buffer.alloc(3 + bodyBytes)
  buf.writeUInt16BE(priority === null ? 0 : PRIORITY_FLAG)
  const traits = { isPersistent: true, expiresAtMs: Infinity, priority: priority ?? 0, isDeadLetter: false }
  return new Entry(id, new Message(envelope, buf, 0, 3, 3, buf.length, traits), noHolder, Infinity)
}

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
