// The query thread: a shell around MessageSearcher, started by SqliteQuery when somebody searches for the
// first time. It answers one search at a time and knows nothing of the store thread but its file.

import { parentPort, workerData } from 'node:worker_threads'
import { present } from '../../base/invariant.ts'
import type { MessageSearch } from '../message-query.ts'
import { MessageSearcher, type PackedFound } from './message-search.ts'

export interface SearchAsked {
  readonly id: number
  readonly search: MessageSearch
}

export type SearchAnswer =
  | { readonly id: number; readonly found: PackedFound }
  | { readonly id: number; readonly failed: Error }

const port = present(parentPort, 'the query thread must be started as a worker')
let searcher: MessageSearcher | null = null

port.on('message', ({ id, search }: SearchAsked) => {
  try {
    searcher ??= new MessageSearcher(String(workerData))
    const found = searcher.search(search)
    tell({ id, found }, found.page.blocks)
  } catch (error) {
    tell({ id, failed: error instanceof Error ? error : new Error(String(error)) }, [])
  }
})

function tell(answer: SearchAnswer, transfer: readonly ArrayBuffer[]): void {
  port.postMessage(answer, transfer)
}
