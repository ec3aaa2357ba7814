import { describe, expect, it } from 'vitest'
import { IngestBudget } from './ingest-budget.ts'

/** The share that each of some publishers gets in the turn after one with these deliveries. */
function sharesAfter(publishers: number, delivered: number, isLeft: boolean): number[] {
  const budget = new IngestBudget()
  for (let n = 0; n < publishers; n++) budget.enter()
  budget.pumped(delivered, isLeft)
  budget.next()
  return Array.from({ length: publishers }, () => budget.enter())
}

describe('the ingest budget', () => {
  it('is shared by those who published in the turn before', () => {
    expect(sharesAfter(4, 0, false)).toEqual([500, 500, 500, 500])
  })

  it('gives a publisher that comes in addition no more than its part', () => {
    const budget = new IngestBudget()
    expect([budget.enter(), budget.enter(), budget.enter(), budget.enter()]).toEqual([2_000, 1_000, 666, 500])
  })

  it('follows what was delivered while a queue grows', () => {
    expect(sharesAfter(2, 900, true)).toEqual([450, 450])
    expect(sharesAfter(2, 900, false)).toEqual([1_000, 1_000])
  })

  it('never stops a publisher, however slow the consumers are', () => {
    expect(sharesAfter(1, 0, true)).toEqual([64])
    expect(sharesAfter(100, 3, true)[0]).toBe(8)
  })

  it('counts large bodies as more messages', () => {
    const budget = new IngestBudget()
    expect([0, 1_023, 1_024, 1_048_576].map((bytes) => budget.cost(bytes))).toEqual([1, 1, 2, 1_025])
  })

  it('is good for one turn', () => {
    const budget = new IngestBudget()
    const { turn } = budget
    budget.next()
    expect(budget.turn).toBe(turn + 1)
  })
})
