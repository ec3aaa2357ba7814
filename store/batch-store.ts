// One acquired scope of an engine that commits batches: appends go to the engine's shared op log with the
// scope's number, questions go to its reader. SqliteEngine and MemoryEngine hand these out. Epoch is always
// 1: nobody else can own a scope of theirs.

import type { BatchPipeline } from './batch-pipeline.ts'
import type { MessageQuery } from './message-query.ts'
import type {
  Definition, LevelRequest, PageReceiver, PageRequest, Recovered, StorableMessage, Store, StoreFailure,
} from './store.ts'

/** What is asked of an engine rather than appended. */
export interface ScopeReader {
  recover(scope: string): Promise<Recovered>
  load(request: PageRequest, receiver: PageReceiver): void
  loadByLevel(request: LevelRequest, receiver: PageReceiver): void
  /** Where the engine offers one. */
  readonly query?: MessageQuery
}

export class BatchStore implements Store {
  readonly scope: string
  readonly epoch = 1
  /** See message-query.ts; null: there is none but loading. */
  readonly query: MessageQuery | null
  onDurable: (batch: number) => void = () => {}
  onFailed: (failure: StoreFailure) => void = ({ cause }) => {
    throw cause
  }
  onRelieved: () => void = () => {}
  private readonly number: number
  private readonly pipeline: BatchPipeline
  private readonly reader: ScopeReader
  private readonly giveBack: () => void

  constructor(
    scope: string, number: number, pipeline: BatchPipeline, reader: ScopeReader, giveBack: () => void,
  ) {
    this.scope = scope
    this.number = number
    this.pipeline = pipeline
    this.reader = reader
    this.query = reader.query ?? null
    this.giveBack = giveBack
    pipeline.listeners.add(this)
  }

  get openBatch(): number {
    return this.pipeline.writer.number
  }

  get durableBatch(): number {
    return this.pipeline.durableBatch
  }

  get isCongested(): boolean {
    return this.pipeline.isCongested
  }

  recover(): Promise<Recovered> {
    return this.reader.recover(this.scope)
  }

  put(queue: number, id: number, message: StorableMessage, expiresAtMs = Infinity, level = 0): number {
    return this.pipeline.writer.put(this.number, queue, id, message, expiresAtMs, level)
  }

  drop(queue: number, id: number, bodyId: number, batch: number, position: number): void {
    this.pipeline.writer.drop(this.number, queue, id, bodyId, batch, position)
  }

  spill(queue: number, id: number, message: StorableMessage, expiresAtMs: number, level = 0): number {
    return this.pipeline.writer.spill(this.number, queue, id, message, expiresAtMs, level)
  }

  purge(queue: number, afterId: number, lastId: number, level = 0): void {
    this.pipeline.writer.purge(this.number, queue, afterId, lastId, level)
  }

  touch(queue: number, id: number, deliveryCount: number): void {
    this.pipeline.writer.touch(this.number, queue, id, deliveryCount)
  }

  define(definition: Definition): void {
    this.pipeline.writer.define(this.number, definition)
  }

  seal(): void {
    this.pipeline.seal()
  }

  load(request: PageRequest, receiver: PageReceiver): void {
    this.reader.load(request, receiver)
  }

  loadByLevel(request: LevelRequest, receiver: PageReceiver): void {
    this.reader.loadByLevel(request, receiver)
  }

  async release(): Promise<void> {
    await this.pipeline.flush()
    this.pipeline.listeners.delete(this)
    this.giveBack()
  }
}
