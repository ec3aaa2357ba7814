// What the power-cut test does to a store, and what must be in it afterwards: batches that follow from a
// seed, and a model that knows the contents after each. Run by store-process.ts under the shim and again by
// the test that judges. Invariant: the same seed gives the same batches and the same contents.
import { crc32 } from 'node:zlib'
import { SeededRandom } from '../../base/random.ts'
import type { BatchWriter } from '../../store/batch.ts'
import type { Definition, Recovered, StorableMessage, StoredMessage } from '../../store/store.ts'

export const SCOPE = '/'
export const SCOPE_NUMBER = 1
const QUEUES = [1, 2, 3, 4] as const
/** From here on as much is dropped as is put. */
const LIVE_MAX = 60

export interface ModelMessage {
  readonly queue: number
  readonly text: string
  readonly bodyId: number
  deliveryCount: number
}

/** What is in the store, as a person would write it down. */
export class Contents {
  readonly messages = new Map<number, ModelMessage>()
  readonly definitions = new Map<string, string>()
  lastId = 0

  /** One line for each thing, sorted: equal texts, equal contents. */
  lines(): string[] {
    const messages = [...this.messages].map(([id, message]) => messageLine(id, message))
    const definitions = [...this.definitions].map(([name, doc]) => `${name} = ${doc}`)
    return [...messages, ...definitions].toSorted()
  }

  static ofStore(
    recovered: Recovered, pages: ReadonlyMap<number, readonly StoredMessage[]>,
  ): Contents {
    const contents = new Contents()
    for (const { kind, name, doc } of recovered.definitions) {
      contents.definitions.set(`${kind} ${name}`, doc ?? '')
    }
    for (const [queue, page] of pages) {
      for (const stored of page) {
        const { id, bodyId, deliveryCount, expiresAtMs } = stored
        contents.messages.set(id, { queue, text: textOf(stored, expiresAtMs), bodyId, deliveryCount })
      }
    }
    return contents
  }
}

/** Makes one batch after the other; `contents` is what the store holds once the last one is durable. */
export class StoreLoad {
  readonly contents = new Contents()
  private readonly random: SeededRandom
  private readonly log: BatchWriter

  constructor(seed: number, log: BatchWriter) {
    this.random = new SeededRandom(seed)
    this.log = log
  }

  /** Appends a batch of 1 to 12 decisions to the op log. */
  append(): void {
    const { random } = this
    const count = 1 + random.below(12)
    for (let n = 0; n < count; n++) {
      const roll = random.below(100)
      if (roll < 40 || this.contents.messages.size === 0) this.put()
      else if (roll < 48) this.putShared()
      else if (roll < 52) this.putAndDrop()
      else if (roll < 54) this.spill()
      else if (roll < 84 || this.contents.messages.size > LIVE_MAX) this.drop()
      else if (roll < 90) this.touch()
      else if (roll < 98) this.define()
      else this.purge()
    }
  }

  private put(): void {
    this.putInto(this.pick(QUEUES), this.message(0), this.expiry())
  }

  private putShared(): void {
    const message = this.message(++this.contents.lastId)
    const first = this.random.below(QUEUES.length)
    for (let n = 0; n < 2 + this.random.below(2); n++) {
      this.putInto(QUEUES[(first + n) % QUEUES.length]!, message, this.expiry())
    }
  }

  private putInto(queue: number, message: StorableMessage, expiresAtMs: number): void {
    const id = ++this.contents.lastId
    this.log.put(SCOPE_NUMBER, queue, id, message, expiresAtMs)
    const { bodyId } = message
    this.contents.messages.set(id, { queue, text: textOf(message, expiresAtMs), bodyId, deliveryCount: 0 })
  }

  /** Never written: promise 4 of the seam. */
  private putAndDrop(): void {
    const queue = this.pick(QUEUES)
    const id = ++this.contents.lastId
    const position = this.log.put(SCOPE_NUMBER, queue, id, this.message(0))
    this.log.drop(SCOPE_NUMBER, queue, id, 0, this.log.number, position)
  }

  /** Gone with the process, so that no state has it; half of them are dropped before. */
  private spill(): void {
    const queue = this.pick(QUEUES)
    const id = ++this.contents.lastId
    const position = this.log.spill(SCOPE_NUMBER, queue, id, this.message(0), Infinity)
    if (this.random.chance(0.5)) this.log.drop(SCOPE_NUMBER, queue, id, 0, this.log.number, position)
  }

  private drop(): void {
    const [id, { queue, bodyId }] = this.pick([...this.contents.messages])
    this.log.drop(SCOPE_NUMBER, queue, id, bodyId, 0, 0)
    this.contents.messages.delete(id)
  }

  private touch(): void {
    const [id, message] = this.pick([...this.contents.messages])
    message.deliveryCount = 1 + this.random.below(9)
    this.log.touch(SCOPE_NUMBER, message.queue, id, message.deliveryCount)
  }

  private define(): void {
    const name = `q${this.random.below(8)}`
    const doc = this.random.chance(0.3) ? null : JSON.stringify({ id: this.random.below(1_000) })
    const definition: Definition = { kind: 'queue', name, doc }
    this.log.define(SCOPE_NUMBER, definition)
    if (doc === null) this.contents.definitions.delete(`queue ${name}`)
    else this.contents.definitions.set(`queue ${name}`, doc)
  }

  private purge(): void {
    const queue = this.pick(QUEUES)
    this.log.purge(SCOPE_NUMBER, queue, 0, this.contents.lastId)
    for (const [id, message] of this.contents.messages) {
      if (message.queue === queue) this.contents.messages.delete(id)
    }
  }

  /** Small ones, some of the size of a page, a few that need pages of their own. */
  private message(bodyId: number): StorableMessage {
    const { random } = this
    const size = this.pick([20, 100, 1_024, 1_024, 9_000, 40_000])
    const properties = random.bytes(2 + random.below(40))
    const body = Buffer.alloc(size, random.bytes(64))
    body.write(`body ${this.contents.lastId}`)
    return {
      exchange: this.pick(['', 'orders']), routingKey: `key.${random.below(5)}`, rawKey: null,
      isDeadLetter: false, bodyId,
      buf: Buffer.concat([properties, body]), propertiesStart: 0, propertiesEnd: properties.length,
      bodyStart: properties.length, bodyEnd: properties.length + size,
    }
  }

  private expiry(): number {
    return this.random.chance(0.2) ? 1_700_000_000_000 + this.random.below(1e6) : Infinity
  }

  private pick<T>(choices: readonly T[]): T {
    return choices[this.random.below(choices.length)]!
  }
}

function messageLine(id: number, { queue, text, bodyId, deliveryCount }: ModelMessage): string {
  return `message ${id} in ${queue}, handed out ${deliveryCount} times, body ${bodyId}: ${text}`
}

function textOf(message: StorableMessage, expiresAtMs: number): string {
  const { exchange, routingKey, buf, propertiesStart, propertiesEnd, bodyStart, bodyEnd } = message
  const properties = buf.subarray(propertiesStart, propertiesEnd)
  const body = buf.subarray(bodyStart, bodyEnd)
  return `${exchange} ${routingKey} ${expiresAtMs} ${crc32(properties)} ${body.length} ${crc32(body)}`
}
