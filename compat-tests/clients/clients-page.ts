// docs/clients.md, as text: which library was played in which version, and on which brokers each scenario
// went as it should. Called by clients.test.ts. Invariant: no times, ports or versions of brokers, so that
// the page changes only when a library or a behaviour does.

import { isDebian } from './libraries.ts'
import type { Library } from './libraries.ts'
import { scenarios } from './scenarios.ts'
import type { ScenarioName } from './scenarios.ts'

export interface Row {
  readonly library: Library
  readonly version: string
  /** Labels of the brokers on which the scenario went as it should; absent where it is not played. */
  readonly passed: ReadonlyMap<ScenarioName, readonly string[]>
}

const columns = Object.keys(scenarios) as ScenarioName[]

function cell({ library, passed }: Row, name: ScenarioName, brokers: number): string {
  if (!library.plays.includes(name)) return '–'
  const labels = passed.get(name) ?? []
  if (labels.length === brokers) return '✓'
  return labels.length === 0 ? '✗' : `${labels.join(', ')} only`
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

/** A table in Markdown; also what a run prints. */
export function tableOf(rows: readonly Row[], brokers: number): string {
  return [
    line(['library', 'version', 'from', ...columns]),
    line(['---', '---', '---', ...columns.map(() => ':-:')]),
    ...rows.map((row) => line([
      `\`${row.library.name}\``, row.version, isDebian(row.library) ? 'Debian' : 'npm',
      ...columns.map((name) => cell(row, name, brokers)),
    ])),
  ].join('\n')
}

export function pageOf(rows: readonly Row[], brokers: number): string {
  const hidden = rows.filter(({ library }) => library.hides !== undefined)
  return `<!-- Written by npm run clients:report; npm run test:clients says when it is stale. -->

# Client libraries

The libraries people use, as they are published, against Leveret and a RabbitMQ 4: ✓ is a scenario in which a
program saw on both brokers what it should, line by line; – is one that the library has no counterpart for.

${tableOf(rows, brokers)}

## The scenarios

${columns.map((name) => `- **${name}**: ${scenarios[name].title}`).join('\n')}

What a library does not show of a scenario is not compared:

${hidden.map(({ library }) => `- \`${library.name}\`: ${library.hides!.join(', ')}`).join('\n')}

The programs and how a run goes: [compat-tests/clients](../compat-tests/clients/README.md).
`
}
