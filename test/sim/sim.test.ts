// The simulation's programme (reliability §8, row 1): a corpus of seeds that never changes, and fresh ones
// in every run. A failing seed is printed with the command that runs it again, alone and with its history.
import { expect, test } from 'vitest'
import { countOf, seedOf } from '../programme.ts'
import { onceFailed } from './corpus.ts'
import { runSeed } from './run.ts'
import type { RunResult } from './run.ts'

const CORPUS_SEEDS = 100
const FRESH_SEEDS = countOf('simulation')
const HISTORY_SHOWN = 200

/** Set: that seed alone. */
const given = process.env['LEVERET_SIM_SEED']

async function expectSound(seed: number): Promise<RunResult> {
  const result = await runSeed(seed)
  if (result.violations.length > 0) {
    const seconds = result.endUs / 1e6
    const history = given === undefined ? [] : result.history.slice(-HISTORY_SHOWN)
    process.stderr.write([
      `seed ${seed} failed at ${seconds} s of virtual time, after ${result.stops} stops of the broker`,
      ...history.map((event) => JSON.stringify(event)),
      ...result.violations.map(({ rule, what }) => `${rule}: ${what}`),
      `run it again: LEVERET_SIM_SEED=${seed} npx vitest run test/sim/sim.test.ts -t corpus\n`,
    ].join('\n'))
  }
  expect(result.violations, `seed ${seed}`).toEqual([])
  return result
}

async function expectAllSound(name: string, seeds: readonly number[]): Promise<void> {
  const startedMs = performance.now()
  const total = {
    events: 0, stops: 0, sent: 0, confirmed: 0, refused: 0, rolledBack: 0, redelivered: 0, letters: 0,
  }
  for (const seed of seeds) {
    const { eventCount, stops, counts } = await expectSound(seed)
    total.events += eventCount
    total.stops += stops
    total.sent += counts.sent
    total.confirmed += counts.confirmed
    total.refused += counts.refused
    total.rolledBack += counts.rolledBack
    total.redelivered += counts.redelivered
    total.letters += counts.letters
  }
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
  const totals = Object.entries(total).map(([what, count]) => `${count} ${what}`).join(', ')
  process.stdout.write(`simulation: ${name}: ${seeds.length} seeds in ${seconds} s: ${totals}, 0 wrong\n`)
}

const upFrom = (first: number, count: number): number[] => Array.from({ length: count }, (_, n) => first + n)

test('the corpus of seeds breaks no promise', async () => {
  const corpus = [...onceFailed.map(({ seed }) => seed), ...upFrom(1, CORPUS_SEEDS)]
  await expectAllSound('corpus', given === undefined ? corpus : [Number(given)])
}, 120_000)

test('fresh seeds break no promise', async () => {
  const first = seedOf('simulation')
  await expectAllSound(`fresh from ${first}`, given === undefined ? upFrom(first, FRESH_SEEDS) : [])
}, 60_000 + FRESH_SEEDS * 500)

test.each([3, 12, 57])('seed %i is a whole history: run twice, it is the same', async (seed) => {
  const [first, second] = [await runSeed(seed), await runSeed(seed)]
  expect(first.history.length).toBeGreaterThan(100)
  expect(JSON.stringify(second)).toBe(JSON.stringify(first))
}, 60_000)

test('another seed is another history', async () => {
  const [first, second] = [await runSeed(1), await runSeed(2)]
  expect(JSON.stringify(second.history)).not.toBe(JSON.stringify(first.history))
}, 60_000)
