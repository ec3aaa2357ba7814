// `npm run fuzz:protocol -- --seed S --frames N [--streams M]`: N mutated frames at Leveret's frame reader
// and connections in this process, then M mutated streams at a living Leveret and the reference. Exit code 1
// when anything was thrown, hung, grew, harmed another connection, or ended with another reply code than
// RabbitMQ's.

import { parseArgs } from 'node:util'
import { findReference } from '../harness/find-reference.ts'
import { LeveretProcess } from '../harness/leveret-process.ts'
import { InProcessFuzzer } from './in-process.ts'
import { LiveFuzzer } from './live.ts'
import { judgeMemory } from './memory.ts'

const { values: options } = parseArgs({
  options: {
    seed: { type: 'string' }, frames: { type: 'string', default: '1000000' },
    streams: { type: 'string', default: '2000' },
  },
})

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}
const counts = (map: ReadonlyMap<string, number>): string =>
  [...map].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, count]) => `${name} ${count}`).join(', ')

async function inProcess(seed: number, frames: number): Promise<number> {
  const result = await new InProcessFuzzer(seed).run(frames)
  const memory = judgeMemory(result.memory)
  const violations = [...result.violations, ...memory.violations]
  for (const violation of violations) say(`VIOLATION ${violation}`)
  say(`fuzz:protocol seed ${seed}: ${result.frames} mutated frames in ${result.cases} streams, in process, `
    + `${result.seconds.toFixed(1)} s, ${violations.length} violations; ends: ${counts(result.outcomes)}; `
    + memory.text)
  return violations.length
}

async function live(seed: number, streams: number): Promise<number> {
  const leveret = await LeveretProcess.start()
  const rabbit = await findReference(say)
  try {
    const result = await new LiveFuzzer(seed, leveret.url, rabbit.url).run(streams)
    for (const violation of result.violations) say(`VIOLATION ${violation}`)
    say(`fuzz:protocol seed ${seed}: ${result.streams} mutated streams (${result.frames} frames) at Leveret `
      + `${leveret.version} and RabbitMQ ${rabbit.version}, ${result.violations.length} violations; ends: `
      + `${counts(result.outcomes)}; accepted: ${counts(result.accepted)}`)
    return result.violations.length
  } finally {
    await Promise.allSettled([leveret.stop(), rabbit.stop()])
  }
}

const seed = options.seed === undefined ? Date.now() >>> 0 : Number(options.seed)
const found = await inProcess(seed, Number(options.frames)) + await live(seed, Number(options.streams))
process.exitCode = found === 0 ? 0 : 1
