// `npm run test:reliability`: the reliability programme at its nightly numbers (reliability §8).
//   npm run test:reliability                        all of it
//   npm run test:reliability -- power-cuts          one of them
//   npm run test:reliability -- power-cuts=5000     with another number
//   npm run test:reliability -- simulation=1@1234   with a seed that was printed
// dist/ must be built (the npm script does). Exits with 1 when any of them failed.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { RUN_VARIABLE, programme } from './programme.ts'
import type { ProgrammeName } from './programme.ts'

interface Chosen {
  readonly name: ProgrammeName
  readonly count: number
  /** Null: a new one. */
  readonly seed: number | null
}

const vitest = fileURLToPath(new URL('../node_modules/.bin/vitest', import.meta.url))
const names = Object.keys(programme) as ProgrammeName[]

function choose(argument: string): Chosen {
  const [asked, count = '', seed = ''] = argument.split(/[=@]/)
  const name = names.find((each) => each === asked)
  if (name === undefined || !/^\d*$/.test(count + seed)) {
    const known = names.join(', ')
    process.stderr.write(`test:reliability: '${argument}' is not NAME or NAME=COUNT@SEED; names: ${known}\n`)
    process.exit(64)
  }
  const { nightly } = programme[name]
  return { name, count: count === '' ? nightly : Number(count), seed: seed === '' ? null : Number(seed) }
}

/** Processes run seeds that follow each other, each its own stretch of them. */
async function run({ name, count, seed }: Chosen): Promise<boolean> {
  const { file, test } = programme[name]
  const processes = Math.min(programme[name].processes, count)
  const share = Math.ceil(count / processes)
  const first = seed ?? Date.now() % 0x7fff_0000
  const exits = Array.from({ length: processes }, async (_, n) => {
    const args = ['run', file, '-t', test, '--reporter=default']
    const mine = `${name}=${Math.min(share, count - n * share)}@${first + n * share}`
    const child = spawn(vitest, args, { stdio: 'inherit', env: { ...process.env, [RUN_VARIABLE]: mine } })
    const [code] = await once(child, 'exit') as [number | null]
    return code === 0
  })
  return (await Promise.all(exits)).every(Boolean)
}

const given = process.argv.slice(2)
const lines: string[] = []
for (const chosen of (given.length > 0 ? given : names).map(choose)) {
  const startedMs = performance.now()
  const ok = await run(chosen)
  const minutes = ((performance.now() - startedMs) / 60_000).toFixed(1)
  const { unit } = programme[chosen.name]
  lines.push(`${ok ? 'ok    ' : 'FAILED'}  ${chosen.name}: ${chosen.count} ${unit}, ${minutes} min`)
  if (!ok) process.exitCode = 1
}
process.stdout.write(`\n=== npm run test:reliability\n${lines.join('\n')}\n`)
