// The engine of the simulation: the broker's own op log and pipeline over a disk in virtual time. A batch
// is on disk some time after it was handed over; a process that dies meanwhile leaves it there or not, and
// loses what came after; some commits fail. The disk outlives the engine, as a file does.
import { BatchPipeline } from '../../store/batch-pipeline.ts'
import { readBatch } from '../../store/batch-reader.ts'
import type { BatchVisitor } from '../../store/batch-reader.ts'
import { BatchStore, type ScopeReader } from '../../store/batch-store.ts'
import type { ClosedBatch } from '../../store/batch.ts'
import { PageMessage } from '../../store/page.ts'
import type {
  Definition, Engine, EngineInfo, LevelRequest, LevelStart, Page, PageReceiver, PageRequest, Recovered,
  StorableMessage, Store, StoredMessage, StoreFailure,
} from '../../store/store.ts'
import { MS } from './world.ts'
import type { World } from './world.ts'

interface Place {
  readonly scope: number
  readonly queue: number
}

export class SimDisk implements BatchVisitor {
  wasClean = true
  private suspectTo = 0
  private readonly scopes: string[] = []
  private readonly definitions = new Map<string, Definition & { readonly scope: number }>()
  private readonly messages = new Map<number, StoredMessage & Place>()
  private readonly spilled = new Map<number, StoredMessage & Place>()
  private readonly bodies = new Map<number, Buffer>()
  private lastId = 0

  scopeNumber(scope: string): number {
    const known = this.scopes.indexOf(scope)
    return known >= 0 ? known : this.scopes.push(scope) - 1
  }

  recover(scope: string): Recovered {
    const of = this.scopeNumber(scope)
    const definitions = [...this.definitions.values()].filter((definition) => definition.scope === of)
    const queues = new Map<number, { queue: number; count: number; bytes: number }>()
    const levels = new Map<string, LevelStart>()
    for (const { id, queue, scope, level, bodyStart, bodyEnd } of this.messages.values()) {
      if (scope !== of) continue
      const firstId = Math.min(id, levels.get(`${queue} ${level}`)?.firstId ?? id)
      if (level > 0 && queue > 0) levels.set(`${queue} ${level}`, { queue, level, firstId })
      const { count, bytes } = queues.get(queue) ?? { count: 0, bytes: 0 }
      queues.set(queue, { queue, count: count + 1, bytes: bytes + bodyEnd - bodyStart })
    }
    const { lastId, suspectTo } = this
    return { definitions, queues: [...queues.values()], levels: [...levels.values()], lastId, suspectTo }
  }

  loadPage({ queue, level, afterId, lastId, limit }: PageRequest): Page {
    const all = [...this.messages.values(), ...this.spilled.values()].filter(
      (message) => message.queue === queue && (level === 0 || message.level === level)
        && message.id > afterId && message.id <= lastId)
    const messages = all.toSorted((a, b) => a.id - b.id).slice(0, limit)
    return { messages, isLast: messages.length === all.length }
  }

  loadByLevel({ queue, afterLevel, afterId, limit }: LevelRequest): Page {
    const behind = [...this.messages.values()].filter(({ queue: of, id, level }) =>
      of === queue && level > 0 && (level > afterLevel || (level === afterLevel && id > afterId)))
    const messages = behind.toSorted((a, b) => a.level - b.level || a.id - b.id).slice(0, limit)
    return { messages, isLast: messages.length === behind.length }
  }

  /** By the next process: what need not outlive the one before has not. */
  opened(): void {
    if (!this.wasClean) this.suspectTo = this.lastId
    this.spilled.clear()
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
    scope: number, queue: number, id: number, bodyId: number, level: number, routingKey: string,
    headBytes: Buffer, body: Buffer,
  ): void {
    const own = bodyId === 0 ? body : this.bodies.get(bodyId)
    if (own === undefined) throw new Error(`message ${id} has the body ${bodyId}, which is not in its batch`)
    this.messages.set(id, { scope, queue, ...asStored(id, bodyId, level, routingKey, headBytes, own) })
    this.lastId = Math.max(this.lastId, id)
  }

  spill(
    scope: number, queue: number, id: number, level: number, routingKey: string, head: Buffer, body: Buffer,
  ): void {
    this.spilled.set(id, { scope, queue, ...asStored(id, 0, level, routingKey, head, body) })
  }

  drop(_queue: number, id: number, _bodyId: number): void {
    this.messages.delete(id)
    this.spilled.delete(id)
  }

  purge(queue: number, afterId: number, lastId: number, level: number): void {
    for (const messages of [this.messages, this.spilled]) {
      for (const message of messages.values()) {
        const isPurged = message.queue === queue && (level === 0 || message.level === level)
          && message.id > afterId && message.id <= lastId
        if (isPurged) messages.delete(message.id)
      }
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

function asStored(
  id: number, bodyId: number, level: number, routingKey: string, head: Buffer, body: Buffer,
): StoredMessage {
  const buf = Buffer.concat([head, body])
  return new PageMessage(
    { id, bodyId, level, deliveryCount: 0, routingKey }, buf, 0, head.length, buf.length)
}

export interface EngineOptions {
  readonly commitMaxUs: number
  /** How probable it is that a commit fails, now. */
  failure(): number
  /** How probable it is that the store is behind after a commit. */
  congestion(): number
}

/** Hears what a store has on disk, was asked to drop, and has dropped on disk. */
export interface StoreObserver {
  promised(kind: 'stored' | 'dropped' | 'dropDurable', queue: number, body: Buffer): void
}

export class SimEngine implements Engine, ScopeReader {
  readonly pipeline: BatchPipeline
  isAlive = true
  private readonly world: World
  private readonly disk: SimDisk
  private readonly options: EngineOptions
  private inFlight: ClosedBatch | null = null
  /** When the last page that was asked for comes. */
  private loadedUs = 0

  constructor(world: World, disk: SimDisk, options: EngineOptions) {
    this.world = world
    this.disk = disk
    this.options = options
    const later = (task: () => void): void => this.after(1, task)
    this.pipeline = new BatchPipeline((batch) => this.commit(batch), later)
  }

  open(): Promise<EngineInfo> {
    this.disk.opened()
    return Promise.resolve({ kind: 'simulated', durability: 'disk', warnings: [] })
  }

  acquire(scope: string): Promise<Store> {
    const number = this.disk.scopeNumber(scope)
    return Promise.resolve(new BatchStore(scope, number, this.pipeline, this, () => {}))
  }

  recover(scope: string): Promise<Recovered> {
    return Promise.resolve(this.disk.recover(scope))
  }

  /** Read when it is answered, and answered in order: a page takes its time, as a commit does. */
  load(request: PageRequest, receiver: PageReceiver): void {
    this.read(() => receiver.pageLoaded(this.disk.loadPage(request)))
  }

  loadByLevel(request: LevelRequest, receiver: PageReceiver): void {
    this.read(() => receiver.pageLoaded(this.disk.loadByLevel(request)))
  }

  private read(answer: () => void): void {
    const { world } = this
    this.loadedUs = Math.max(this.loadedUs, world.now) + world.between(20, this.options.commitMaxUs)
    this.after(this.loadedUs - world.now, answer)
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
      if (this.world.random.chance(this.options.failure())) return this.fail(batch)
      this.succeed(batch)
      if (this.world.random.chance(this.options.congestion())) this.congest()
    })
  }

  /** As with 16 MB waiting, which no seed has time for. */
  private congest(): void {
    if (this.pipeline.isCongested) return
    this.pipeline.isCongested = true
    this.after(this.world.between(MS, 300 * MS), () => {
      this.pipeline.isCongested = false
      for (const listener of this.pipeline.listeners) listener.onRelieved()
    })
  }

  private succeed(batch: ClosedBatch): void {
    this.inFlight = null
    this.disk.apply(batch)
    this.pipeline.committed(batch.buffers)
  }

  private fail(batch: ClosedBatch): void {
    const kind = (['full', 'io', 'unknown', 'unknown'] as const)[this.world.random.below(4)]!
    if (kind === 'full') return this.waitForRoom(batch)
    this.inFlight = null
    if (kind === 'unknown' && this.world.random.chance(0.5)) this.disk.apply(batch)
    this.pipeline.fail({ kind, cause: new Error(`simulated failure: ${kind}`) })
  }

  /** As SqliteEngine: the batch is kept; a kill meanwhile finds nothing of it on the disk. */
  private waitForRoom(batch: ClosedBatch): void {
    this.inFlight = null
    this.pipeline.noRoom()
    this.after(this.world.between(1, 200 * MS), () => {
      this.succeed(batch)
      this.pipeline.roomFound()
    })
  }

  private after(delay: number, task: () => void): void {
    this.world.at(delay, () => {
      if (this.isAlive) task()
    })
  }
}

/** Longest time in which an idle engine has everything on disk. */
export const SETTLE_US = 500 * MS

/** A message in the store. */
interface Held {
  readonly queue: number
  readonly level: number
  readonly body: Buffer
}

/** A store that tells the checker what was promised. It changes nothing. */
export class ObservedStore implements Store {
  onDurable: (batch: number) => void = () => {}
  onFailed: (failure: StoreFailure) => void = () => {}
  onRelieved: () => void = () => {}
  private readonly inner: Store
  private readonly observer: StoreObserver
  /** Of what it holds, by id. */
  private readonly bodies = new Map<number, Held>()
  /** How often a message is in a queue's part of the store, or in what it holds: twice on its way. */
  private readonly rows = new Map<string, number>()
  /** Dropped: in the same batch it may be there again, ready where it was held, or with other headers. */
  private gone: Held[] = []
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

  get durableBatch(): number {
    return this.inner.durableBatch
  }

  get isCongested(): boolean {
    return this.inner.isCongested
  }

  recover(): Promise<Recovered> {
    return this.inner.recover()
  }

  put(queue: number, id: number, message: StorableMessage, expiresAtMs = Infinity, level = 0): number {
    const body = bodyOf(message)
    this.keep(id, { queue, level, body })
    this.waiting.push({ batch: this.openBatch, tell: () => this.observer.promised('stored', queue, body) })
    return this.inner.put(queue, id, message, expiresAtMs, level)
  }

  spill(queue: number, id: number, message: StorableMessage, expiresAtMs: number, level = 0): number {
    this.keep(id, { queue, level, body: bodyOf(message) })
    return this.inner.spill(queue, id, message, expiresAtMs, level)
  }

  drop(queue: number, id: number, bodyId: number, batch: number, position: number): void {
    this.dropped(id)
    this.inner.drop(queue, id, bodyId, batch, position)
  }

  purge(queue: number, afterId: number, lastId: number, level = 0): void {
    for (const [id, held] of this.bodies) {
      if (held.queue !== queue || id <= afterId || id > lastId) continue
      if (level === 0 || level === held.level) this.dropped(id)
    }
    this.inner.purge(queue, afterId, lastId, level)
  }

  touch(queue: number, id: number, deliveryCount: number): void {
    this.inner.touch(queue, id, deliveryCount)
  }

  define(definition: Definition): void {
    this.inner.define(definition)
  }

  seal(): void {
    for (const held of this.gone.splice(0)) if (!this.rows.has(placeOf(held))) this.tellDropped(held)
    this.inner.seal()
  }

  /** What an earlier life stored is promised when it is seen again. */
  load(request: PageRequest, receiver: PageReceiver): void {
    this.inner.load(request, this.observed(request.queue, receiver))
  }

  loadByLevel(request: LevelRequest, receiver: PageReceiver): void {
    this.inner.loadByLevel(request, this.observed(request.queue, receiver))
  }

  private observed(queue: number, receiver: PageReceiver): PageReceiver {
    return {
      pageLoaded: (page) => {
        for (const message of page.messages.filter(({ id }) => !this.bodies.has(id))) {
          const body = bodyOf(message)
          this.keep(message.id, { queue, level: message.level, body })
          this.observer.promised('stored', queue, body)
        }
        receiver.pageLoaded(page)
      },
    }
  }

  release(): Promise<void> {
    return this.inner.release()
  }

  private dropped(id: number): void {
    const held = this.bodies.get(id)
    if (held === undefined) throw new Error(`the broker dropped message ${id}, which the store never had`)
    this.bodies.delete(id)
    const place = placeOf(held)
    const count = this.rows.get(place)! - 1
    if (count > 0) this.rows.set(place, count)
    else this.rows.delete(place)
    this.gone.push(held)
  }

  private keep(id: number, held: Held): void {
    const place = placeOf(held)
    this.bodies.set(id, held)
    this.rows.set(place, (this.rows.get(place) ?? 0) + 1)
  }

  private tellDropped({ queue, body }: Held): void {
    this.observer.promised('dropped', queue, body)
    const tell = (): void => this.observer.promised('dropDurable', queue, body)
    this.waiting.push({ batch: this.openBatch, tell })
  }
}

/** Held messages are under the number of their queue below 0. */
function placeOf({ queue, body }: Held): string {
  return `${Math.abs(queue)} ${body.toString('latin1', 0, 8)}`
}

function bodyOf({ buf, bodyStart, bodyEnd }: StorableMessage): Buffer {
  return Buffer.from(buf.subarray(bodyStart, bodyEnd))
}
