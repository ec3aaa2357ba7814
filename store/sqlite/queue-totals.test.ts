// That a queue's counts in the file are those of its messages, whatever came, went and was purged; a start
// believes them.

import Database from 'better-sqlite3'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { SeededRandom } from '../../base/random.ts'
import { BatchWriter } from '../batch.ts'
import { messageOf } from '../engine-under-test.contract.ts'
import { SqliteWriter } from './writer.ts'

const SCOPE = 1

/** What the rows say, and what the messages do. */
function countsOf(file: string): [unknown[], unknown[]] {
  const db = new Database(file, { readonly: true })
  const all = (sql: string): unknown[] => db.prepare(sql).all()
  const counts: [unknown[], unknown[]] = [
    all('SELECT queue, count, bytes FROM queue_scopes WHERE count > 0 ORDER BY queue'),
    all(`SELECT queue, count(*) AS count, sum(size) AS bytes FROM messages NOT INDEXED
      GROUP BY queue ORDER BY queue`),
  ]
  db.close()
  return counts
}

/** Batches of puts, shared or not, drops and purges; kills in between. */
function run(seed: number, file: string): void {
  const random = new SeededRandom(seed)
  const log = new BatchWriter()
  const open = (): SqliteWriter => {
    const opened = new SqliteWriter(file)
    opened.openScope(SCOPE, '/')
    return opened
  }
  let writer = open()
  let lastId = 0
  const held: { queue: number; id: number; bodyId: number }[] = []
  for (let n = 0; n < 200; n++) {
    const roll = random.below(10)
    if (roll < 6) {
      const bodyId = random.chance(0.3) ? ++lastId : 0
      const message = messageOf({ body: Buffer.alloc(random.below(50)), bodyId })
      for (let users = bodyId === 0 ? 1 : 2; users > 0; users--) {
        const queue = 1 + random.below(3)
        log.put(SCOPE, queue, ++lastId, message)
        held.push({ queue, id: lastId, bodyId })
      }
    } else if (roll < 9) {
      const [gone] = held.splice(random.below(held.length), 1)
      if (gone !== undefined) log.drop(SCOPE, gone.queue, gone.id, gone.bodyId, 0, 0)
    } else if (random.chance(0.2)) {
      log.purge(SCOPE, 1 + random.below(3), random.below(lastId + 1), lastId)
    }
    if (random.chance(0.3)) writer.apply(log.close())
    if (random.chance(0.2)) writer.purgeStep()
    if (random.chance(0.05)) writer = reopened(writer, open)
  }
  writer.apply(log.close())
  writer.close()
}

/** As after a kill: nothing is said to the one that was. */
function reopened(killed: SqliteWriter, open: () => SqliteWriter): SqliteWriter {
  killed['db'].close()
  return open()
}

it('they agree with the messages after random batches, purges and kills', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const directory = mkdtempSync(join(tmpdir(), 'leveret-totals-'))
    const file = join(directory, 'leveret.db')
    run(seed, file)
    const [said, found] = countsOf(file)
    expect(said, `seed ${seed}`).toEqual(found)
    rmSync(directory, { recursive: true })
  }
}, 120_000)
