// Places in long queues: the id of every so many messages, so that the 900,000th is found without counting
// all before it. Made while searches pass over messages, kept by message-search.ts. Invariant: between two
// marks lie STEP messages, as long as nothing is dropped there, and whoever searches says by a version that
// nothing was. What goes from the front moves no mark.
//
//   marks   0      8192     16384    24576
//   ids     17 ··· 9000 ··· 20000 ··· 41000
//                    ^ from 12000 on, skip 10000: 6000 to the next mark, then 4000 behind that

/** Messages between two marks: half a millisecond of an index. */
const STEP = 8_192
/** Of 80 million messages. */
const MARKS_MAX = 10_000
const ROADS_MAX = 64

/** The ids of one queue and level. */
export interface IdIndex {
  /** Of those with afterId < id <= lastId, the one that so many less one are before; undefined: too few. */
  nth(afterId: number, lastId: number, count: number): number | undefined
  count(afterId: number, lastId: number): number
}

export interface Passed {
  /** The last id that was passed over; `lastId` when there were too few. */
  readonly reached: number
  readonly count: number
}

interface Road {
  readonly version: number
  ids: number[]
}

export class Waymarks {
  private readonly roads = new Map<string, Road>()

  /** Passes over so many of afterId < id <= lastId. `key` names queue and level. */
  pass(
    key: string, version: number, index: IdIndex, afterId: number, lastId: number, skip: number,
  ): Passed {
    const road = this.roadOf(key, version)
    if (afterId < (road.ids[0] ?? Infinity)) road.ids = [afterId]
    const { ids } = road
    let at = ids.findLastIndex((id) => id <= afterId)
    let next = markAt(ids, at + 1, index, lastId)
    while (next !== undefined && next <= afterId) next = markAt(ids, ++at + 1, index, lastId)
    let reached = afterId
    let left = skip
    let toNext = next === undefined || ids[at] === afterId ? STEP : index.count(afterId, next)
    while (next !== undefined && next <= lastId && toNext <= left) {
      left -= toNext
      reached = next
      toNext = STEP
      if (left >= STEP) next = markAt(ids, ++at + 1, index, lastId)
    }
    return stepOver(index, reached, lastId, left, skip)
  }

  private roadOf(key: string, version: number): Road {
    const known = this.roads.get(key)
    if (known?.version === version) return known
    this.roads.delete(key)
    if (this.roads.size >= ROADS_MAX) this.roads.delete(this.roads.keys().next().value!)
    const road = { version, ids: [] }
    this.roads.set(key, road)
    return road
  }
}

/** Made when it is the next after the last; undefined when there are too few messages for it. */
function markAt(ids: number[], at: number, index: IdIndex, lastId: number): number | undefined {
  if (at < ids.length || ids.length >= MARKS_MAX) return ids[at]
  const id = index.nth(ids[at - 1]!, lastId, STEP)
  if (id !== undefined) ids.push(id)
  return id
}

/** Without marks, `left` of `skip`. */
export function stepOver(
  index: IdIndex, afterId: number, lastId: number, left: number, skip = left,
): Passed {
  if (left === 0) return { reached: afterId, count: skip }
  const id = index.nth(afterId, lastId, left)
  if (id !== undefined) return { reached: id, count: skip }
  return { reached: lastId, count: skip - left + index.count(afterId, lastId) }
}
