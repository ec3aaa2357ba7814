// The engine without a disk: tests, the embedded broker, `--store=memory`. It runs the same op log and the
// same pipeline as SQLite and applies each closed batch to Maps. Invariant: what it holds belongs to the
// engine, so scopes may be released and acquired again, and the engine closed and opened, without losing a
// message; only the process ends it.

import { invariant } from '../base/invariant.ts'
import { BatchPipeline } from './batch-pipeline.ts'
import { type BatchVisitor, readBatch } from './batch-reader.ts'
import { BatchStore, type ScopeReader } from './batch-store.ts'
import { PageMessage, type PageRow } from './page.ts'
import type {
  Definition, Engine, EngineInfo, Held, LevelRequest, LevelStart, Page, PageReceiver, PageRequest,
  QueueTotals, Recovered, Store, StoredMessage,
} from './store.ts'

export interface MemoryEngineOptions {
  /** Runs a task after the current one, in order; batches become durable in it. */
  readonly later: (task: () => void) => void
}

export class MemoryEngine implements Engine, ScopeReader {
  private readonly tables = new MemoryTables()
  private readonly pipeline: BatchPipeline
  private readonly acquired = new Set<string>()
  private readonly later: (task: () => void) => void

  constructor(options: MemoryEngineOptions = { later: setImmediate }) {
    this.later = options.later
    this.pipeline = new BatchPipeline((batch) => {
      options.later(() => {
        readBatch(batch, this.tables)
        this.tables.endBatch()
        this.pipeline.committed(batch.buffers)
      })
    }, options.later)
  }

  open(): Promise<EngineInfo> {
    return Promise.resolve({ kind: 'memory', durability: 'memory', warnings: [] })
  }

  acquire(scope: string): Promise<Store | Held> {
    invariant(!this.acquired.has(scope), `scope '${scope}' is acquired already`)
    this.acquired.add(scope)
    const number = this.tables.scopeNumber(scope)
    return Promise.resolve(
      new BatchStore(scope, number, this.pipeline, this, () => this.acquired.delete(scope)),
    )
  }

  recover(scope: string): Promise<Recovered> {
    return Promise.resolve(this.tables.recover(scope))
  }

  load(request: PageRequest, receiver: PageReceiver): void {
    this.later(() => receiver.pageLoaded(this.tables.loadPage(request)))
  }

  loadByLevel(request: LevelRequest, receiver: PageReceiver): void {
    this.later(() => receiver.pageLoaded(this.tables.loadByLevel(request)))
  }

  async close(): Promise<void> {
    await this.pipeline.flush()
    this.tables.forgetSpilled()
  }
}

/** The messages of one queue in id order. */
class MemoryQueue {
  readonly scope: number
  /** In id order unless `isSorted` says otherwise. */
  messages = new Map<number, StoredMessage>()
  readonly spilled = new Set<number>()
  private isSorted = true
  private highestId = 0

  constructor(scope: number) {
    this.scope = scope
  }

  add(message: StoredMessage): void {
    if (message.id < this.highestId) this.isSorted = false
    else this.highestId = message.id
    this.messages.set(message.id, message)
  }

  drop(id: number): void {
    this.messages.delete(id)
    this.spilled.delete(id)
  }

  sorted(): ReadonlyMap<number, StoredMessage> {
    if (!this.isSorted) this.messages = new Map([...this.messages].toSorted(([a], [b]) => a - b))
    this.isSorted = true
    return this.messages
  }

  /** The first id of each level above 0. */
  levelStarts(): ReadonlyMap<number, number> {
    const starts = new Map<number, number>()
    for (const { id, level } of this.messages.values()) {
      if (level > 0) starts.set(level, Math.min(id, starts.get(level) ?? id))
    }
    return starts
  }
}

/** What is durable, as far as memory can be. */
class MemoryTables implements BatchVisitor {
  private readonly scopes: string[] = []
  private readonly queues = new Map<number, MemoryQueue>()
  /** Per scope, by kind and name. */
  private readonly definitions = new Map<number, Map<string, Definition>>()
  /** Of the batch being applied: messages keep their body alive themselves. */
  private readonly bodies = new Map<number, Buffer>()
  private lastId = 0

  scopeNumber(scope: string): number {
    const known = this.scopes.indexOf(scope)
    return known >= 0 ? known : this.scopes.push(scope) - 1
  }

  recover(scope: string): Recovered {
    const number = this.scopeNumber(scope)
    const queues: QueueTotals[] = []
    const levels: LevelStart[] = []
    for (const [queue, of] of this.queues) {
      const { scope, messages } = of
      if (scope !== number || messages.size === 0) continue
      if (queue > 0) for (const [level, firstId] of of.levelStarts()) levels.push({ queue, level, firstId })
      let bytes = 0
      for (const { bodyStart, bodyEnd } of messages.values()) bytes += bodyEnd - bodyStart
      queues.push({ queue, count: messages.size, bytes })
    }
    const definitions = [...(this.definitions.get(number)?.values() ?? [])]
    return { definitions, queues, levels, lastId: this.lastId, suspectTo: 0 }
  }

  loadPage({ queue, level, afterId, lastId, limit, bytesMax }: PageRequest): Page {
    const messages: StoredMessage[] = []
    let bytes = 0
    for (const message of this.queues.get(queue)?.sorted().values() ?? []) {
      if (message.id <= afterId || (level > 0 && message.level !== level)) continue
      if (message.id > lastId) break
      if (messages.length >= limit || bytes >= bytesMax) return { messages, isLast: false }
      messages.push(message)
      bytes += message.bodyEnd - message.bodyStart
    }
    return { messages, isLast: true }
  }

  loadByLevel({ queue, afterLevel, afterId, limit }: LevelRequest): Page {
    const behind = [...this.queues.get(queue)?.messages.values() ?? []].filter(({ id, level }) =>
      level > 0 && (level > afterLevel || (level === afterLevel && id > afterId)))
    const messages = behind.toSorted((a, b) => a.level - b.level || a.id - b.id).slice(0, limit)
    return { messages, isLast: messages.length === behind.length }
  }

  /** The process, as far as messages can tell, has ended. */
  forgetSpilled(): void {
    for (const queue of this.queues.values()) {
      for (const id of queue.spilled) queue.drop(id)
    }
  }

  body(bodyId: number, body: Buffer): void {
    this.bodies.set(bodyId, Buffer.from(body))
    this.lastId = Math.max(this.lastId, bodyId)
  }

  put(
    scope: number, queue: number, id: number, bodyId: number, level: number, routingKey: string, head: Buffer,
    body: Buffer,
  ): void {
    const own = this.bodies.get(bodyId) ?? body
    this.add(scope, queue, { id, bodyId, level, routingKey, head, body: own, deliveryCount: 0 })
    this.lastId = Math.max(this.lastId, id)
  }

  spill(
    scope: number, queue: number, id: number, level: number, routingKey: string, head: Buffer, body: Buffer,
  ): void {
    const row = { id, bodyId: 0, level, routingKey, head, body, deliveryCount: 0 }
    this.add(scope, queue, row).spilled.add(id)
  }

  drop(queue: number, id: number): void {
    const messages = this.queues.get(queue)
    messages?.drop(id)
    if (messages?.messages.size === 0) this.queues.delete(queue)
  }

  purge(queue: number, afterId: number, lastId: number, purged: number): void {
    for (const { id, level } of this.queues.get(queue)?.messages.values() ?? []) {
      if (id <= afterId || id > lastId) continue
      if (purged === 0 || purged === level) this.drop(queue, id)
    }
  }

  touch(queue: number, id: number, deliveryCount: number): void {
    const messages = this.queues.get(queue)?.messages
    const message = messages?.get(id)
    if (message !== undefined) messages?.set(id, { ...message, deliveryCount })
  }

  define(scope: number, kind: string, name: string, doc: string | null): void {
    let ofScope = this.definitions.get(scope)
    if (ofScope === undefined) {
      ofScope = new Map()
      this.definitions.set(scope, ofScope)
    }
    const key = `${kind}\0${name}`
    if (doc === null) ofScope.delete(key)
    else ofScope.set(key, { kind, name, doc })
  }

  endBatch(): void {
    this.bodies.clear()
  }

  private add(scope: number, queue: number, row: PageRow): MemoryQueue {
    let messages = this.queues.get(queue)
    if (messages === undefined) this.queues.set(queue, messages = new MemoryQueue(scope))
    const buf = Buffer.concat([row.head, row.body])
    messages.add(new PageMessage(row, buf, 0, row.head.length, buf.length))
    return messages
  }
}
