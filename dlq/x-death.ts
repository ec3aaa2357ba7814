// The history of a dead letter: x-death, one entry per queue and reason, the latest first, and
// x-first-death-*, x-last-death-*; fields, tags and order as RabbitMQ 4 writes them (behaviours §7.4).
import type { ContentHeader } from '../protocol/content-header.ts'
import type { Field, FieldTable } from '../protocol/table.ts'
import type { DeathReason } from '../queues/dead-letter-sink.ts'

export interface Death {
  readonly queue: string
  readonly reason: DeathReason
  readonly exchange: string
  readonly routingKeys: readonly string[]
  readonly timeS: number
  /** The expiration property that the message had when it died; dead-lettering takes it away. */
  readonly expiration: string | null
}

const LATEST = ['x-last-death-queue', 'x-last-death-reason', 'x-last-death-exchange'] as const
const FIRST = ['x-first-death-queue', 'x-first-death-reason', 'x-first-death-exchange'] as const

/** Headers that dead-lettering writes anew, and that a client's own ones give way to. */
export const HISTORY_HEADERS: ReadonlySet<string> = new Set(['x-death', ...FIRST, ...LATEST])

/** The entries so far; empty for a first death, and for an x-death that a client made up. */
export function readHistory(headers: FieldTable | null, isDeadLetter: boolean): FieldTable[] {
  const deaths = isDeadLetter ? headers?.get('x-death') : undefined
  if (deaths?.tag !== 'A') return []
  return deaths.value.flatMap((entry) => (entry.tag === 'F' ? [entry.value] : []))
}

/** The history with one death more: the same queue and reason again only counts up and moves to the front. */
export function addDeath(history: readonly FieldTable[], death: Death): FieldTable[] {
  const isSame = (entry: FieldTable): boolean =>
    entry.get('queue')?.value === death.queue && entry.get('reason')?.value === death.reason
  const before = history.find(isSame)
  const others = history.filter((entry) => entry !== before)
  if (before === undefined) return [newEntry(death), ...others]
  const count = Number(before.get('count')?.value ?? 0) + 1
  return [new Map([...before, ['count', { tag: 'l', value: count } as const]]), ...others]
}

/** What goes into the headers; x-first-death-* are those of the first time, when there was one. */
export function historyHeaders(
  history: readonly FieldTable[], death: Death, header: ContentHeader,
): FieldTable {
  const headers = header.decodeHeaders()
  const isFirst = history.length === 1 && Number(history[0]!.get('count')?.value) === 1
  const values = [death.queue, death.reason, death.exchange]
  const table = new Map<string, Field>()
  table.set('x-death', { tag: 'A', value: history.map((entry): Field => ({ tag: 'F', value: entry })) })
  FIRST.forEach((name, at) => {
    const kept = isFirst ? undefined : headers?.get(name)
    table.set(name, kept ?? { tag: 'S', value: values[at]! })
  })
  LATEST.forEach((name, at) => table.set(name, { tag: 'S', value: values[at]! }))
  return table
}

function newEntry(death: Death): FieldTable {
  const text = (value: string): Field => ({ tag: 'S', value })
  const fields: [string, Field][] = []
  if (death.expiration !== null) fields.push(['original-expiration', text(death.expiration)])
  fields.push(
    ['count', { tag: 'l', value: 1 }],
    ['reason', text(death.reason)],
    ['queue', text(death.queue)],
    ['time', { tag: 'T', value: death.timeS }],
    ['exchange', text(death.exchange)],
    ['routing-keys', { tag: 'A', value: death.routingKeys.map(text) }],
  )
  return new Map(fields)
}
