// The one table that a run prints: a line per workload and figure, a column per broker, and the ratio of the
// first to the second, above 1 where the first is better. Called by main.ts. Invariant: with several rounds
// each cell is the median of its figure over the rounds.
import type { Figure } from './workload.ts'

export interface Row {
  readonly workload: string
  readonly broker: string
  readonly figures: readonly Figure[]
}

/** One row for each workload and broker, its figures the medians of all rounds. */
export function medianRows(rows: readonly Row[]): readonly Row[] {
  const firsts = rows.filter((row, at) => rows.findIndex((other) => isSame(row, other)) === at)
  return firsts.map((first) => {
    const rounds = rows.filter((row) => isSame(row, first))
    const figures = first.figures.map((figure) => {
      const same = rounds.flatMap((round) => round.figures.filter(({ name }) => name === figure.name))
      return { ...figure, value: median(same.map(({ value }) => value)) }
    })
    return { ...first, figures }
  })
}

export function renderTable(rows: readonly Row[], brokers: readonly string[]): string {
  const hasRatio = brokers.length > 1
  const lines = [['workload', 'figure', ...brokers, ...(hasRatio ? ['ratio'] : [])]]
  for (const workload of new Set(rows.map((row) => row.workload))) {
    const own = rows.filter((row) => row.workload === workload)
    for (const { name } of own[0]!.figures) {
      const figures = brokers.map((broker) =>
        own.find((row) => row.broker === broker)?.figures.find((figure) => figure.name === name))
      lines.push([workload, name, ...figures.map(show), ...(hasRatio ? [ratio(figures)] : [])])
    }
  }
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  const pad = (cell: string, column: number): string =>
    column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)
  return lines.map((line) => line.map(pad).join('  ').trimEnd()).join('\n')
}

function isSame(one: Row, other: Row): boolean {
  return one.workload === other.workload && one.broker === other.broker
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

export function show(figure: Figure | undefined): string {
  if (figure === undefined) return '-'
  const digits = figure.value >= 100 || figure.unit === '' ? 0 : figure.unit === 'ms' ? 3 : 2
  return Number.isFinite(figure.value) ? `${figure.value.toFixed(digits)} ${figure.unit}`.trimEnd() : '-'
}

function ratio([first, second]: readonly (Figure | undefined)[]): string {
  if (first === undefined || second === undefined || first.better === 'neither') return '-'
  const times = first.better === 'higher' ? first.value / second.value : second.value / first.value
  return Number.isFinite(times) ? times.toFixed(2) : '-'
}
