// The reserve for a full disk, on a directory of the test's own.

import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Ballast } from './ballast.ts'

const MB = 1024 * 1024

let directory = ''
let file = ''

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'leveret-ballast-'))
  file = join(directory, 'leveret.db-ballast')
})

afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})

function sizeOnDisk(): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

it('grows in steps to its size, with bytes that are written and no holes', () => {
  const ballast = new Ballast(file, 10 * MB)
  expect([ballast.growStep(), ballast.growStep(), ballast.growStep()]).toEqual([true, true, false])
  expect([ballast.isWhole, sizeOnDisk()]).toEqual([true, 10 * MB])
  expect(statSync(file).blocks * 512).toBeGreaterThanOrEqual(10 * MB)
})

it('gives its room back once, and can grow again', () => {
  const ballast = new Ballast(file, MB)
  ballast.growStep()
  expect([ballast.release(), ballast.release()]).toEqual([true, false])
  expect([ballast.isWhole, sizeOnDisk()]).toEqual([false, 0])
  ballast.growStep()
  expect([ballast.isWhole, sizeOnDisk()]).toEqual([true, MB])
})

it('never takes the last room: without half its size free beside it, it does not grow', () => {
  const ballast = new Ballast(file, Number.MAX_SAFE_INTEGER)
  expect([ballast.growStep(), ballast.isWhole, sizeOnDisk()]).toEqual([false, false, 0])
})

it('takes up what an earlier run left, cut to the size that is wanted now', () => {
  writeFileSync(file, Buffer.alloc(3 * MB))
  expect(new Ballast(file, 8 * MB).isWhole).toBe(false)
  expect([new Ballast(file, 2 * MB).isWhole, sizeOnDisk()]).toEqual([true, 2 * MB])
  expect([new Ballast(file, 0).isWhole, sizeOnDisk()]).toEqual([true, 0])
})
