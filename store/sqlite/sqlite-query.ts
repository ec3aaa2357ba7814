// The main thread's half of searches: the query thread, which is made for the first of them, and who waits
// for which answer. Owned by SqliteEngine. Invariant: every search is answered once, by what was found or by
// why not; a thread that ended is replaced by the next search.

import { Worker } from 'node:worker_threads'
import { isMatch } from '../message-query.ts'
import type { FoundMessages, MessageQuery, MessageSearch, SearchReceiver } from '../message-query.ts'
import { unpackPage } from '../page.ts'
import type { StoredMessage } from '../store.ts'
import type { PackedFound } from './message-search.ts'
import type { SearchAnswer, SearchAsked } from './query-thread.ts'

/** As store-worker.ts: Node 20 cannot load a worker from TypeScript. */
const script = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/store/sqlite/query-thread.js' : './query-thread.js',
  import.meta.url,
)

interface Waiting {
  readonly search: MessageSearch
  readonly receiver: SearchReceiver
}

export class SqliteQuery implements MessageQuery {
  private readonly file: () => string
  private worker: Worker | null = null
  private readonly waiting = new Map<number, Waiting>()
  private lastId = 0

  /** The file is asked for when it is needed: it is there from the engine's opening on. */
  constructor(file: () => string) {
    this.file = file
  }

  search(search: MessageSearch, receiver: SearchReceiver): void {
    const id = ++this.lastId
    this.waiting.set(id, { search, receiver })
    const asked: SearchAsked = { id, search }
    this.started().postMessage(asked)
  }

  async end(): Promise<void> {
    const { worker } = this
    this.worker = null
    await worker?.terminate()
    this.failAll(new Error('the store is closed'))
  }

  /** It does not keep the process alive. */
  private started(): Worker {
    if (this.worker !== null) return this.worker
    const worker = new Worker(script, { name: 'leveret-query', execArgv: [], workerData: this.file() })
    worker.unref()
    worker.on('message', (answer: SearchAnswer) => this.onAnswer(answer))
    worker.on('error', (cause) => this.onEnd(worker, cause))
    worker.on('exit', (code) => this.onEnd(worker, new Error(`the query thread ended with code ${code}`)))
    this.worker = worker
    return worker
  }

  private onAnswer(answer: SearchAnswer): void {
    const waiting = this.waiting.get(answer.id)
    if (waiting === undefined) return
    this.waiting.delete(answer.id)
    if ('failed' in answer) waiting.receiver.searchFailed(answer.failed)
    else waiting.receiver.found(unpackFound(answer.found, waiting.search))
  }

  private onEnd(worker: Worker, cause: Error): void {
    if (this.worker !== worker) return
    this.worker = null
    this.failAll(cause)
  }

  private failAll(cause: Error): void {
    const waiting = [...this.waiting.values()]
    this.waiting.clear()
    for (const { receiver } of waiting) receiver.searchFailed(cause)
  }
}

/** What SQL let through is looked at again: a head has more bytes than properties. */
function unpackFound({ page, places, ...found }: PackedFound, { filter }: MessageSearch): FoundMessages {
  const messages: StoredMessage[] = []
  const kept: number[] = []
  for (const [at, message] of unpackPage(page).entries()) {
    if (!isMatch(filter, message)) continue
    messages.push(message)
    kept.push(places[at]!)
  }
  return { messages, places: kept, ...found }
}
