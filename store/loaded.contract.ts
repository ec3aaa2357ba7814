// What tests of stores read messages back with: a page as a promise, its bytes taken apart.

import type { Page, PageRequest, Store, StoredMessage } from './store.ts'

/** With the bytes taken apart, as tests want to compare them. */
export interface LoadedMessage extends StoredMessage {
  readonly properties: Buffer
  readonly body: Buffer
}

export function loaded(messages: readonly StoredMessage[]): LoadedMessage[] {
  return messages.map((message) => ({
    ...message,
    properties: message.buf.subarray(message.propertiesStart, message.propertiesEnd),
    body: message.buf.subarray(message.bodyStart, message.bodyEnd),
  }))
}

export function loadPage(store: Store, request: Partial<PageRequest> & { queue: number }): Promise<Page> {
  const whole = { level: 0, afterId: 0, lastId: Number.MAX_SAFE_INTEGER, limit: 10_000, bytesMax: 1e9 }
  return new Promise((resolve) => store.load({ ...whole, ...request }, { pageLoaded: resolve }))
}

export async function load(
  store: Store, queue: number, afterId = 0, limit = 10_000, bytesMax = 1e9,
): Promise<LoadedMessage[]> {
  const { messages } = await loadPage(store, { queue, afterId, limit, bytesMax })
  return loaded(messages)
}
