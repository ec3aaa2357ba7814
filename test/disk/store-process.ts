// The process whose disk is recorded: drives the real SqliteWriter through store-load.ts's batches, as the
// store thread does, and says in the trace which batch begins and which one is reported durable. Started by
// the power-cut test: file, trace, seed, batches, and the `synchronous` that a control wants instead of FULL.
import Database from 'better-sqlite3'
import { appendFileSync } from 'node:fs'
import { SeededRandom } from '../../base/random.ts'
import { BatchWriter } from '../../store/batch.ts'
import { SqliteWriter } from '../../store/sqlite/writer.ts'
import { SCOPE, SCOPE_NUMBER, StoreLoad } from './store-load.ts'
import { encodeMark } from './trace.ts'
import type { Mark } from './trace.ts'

const [file = '', trace = '', seed = '', batches = '', synchronous = 'FULL'] = process.argv.slice(2)
const SESSIONS = 2

// Below the product, so that it needs no option for losing messages: the statement never arrives as written.
const pragma = Reflect.get(Database.prototype, 'pragma') as (this: unknown, ...args: unknown[]) => unknown
Reflect.set(Database.prototype, 'pragma', function replaced(this: unknown, ...[text, ...more]: unknown[]) {
  const said = text === 'synchronous = FULL' ? `synchronous = ${synchronous}` : text
  return pragma.call(this, said, ...more)
})

const log = new BatchWriter()
const load = new StoreLoad(Number(seed), log)
const random = new SeededRandom(Number(seed) + 1)
let batch = 0

function mark(kind: Mark['kind']): void {
  appendFileSync(trace, encodeMark({ kind, batch }))
}

/** What the store thread does between batches, more often than it would. */
function betweenBatches(writer: SqliteWriter): void {
  if (random.chance(0.5)) writer.purgeStep()
  if (random.chance(0.08)) writer.checkpoint()
  // As SqliteWriter.vacuumStep, which leaves 64 MB alone.
  if (random.chance(0.05)) (Reflect.get(writer, 'db') as Database.Database).pragma('incremental_vacuum(20)')
}

for (let session = 0; session < SESSIONS; session++) {
  mark('open')
  const writer = new SqliteWriter(file)
  writer.openScope(SCOPE_NUMBER, SCOPE)
  for (let n = 0; n < Number(batches) / SESSIONS; n++) {
    load.append()
    const closed = log.close()
    batch++
    mark('begin')
    writer.apply(closed)
    mark('durable')
    log.recycle(closed.buffers)
    betweenBatches(writer)
  }
  mark('close')
  writer.close()
  mark('closed')
}
