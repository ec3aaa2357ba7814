// `npm run fuzz:diff -- --seed S --programs N [--generator NAME]`, or `--replay SEED,SEED`: starts Leveret as
// users start it and the reference as compat-tests finds it, and has both perform the same random programs.
// Exit code 1 when they differ in something that differences.ts does not accept.

import { parseArgs } from 'node:util'
import { findReference } from '../harness/find-reference.ts'
import { LeveretProcess } from '../harness/leveret-process.ts'
import { generate } from './generators/index.ts'
import { stepText } from './program.ts'
import { runFuzzer } from './run.ts'

const { values: options } = parseArgs({
  options: {
    seed: { type: 'string' }, programs: { type: 'string', default: '1000' }, generator: { type: 'string' },
    concurrency: { type: 'string', default: '24' }, shrink: { type: 'string', default: '5' },
    print: { type: 'string' }, replay: { type: 'string' }, verbose: { type: 'boolean', default: false },
  },
})

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

function number(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${name} ${text}: expected a whole number`)
  return value
}

const seed = options.seed === undefined ? Date.now() >>> 0 : number('seed', options.seed)

async function main(): Promise<number> {
  if (options.print !== undefined) {
    for (const step of generate(number('print', options.print), options.generator).steps) say(stepText(step))
    return 0
  }
  const replayed = options.replay?.split(',').map((text) => number('replay', text))
  const leveret = await LeveretProcess.start()
  const rabbit = await findReference(say)
  try {
    say(`fuzz:diff seed ${seed}, Leveret ${leveret.version} and RabbitMQ ${rabbit.version}`)
    const result = await runFuzzer({
      leveret, rabbit, seed, programs: replayed?.length ?? number('programs', options.programs),
      ...replayed !== undefined && { programSeeds: replayed },
      generator: options.generator, concurrency: number('concurrency', options.concurrency),
      shrinkMax: number('shrink', options.shrink),
    })
    if (options.verbose) for (const line of result.undetermined) say(`not determined: ${line}`)
    if (result.report !== '') say(result.report)
    for (const { signature, count, generator, seed } of result.differences) {
      say(`differs: ${count} × ${signature} (--generator ${generator}, program seed ${seed})`)
    }
    say(result.summary)
    return result.differences.length > 0 ? 1 : 0
  } finally {
    await Promise.allSettled([leveret.stop(), rabbit.stop()])
  }
}

process.exitCode = await main()
