// The engine without a disk: tests, the embedded broker, `--store=memory`. It runs the same op log and the
// same pipeline as SQLite and applies each closed batch to Maps. Invariant: what it holds belongs to the
// engine, so scopes may be released and acquired again, and the engine closed and opened, without losing a
// message; only the process ends it.

import { invariant } from '../base/invariant.ts'
import { BatchPipeline } from './batch-pipeline.ts'
import { type BatchVisitor, readBatch } from './batch-reader.ts'
import { BatchStore } from './batch-store.ts'
import { readHead } from './head.ts'
import type {
  Definition, Engine, EngineInfo, Held, QueueTotals, Recovered, Store, StoredMessage,
} from './store.ts'

export interface MemoryEngineOptions {
  /** Runs a task after the current one, in order; batches become durable in it. */
  readonly later: (task: () => void) => void
}

export class MemoryEngine implements Engine {
  private readonly tables = new MemoryTables()
  private readonly pipeline: BatchPipeline
  private readonly acquired = new Set<string>()

  constructor(options: MemoryEngineOptions = { later: setImmediate }) {
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
      new BatchStore(scope, number, this.pipeline, this.tables, () => this.acquired.delete(scope)),
    )
  }

  close(): Promise<void> {
    return this.pipeline.flush()
  }
}

class MemoryQueue {
  readonly scope: number
  /** In id order unless `isSorted` says otherwise. */
  messages = new Map<number, StoredMessage>()
  isSorted = true
  private highestId = 0

  constructor(scope: number) {
    this.scope = scope
  }

  add(message: StoredMessage): void {
    if (message.id < this.highestId) this.isSorted = false
    else this.highestId = message.id
    this.messages.set(message.id, message)
  }

  sorted(): ReadonlyMap<number, StoredMessage> {
    if (!this.isSorted) this.messages = new Map([...this.messages].toSorted(([a], [b]) => a - b))
    this.isSorted = true
    return this.messages
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

  recover(scope: string): Promise<Recovered> {
    const number = this.scopeNumber(scope)
    const queues: QueueTotals[] = []
    for (const [queue, { scope, messages }] of this.queues) {
      if (scope !== number || messages.size === 0) continue
      let bytes = 0
      for (const message of messages.values()) bytes += message.body.length
      queues.push({ queue, count: messages.size, bytes })
    }
    const definitions = [...(this.definitions.get(number)?.values() ?? [])]
    return Promise.resolve({ definitions, queues, lastId: this.lastId, wasClean: true })
  }

  load(queue: number, afterId: number, limit: number, bytesMax: number): Promise<readonly StoredMessage[]> {
    const page: StoredMessage[] = []
    let bytes = 0
    for (const message of this.queues.get(queue)?.sorted().values() ?? []) {
      if (message.id <= afterId) continue
      if (page.length >= limit || bytes >= bytesMax) break
      page.push(message)
      bytes += message.body.length
    }
    return Promise.resolve(page)
  }

  body(bodyId: number, body: Buffer): void {
    this.bodies.set(bodyId, Buffer.from(body))
    this.lastId = Math.max(this.lastId, bodyId)
  }

  put(
    scope: number, queue: number, id: number, bodyId: number, routingKey: string, head: Buffer, body: Buffer,
  ): void {
    const read = readHead(Buffer.from(head))
    invariant(read !== null, `the op log has a put of message ${id} without a head`)
    let messages = this.queues.get(queue)
    if (messages === undefined) {
      messages = new MemoryQueue(scope)
      this.queues.set(queue, messages)
    }
    const { exchange, properties, expiresAtMs, isDeadLetter } = read
    const own = this.bodies.get(bodyId) ?? Buffer.from(body)
    messages.add({
      id, exchange, routingKey, properties, body: own, expiresAtMs, isDeadLetter, bodyId, deliveryCount: 0,
    })
    this.lastId = Math.max(this.lastId, id)
  }

  drop(queue: number, id: number): void {
    const messages = this.queues.get(queue)
    messages?.messages.delete(id)
    if (messages?.messages.size === 0) this.queues.delete(queue)
  }

  purge(queue: number, lastId: number): void {
    for (const id of this.queues.get(queue)?.messages.keys() ?? []) {
      if (id <= lastId) this.drop(queue, id)
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
}
