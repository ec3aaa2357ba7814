// The fuzzers in small: every program that once made the two brokers differ, and half a minute of new ones
// with a seed of their own. The long runs are `npm run fuzz:diff` and `npm run fuzz:protocol`. Not per broker
// as the other files: one test plays on both. Without a reference there is nothing to compare with.

import { describe, expect, inject, test } from 'vitest'
import { corpus } from './corpus.ts'
import { InProcessFuzzer } from './in-process.ts'
import { LiveFuzzer } from './live.ts'
import { runFuzzer } from './run.ts'
import { Seat, addressOf } from './stage.ts'
import { judgeSlowly } from './verdict.ts'

const targets = inject('targets')
const [leveret, rabbit] = ['Leveret', 'RabbitMQ'].map((label) => targets.find((each) => each.label === label))
const shortRunMs = 20_000
const shortLiveMs = 4_000
const shortFramesMs = 5_000
const canCompare = leveret !== undefined && rabbit !== undefined && !rabbit.isRabbit3

describe.runIf(canCompare)('Leveret and RabbitMQ', () => {
  test.each(corpus)('do the same: $title', async (program) => {
    const bench = { leveret: new Seat(addressOf(leveret!.url)), rabbit: new Seat(addressOf(rabbit!.url)) }
    const verdict = await judgeSlowly(bench, program)
    bench.leveret.end()
    bench.rabbit.end()
    expect(verdict.kind === 'differs' ? verdict.place : verdict.kind).toBe('same')
  }, 60_000)

  test('do the same in programs that nobody wrote', async () => {
    const seed = Date.now() >>> 0
    const result = await runFuzzer({
      leveretUrl: leveret!.url, rabbitUrl: rabbit!.url, seed, programs: 1_000, boundMs: shortRunMs,
      shrinkMax: 2,
    })
    process.stdout.write(`${result.summary}\n${result.report}\n`)
    expect(result.differences.map(({ signature, generator, seed }) => `${signature}: ${generator} ${seed}`))
      .toEqual([])
    expect(result.played).toBeGreaterThan(0)
  }, 300_000)

  test('end a connection alike when its frames are wrong', async () => {
    const seed = Date.now() >>> 0
    const result = await new LiveFuzzer(seed, leveret!.url, rabbit!.url).run(1_000, shortLiveMs)
    process.stdout.write(`fuzz:protocol seed ${seed}: ${result.streams} mutated streams at both brokers\n`)
    expect(result.violations).toEqual([])
    expect(result.streams).toBeGreaterThan(0)
  }, 60_000)
})

test('Leveret takes mutated frames without a scratch', async () => {
  const seed = Date.now() >>> 0
  const result = await new InProcessFuzzer(seed).run(1_000_000, shortFramesMs)
  process.stdout.write(`fuzz:protocol seed ${seed}: ${result.frames} mutated frames in process\n`)
  expect(result.violations).toEqual([])
  expect(result.frames).toBeGreaterThan(1_000)
}, 60_000)
