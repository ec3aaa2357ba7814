// Memory and disk alarms: while one is on, publishers wait and everything else goes on. runtime/ feeds
// readings in, connections ask `isOn` at each publish and are told when all is over (RabbitMQ: a connection
// is blocked at its first publish in an alarm, and unblocked when the last alarm is gone). Invariant: an
// alarm goes off only some way past its limit, so that it does not flicker.
import type { Log } from '../base/log.ts'

/** How far beyond its limit a value must be before an alarm ends, as a part of the limit. */
const MARGIN = 0.05

/** What there is and what the settings demand, in bytes. */
export interface ResourceReading {
  readonly memoryBytes: number
  /** Memory in use from which on publishers wait. */
  readonly memoryLimitBytes: number
  /** The JavaScript heap is nearly as large as it can get, whatever the machine has. */
  readonly isHeapShort: boolean
  readonly diskFreeBytes: number
  /** Free room on the disk below which publishers wait. */
  readonly diskFreeLimitBytes: number
}

/** Waits for the end of all alarms. */
export interface AlarmListener {
  alarmsCleared(): void
}

export class Alarms {
  isOn = false
  isMemoryLow = false
  isDiskLow = false
  reading: ResourceReading = {
    memoryBytes: 0, memoryLimitBytes: Infinity, isHeapShort: false,
    diskFreeBytes: Infinity, diskFreeLimitBytes: 0,
  }
  private readonly log: Log
  private isDiskFull = false
  private listeners: AlarmListener[] = []

  constructor(log: Log) {
    this.log = log
  }

  /** In RabbitMQ's words, as clients are told. */
  get reason(): string {
    if (this.isMemoryLow && this.isDiskLow) return 'low on disk & memory'
    return this.isMemoryLow ? 'low on memory' : 'low on disk'
  }

  read(reading: ResourceReading): void {
    this.reading = reading
    this.update()
  }

  /** The store's own word: it could not write, whatever the last reading says, or it can again. */
  diskFull(isFull: boolean): void {
    this.isDiskFull = isFull
    this.update()
  }

  /** The listener is told once, when no alarm is on any more. */
  awaitCleared(listener: AlarmListener): void {
    this.listeners.push(listener)
  }

  private update(): void {
    const { memoryBytes, memoryLimitBytes, isHeapShort, diskFreeBytes, diskFreeLimitBytes } = this.reading
    const memoryLimit = this.isMemoryLow ? memoryLimitBytes * (1 - MARGIN) : memoryLimitBytes
    const diskLimit = this.isDiskLow ? diskFreeLimitBytes * (1 + MARGIN) : diskFreeLimitBytes
    const isMemoryLow = isHeapShort || memoryBytes >= memoryLimit
    const isDiskLow = this.isDiskFull || diskFreeBytes < diskLimit
    if (isMemoryLow !== this.isMemoryLow) this.report('memory', isMemoryLow, memoryBytes)
    if (isDiskLow !== this.isDiskLow) this.report('disk', isDiskLow, diskFreeBytes)
    this.isMemoryLow = isMemoryLow
    this.isDiskLow = isDiskLow
    const wasOn = this.isOn
    this.isOn = isMemoryLow || isDiskLow
    if (wasOn && !this.isOn) this.clear()
  }

  private report(resource: 'memory' | 'disk', isLow: boolean, bytes: number): void {
    const reason = resource === 'memory' ? 'low on memory' : 'low on disk'
    if (isLow) this.log.warn({ reason, bytes }, 'alarm: publishers are blocked')
    else this.log.info({ reason, bytes }, 'the alarm is over')
  }

  private clear(): void {
    const { listeners } = this
    this.listeners = []
    for (const listener of listeners) listener.alarmsCleared()
  }
}
