// The page of RabbitMQ's management endpoints: which are built, which tests call them on both brokers, what
// differs and why. Called by reporter.ts with the results of a run. Invariant: nothing on it is written by
// hand but the rows of http-inventory.ts and the ledger.
import type { Difference } from './differences.ts'
import { httpInventory } from './http-inventory.ts'
import type { HttpPath } from './http-inventory.ts'
import type { BehaviourResult, CompatResults } from './report.ts'

/** The test that only asks which methods there are compares no answer. */
const INVENTORY = 'http-inventory'

interface Row {
  readonly path: string
  readonly method: string
  readonly missing: string | undefined
  /** Names of test files, with how many of their tests. */
  readonly tests: Map<string, number>
}

export function renderHttpReport(results: CompatResults, ledger: readonly Difference[]): string {
  const rows = rowsOf(results)
  const built = rows.filter(({ missing }) => missing === undefined)
  const compared = built.filter(({ tests }) => tests.size > 0)
  const [leveret, rabbit] = results.targets
  return [
    '# RabbitMQ\'s management endpoints', '',
    'Written by `compat-tests/http-report.ts` from a run of the suite; do not edit. A test counts for an',
    'endpoint when it calls it on both brokers and passes on both; some call it to prepare what they',
    'compare.', '',
    `- ${leveret?.label} ${leveret?.version}, ${rabbit?.label} ${rabbit?.version}`,
    `- ${rows.length} endpoints of RabbitMQ's; built: ${built.length}; called by tests on both: `
      + `${compared.length}`, '',
    line(['endpoint', 'built', 'tests']), line(['---', '---', '---']),
    ...rows.map(({ method, path, missing, tests }) => line([
      `\`${method} /api${path}\``, missing === undefined ? 'yes' : `no: ${missing}`,
      [...tests].map(([file, count]) => `${file} (${count})`).join(', '),
    ])),
    '', '## Differences left', '',
    line(['endpoints', 'what', 'Leveret', 'RabbitMQ', 'reason']), line(['---', '---', '---', '---', '---']),
    ...ledger.filter(({ http }) => http !== undefined).map(({ http, what, leveret, rabbit, reason }) =>
      line([http!, what.replace(/^HTTP: /, ''), leveret, rabbit, reason])),
    '',
  ].join('\n')
}

function rowsOf({ targets, behaviours }: CompatResults): Row[] {
  const rows = httpInventory.flatMap(({ path, methods, missing }) => methods.split(' ').map((method) =>
    ({ path, method, missing, tests: new Map<string, number>() })))
  for (const test of commonTests(behaviours, targets.map(({ label }) => label))) {
    const found = new Set(test.requests.map((request) => rowFor(rows, request)))
    for (const row of found) row?.tests.set(test.file, (row.tests.get(test.file) ?? 0) + 1)
  }
  return rows
}

/** Those that passed on every broker, with what they asked of all of them. */
function commonTests(behaviours: readonly BehaviourResult[], labels: readonly string[]): BehaviourResult[] {
  const passed = behaviours.filter(({ outcome, file }) => outcome === 'passed' && file !== INVENTORY)
  const [first = '', ...others] = labels
  return passed.filter(({ target }) => target === first).flatMap((test) => {
    const same = others.map((label) => passed.find((each) =>
      each.target === label && each.file === test.file && each.title === test.title))
    return same.every((each) => each !== undefined) ? [test] : []
  }).toSorted((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0))
}

/** The one with the fewest names in braces: `/users/bulk-delete` before `/users/{user}`. */
function rowFor(rows: readonly Row[], request: string): Row | undefined {
  const [method = '', path = ''] = request.split(' ', 2)
  return rows.filter((row) => row.method === method && fits(row, path))
    .toSorted((a, b) => namesIn(a) - namesIn(b))[0]
}

function fits({ path: template }: Pick<HttpPath, 'path'>, path: string): boolean {
  const [wanted, given] = [template.split('/'), path.replace(/\/$/, '').split('/')]
  return wanted.length === given.length
    && wanted.every((segment, at) => (segment.startsWith('{') ? given[at] !== '' : segment === given[at]))
}

function namesIn({ path }: Pick<HttpPath, 'path'>): number {
  return path.split('{').length - 1
}

function line(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}
