// The turn: what was marked is worked off once, queues before stores before connections.
import { expect, it } from 'vitest'
import { TestClock } from './clock.ts'
import { Turn } from './turn.ts'
import type { Flushable, Pumpable } from './turn.ts'

class World {
  readonly scheduled: (() => void)[] = []
  readonly clock = new TestClock()
  readonly log: string[] = []
  readonly turn = new Turn(this.clock, (run) => this.scheduled.push(run))

  constructor() {
    this.turn.addStore({ seal: () => this.log.push('seal') })
  }

  /** Runs the turn that waits; fails the test when none does. */
  end(): void {
    const run = this.scheduled.shift()
    if (run === undefined) throw new Error('no turn was scheduled')
    run()
  }

  queue(name: string, onPump: () => boolean = () => false): Pumpable {
    return {
      isMarked: false,
      pump: () => {
        this.log.push(`pump ${name}`)
        return onPump()
      },
    }
  }

  connection(name: string, onFlush: () => void = () => {}): Flushable {
    return {
      isMarked: false,
      flush: () => {
        this.log.push(`flush ${name}`)
        onFlush()
      },
    }
  }
}

it('pumps queues, then seals stores, then flushes connections', () => {
  const world = new World()
  world.turn.flush(world.connection('c'))
  world.turn.pump(world.queue('q'))
  world.end()
  expect(world.log).toEqual(['pump q', 'seal', 'flush c'])
})

it('flushes what a pump had to say in the same turn', () => {
  const world = new World()
  const connection = world.connection('c')
  world.turn.pump(world.queue('q', () => {
    world.turn.flush(connection)
    return false
  }))
  world.end()
  expect(world.log).toEqual(['pump q', 'seal', 'flush c'])
})

it('works a thing off once however often it was marked', () => {
  const world = new World()
  const queue = world.queue('q')
  const connection = world.connection('c')
  for (let n = 0; n < 3; n++) {
    world.turn.pump(queue)
    world.turn.flush(connection)
  }
  world.end()
  expect(world.log).toEqual(['pump q', 'seal', 'flush c'])
})

it('schedules one end for all that happens in a turn', () => {
  const world = new World()
  world.turn.begin()
  world.turn.begin()
  world.turn.pump(world.queue('q'))
  world.turn.flush(world.connection('c'))
  expect(world.scheduled.length).toBe(1)
  world.end()
  expect(world.scheduled.length).toBe(0)
})

it('goes on in the next turn with a queue that asks for it', () => {
  const world = new World()
  let left = 2
  world.turn.pump(world.queue('q', () => --left > 0))
  world.end()
  expect(world.log).toEqual(['pump q', 'seal'])
  world.end()
  expect(world.log).toEqual(['pump q', 'seal', 'pump q', 'seal'])
  expect(world.scheduled.length).toBe(0)
})

it('leaves to the next turn what a flush marks', () => {
  const world = new World()
  const queue = world.queue('q')
  world.turn.flush(world.connection('c', () => world.turn.pump(queue)))
  world.end()
  expect(world.log).toEqual(['seal', 'flush c'])
  world.end()
  expect(world.log).toEqual(['seal', 'flush c', 'pump q', 'seal'])
})

it('lets a connection mark itself again while it is flushed', () => {
  const world = new World()
  let left = 1
  const connection = world.connection('c', () => {
    if (left-- > 0) world.turn.flush(connection)
  })
  world.turn.flush(connection)
  world.end()
  world.end()
  expect(world.log).toEqual(['seal', 'flush c', 'seal', 'flush c'])
})

it('reads the clock once per turn, at its beginning', () => {
  let ticks = 0
  const clock = { nowMs: 0, monotonicMs: 0, tick: () => { ticks++ } }
  const scheduled: (() => void)[] = []
  const turn = new Turn(clock, (run) => scheduled.push(run))
  turn.begin()
  turn.begin()
  expect(ticks).toBe(1)
  scheduled.shift()!()
  turn.begin()
  expect(ticks).toBe(2)
})
