// Collects a run's outcomes for the report, and says at its end what was compared with what.
// A vitest reporter (vitest.config.ts). LEVERET_COMPAT_REPORT=path writes the Markdown report there,
// and the page of HTTP endpoints beside it.
// Invariant: a run without its reference, or without Leveret, never looks like a complete one; a complete one
// fails over an entry of the ledger that no test pins, and over one of the table of versions likewise.

import { readdirSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import type { Reporter, TestCase, TestModule } from 'vitest/node'
import { differences } from '../differences.ts'
import type { Difference } from '../differences.ts'
import { renderHttpReport } from '../http-report.ts'
import { olderDifferences } from '../older/table.ts'
import { deadDifferences, deadOlderDifferences, renderReport } from '../report.ts'
import type { BehaviourResult, CompatResults } from '../report.ts'
import type { Target } from './target.ts'

function behaviourOf(test: TestCase): BehaviourResult {
  const { state } = test.result()
  const path: string[] = []
  for (let node = test.parent; node.type === 'suite'; node = node.parent) path.unshift(node.name)
  const [target = '', ...groups] = path
  return {
    file: relative(import.meta.dirname, test.module.moduleId).replace(/^\.\.\//, '').replace(/\.test\.ts$/,
      ''),
    title: [...groups, test.name].join(': '),
    target,
    outcome: state === 'pending' ? 'skipped' : state,
    differences: test.meta().differences ?? [],
    older: test.meta().older ?? [],
    requests: test.meta().requests ?? [],
  }
}

function listTestFiles(): string[] {
  const files = readdirSync(join(import.meta.dirname, '..'), { recursive: true, encoding: 'utf8' })
  // The client libraries are a run of their own.
  return files.filter((path) => path.endsWith('.test.ts') && !path.startsWith('clients'))
}

/** An older reference decides nothing: how much of it was held against the newest, and how much differs. */
function olderSummary({ behaviours }: CompatResults, { label, version }: Target): string {
  const own = behaviours.filter((each) => each.target === label)
  const asExpected = own.filter(({ outcome }) => outcome === 'passed')
  const listed = asExpected.filter(({ older }) => older.length > 0)
  const rows = new Set(listed.flatMap(({ older }) => older))
  const count = (wanted: BehaviourResult['outcome']): number =>
    own.filter(({ outcome }) => outcome === wanted).length
  const same = asExpected.length - listed.length
  return `${label} ${version}, an older one: ${same} behaviours as of the newest, `
    + `${listed.length} differ as compat-tests/older/ lists (${rows.size} rows), `
    + `${count('failed')} unexpected, ${count('skipped')} not run`
}

function banner(lines: readonly string[]): void {
  const rule = '='.repeat(100)
  process.stdout.write(`\n${[rule, ...lines, rule].join('\n')}\n`)
}

export class CompatReporter implements Reporter {
  private readonly ledger: readonly Difference[]
  private readonly testFiles: readonly string[]

  /** `testFiles`: of a complete run. */
  constructor(
    ledger: readonly Difference[] = Object.values(differences),
    testFiles: readonly string[] = listTestFiles(),
  ) {
    this.ledger = ledger
    this.testFiles = testFiles
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const project = modules[0]?.project
    if (project === undefined) return
    const targets: readonly Target[] = project.getProvidedContext().targets ?? []
    const results: CompatResults = {
      targets: targets.map(({ label, version }) => ({ label, version })),
      behaviours: modules.flatMap((module) => [...module.children.allTests()].map(behaviourOf))
        .filter(({ target }) => targets.some(({ label }) => label === target)),
    }
    const older = targets.find(({ isRabbit3 }) => isRabbit3)
    this.summarise(results, modules.length === this.testFiles.length, older)
    const path = process.env['LEVERET_COMPAT_REPORT']
    if (path === undefined || path === '') return
    writeFileSync(path, renderReport(results, this.ledger))
    writeFileSync(join(dirname(path), 'http-endpoints.md'), renderHttpReport(results, this.ledger))
  }

  private summarise(results: CompatResults, isComplete: boolean, older: Target | undefined): void {
    const lines = results.targets.map(({ label, version }) => {
      const own = results.behaviours.filter((each) => each.target === label)
      const passed = own.filter((each) => each.outcome === 'passed').length
      return `${label} ${version}: ${passed} of ${own.length} behaviours as expected`
    })
    const has = (label: string): boolean => results.targets.some((target) => target.label === label)
    if (!has('RabbitMQ')) lines.push('WARNING: NO REFERENCE. Nothing was compared with RabbitMQ in this run.')
    if (!has('Leveret')) lines.push('WARNING: NO LEVERET. Only the expectations were checked, on RabbitMQ.')
    if (older !== undefined) lines.push(olderSummary(results, older))
    const dead = has('Leveret') ? deadDifferences(results, this.ledger) : []
    if (dead.length > 0) lines.push(`ledger entries no test of this run consulted: ${dead.join(', ')}`)
    const isTableMet = older !== undefined && isComplete
    const deadRows = isTableMet ? deadOlderDifferences(results, Object.values(olderDifferences)) : []
    if (deadRows.length > 0) lines.push(`rows about older versions not met: ${deadRows.join(', ')}`)
    if (dead.length + deadRows.length > 0 && isComplete) {
      lines.push('FAILED: what no test pins is no accepted difference')
      process.exitCode = 1
    }
    banner(lines)
  }
}
