// What the watch tells the alarms, measured on this machine.
import { tmpdir } from 'node:os'
import { expect, it } from 'vitest'
import { silentLog } from '../base/log.ts'
import { Alarms } from '../broker/alarms.ts'
import { resolveSettings } from '../broker/config-sources.ts'
import { RunningSettings } from '../broker/running-settings.ts'
import { memoryLimit, watchResources } from './resource-watch.ts'

function settingsOf(...argv: string[]): RunningSettings {
  const raw = { argv, env: {}, fileText: null, fileName: null, packageVersion: '0' }
  const resolved = resolveSettings(raw)
  if (!resolved.ok) throw new Error(resolved.problems.join())
  return new RunningSettings(resolved.settings)
}

it('a watermark is a share of the memory up to 1, and bytes beyond', () => {
  expect([memoryLimit(0.6, 1000), memoryLimit(1, 1000), memoryLimit(2_000_000, 1000)])
    .toEqual([600, 1000, 2_000_000])
})

it('memory is read at once: with a watermark of 0 it is low before anything can be published', () => {
  const alarms = new Alarms(silentLog)
  watchResources(alarms, settingsOf('--store', 'memory', '--memory-high-watermark', '0'))()
  expect([alarms.isMemoryLow, alarms.isDiskLow]).toEqual([true, false])
  expect(alarms.reading.memoryBytes).toBeGreaterThan(10_000_000)
})

it('a watermark that is changed counts at once', () => {
  const [alarms, settings] = [new Alarms(silentLog), settingsOf('--store', 'memory')]
  const stop = watchResources(alarms, settings)
  settings.change('memory-high-watermark', 0)
  expect(alarms.isMemoryLow).toBe(true)
  settings.change('memory-high-watermark', 1)
  expect(alarms.isMemoryLow).toBe(false)
  stop()
})

it('a disk with less room than the limit is low', async () => {
  const alarms = new Alarms(silentLog)
  const limit = '100000000000000'
  const stop = watchResources(alarms, settingsOf('--data', tmpdir(), '--disk-free-limit', limit))
  await expect.poll(() => alarms.isDiskLow).toBe(true)
  stop()
  expect(alarms.reading.diskFreeBytes).toBeGreaterThan(0)
  expect(alarms.isMemoryLow).toBe(false)
})

it('a directory that cannot be asked counts as full', async () => {
  const alarms = new Alarms(silentLog)
  const stop = watchResources(alarms, settingsOf('--data', '/nowhere/at/all'))
  await expect.poll(() => alarms.isDiskLow).toBe(true)
  stop()
})
