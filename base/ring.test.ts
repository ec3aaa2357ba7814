// Ring against a plain array: the slow twin of the list that ready entries, unacked deliveries and consumers
// wait in.
import { assert, constant, integer, nat, array, oneof, property, record } from 'fast-check'
import { expect, it } from 'vitest'
import { InvariantBroken } from './invariant.ts'
import { Ring } from './ring.ts'

/** Long runs of one kind, so that the ring grows and shrinks past several sizes with its head anywhere. */
const operation = oneof(
  record({ kind: constant('push' as const), count: integer({ min: 1, max: 90 }) }),
  record({ kind: constant('shift' as const), count: integer({ min: 1, max: 90 }) }),
  record({ kind: constant('unshift' as const), count: integer({ min: 1, max: 90 }) }),
  record({ kind: constant('setAt' as const), count: nat(200) }),
)

it('does what an array does, through growing and shrinking', () => {
  assert(property(array(operation, { maxLength: 40 }), (operations) => {
    const ring = new Ring<number>()
    const model: number[] = []
    let next = 0
    for (const { kind, count } of operations) {
      if (kind === 'setAt') {
        if (count >= model.length) continue
        model[count] = ++next
        ring.setAt(count, next)
      } else {
        for (let n = 0; n < count; n++) {
          if (kind === 'shift') {
            expect(ring.shift()).toBe(model.shift() ?? null)
            continue
          }
          if (kind === 'unshift') {
            model.unshift(++next)
            ring.unshift(next)
            continue
          }
          model.push(++next)
          ring.push(next)
        }
      }
      expect([...ring]).toEqual(model)
      expect(ring.length).toBe(model.length)
      expect(ring.first()).toBe(model[0] ?? null)
      expect(ring.at(count)).toBe(model[count] ?? null)
    }
  }), { numRuns: 300 })
})

it('has nothing outside of its ends', () => {
  const ring = new Ring<string>()
  expect(ring.first()).toBeNull()
  expect(ring.shift()).toBeNull()
  ring.push('a')
  expect(ring.at(-1)).toBeNull()
  expect(ring.at(0)).toBe('a')
  expect(ring.at(1)).toBeNull()
})

it('refuses to set what it does not hold', () => {
  const ring = new Ring<string>()
  ring.push('a')
  expect(() => ring.setAt(1, 'b')).toThrow(InvariantBroken)
  expect(() => ring.setAt(-1, 'b')).toThrow('ring index -1 of 1')
})

it('holds null like any other item', () => {
  const ring = new Ring<number | null>()
  for (const item of [1, null, 2]) ring.push(item)
  expect([...ring]).toEqual([1, null, 2])
  ring.shift()
  expect(ring.length).toBe(2)
  expect(ring.at(0)).toBeNull()
})

it('gives its memory back when it has been emptied', () => {
  const ring = new Ring<number>()
  for (let n = 0; n < 100_000; n++) ring.push(n)
  expect(ring['items'].length).toBe(131_072)
  while (ring.shift() !== null);
  expect(ring['items'].length).toBe(16)
})
