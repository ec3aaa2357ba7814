// What SqliteEngine and the store thread say to each other. Batches go one way and their numbers come back,
// with the buffers transferred both ways; everything else is a question with an id and one answer.

import type { ClosedBatch } from '../batch.ts'
import type { PackedPage } from '../page.ts'
import type { LevelRequest, PageRequest, Recovered, StoreFailure } from '../store.ts'

/** Each question's arguments, and its answer. */
export interface Questions {
  open: {
    readonly ask: { readonly file: string; readonly ballastBytes: number }
    readonly answer: { readonly damagedCount: number; readonly migrationBackup: string | null }
  }
  openScope: { readonly ask: { readonly number: number; readonly name: string }; readonly answer: null }
  recover: { readonly ask: { readonly scope: string }; readonly answer: Recovered }
  load: { readonly ask: PageRequest; readonly answer: PackedPage }
  loadByLevel: { readonly ask: LevelRequest; readonly answer: PackedPage }
  /** Answers with the size of the copy. */
  backup: { readonly ask: { readonly file: string; readonly overwrites: boolean }; readonly answer: number }
  close: { readonly ask: null; readonly answer: null }
}

export type QuestionKind = keyof Questions

export type Question = {
  [K in QuestionKind]: { readonly kind: K; readonly id: number; readonly ask: Questions[K]['ask'] }
}[QuestionKind]

export type ToThread = Question | { readonly kind: 'batch'; readonly batch: ClosedBatch }

/** A class does not survive the way between threads; this one must be told apart above. */
export interface NewerFile {
  readonly file: string
  readonly found: number
  readonly supported: number
}

/** What an operator should know and nobody asked for. */
export type StoreNotice =
  | { readonly kind: 'damaged'; readonly queue: number; readonly id: number; readonly reason: string }
  /** Somebody reads the file in one long transaction, so that the log cannot start again. */
  | { readonly kind: 'walLarge'; readonly bytes: number }

export type FromThread =
  | { readonly kind: 'notice'; readonly notice: StoreNotice }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: Questions[QuestionKind]['answer'] }
  | { readonly kind: 'refused'; readonly id: number; readonly cause: Error; readonly newer: NewerFile | null }
  | { readonly kind: 'durable'; readonly buffers: readonly ArrayBuffer[] }
  | { readonly kind: 'failed'; readonly failure: StoreFailure }
  | { readonly kind: 'noRoom'; readonly cause: Error }
  | { readonly kind: 'roomFound' }
