// The store thread: a shell around SqliteWriter, started by SqliteEngine. It answers one message at a time
// and does the writer's deferred work when none waits. Invariant: after a failure it commits nothing more. A
// full disk is no failure: the batch is kept and tried again, first with the room of the ballast.
//
//   room ── SQLITE_FULL: ballast released ──▶ short ── nothing is stuck, ballast is whole ──▶ room

import { parentPort } from 'node:worker_threads'
import { present } from '../../base/invariant.ts'
import type { ClosedBatch } from '../batch.ts'
import { Ballast } from './ballast.ts'
import { isFull, toFailure } from './failure.ts'
import { DataDirectoryNewer } from './migrate.ts'
import type { FromThread, Question, Questions, ToThread } from './thread-messages.ts'
import { SqliteWriter } from './writer.ts'

type PromptQuestion = Exclude<Question, { kind: 'backup' }>

const IDLE_MS = 250
/** Between two tries on a full disk, and between two looks whether the ballast has room. */
const RETRY_MS = 500
/** Between two steps of the ballast: 64 MB in a second. */
const GROW_MS = 50

const port = present(parentPort, 'the store thread must be started as a worker')
let writer: SqliteWriter | null = null
let hasFailed = false
let isWorkDue = false
let idleTimer: NodeJS.Timeout | null = null
let ballast: Ballast | null = null
let isGrowDue = false
let isRetryDue = false
let isShortOfRoom = false
/** Had no room, and is tried again. */
let stuck: ClosedBatch | null = null

port.on('message', (message: ToThread) => {
  if (message.kind === 'batch') commit(message.batch)
  else if (message.kind === 'backup') void answerLater(message)
  else answer(message)
})

function commit(batch: ClosedBatch): void {
  guard(() => {
    stuck = batch
    opened().apply(batch)
    stuck = null
    // Reported before the checkpoint: the commit is durable without it.
    tell({ kind: 'durable', buffers: batch.buffers }, batch.buffers)
    opened().checkpointIfLarge()
    noticeRoom()
    workLater()
  })
}

function answer(question: PromptQuestion): void {
  try {
    const told = reply(question)
    const transfer = told !== null && 'blocks' in told ? told.blocks : []
    tell({ kind: 'answer', id: question.id, answer: told }, transfer)
  } catch (error) {
    refuse(question.id, error)
  }
}

/** A backup takes its time; batches are committed between its steps. */
async function answerLater({ id, ask }: Extract<Question, { kind: 'backup' }>): Promise<void> {
  try {
    tell({ kind: 'answer', id, answer: await opened().backUp(ask.file, ask.overwrites) })
  } catch (error) {
    refuse(id, error)
  }
}

function refuse(id: number, error: unknown): void {
  const newer = error instanceof DataDirectoryNewer
    ? { file: error.file, found: error.found, supported: error.supported }
    : null
  tell({ kind: 'refused', id, cause: toFailure(error).cause, newer })
}

function reply({ kind, ask }: PromptQuestion): Questions[PromptQuestion['kind']]['answer'] {
  switch (kind) {
    case 'open':
      return open(ask.file, ask.ballastBytes)
    case 'openScope':
      opened().openScope(ask.number, ask.name)
      return null
    case 'recover':
      return opened().recover(ask.scope)
    case 'load':
      return opened().loadPage(ask)
    case 'loadByLevel':
      return opened().loadByLevel(ask)
    case 'close':
      if (idleTimer !== null) clearTimeout(idleTimer)
      withBallast(() => opened().close())
      writer = null
      return null
  }
}

function open(file: string, ballastBytes: number): Questions['open']['answer'] {
  ballast = new Ballast(`${file}-ballast`, ballastBytes)
  writer = withBallast(() => new SqliteWriter(file))
  writer.onNotice = (notice) => tell({ kind: 'notice', notice })
  workLater()
  growLater(RETRY_MS)
  return { damagedCount: writer.damagedCount, migrationBackup: writer.migrationBackup }
}

/** For what happens once and cannot wait: a full disk is tried again with the room of the ballast. */
function withBallast<T>(task: () => T): T {
  try {
    return task()
  } catch (error) {
    if (!isFull(error) || !present(ballast, 'the ballast comes first').release()) throw error
    return task()
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

/** Beside the commits: acks go on arriving while publishers wait for the ballast to be whole again. */
function grow(): void {
  isGrowDue = false
  if (writer === null || ballast === null) return
  const growing = ballast
  guard(() => {
    // What lies free in the file is no room for others until the file is shorter.
    const isShrinking = isShortOfRoom && opened().vacuumStep(0)
    growLater(growing.growStep() || isShrinking ? GROW_MS : RETRY_MS)
    noticeRoom()
  })
}

function growLater(ms: number): void {
  if (isGrowDue || ballast === null || ballast.isWhole) return
  isGrowDue = true
  setTimeout(grow, ms)
}

function noticeRoom(): void {
  if (!isShortOfRoom || stuck !== null || ballast?.isWhole === false) return
  isShortOfRoom = false
  tell({ kind: 'roomFound' })
}

function guard(task: () => void): void {
  if (hasFailed) return
  try {
    task()
  } catch (error) {
    const { kind, cause } = toFailure(error)
    if (kind === 'full') return waitForRoom(cause)
    hasFailed = true
    tell({ kind: 'failed', failure: { kind, cause } })
  }
}

function waitForRoom(cause: Error): void {
  if (!isShortOfRoom) tell({ kind: 'noRoom', cause })
  isShortOfRoom = true
  const hasRoom = ballast?.release() === true
  growLater(RETRY_MS)
  if (isRetryDue) return
  isRetryDue = true
  setTimeout(retry, hasRoom ? 0 : RETRY_MS)
}

/** The checkpoint first: after it the log is written from its start again, in room that it has already. */
function retry(): void {
  isRetryDue = false
  if (writer === null) return
  guard(() => {
    opened().checkpoint()
    noticeRoom()
  })
  if (stuck === null) workLater()
  else commit(stuck)
}

function opened(): SqliteWriter {
  return present(writer, 'the store thread was used before it was opened')
}

function tell(message: FromThread, transfer: readonly ArrayBuffer[] = []): void {
  port.postMessage(message, transfer)
}
