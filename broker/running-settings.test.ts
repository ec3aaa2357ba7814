// Changing settings while the broker runs: which, and what is said about the others.
import { beforeEach, expect, it } from 'vitest'
import { resolveSettings } from './config-sources.ts'
import { settingRows } from './config.ts'
import { RunningSettings } from './running-settings.ts'

let settings: RunningSettings
beforeEach(() => {
  const resolved = resolveSettings({ argv: [], env: {}, fileText: null, fileName: null, packageVersion: '1' })
  if (!resolved.ok) throw new Error(resolved.problems.join())
  settings = new RunningSettings(resolved.settings)
})

it('a changed one is another from then on, the others stay', () => {
  const before = settings.current
  settings.change('memory-high-watermark', 0.4)
  expect(settings.current).toEqual({ ...before, memoryHighWatermark: 0.4 })
  settings.change('disk-free-limit', 5)
  expect(settings.current).toMatchObject({ memoryHighWatermark: 0.4, diskFreeLimit: 5 })
})

it('only what is looked at again and again can be changed', () => {
  expect(settingRows.filter(([, row]) => row.isChangeable).map(([, { key }]) => key))
    .toEqual(['memory-high-watermark', 'disk-free-limit'])
})

it.each([
  ['memory-high-watermark', 2, 'memory-high-watermark: 2 is not a fraction from 0 to 1, or bytes'],
  ['memory-high-watermark', null, 'memory-high-watermark: null is not a fraction'],
  ['disk-free-limit', '5', 'disk-free-limit: "5" is not an integer from 0'],
  ['heartbeat', 5, 'heartbeat cannot be changed while the broker runs'],
  ['nope', 5, 'there is no setting nope'],
])('%s cannot be %j', (key, value, why) => {
  const before = settings.current
  expect(() => settings.change(key, value)).toThrow(why)
  expect(settings.current).toBe(before)
})
