// The fuzzers in small: every program that once made the two brokers differ, and programs, streams and frames
// of fixed seeds that are known to agree: a build must not fail over what it did not change. Fresh seeds are
// for `npm run fuzz:diff` and `npm run fuzz:protocol`. Not per broker as the other files: one test plays on
// both. Without a reference there is nothing to compare with.

import { describe, expect, inject, test } from 'vitest'
import { corpus } from './corpus.ts'
import { generate } from './generators/index.ts'
import { InProcessFuzzer } from './in-process.ts'
import { LiveFuzzer } from './live.ts'
import { programSeed, runFuzzer } from './run.ts'
import { Seat } from './stage.ts'
import { judge, judgePatiently } from './verdict.ts'

const targets = inject('targets')
const [leveret, rabbit] = ['Leveret', 'RabbitMQ'].map((label) => targets.find((each) => each.label === label))
/** Of `npm run fuzz:diff -- --seed 101`: the first programs, without those that need time to pass. */
const seed = 101
const programCount = 120
const shortRunMs = 8_000
const shortLiveMs = 3_000
const shortFramesMs = 2_000
const canCompare = leveret !== undefined && rabbit !== undefined && !rabbit.isRabbit3

/** What depends on clocks and on nothing else is left to the long runs: this machine may be busy. */
function shortRunSeeds(): number[] {
  return Array.from({ length: programCount }, (_, n) => programSeed(seed, n))
    .filter((each) => !['expiry', 'leases', 'quorum'].includes(generate(each, undefined).generator))
}

describe.runIf(canCompare)('Leveret and RabbitMQ', () => {
  test.each(corpus)('do the same: $title', async (program) => {
    const bench = { leveret: new Seat(leveret!), rabbit: new Seat(rabbit!) }
    const first = await judge(bench, program)
    // As in a run: a busy RabbitMQ may be late in the same way four times.
    const verdict = first.kind === 'differs' ? await judgePatiently(bench, program) : first
    bench.leveret.end()
    bench.rabbit.end()
    expect(verdict.kind === 'differs' ? verdict.place : verdict.kind).toBe('same')
  }, 60_000)

  test('do the same in programs that nobody wrote', async () => {
    const programSeeds = shortRunSeeds()
    const result = await runFuzzer({
      leveret: leveret!, rabbit: rabbit!, seed, programs: programSeeds.length, programSeeds,
      boundMs: shortRunMs, shrinkMax: 2,
    })
    process.stdout.write(`${result.summary}\n${result.report}\n`
      + 'fresh ones: npm run fuzz:diff, npm run fuzz:protocol\n')
    expect(result.differences.map(({ signature, generator, seed }) => `${signature}: ${generator} ${seed}`))
      .toEqual([])
    expect(result.played).toBeGreaterThan(0)
  }, 300_000)

  test('end a connection alike when its frames are wrong', async () => {
    const result = await new LiveFuzzer(seed, leveret!.url, rabbit!.url).run(1_000, shortLiveMs)
    process.stdout.write(`fuzz:protocol seed ${seed}: ${result.streams} mutated streams at both brokers\n`)
    expect(result.violations).toEqual([])
    expect(result.streams).toBeGreaterThan(0)
  }, 60_000)
})

test('Leveret takes mutated frames without a scratch', async () => {
  const result = await new InProcessFuzzer(seed).run(1_000_000, shortFramesMs)
  process.stdout.write(`fuzz:protocol seed ${seed}: ${result.frames} mutated frames in process\n`)
  expect(result.violations).toEqual([])
  expect(result.frames).toBeGreaterThan(1_000)
}, 60_000)
