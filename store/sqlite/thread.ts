// The store thread: a shell around SqliteWriter, started by SqliteEngine. It answers one message at a time
// and does the writer's deferred work when none waits. Invariant: after a failure it commits nothing more.

import { parentPort } from 'node:worker_threads'
import { present } from '../../base/invariant.ts'
import type { ClosedBatch } from '../batch.ts'
import { toFailure } from './failure.ts'
import { DataDirectoryNewer } from './migrate.ts'
import type { FromThread, Question, Questions, QuestionKind, ToThread } from './thread-messages.ts'
import { SqliteWriter } from './writer.ts'

const IDLE_MS = 250

const port = present(parentPort, 'the store thread must be started as a worker')
let writer: SqliteWriter | null = null
let hasFailed = false
let isWorkDue = false
let idleTimer: NodeJS.Timeout | null = null

port.on('message', (message: ToThread) => {
  if (message.kind === 'batch') commit(message.batch)
  else answer(message)
})

function commit(batch: ClosedBatch): void {
  guard(() => {
    opened().apply(batch)
    // Reported before the checkpoint: the commit is durable without it.
    tell({ kind: 'durable', buffers: batch.buffers }, batch.buffers)
    opened().checkpointIfLarge()
    workLater()
  })
}

function answer(question: Question): void {
  try {
    const told = reply(question)
    const transfer = told !== null && 'blocks' in told ? told.blocks : []
    tell({ kind: 'answer', id: question.id, answer: told }, transfer)
  } catch (error) {
    const newer = error instanceof DataDirectoryNewer
      ? { file: error.file, found: error.found, supported: error.supported }
      : null
    tell({ kind: 'refused', id: question.id, cause: toFailure(error).cause, newer })
  }
}

function reply({ kind, ask }: Question): Questions[QuestionKind]['answer'] {
  switch (kind) {
    case 'open':
      writer = new SqliteWriter(ask.file)
      workLater()
      return { damagedCount: writer.damagedCount }
    case 'openScope':
      opened().openScope(ask.number, ask.name)
      return null
    case 'recover':
      return opened().recover(ask.scope)
    case 'load':
      return opened().loadPage(ask)
    case 'close':
      if (idleTimer !== null) clearTimeout(idleTimer)
      opened().close()
      writer = null
      return null
  }
}

/**
 * Steps are bounded, and a message that came in meanwhile goes first: immediates run after the port was read.
 */
function work(): void {
  isWorkDue = false
  if (writer === null) return
  guard(() => {
    if (opened().purgeStep()) workLater()
    else if (idleTimer === null) idleTimer = setTimeout(idle, IDLE_MS)
    else idleTimer.refresh()
  })
}

function workLater(): void {
  if (isWorkDue) return
  isWorkDue = true
  setImmediate(work)
}

function idle(): void {
  if (writer === null) return
  guard(() => {
    opened().checkpoint()
    if (opened().vacuumStep()) workLater()
  })
}

function guard(task: () => void): void {
  if (hasFailed) return
  try {
    task()
  } catch (error) {
    hasFailed = true
    tell({ kind: 'failed', failure: toFailure(error) })
  }
}

function opened(): SqliteWriter {
  return present(writer, 'the store thread was used before it was opened')
}

function tell(message: FromThread, transfer: readonly ArrayBuffer[] = []): void {
  port.postMessage(message, transfer)
}
