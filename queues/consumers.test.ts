// Whose turn it is: strict rotation among those with credit, higher priorities first, nobody asked in vain
// twice.
import { array, assert, boolean, constantFrom, integer, property, record } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConsumerSet } from './consumers.ts'
import { Entry } from './entry.ts'
import { TestConsumer, messageOf, noHolder } from './queue.contract.ts'

function setOf(...consumers: TestConsumer[]): ConsumerSet {
  const set = new ConsumerSet(false, false)
  for (const consumer of consumers) set.add(consumer, false)
  return set
}

const names = (set: ConsumerSet, count: number): string =>
  Array.from({ length: count }, () => (set.next() as TestConsumer | null)?.tag ?? '-').join('')

const named = (...all: string[]): TestConsumer[] => all.map((name) => new TestConsumer(name))

describe('rotation', () => {
  it('is strict', () => {
    expect(names(setOf(...named('a', 'b', 'c')), 7)).toBe('abcabca')
  })

  it('passes over one without credit, who comes back at the end', () => {
    const [a, b, c] = named('a', 'b', 'c')
    const set = setOf(a!, b!, c!)
    b!.hasRoom = false
    expect(names(set, 4)).toBe('acac')
    b!.hasRoom = true
    expect(names(set, 2)).toBe('ac')
    set.creditReturned(b!)
    expect(names(set, 6)).toBe('acbacb')
  })

  it('gives a consumer one place however often its credit returns', () => {
    const [a, b] = named('a', 'b')
    const set = setOf(a!, b!)
    for (let n = 0; n < 5; n++) set.creditReturned(a!)
    expect(names(set, 4)).toBe('abab')
  })

  it('asks one without credit once, not for every message', () => {
    let asked = 0
    const [a] = named('a')
    const b = new TestConsumer('b')
    Object.defineProperty(b, 'hasCredit', { get: () => { asked++; return false } })
    expect(names(setOf(a!, b), 100)).toBe('a'.repeat(100))
    expect(asked).toBe(1)
  })

  it('has nobody when nobody has credit', () => {
    const [a, b] = named('a', 'b')
    const set = setOf(a!, b!)
    a!.hasRoom = b!.hasRoom = false
    expect(set.next()).toBeNull()
    expect(new ConsumerSet(false, false).next()).toBeNull()
  })

  it('leaves out who was removed, and takes back who was added again', () => {
    const [a, b, c] = named('a', 'b', 'c')
    const set = setOf(a!, b!, c!)
    expect(set.remove(b!)).toBe(true)
    expect(set.remove(b!)).toBe(false)
    expect(names(set, 4)).toBe('acac')
    set.add(b!, false)
    expect(names(set, 3).split('').toSorted().join('')).toBe('abc')
  })

  it('does not let credit bring back who was removed', () => {
    const [a, b] = named('a', 'b')
    const set = setOf(a!, b!)
    b!.hasRoom = false
    expect(names(set, 2)).toBe('aa')
    set.remove(b!)
    b!.hasRoom = true
    set.creditReturned(b!)
    expect(names(set, 3)).toBe('aaa')
  })
})

describe('priority', () => {
  it('serves the highest with credit, in rotation among equals', () => {
    const [low, high, alsoHigh] = [
      new TestConsumer('l'), new TestConsumer('h', 0, false, 10), new TestConsumer('H', 0, false, 10),
    ]
    const set = setOf(low, high, alsoHigh)
    expect(names(set, 4)).toBe('hHhH')
    high.hasRoom = alsoHigh.hasRoom = false
    expect(names(set, 2)).toBe('ll')
    high.hasRoom = true
    set.creditReturned(high)
    expect(names(set, 3)).toBe('hhh')
  })

  it('may be negative', () => {
    expect(names(setOf(new TestConsumer('n', 0, false, -1), new TestConsumer('z')), 3)).toBe('zzz')
  })
})

describe('a single active consumer', () => {
  it('is the first to come, and after it the first of the highest priority', () => {
    const [first, low, high, alsoHigh] = [
      new TestConsumer('f'), new TestConsumer('l'), new TestConsumer('h', 0, false, 10),
      new TestConsumer('H', 0, false, 10),
    ]
    const set = new ConsumerSet(true, false)
    for (const consumer of [first, low, high, alsoHigh]) set.add(consumer, false)
    expect(names(set, 2)).toBe('ff')
    set.remove(first)
    expect(names(set, 2)).toBe('hh')
    set.remove(low)
    set.remove(high)
    expect(names(set, 2)).toBe('HH')
    set.remove(alsoHigh)
    expect(set.next()).toBeNull()
  })

  it('that yields gives way to a higher priority, once it holds nothing', () => {
    const [first, high, higher] = [
      new TestConsumer('f'), new TestConsumer('h', 0, false, 5), new TestConsumer('H', 0, false, 6),
    ]
    const set = new ConsumerSet(true, true)
    set.add(first, false)
    const entry = new Entry(1, messageOf('q'), noHolder, Infinity)
    first.deliver(entry)
    for (const consumer of [high, higher]) set.add(consumer, false)
    expect(set.next()).toBeNull()
    first.take()
    expect(names(set, 2)).toBe('HH')
    set.add(new TestConsumer('s', 0, false, 6), false)
    expect(names(set, 2)).toBe('HH')
  })

  it('that yields is active again when the one it gave way to leaves', () => {
    const [first, high] = [new TestConsumer('f'), new TestConsumer('h', 0, false, 5)]
    const set = new ConsumerSet(true, true)
    for (const consumer of [first, high]) set.add(consumer, false)
    expect(set.isActive(high)).toBe(true)
    set.remove(high)
    expect(names(set, 2)).toBe('ff')
  })

  it('that yields gets nothing before it holds nothing, though the one it was to give way to left', () => {
    const [first, high] = [new TestConsumer('f'), new TestConsumer('h', 0, false, 5)]
    const set = new ConsumerSet(true, true)
    set.add(first, false)
    first.deliver(new Entry(1, messageOf('q'), noHolder, Infinity))
    set.add(high, false)
    set.remove(high)
    expect(set.next()).toBeNull()
    first.take()
    expect(names(set, 2)).toBe('ff')
  })

  it.each([
    ['the larger prefetch, none being the largest', true, 'ncb'],
    ['the earlier arrival, where it does not yield', false, 'bcn'],
  ])('is followed, among equals, by %s', (_, yields, order) => {
    const [first, ...others] = [
      new TestConsumer('a'), new TestConsumer('b', 1), new TestConsumer('c', 2), new TestConsumer('n'),
    ]
    const set = new ConsumerSet(true, yields)
    for (const consumer of [first!, ...others]) set.add(consumer, false)
    const followers = others.map(() => {
      set.remove([first!, ...others].find((consumer) => set.isActive(consumer))!)
      return names(set, 1)
    })
    expect(followers.join('')).toBe(order)
  })

  it('that is late and holds nothing gives way, and is taken back when nobody else is there', () => {
    const [first, second] = [new TestConsumer('f'), new TestConsumer('s')]
    const set = new ConsumerSet(true, true)
    for (const consumer of [first, second]) set.add(consumer, false)
    first.isLate = true
    expect(names(set, 2)).toBe('ss')
    set.remove(second)
    expect(set.next()).toBeNull()
    first.isLate = false
    set.creditReturned(first)
    expect(names(set, 1)).toBe('f')
  })
})

describe('membership', () => {
  it('is counted, and listed in the order of coming', () => {
    const [a, b] = named('a', 'b')
    const set = setOf(a!, b!)
    expect(set.count).toBe(2)
    expect([...set]).toEqual([a, b])
  })

  it('is exclusive until the exclusive one leaves', () => {
    const set = new ConsumerSet(false, false)
    const [a] = named('a')
    set.add(a!, true)
    expect(set.hasExclusive).toBe(true)
    set.remove(a!)
    expect(set.hasExclusive).toBe(false)
  })

  it('that has ended leaves nothing behind, though no message ever came', () => {
    const set = setOf(new TestConsumer('stays'))
    for (let n = 0; n < 10_000; n++) {
      const guest = new TestConsumer(`guest ${n}`)
      set.add(guest, false)
      set.remove(guest)
    }
    const places = set['levels'].reduce((sum, { rotation }) => sum + rotation.length, 0)
    expect(places).toBeLessThan(100)
  })
})

it('always names one with credit, of the highest priority that has any, if there is one', () => {
  const step = record({
    kind: constantFrom('add', 'remove', 'credit', 'next'), at: integer({ min: 0, max: 5 }), room: boolean(),
  })
  assert(property(array(step, { maxLength: 80 }), (steps) => {
    const set = new ConsumerSet(false, false)
    const all = [0, 0, 0, 5, 5, -2].map((priority, n) => new TestConsumer(String(n), 0, false, priority))
    const members = new Set<TestConsumer>()
    for (const { kind, at, room } of steps) {
      const consumer = all[at]!
      if (kind === 'add') {
        members.add(consumer)
        set.add(consumer, false)
      } else if (kind === 'remove') {
        expect(set.remove(consumer)).toBe(members.delete(consumer))
      } else if (kind === 'credit') {
        consumer.hasRoom = room
        if (room) set.creditReturned(consumer)
      } else {
        const eligible = [...members].filter(({ hasCredit }) => hasCredit)
        const highest = Math.max(...eligible.map(({ priority }) => priority))
        const next = set.next() as TestConsumer | null
        if (eligible.length === 0) expect(next).toBeNull()
        else expect(eligible.filter(({ priority }) => priority === highest)).toContain(next)
      }
      expect(set.count).toBe(members.size)
    }
  }), { numRuns: 500 })
})
