// `npm test`: everything that has to hold, in the order in which it fails cheapest, and one summary at the
// end. Plain JavaScript, because it runs before anything is built. Each step's tests are counted from its own
// JSON report, so that the last line says what ran and not what a script hoped for; what failed is named
// right before the last lines, where whoever sees only the end of the output finds it.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

const root = join(import.meta.dirname, '..')
const reports = join(root, 'node_modules/.cache/leveret')
const bin = (name) => join(root, 'node_modules/.bin', name)
const messageLines = 12
const messageColumns = 300
const isLeveretOnly = process.env.LEVERET_COMPAT === 'leveret-only'

const steps = [
  { name: 'build', command: ['npm', 'run', '--silent', 'build'] },
  { name: 'types', command: [bin('tsc'), '-p', 'tsconfig.json', '--noEmit'] },
  { name: 'lint', command: [bin('oxlint'), '--type-aware', '--deny-warnings'] },
  { name: 'generated code', command: [process.execPath, 'dist/protocol/generate.js', '--check'] },
  { name: 'generated reference', command: [process.execPath, 'dist/docs/generate.js', '--check'] },
  { name: 'unit, contract, layout, simulation, crash', tests: 'unit', command: [bin('vitest'), 'run'] },
  { name: 'compatibility', tests: 'compat', command: [bin('vitest'), 'run', '-c', 'compat-tests/vitest.config.ts'] },
  {
    name: 'client libraries and examples', tests: 'clients',
    command: [bin('vitest'), 'run', '-c', 'compat-tests/clients/vitest.config.ts'],
  },
]

/** Passed, failed and skipped of one vitest run; a step that left no report has failed as a whole. */
function readReport(file) {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'))
    return {
      passed: report.numPassedTests, failed: report.numFailedTests, skipped: report.numPendingTests,
      failures: report.testResults.flatMap(failuresOf),
    }
  } catch (error) {
    const text = `no report at ${file}: ${error.message}`
    process.stdout.write(`${text}\n`)
    return { passed: 0, failed: 1, skipped: 0, failures: [text] }
  }
}

/** A text for each failed test of a file, and for the file itself when it failed as a whole. */
function failuresOf({ name, status, message, assertionResults }) {
  const file = relative(root, name)
  const failed = assertionResults.filter((test) => test.status === 'failed')
  if (failed.length === 0) return status === 'failed' ? [failureText(file, message)] : []
  return failed.map(({ ancestorTitles, title, failureMessages }) =>
    failureText([file, ...ancestorTitles, title].join(' > '), failureMessages.join('\n')))
}

function failureText(name, message) {
  const lines = stripVTControlCharacters(message).split('\n').filter((line) => line.trim() !== '')
  return [name, ...lines.slice(0, messageLines).map((line) => `    ${line.slice(0, messageColumns)}`)].join('\n')
}

function run(step) {
  process.stdout.write(`\n--- ${step.name}\n`)
  const report = join(reports, `${step.tests}.json`)
  if (step.tests !== undefined) rmSync(report, { force: true })
  const [command, ...args] = step.command
  const startedMs = performance.now()
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  if (error !== undefined) process.stdout.write(`${step.name}: ${error.message}\n`)
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
  const counts = step.tests === undefined ? null : readReport(report)
  return { ...step, ok: status === 0, seconds, counts }
}

mkdirSync(reports, { recursive: true })
const results = []
for (const step of steps) {
  const result = run(step)
  results.push(result)
  if (!result.ok && step.name === 'build') break
}

process.stdout.write('\n=== npm test\n')
for (const { name, counts } of results) {
  for (const failure of counts?.failures ?? []) process.stdout.write(`FAILED  ${name}: ${failure}\n`)
}
for (const { name, ok, seconds, counts } of results) {
  const tests = counts === null ? '' : `  ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`
  process.stdout.write(`${ok ? 'ok    ' : 'FAILED'}  ${name} (${seconds} s)${tests}\n`)
}
if (isLeveretOnly) process.stdout.write('WARNING: LEVERET_COMPAT=leveret-only: nothing was compared with a RabbitMQ.\n')
const total = { passed: 0, failed: 0, skipped: 0 }
for (const { ok, counts } of results) {
  total.passed += counts?.passed ?? (ok ? 1 : 0)
  total.failed += counts === null ? (ok ? 0 : 1) : Math.max(counts.failed, ok ? 0 : 1)
  total.skipped += counts?.skipped ?? 0
}
process.stdout.write(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`)
process.exitCode = results.every(({ ok }) => ok) ? 0 : 1
