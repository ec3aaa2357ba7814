// Power loss (reliability §8, row 2): whatever a disk kept of what had not been synced, what was reported
// durable is there, and a batch is there whole or not at all. The controls leave the syncs out as SQLite's
// NORMAL and OFF do, and must be caught: else this proves nothing.
import { expect, test } from 'vitest'
import { countOf, seedOf } from '../programme.ts'
import { cutPower } from './power-cut.ts'
import type { PowerCutOptions, Tally } from './power-cut.ts'

const CONTROL_STATES = 300

async function run(options: PowerCutOptions): Promise<Tally> {
  const startedMs = performance.now()
  const tally = await cutPower(options)
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
  const states = Object.entries(tally.states).map(([kept, count]) => `${count} kept ${kept}`).join(', ')
  const { lost, corrupt } = tally.wrong
  process.stdout.write(`power cuts: synchronous=${options.synchronous}: ${options.states} states `
    + `in ${seconds} s (${states}): ${lost} lost or brought back, ${corrupt} corrupt; seed ${options.seed}\n`)
  return tally
}

test('a power cut loses nothing that was reported durable, and halves no batch', async () => {
  const states = countOf('power-cuts')
  const { examples, wrong } = await run({ states, seed: seedOf('power-cuts'), synchronous: 'FULL' })
  expect(examples).toEqual([])
  expect(wrong).toEqual({ lost: 0, corrupt: 0 })
}, 60_000 + countOf('power-cuts') * 300)

test('a power cut is seen to lose confirmed messages with synchronous=NORMAL', async () => {
  const { wrong } = await run({ states: CONTROL_STATES, seed: 1, synchronous: 'NORMAL' })
  expect(wrong.lost).toBeGreaterThan(CONTROL_STATES / 10)
}, 300_000)

test('a power cut is seen to destroy the file with synchronous=OFF', async () => {
  const { wrong } = await run({ states: CONTROL_STATES, seed: 1, synchronous: 'OFF' })
  expect(wrong.corrupt + wrong.lost).toBeGreaterThan(CONTROL_STATES / 4)
}, 300_000)
