// The one table that a run prints: a line per workload and figure, a column per broker, and the ratio of the
// first to the second, above 1 where the first is better.
import type { Figure } from './workload.ts'

export interface Row {
  readonly workload: string
  readonly broker: string
  readonly figures: readonly Figure[]
}

export function renderTable(rows: readonly Row[]): string {
  const brokers = [...new Set(rows.map(({ broker }) => broker))]
  const lines = [['workload', 'figure', ...brokers, ...(brokers.length > 1 ? ['ratio'] : [])]]
  for (const workload of new Set(rows.map((row) => row.workload))) {
    const own = rows.filter((row) => row.workload === workload)
    for (const { name } of own[0]!.figures) {
      const figures = brokers.map((broker) =>
        own.find((row) => row.broker === broker)?.figures.find((figure) => figure.name === name))
      lines.push([workload, name, ...figures.map(show), ...(brokers.length > 1 ? [ratio(figures)] : [])])
    }
  }
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  const pad = (cell: string, column: number): string => cell.padEnd(widths[column]!)
  return lines.map((line) => line.map(pad).join('  ').trimEnd()).join('\n')
}

function show(figure: Figure | undefined): string {
  if (figure === undefined) return '-'
  const digits = figure.value < 100 ? 2 : 0
  return `${figure.value.toFixed(digits)} ${figure.unit}`
}

function ratio([first, second]: readonly (Figure | undefined)[]): string {
  if (first === undefined || second === undefined) return '-'
  const times = first.better === 'higher' ? first.value / second.value : second.value / first.value
  return times.toFixed(2)
}
