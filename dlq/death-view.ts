// What a dead letter says of its deaths, read for people and filters: the broker's own history alone, never
// an x-death that a client made up.
import type { FieldTable } from '../protocol/table.ts'
import { readHistory } from './x-death.ts'

export interface DeathView {
  readonly queue: string
  readonly reason: string
  readonly exchange: string
  readonly routingKeys: readonly string[]
  /** Seconds since the epoch. */
  readonly timeS: number
  readonly count: number
}

/** The latest first; empty for a message that has not died. */
export function deathsOf(headers: FieldTable | null, isDeadLetter: boolean): DeathView[] {
  return readHistory(headers, isDeadLetter).map((entry) => {
    const keys = entry.get('routing-keys')
    return {
      queue: text(entry, 'queue'), reason: text(entry, 'reason'), exchange: text(entry, 'exchange'),
      routingKeys: keys?.tag === 'A' ? keys.value.flatMap((key) => (key.tag === 'S' ? [key.value] : [])) : [],
      timeS: Number(entry.get('time')?.value ?? 0), count: Number(entry.get('count')?.value ?? 1),
    }
  })
}

function text(entry: FieldTable, name: string): string {
  const field = entry.get(name)
  return field?.tag === 'S' ? field.value : ''
}
