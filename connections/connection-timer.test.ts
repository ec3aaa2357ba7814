// The timer of a connection: heartbeats at half the interval, the drop between two and three intervals of
// silence, and the limits of handshake and close. Time is the test's.
import { beforeEach, describe, expect, it } from 'vitest'
import { BrokerWorld } from '../broker/broker.contract.ts'
import { FrameWriter } from '../protocol/frame-writer.ts'
import { ConnectionTimer } from './connection-timer.ts'
import type { TimedConnection } from './connection-timer.ts'

class TestConnection implements TimedConnection {
  readonly writer = new FrameWriter()
  isReading = true
  marks = 0
  drops = 0

  mark(): void {
    this.marks++
  }

  drop(): void {
    this.drops++
  }

  get heartbeats(): number {
    return Buffer.concat(this.writer.take()).length / 8
  }
}

let world: BrokerWorld
let connection: TestConnection
let timer: ConnectionTimer
beforeEach(async () => {
  world = await BrokerWorld.start()
  connection = new TestConnection()
  timer = new ConnectionTimer(world.broker, connection)
})

/** Lets time pass in steps of the wheel's tick. */
function pass(ms: number, each: () => void = () => {}): void {
  for (let passed = 0; passed < ms; passed += 100) {
    world.clock.travel(100)
    world.broker.timers.advance(world.clock.monotonicMs)
    each()
  }
}

function opened(heartbeatS: number): void {
  timer.beat(heartbeatS)
  timer.opened()
  timer.heard()
}

describe('a heartbeat of H seconds', () => {
  it('is sent every H/2 while nothing else is said', () => {
    opened(2)
    pass(900, () => timer.heard())
    expect(connection.heartbeats).toBe(0)
    pass(100, () => timer.heard())
    expect(connection.heartbeats).toBe(1)
    pass(3_000, () => timer.heard())
    expect(connection.heartbeats).toBe(3)
    expect(connection.marks).toBe(4)
  })

  it('is nothing else: the next one is sent all the same', () => {
    connection.mark = () => timer.said()
    opened(2)
    pass(4_000, () => timer.heard())
    expect(connection.heartbeats).toBe(4)
  })

  it('is sent a first time, then only when nothing else was said since the last time', () => {
    opened(2)
    pass(5_000, () => {
      timer.heard()
      timer.said()
    })
    expect(connection.heartbeats).toBe(1)
  })

  it.each([1, 2, 10])('drops a client that is silent from the start at 3 H (H = %i)', (heartbeatS) => {
    opened(heartbeatS)
    pass(heartbeatS * 3_000 - 100)
    expect(connection.drops).toBe(0)
    pass(100)
    expect(connection.drops).toBe(1)
  })

  it('drops a client between 2 H and 3 H after its last byte, whenever that was', () => {
    for (let lastMs = 100; lastMs <= 4_000; lastMs += 300) {
      const silent = new TestConnection()
      const one = new ConnectionTimer(world.broker, silent)
      one.beat(2)
      one.opened()
      pass(lastMs, () => one.heard())
      let droppedMs = 0
      for (let ms = 100; droppedMs === 0 && ms <= 7_000; ms += 100) {
        pass(100)
        if (silent.drops > 0) droppedMs = ms
      }
      expect(droppedMs).toBeGreaterThanOrEqual(4_000)
      expect(droppedMs).toBeLessThanOrEqual(6_000)
    }
  })

  it('never drops a client that says one byte per interval', () => {
    opened(2)
    for (let n = 0; n < 30; n++) {
      pass(2_000)
      timer.heard()
    }
    expect(connection.drops).toBe(0)
  })

  it('does not hold silence against a client that is not read', () => {
    opened(2)
    connection.isReading = false
    pass(30_000)
    expect(connection.drops).toBe(0)
    connection.isReading = true
    pass(4_000)
    expect(connection.drops).toBe(1)
  })

  it('of zero is neither sent nor expected', () => {
    opened(0)
    pass(600_000)
    expect([connection.heartbeats, connection.drops]).toEqual([0, 0])
  })
})

describe('a limit', () => {
  it('drops the connection once, at its end', () => {
    timer.dropAfter(10_000)
    pass(9_900)
    expect(connection.drops).toBe(0)
    pass(60_000)
    expect(connection.drops).toBe(1)
  })

  it('of the handshake ends when the connection is open', () => {
    timer.dropAfter(10_000)
    timer.beat(0)
    timer.opened()
    pass(60_000)
    expect(connection.drops).toBe(0)
  })

  it('of the handshake holds though the heartbeat is agreed', () => {
    timer.dropAfter(10_000)
    timer.beat(2)
    pass(10_000)
    expect([connection.drops, connection.heartbeats]).toEqual([1, 0])
  })

  it.each([[0, 30_000], [2, 2_000], [29, 29_000], [60, 30_000]])(
    'of closing is the heartbeat of %i s when that is shorter than 30 s: %i ms', (heartbeatS, limitMs) => {
      opened(heartbeatS)
      timer.dropAfterClose()
      pass(limitMs - 100)
      expect(connection.drops).toBe(0)
      pass(100)
      expect(connection.drops).toBe(1)
    })

  it('is over when the timer is stopped', () => {
    timer.dropAfter(1_000)
    timer.stop()
    pass(5_000)
    expect(connection.drops).toBe(0)
  })
})
