// What has been purged and not yet deleted: ranges of ids per queue, kept in the table `state` so that a
// purge goes on after a kill. Owned by SqliteWriter, asked by the reader, which must not show what they
// cover. Invariant: the ranges of one level of a queue ascend and do not meet, and no range of a level lies
// within one of all levels.

import type { Statements } from './statements.ts'

/** The ids with after < id <= last. */
export interface PurgedRange {
  /** 0: of all levels. */
  readonly level: number
  readonly after: number
  readonly last: number
}

export class PurgeMarks {
  private readonly sql: Statements
  private readonly ranges = new Map<number, PurgedRange[]>()

  constructor(sql: Statements) {
    this.sql = sql
    this.remember()
  }

  /** Reads the marks anew: after a rollback they are not what was thought. */
  remember(): void {
    this.ranges.clear()
    for (const { key, last } of this.sql.purgeMarks.iterate()) {
      // `purge:<queue>` is what files of the first version have, for a whole queue up to an id.
      const [, queue, after = '0', level = '0'] = key.split(':')
      this.insert(Number(queue), { level: Number(level), after: Number(after), last })
    }
  }

  of(queue: number): readonly PurgedRange[] {
    return this.ranges.get(queue) ?? []
  }

  /** Any range that waits; null when there is none. */
  first(): { readonly queue: number; readonly range: PurgedRange } | null {
    for (const [queue, ranges] of this.ranges) return { queue, range: ranges[0]! }
    return null
  }

  /** Inside a transaction. */
  add(queue: number, level: number, after: number, last: number): void {
    const within = this.of(queue).filter((range) =>
      level === 0 && after <= range.after && range.last <= last)
    for (const range of within) this.delete(queue, range)
    const met = this.of(queue).filter((range) =>
      range.level === level && range.after <= last && after <= range.last)
    for (const range of met) this.delete(queue, range)
    const range = {
      level,
      after: Math.min(after, ...met.map((each) => each.after)),
      last: Math.max(last, ...met.map((each) => each.last)),
    }
    this.insert(queue, range)
    this.sql.setState.run(keyOf(queue, range), range.last)
  }

  /** Inside a transaction. */
  delete(queue: number, range: PurgedRange): void {
    const left = this.of(queue).filter((each) => each.after !== range.after || each.level !== range.level)
    if (left.length === 0) this.ranges.delete(queue)
    else this.ranges.set(queue, left)
    this.sql.deleteState.run(keyOf(queue, range))
    if (range.after === 0 && range.level === 0) this.sql.deleteState.run(`purge:${queue}`)
  }

  /** The first id from which on something of a level may be there, less one. */
  skip(queue: number, level: number, afterId: number): number {
    let from = afterId
    for (const { level: purged, after, last } of this.of(queue)) {
      if ((purged === 0 || purged === level) && after <= from && from < last) from = last
    }
    return from
  }

  private insert(queue: number, range: PurgedRange): void {
    this.ranges.set(queue, [...this.of(queue), range].toSorted((a, b) => a.after - b.after))
  }
}

/** The view `purged` knows ranges of all levels; what one level has lost it shows until it is deleted. */
function keyOf(queue: number, { level, after }: PurgedRange): string {
  return level === 0 ? `purge:${queue}:${after}` : `purge-level:${queue}:${after}:${level}`
}
