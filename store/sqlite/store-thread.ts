// The main thread's handle on the store thread: sends batches, asks questions, passes on what comes back.
// Used by SqliteEngine. Invariant: every question is settled once, by its answer or by the thread's end.

import { present } from '../../base/invariant.ts'
import type { ClosedBatch } from '../batch.ts'
import type { StoreFailure } from '../store.ts'
import { DataDirectoryNewer } from './migrate.ts'
import { takeStoreWorker } from './store-worker.ts'
import type {
  FromThread, Question, QuestionKind, Questions, StoreNotice, ToThread,
} from './thread-messages.ts'

export interface StoreThreadListener {
  committed(buffers: readonly ArrayBuffer[]): void
  failed(failure: StoreFailure): void
  /** The disk is full; it is tried again until `roomFound`. */
  noRoom(cause: Error): void
  roomFound(): void
  noticed(notice: StoreNotice): void
  /** It ended without being told to. */
  died(cause: Error): void
}

interface Asked {
  readonly resolve: (answer: never) => void
  readonly reject: (cause: Error) => void
}

export class StoreThread {
  private readonly worker = takeStoreWorker()
  private readonly asked = new Map<number, Asked>()
  private lastQuestion = 0
  private isEnding = false
  private readonly listener: StoreThreadListener

  constructor(listener: StoreThreadListener) {
    this.listener = listener
    this.worker.on('message', (message: FromThread) => this.onMessage(message))
    this.worker.on('error', (cause) => this.onEnd(cause))
    this.worker.on('exit', (code) => this.onEnd(new Error(`the store thread ended with code ${code}`)))
  }

  commit(batch: ClosedBatch): void {
    const message: ToThread = { kind: 'batch', batch }
    this.worker.postMessage(message, batch.buffers)
  }

  ask<K extends QuestionKind>(kind: K, ask: Questions[K]['ask']): Promise<Questions[K]['answer']> {
    if (this.isEnding) return Promise.reject(new Error(`the store thread has ended; it cannot ${kind}`))
    return new Promise((resolve, reject) => {
      const id = ++this.lastQuestion
      this.asked.set(id, { resolve, reject })
      this.worker.postMessage({ kind, id, ask } as Question)
    })
  }

  async end(): Promise<void> {
    this.isEnding = true
    await this.worker.terminate()
  }

  private onMessage(message: FromThread): void {
    switch (message.kind) {
      case 'durable':
        return this.listener.committed(message.buffers)
      case 'failed':
        return this.listener.failed(message.failure)
      case 'noRoom':
        return this.listener.noRoom(message.cause)
      case 'roomFound':
        return this.listener.roomFound()
      case 'notice':
        return this.listener.noticed(message.notice)
      case 'answer':
        return this.take(message.id).resolve(message.answer as never)
      case 'refused': {
        const { id, newer, cause } = message
        const { reject } = this.take(id)
        if (newer === null) return reject(cause)
        return reject(new DataDirectoryNewer(newer.file, newer.found, newer.supported))
      }
    }
  }

  private take(id: number): Asked {
    const asked = present(this.asked.get(id), `the store thread answered question ${id}, which nobody asked`)
    this.asked.delete(id)
    return asked
  }

  private onEnd(cause: Error): void {
    for (const asked of this.asked.values()) asked.reject(cause)
    this.asked.clear()
    if (this.isEnding) return
    this.isEnding = true
    this.listener.died(cause)
  }
}
