// The timer wheel: each timer once, within a tick of its time, wherever it sits and however far the hands
// jump.
import { array, assert, constant, integer, nat, oneof, property, record } from 'fast-check'
import { expect, it } from 'vitest'
import { TimerWheel } from './timer-wheel.ts'
import type { Timer } from './timer-wheel.ts'

const TICK_MS = 100
const WHEEL_MS = 51_200

class Alarm implements Timer {
  dueMs = 0
  fired = 0
  readonly onFire: () => void

  constructor(onFire: () => void = () => {}) {
    this.onFire = onFire
  }

  fire(): void {
    this.fired++
    this.onFire()
  }
}

it('fires a timer once, not before its time and within a tick of it', () => {
  const wheel = new TimerWheel(1_000)
  const alarm = new Alarm()
  wheel.set(alarm, 1_250)
  wheel.advance(1_249)
  expect(alarm.fired).toBe(0)
  wheel.advance(1_250 + TICK_MS)
  expect(alarm.fired).toBe(1)
  wheel.advance(1_250 + 3 * WHEEL_MS)
  expect(alarm.fired).toBe(1)
})

it('fires timers in the order of their ticks', () => {
  const wheel = new TimerWheel(0)
  const order: number[] = []
  for (const ms of [900, 300, 500]) wheel.set(new Alarm(() => order.push(ms)), ms)
  wheel.advance(1_000)
  expect(order).toEqual([300, 500, 900])
})

it('fires a moved timer at its new time only', () => {
  const wheel = new TimerWheel(0)
  const alarm = new Alarm()
  wheel.set(alarm, 500)
  wheel.set(alarm, 900)
  wheel.advance(800)
  expect(alarm.fired).toBe(0)
  wheel.set(alarm, 850)
  wheel.advance(900)
  wheel.advance(1_000)
  expect(alarm.fired).toBe(1)
})

it('never fires a cleared timer', () => {
  const wheel = new TimerWheel(0)
  const alarm = new Alarm()
  wheel.set(alarm, 500)
  wheel.clear(alarm)
  wheel.advance(WHEEL_MS * 2)
  expect(alarm.fired).toBe(0)
})

it('clears a timer that was never set', () => {
  const wheel = new TimerWheel(0)
  expect(() => wheel.clear(new Alarm())).not.toThrow()
})

it('keeps a timer that is further away than one turn of the wheel', () => {
  const wheel = new TimerWheel(0)
  const alarm = new Alarm()
  const due = WHEEL_MS * 2 + 700
  wheel.set(alarm, due)
  for (let ms = 0; ms < due; ms += TICK_MS) wheel.advance(ms)
  expect(alarm.fired).toBe(0)
  wheel.advance(due)
  expect(alarm.fired).toBe(1)
})

it('fires everything that a jump of the hands passed', () => {
  const wheel = new TimerWheel(0)
  const alarms = [100, 50_000, 60_000, 200_000].map((ms) => {
    const alarm = new Alarm()
    wheel.set(alarm, ms)
    return alarm
  })
  wheel.advance(199_900)
  expect(alarms.map((alarm) => alarm.fired)).toEqual([1, 1, 1, 0])
})

it('fires a time that has passed with the next tick', () => {
  const wheel = new TimerWheel(10_000)
  const alarm = new Alarm()
  wheel.set(alarm, 20)
  wheel.advance(10_000 + TICK_MS)
  expect(alarm.fired).toBe(1)
})

it('lets a timer set itself again while it fires', () => {
  const wheel = new TimerWheel(0)
  const alarm: Alarm = new Alarm(() => wheel.set(alarm, alarm.dueMs + 500))
  wheel.set(alarm, 500)
  for (let ms = 0; ms <= 2_600; ms += TICK_MS) wheel.advance(ms)
  expect(alarm.fired).toBe(5)
})

it('does not fire a timer that an earlier one of the same advance cleared', () => {
  const wheel = new TimerWheel(0)
  const second = new Alarm()
  wheel.set(new Alarm(() => wheel.clear(second)), 500)
  wheel.set(second, 600)
  wheel.advance(1_000)
  expect(second.fired).toBe(0)
})

it('does not fire a timer that an earlier one of the same advance moved on', () => {
  const wheel = new TimerWheel(0)
  const second = new Alarm()
  wheel.set(new Alarm(() => wheel.set(second, 5_000)), 500)
  wheel.set(second, 600)
  wheel.advance(1_000)
  expect(second.fired).toBe(0)
  wheel.advance(5_000)
  expect(second.fired).toBe(1)
})

const step = oneof(
  record({ kind: constant('set' as const), timer: nat(9), ms: integer({ min: -500, max: 3 * WHEEL_MS }) }),
  record({ kind: constant('clear' as const), timer: nat(9), ms: constant(0) }),
  record({ kind: constant('advance' as const), timer: constant(0), ms: oneof(nat(400), nat(2 * WHEEL_MS)) }),
)

it('fires exactly those that a list of due times says are due', () => {
  assert(property(nat(1_000_000), array(step, { maxLength: 60 }), (start, steps) => {
    let now = start
    const wheel = new TimerWheel(now)
    const alarms = Array.from({ length: 10 }, () => new Alarm())
    const due = new Map<Alarm, number>()
    for (const { kind, timer, ms } of steps) {
      const alarm = alarms[timer]!
      if (kind === 'set') {
        wheel.set(alarm, now + ms)
        const nextTick = (Math.floor(now / TICK_MS) + 1) * TICK_MS
        due.set(alarm, Math.max(nextTick, Math.ceil((now + ms) / TICK_MS) * TICK_MS))
      } else if (kind === 'clear') {
        wheel.clear(alarm)
        due.delete(alarm)
      } else {
        now += ms
        const before = alarms.map((a) => a.fired)
        wheel.advance(now)
        alarms.forEach((a, at) => {
          const isDue = (due.get(a) ?? Infinity) <= now
          if (isDue) due.delete(a)
          expect(a.fired - before[at]!).toBe(isDue ? 1 : 0)
        })
      }
    }
  }), { numRuns: 500 })
})

it('fires with the tick after its time, also when the time jumped by more than the wheel', () => {
  const wheel = new TimerWheel(0)
  let fired = 0
  wheel.set({ dueMs: 0, fire: () => { fired++ } }, 62_401)
  wheel.advance(62_401)
  expect(fired).toBe(0)
  wheel.advance(62_500)
  expect(fired).toBe(1)
})

it('fires an exact timer at its very time, and says which time is next', () => {
  const wheel = new TimerWheel(0)
  const next: number[] = []
  wheel.onNextExact = (dueMs) => next.push(dueMs)
  const [early, late] = [new Alarm(), new Alarm()]
  wheel.setExact(late, 1_017)
  wheel.setExact(early, 503)
  expect(next).toEqual([1_017, 503])
  wheel.advance(502)
  expect(early.fired).toBe(0)
  wheel.advance(503)
  expect([early.fired, late.fired, next.at(-1)]).toEqual([1, 0, 1_017])
  wheel.advance(1_017)
  expect([early.fired, late.fired]).toEqual([1, 1])
})

it('forgets an exact timer that is cleared, or set to a tick instead', () => {
  const wheel = new TimerWheel(0)
  const [cleared, moved] = [new Alarm(), new Alarm()]
  wheel.setExact(cleared, 150)
  wheel.setExact(moved, 150)
  wheel.clear(cleared)
  wheel.set(moved, 1_000)
  wheel.advance(900)
  expect([cleared.fired, moved.fired]).toEqual([0, 0])
  wheel.advance(1_000)
  expect([cleared.fired, moved.fired]).toEqual([0, 1])
})
