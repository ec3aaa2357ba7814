// `npm run test:reliability`: the reliability programme at its nightly numbers (reliability §8).
//   npm run test:reliability                      all of it
//   npm run test:reliability -- power-cuts        one of them
//   npm run test:reliability -- power-cuts=5000   with another number
// dist/ must be built (the npm script does). Exits with 1 when any of them failed.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { COUNT_VARIABLE, programme } from './programme.ts'
import type { ProgrammeName } from './programme.ts'

interface Chosen {
  readonly name: ProgrammeName
  readonly count: number
}

const vitest = fileURLToPath(new URL('../node_modules/.bin/vitest', import.meta.url))
const names = Object.keys(programme) as ProgrammeName[]

function choose(argument: string): Chosen {
  const [asked, count] = argument.split('=')
  const name = names.find((each) => each === asked)
  if (name === undefined || !/^\d+$/.test(count ?? '1')) {
    const known = names.join(', ')
    process.stderr.write(`test:reliability: '${argument}' is not NAME or NAME=COUNT; names: ${known}\n`)
    process.exit(64)
  }
  return { name, count: count === undefined ? programme[name].nightly : Number(count) }
}

function run({ name, count }: Chosen): boolean {
  const { file, test } = programme[name]
  const args = ['run', file, '-t', test, '--reporter=default']
  const env = { ...process.env, [COUNT_VARIABLE]: `${name}=${count}` }
  return spawnSync(vitest, args, { stdio: 'inherit', env }).status === 0
}

const given = process.argv.slice(2)
const lines: string[] = []
for (const chosen of (given.length > 0 ? given : names).map(choose)) {
  const startedMs = performance.now()
  const ok = run(chosen)
  const minutes = ((performance.now() - startedMs) / 60_000).toFixed(1)
  const { unit } = programme[chosen.name]
  lines.push(`${ok ? 'ok    ' : 'FAILED'}  ${chosen.name}: ${chosen.count} ${unit}, ${minutes} min`)
  if (!ok) process.exitCode = 1
}
process.stdout.write(`\n=== npm run test:reliability\n${lines.join('\n')}\n`)
