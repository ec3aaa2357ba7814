// Reads messages and topology back. Called by SqliteWriter on its connection, between batches. Invariant:
// what it returns is byte for byte what was put, or it is not returned but reported as damaged (reliability
// P5): SQLite has no checksums, and 173 of 200 flipped bits were seen by the crc alone (§4.4).

import { readHead } from '../head.ts'
import type { QueueTotals, Recovered, StoredMessage } from '../store.ts'
import { checksum } from './checksum.ts'
import type { MessageRow, Statements } from './statements.ts'

export interface DamagedRow {
  readonly row: MessageRow
  readonly reason: string
}

export interface Page {
  readonly messages: readonly StoredMessage[]
  readonly damaged: readonly DamagedRow[]
}

export class PageReader {
  private readonly sql: Statements
  private readonly purgeMarks: ReadonlyMap<number, number>

  constructor(sql: Statements, purgeMarks: ReadonlyMap<number, number>) {
    this.sql = sql
    this.purgeMarks = purgeMarks
  }

  recover(scope: string, lastId: number, wasClean: boolean): Recovered {
    const queues: QueueTotals[] = []
    for (const queue of this.sql.queuesOfScope.all(scope)) {
      const totals = this.sql.totals.get(queue, this.purgeMarks.get(queue) ?? 0)
      if (totals === undefined || totals.count === 0) continue
      queues.push({ queue, count: totals.count, bytes: totals.bytes ?? 0 })
    }
    return { definitions: this.sql.definitions.all(scope), queues, lastId, wasClean }
  }

  /** A damaged row takes no place in the page: a short page means that the queue has no more. */
  loadPage(queue: number, afterId: number, limit: number, bytesMax: number): Page {
    const messages: StoredMessage[] = []
    const damaged: DamagedRow[] = []
    let bytes = 0
    const from = Math.max(afterId, this.purgeMarks.get(queue) ?? 0)
    for (const row of this.sql.page.iterate(queue, from)) {
      if (messages.length >= limit || bytes >= bytesMax) break
      const message = readRow(row)
      if (typeof message === 'string') {
        damaged.push({ row, reason: message })
        continue
      }
      messages.push(message)
      bytes += row.size
    }
    return { messages, damaged }
  }
}

/** The message, or why it must not be delivered. */
function readRow(row: MessageRow): StoredMessage | string {
  if (row.body === null) return `its shared body ${row.bodyId} is missing`
  const crc = checksum(row.head, row.body)
  if (crc !== row.crc) return `crc32 of head and body is ${crc}, ${row.crc} was stored`
  const head = readHead(row.head)
  if (head === null) return `its head of ${row.head.length} bytes is not of a known version`
  return {
    id: row.id,
    exchange: head.exchange,
    routingKey: row.routingKey,
    properties: head.properties,
    body: row.body,
    expiresAtMs: head.expiresAtMs,
    isDeadLetter: head.isDeadLetter,
    bodyId: row.bodyId ?? 0,
    deliveryCount: row.deliveryCount ?? 0,
  }
}
