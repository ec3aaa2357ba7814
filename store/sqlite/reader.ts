// Reads messages and topology back. Called by SqliteWriter on its connection, between batches. Invariant:
// what it returns is byte for byte what was put, or it is not returned but reported as damaged (reliability
// P5): SQLite has no checksums, and 173 of 200 flipped bits were seen by the crc alone (§4.4).

import { isHead } from '../head.ts'
import { type PackedPage, PagePacker, type PageRow } from '../page.ts'
import type { LevelRequest, LevelStart, PageRequest, QueueTotals, Recovered } from '../store.ts'
import { storedChecksum } from './checksum.ts'
import type { PurgeMarks } from './purge-marks.ts'
import type { Spill } from './spill.ts'
import type { MessageRow, Statements } from './statements.ts'

export interface DamagedRow {
  readonly row: MessageRow
  readonly reason: string
}

interface Totals {
  readonly count: number
  readonly bytes: number
}

export interface LoadedPage {
  readonly page: PackedPage
  readonly damaged: readonly DamagedRow[]
}

export class PageReader {
  private readonly sql: Statements
  private readonly purged: PurgeMarks

  constructor(sql: Statements, purged: PurgeMarks) {
    this.sql = sql
    this.purged = purged
  }

  recover(scope: string, lastId: number, suspectTo: number): Recovered {
    const queues: QueueTotals[] = []
    const levels: LevelStart[] = []
    for (const { queue, ...counted } of this.sql.queuesOfScope.all(scope)) {
      const totals = this.withoutPurged(queue, counted)
      if (totals.count === 0) continue
      queues.push({ queue, ...totals })
      if (queue > 0) levels.push(...this.levelsOf(queue))
    }
    return { definitions: this.sql.definitions.all(scope), queues, levels, lastId, suspectTo }
  }

  loadPage(request: PageRequest, spill: Spill | null): LoadedPage {
    return pageOf(this.rows(request, spill), request)
  }

  loadByLevel(request: LevelRequest): LoadedPage {
    const { queue, afterLevel, afterId } = request
    return pageOf(this.notPurged(queue, this.sql.pageByLevel.iterate(queue, afterLevel, afterId)), request)
  }

  /** Stored and spilled ones in id order, without what is purged. */
  private *rows(request: PageRequest, spill: Spill | null): Generator<MessageRow> {
    const { queue, level, lastId } = request
    const from = this.purged.skip(queue, level, request.afterId)
    const stored = level === 0 ? this.sql.page.iterate(queue, from, lastId)
      : this.sql.pageOfLevel.iterate(queue, level, from, lastId)
    const rows = spill === null ? stored : mergeById(stored, spill.rows(queue, level, from, lastId))
    yield* this.notPurged(queue, rows)
  }

  /** A seek or two for each level there is; what is purged does not count. */
  private *levelsOf(queue: number): Generator<LevelStart> {
    let level = this.sql.nextLevel.get(queue, 0)
    for (; level !== undefined; level = this.sql.nextLevel.get(queue, level)) {
      let firstId = this.sql.firstOfLevel.get(queue, level, 0)
      for (let after = 0; firstId !== undefined; firstId = this.sql.firstOfLevel.get(queue, level, after)) {
        after = this.purged.skip(queue, level, firstId - 1)
        if (after >= firstId) continue
        yield { queue, level, firstId }
        break
      }
    }
  }

  private *notPurged(queue: number, rows: Iterable<MessageRow>): Generator<MessageRow> {
    for (const row of rows) {
      if (this.purged.skip(queue, row.level, row.id - 1) < row.id) yield row
    }
  }

  private withoutPurged(queue: number, counted: Totals): Totals {
    let { count, bytes } = counted
    for (const { level, after, last } of this.purged.of(queue)) {
      const gone = level === 0 ? this.sql.totalsBetween.get(queue, after, last)
        : this.sql.totalsOfLevel.get(queue, level, after, last)
      count -= gone?.count ?? 0
      bytes -= gone?.bytes ?? 0
    }
    return { count, bytes }
  }
}

/** A damaged row takes no place in the page. */
function pageOf(
  rows: Iterable<MessageRow>, { queue, limit, bytesMax }: PageRequest | LevelRequest,
): LoadedPage {
  const packer = new PagePacker()
  const damaged: DamagedRow[] = []
  let count = 0
  let bytes = 0
  for (const row of rows) {
    if (count >= limit || bytes >= bytesMax) return { page: packer.finish(false), damaged }
    const message = readRow(queue, row)
    if (typeof message === 'string') {
      damaged.push({ row, reason: message })
      continue
    }
    packer.add(message)
    count++
    bytes += row.size
  }
  return { page: packer.finish(true), damaged }
}

function* mergeById(one: Iterable<MessageRow>, other: Iterable<MessageRow>): Generator<MessageRow> {
  const left = one[Symbol.iterator]()
  const right = other[Symbol.iterator]()
  try {
    let a = left.next()
    let b = right.next()
    while (a.done !== true || b.done !== true) {
      const isLeft = b.done === true || (a.done !== true && a.value.id < b.value.id)
      if (isLeft) {
        yield a.value as MessageRow
        a = left.next()
      } else {
        yield b.value as MessageRow
        b = right.next()
      }
    }
  } finally {
    // An iterator that is left open keeps the connection busy.
    left.return?.()
    right.return?.()
  }
}

/** The message, or why it must not be delivered. */
export function readRow(queue: number, row: MessageRow): PageRow | string {
  if (row.body === null) return `its shared body ${row.bodyId} is missing`
  const crc = storedChecksum(queue, row.id, row.level, row.routingKey, row.head, row.body)
  if (crc !== row.crc) return `its crc32 is ${crc}, ${row.crc} was stored`
  const { length } = row.head
  if (!isHead(row.head, 0, length)) return `its head of ${length} bytes is not of a known version`
  const { id, level, routingKey, head, body, bodyId, deliveryCount } = row
  return { id, level, routingKey, head, body, bodyId: bodyId ?? 0, deliveryCount: deliveryCount ?? 0 }
}
