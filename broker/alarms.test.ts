import { beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '../base/log.ts'
import { Alarms } from './alarms.ts'
import type { ResourceReading } from './alarms.ts'

let alarms: Alarms
let cleared: number

function read(changes: Partial<ResourceReading>): void {
  alarms.read({ ...alarms.reading, ...changes })
}

beforeEach(() => {
  alarms = new Alarms(silentLog)
  cleared = 0
  read({ memoryBytes: 100, memoryLimitBytes: 1000, diskFreeBytes: 5000, diskFreeLimitBytes: 1000 })
  alarms.awaitCleared({ alarmsCleared: () => cleared++ })
})

describe('memory', () => {
  it('is low from the limit on', () => {
    read({ memoryBytes: 999 })
    expect(alarms.isOn).toBe(false)
    read({ memoryBytes: 1000 })
    expect([alarms.isOn, alarms.isMemoryLow, alarms.isDiskLow]).toEqual([true, true, false])
    expect(alarms.reason).toBe('low on memory')
  })

  it('is enough again a twentieth below the limit', () => {
    read({ memoryBytes: 1000 })
    read({ memoryBytes: 951 })
    expect([alarms.isOn, cleared]).toEqual([true, 0])
    read({ memoryBytes: 949 })
    expect([alarms.isOn, cleared]).toEqual([false, 1])
  })

  it('is low with a limit of 0, whatever is in use, as RabbitMQ takes it', () => {
    read({ memoryBytes: 0, memoryLimitBytes: 0 })
    expect(alarms.isMemoryLow).toBe(true)
  })

  it('is low when the heap cannot grow, however much the machine has', () => {
    read({ isHeapShort: true })
    expect(alarms.isMemoryLow).toBe(true)
  })
})

describe('the disk', () => {
  it('is low below the limit, and has room again a twentieth above it', () => {
    read({ diskFreeBytes: 999 })
    expect([alarms.isDiskLow, alarms.reason]).toEqual([true, 'low on disk'])
    read({ diskFreeBytes: 1049 })
    expect(alarms.isDiskLow).toBe(true)
    read({ diskFreeBytes: 1050 })
    expect([alarms.isDiskLow, cleared]).toEqual([false, 1])
  })

  it('without a limit is never low, but for the store that could not write', () => {
    read({ diskFreeBytes: 0, diskFreeLimitBytes: 0 })
    expect(alarms.isOn).toBe(false)
    alarms.diskFull(true)
    expect(alarms.isDiskLow).toBe(true)
    alarms.diskFull(false)
    expect(alarms.isDiskLow).toBe(false)
  })
})

it('both alarms are one reason, and only the end of the last clears', () => {
  read({ memoryBytes: 2000, diskFreeBytes: 0 })
  expect(alarms.reason).toBe('low on disk & memory')
  read({ memoryBytes: 0 })
  expect([alarms.isOn, cleared, alarms.reason]).toEqual([true, 0, 'low on disk'])
  read({ diskFreeBytes: 5000 })
  expect([alarms.isOn, cleared]).toEqual([false, 1])
})

it('a listener is told once', () => {
  for (let n = 0; n < 2; n++) {
    read({ memoryBytes: 2000 })
    read({ memoryBytes: 0 })
  }
  expect(cleared).toBe(1)
})

it('each alarm is logged when it begins and when it ends, not at every reading', () => {
  const lines: string[] = []
  const log = { info: () => lines.push('over'), warn: () => lines.push('alarm'), error() {} }
  alarms = new Alarms(log)
  for (const memoryBytes of [0, 2000, 3000, 0, 0]) read({ memoryBytes, memoryLimitBytes: 1000 })
  expect(lines).toEqual(['alarm', 'over'])
})
