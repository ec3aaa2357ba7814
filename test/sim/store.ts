// The engine of the simulation: the broker's own op log and pipeline over a disk in virtual time. A batch
// is on disk some time after it was handed over; a process that dies meanwhile leaves it there or not, and
// loses what came after; some commits fail. The disk outlives the engine, as a file does.
import { BatchPipeline } from '../../store/batch-pipeline.ts'
import { readBatch } from '../../store/batch-reader.ts'
import type { BatchVisitor } from '../../store/batch-reader.ts'
import { BatchStore } from '../../store/batch-store.ts'
import type { ClosedBatch } from '../../store/batch.ts'
import { readHead } from '../../store/head.ts'
import type {
  Definition, Engine, EngineInfo, Recovered, StorableMessage, Store, StoredMessage, StoreFailure,
} from '../../store/store.ts'
import { MS } from './world.ts'
import type { World } from './world.ts'

interface Place {
  readonly scope: number
  readonly queue: number
}

export class SimDisk implements BatchVisitor {
  wasClean = true
  private readonly scopes: string[] = []
  private readonly definitions = new Map<string, Definition & { readonly scope: number }>()
  private readonly messages = new Map<number, StoredMessage & Place>()
  private readonly bodies = new Map<number, Buffer>()
  private lastId = 0

  scopeNumber(scope: string): number {
    const known = this.scopes.indexOf(scope)
    return known >= 0 ? known : this.scopes.push(scope) - 1
  }

  recover(scope: string): Promise<Recovered> {
    const of = this.scopeNumber(scope)
    const definitions = [...this.definitions.values()].filter((definition) => definition.scope === of)
    const queues = new Map<number, { queue: number; count: number; bytes: number }>()
    for (const { queue, scope, body } of this.messages.values()) {
      if (scope !== of) continue
      const { count, bytes } = queues.get(queue) ?? { count: 0, bytes: 0 }
      queues.set(queue, { queue, count: count + 1, bytes: bytes + body.length })
    }
    return Promise.resolve(
      { definitions, queues: [...queues.values()], lastId: this.lastId, wasClean: this.wasClean })
  }

  load(queue: number, afterId: number, limit: number): Promise<readonly StoredMessage[]> {
    const all = [...this.messages.values()]
    const following = all.filter((message) => message.queue === queue && message.id > afterId)
    return Promise.resolve(following.toSorted((a, b) => a.id - b.id).slice(0, limit))
  }

  apply(batch: ClosedBatch): void {
    readBatch(batch, this)
    this.bodies.clear()
  }

  body(bodyId: number, body: Buffer): void {
    this.bodies.set(bodyId, Buffer.from(body))
    this.lastId = Math.max(this.lastId, bodyId)
  }

  put(
    scope: number, queue: number, id: number, bodyId: number, routingKey: string, headBytes: Buffer,
    body: Buffer,
  ): void {
    const head = readHead(Buffer.from(headBytes))
    if (head === null) throw new Error(`message ${id} was stored without a head`)
    const own = bodyId === 0 ? Buffer.from(body) : this.bodies.get(bodyId)
    if (own === undefined) throw new Error(`message ${id} has the body ${bodyId}, which is not in its batch`)
    this.messages.set(id, { ...head, scope, queue, id, routingKey, body: own, bodyId, deliveryCount: 0 })
    this.lastId = Math.max(this.lastId, id)
  }

  drop(_queue: number, id: number, _bodyId: number): void {
    this.messages.delete(id)
  }

  purge(queue: number, lastId: number): void {
    for (const message of this.messages.values()) {
      if (message.queue === queue && message.id <= lastId) this.messages.delete(message.id)
    }
  }

  touch(_queue: number, id: number, deliveryCount: number): void {
    const message = this.messages.get(id)
    if (message !== undefined) this.messages.set(id, { ...message, deliveryCount })
  }

  define(scope: number, kind: string, name: string, doc: string | null): void {
    const key = `${scope} ${kind} ${name}`
    if (doc === null) this.definitions.delete(key)
    else this.definitions.set(key, { scope, kind, name, doc })
  }
}

export interface EngineOptions {
  readonly commitMaxUs: number
  /** How probable it is that a commit fails, now. */
  failure(): number
}

/** Hears what a store has on disk, was asked to drop, and has dropped on disk. */
export interface StoreObserver {
  promised(kind: 'stored' | 'dropped' | 'dropDurable', queue: number, body: Buffer): void
}

export class SimEngine implements Engine {
  readonly pipeline: BatchPipeline
  isAlive = true
  private readonly world: World
  private readonly disk: SimDisk
  private readonly options: EngineOptions
  private inFlight: ClosedBatch | null = null

  constructor(world: World, disk: SimDisk, options: EngineOptions) {
    this.world = world
    this.disk = disk
    this.options = options
    const later = (task: () => void): void => this.after(1, task)
    this.pipeline = new BatchPipeline((batch) => this.commit(batch), later)
  }

  open(): Promise<EngineInfo> {
    return Promise.resolve({ kind: 'simulated', durability: 'disk', warnings: [] })
  }

  acquire(scope: string): Promise<Store> {
    const number = this.disk.scopeNumber(scope)
    return Promise.resolve(new BatchStore(scope, number, this.pipeline, this.disk, () => {}))
  }

  async close(): Promise<void> {
    await this.pipeline.flush()
    this.disk.wasClean = true
    this.isAlive = false
  }

  /** The process dies. */
  kill(): void {
    this.isAlive = false
    if (this.inFlight !== null && this.world.random.chance(0.5)) this.disk.apply(this.inFlight)
    this.inFlight = null
  }

  private commit(batch: ClosedBatch): void {
    this.inFlight = batch
    this.after(this.world.between(50, this.options.commitMaxUs), () => {
      this.inFlight = null
      if (this.world.random.chance(this.options.failure())) return this.fail(batch)
      this.disk.apply(batch)
      this.pipeline.committed(batch.buffers)
    })
  }

  private fail(batch: ClosedBatch): void {
    const kind = (['full', 'io', 'unknown', 'unknown'] as const)[this.world.random.below(4)]!
    if (kind === 'unknown' && this.world.random.chance(0.5)) this.disk.apply(batch)
    this.pipeline.fail({ kind, cause: new Error(`simulated failure: ${kind}`) })
  }

  private after(delay: number, task: () => void): void {
    this.world.at(delay, () => {
      if (this.isAlive) task()
    })
  }
}

/** Longest time in which an idle engine has everything on disk. */
export const SETTLE_US = 500 * MS

/** A store that tells the checker what was promised. It changes nothing. */
export class ObservedStore implements Store {
  onDurable: (batch: number) => void = () => {}
  onFailed: (failure: StoreFailure) => void = () => {}
  onRelieved: () => void = () => {}
  private readonly inner: Store
  private readonly observer: StoreObserver
  private readonly bodies = new Map<number, Buffer>()
  /** Waits for a batch, in their order. */
  private waiting: { readonly batch: number; readonly tell: () => void }[] = []

  constructor(inner: Store, observer: StoreObserver) {
    this.inner = inner
    this.observer = observer
    inner.onDurable = (batch) => {
      for (const { tell } of this.waiting.filter((each) => each.batch <= batch)) tell()
      this.waiting = this.waiting.filter((each) => each.batch > batch)
      this.onDurable(batch)
    }
    inner.onFailed = (failure) => this.onFailed(failure)
    inner.onRelieved = () => this.onRelieved()
  }

  get scope(): string {
    return this.inner.scope
  }

  get epoch(): number {
    return this.inner.epoch
  }

  get openBatch(): number {
    return this.inner.openBatch
  }

  get isCongested(): boolean {
    return this.inner.isCongested
  }

  recover(): Promise<Recovered> {
    return this.inner.recover()
  }

  put(queue: number, id: number, message: StorableMessage): number {
    const body = Buffer.from(message.buf.subarray(message.bodyStart, message.bodyEnd))
    this.bodies.set(id, body)
    this.waiting.push({ batch: this.openBatch, tell: () => this.observer.promised('stored', queue, body) })
    return this.inner.put(queue, id, message)
  }

  drop(queue: number, id: number, bodyId: number, batch: number, position: number): void {
    const body = this.bodies.get(id)
    if (body === undefined) throw new Error(`the broker dropped message ${id}, which the store never had`)
    this.bodies.delete(id)
    this.observer.promised('dropped', queue, body)
    const tell = (): void => this.observer.promised('dropDurable', queue, body)
    this.waiting.push({ batch: this.openBatch, tell })
    this.inner.drop(queue, id, bodyId, batch, position)
  }

  purge(queue: number, lastId: number): void {
    this.inner.purge(queue, lastId)
  }

  touch(queue: number, id: number, deliveryCount: number): void {
    this.inner.touch(queue, id, deliveryCount)
  }

  define(definition: Definition): void {
    this.inner.define(definition)
  }

  seal(): void {
    this.inner.seal()
  }

  async load(
    queue: number, afterId: number, limit: number, bytesMax: number,
  ): Promise<readonly StoredMessage[]> {
    const page = await this.inner.load(queue, afterId, limit, bytesMax)
    for (const { id, body } of page) {
      this.bodies.set(id, body)
      this.observer.promised('stored', queue, body)
    }
    return page
  }

  release(): Promise<void> {
    return this.inner.release()
  }
}
