// The compatibility report: what each broker did with each named behaviour, and the ledger of differences, as
// Markdown. Called by reporter.ts with the results of a run. Invariant: no times, ports or paths, and a fixed
// order, so that the file can be checked in and changes only when a behaviour does.

import type { Difference } from './differences.ts'
import type { OlderDifference } from './older/difference.ts'

export interface BehaviourResult {
  file: string
  title: string
  target: string
  outcome: 'passed' | 'failed' | 'skipped'
  differences: readonly string[]
  /** Rows of the table of versions; on an older reference only. */
  older: readonly string[]
  /** Of the management API: method and path. */
  requests: readonly string[]
}

export interface CompatResults {
  /** In the order of the columns. */
  targets: readonly { label: string, version: string }[]
  behaviours: readonly BehaviourResult[]
}

interface Row {
  title: string
  cells: Map<string, BehaviourResult>
}

function escapeCell(cell: string): string {
  return cell.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

/** A title is plain text: its stars and angle brackets are no Markdown. */
function escapeTitle(title: string): string {
  return title.replaceAll(/[*_<`]/g, '\\$&')
}

function tableRow(cells: readonly string[]): string {
  return `| ${cells.map(escapeCell).join(' | ')} |`
}

function cell(result: BehaviourResult | undefined): string {
  if (result === undefined) return 'not run'
  if (result.outcome !== 'passed') return `**${result.outcome}**`
  const ids = [...new Set([...result.differences, ...result.older])].toSorted()
  return ids.length === 0 ? 'yes' : `differs: ${ids.join(', ')}`
}

function rowsByFile(behaviours: readonly BehaviourResult[]): Map<string, Row[]> {
  const files = new Map<string, Row[]>()
  for (const file of [...new Set(behaviours.map((each) => each.file))].toSorted()) {
    const rows = new Map<string, Row>()
    for (const each of behaviours.filter((behaviour) => behaviour.file === file)) {
      const row = rows.get(each.title) ?? { title: each.title, cells: new Map() }
      row.cells.set(each.target, each)
      rows.set(each.title, row)
    }
    files.set(file, [...rows.values()])
  }
  return files
}

function summary({ targets, behaviours }: CompatResults): string[] {
  return targets.map(({ label, version }) => {
    const own = behaviours.filter((each) => each.target === label)
    const passed = own.filter((each) => each.outcome === 'passed').length
    return `- ${label} ${version}: ${passed} of ${own.length} as expected`
  })
}

function ledger(ledgerEntries: readonly Difference[]): string[] {
  return [
    '## Deliberate differences', '',
    tableRow(['id', 'what', 'Leveret', 'RabbitMQ', 'reason']),
    tableRow(['---', '---', '---', '---', '---']),
    ...ledgerEntries.map(({ id, what, leveret, rabbit, reason }) => tableRow([id, what, leveret, rabbit,
      reason])),
  ]
}

/** Ledger ids that no test of a complete Leveret run consulted. */
export function deadDifferences(results: CompatResults, ledgerEntries: readonly Difference[]): string[] {
  const used = new Set(results.behaviours.flatMap((each) => each.differences))
  return ledgerEntries.map(({ id }) => id).filter((id) => !used.has(id))
}

/** What a complete run on an older reference met no test of: rows, and titles that they list. */
export function deadOlderDifferences(
  { behaviours }: CompatResults, rows: readonly (OlderDifference & { readonly id: string })[],
): string[] {
  const used = new Set(behaviours.flatMap((each) => each.older))
  const isThere = (inFile: string, titles: RegExp): boolean =>
    behaviours.some(({ file, title }) => file === inFile && titles.test(title))
  const unmatched = rows.flatMap(({ id, fails = [] }) => fails
    .filter(({ file, titles }) => !isThere(file, titles))
    .map(({ file, titles }) => `${id} (${file}: ${String(titles)})`))
  const unused = rows.filter(({ id, fails = [] }) => !used.has(id) && !fails.some(({ mayPass }) => mayPass))
  return [...unused.map(({ id }) => id), ...unmatched]
}

export function renderReport(results: CompatResults, ledgerEntries: readonly Difference[]): string {
  const labels = results.targets.map(({ label }) => label)
  const header = ['behaviour', ...results.targets.map(({ label, version }) => `${label} ${version}`)]
  const sections = [...rowsByFile(results.behaviours)].flatMap(([file, rows]) => [
    `## ${file}`, '',
    tableRow(header), tableRow(header.map(() => '---')),
    ...rows.map(({ title, cells }) => tableRow([escapeTitle(title),
      ...labels.map((label) => cell(cells.get(label)))])),
    '',
  ])
  return [
    '# Compatibility', '',
    'Written by `compat-tests/report.ts` from a run of the suite; do not edit. "yes" means that the',
    'behaviour in the first column was observed with its exact codes and texts; "differs" means that what',
    'the ledger at the end states was.', '',
    ...summary(results), '', ...sections, ...ledger(ledgerEntries), '',
  ].join('\n')
}
