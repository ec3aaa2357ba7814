// Searches of messages over `Store.load`: for engines without a query of their own, and for queues whose
// transient messages were spilled, which only the writer may read. It waits behind commits and reads whole
// messages, so that it is slower than it could be, and right.
import { isMatch } from './message-query.ts'
import type { FoundMessages, MessageQuery, MessageSearch, SearchReceiver } from './message-query.ts'
import type { Page, PageReceiver, Store, StoredMessage } from './store.ts'

/** Of one load: it keeps the writer busy. */
const PAGE_MESSAGES = 500
/** Of one search that finds little: a few milliseconds of the writer. */
const SCAN_MAX = 5_000

export class LoadedQuery implements MessageQuery {
  private readonly store: Store

  constructor(store: Store) {
    this.store = store
  }

  search(search: MessageSearch, receiver: SearchReceiver): void {
    new LoadedSearch(this.store, search, receiver).load()
  }
}

class LoadedSearch implements PageReceiver {
  private readonly store: Store
  private readonly search: MessageSearch
  private readonly receiver: SearchReceiver
  private readonly messages: StoredMessage[] = []
  private readonly places: number[] = []
  private skipped = 0
  private scanned = 0
  private scannedTo: number
  private bytes = 0

  constructor(store: Store, search: MessageSearch, receiver: SearchReceiver) {
    this.store = store
    this.search = search
    this.receiver = receiver
    this.scannedTo = search.afterId
  }

  load(): void {
    const { queue, level, lastId, bytesMax } = this.search
    this.store.load({ queue, level, afterId: this.scannedTo, lastId, limit: PAGE_MESSAGES, bytesMax }, this)
  }

  pageLoaded({ messages, isLast }: Page): void {
    for (const message of messages) {
      if (this.isFull) return this.answer(false)
      this.look(message)
    }
    if (isLast) this.scannedTo = this.search.lastId
    if (isLast || this.isFull) this.answer(isLast)
    else this.load()
  }

  private get isFull(): boolean {
    const { limit, bytesMax, scanMax } = this.search
    const isEnough = this.messages.length >= limit || this.bytes >= bytesMax
    return isEnough || this.scanned >= Math.min(scanMax, SCAN_MAX)
  }

  private look(message: StoredMessage): void {
    this.scannedTo = message.id
    if (this.skipped < this.search.skip) {
      this.skipped++
      return
    }
    this.scanned++
    if (!isMatch(this.search.filter, message)) return
    this.messages.push(message)
    this.places.push(this.scanned - 1)
    this.bytes += message.bodyEnd - message.bodyStart
  }

  private answer(isLast: boolean): void {
    const { messages, places, skipped, scanned, scannedTo } = this
    const found: FoundMessages = { messages, places, skipped, scanned, scannedTo, isLast }
    this.receiver.found(found)
  }
}
