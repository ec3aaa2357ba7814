// What the sampler keeps, and what it does not.
import { beforeEach, expect, test } from 'vitest'
import { OpenHttp } from '../test/http/open-http.ts'
import { someCaller } from './broker.contract.ts'
import { declareQueue } from './queue-declarations.ts'
import type { Queue } from '../queues/queue.ts'
import { SAMPLE_MS, Sampler } from './sampler.ts'

let http: OpenHttp
let sampler: Sampler
let queue: Queue

beforeEach(async () => {
  http = await OpenHttp.start()
  sampler = new Sampler(http.broker)
  const declaration = { name: 'q', isDurable: false, isExclusive: false, isAutoDelete: false,
    args: new Map() }
  queue = declareQueue(http.vhost, declaration, someCaller, false, () => 1)
  await http.close()
})

function look(times = 1): void {
  for (let n = 0; n < times; n++) {
    http.clock.travel(SAMPLE_MS)
    sampler.sample()
  }
}

test('an idle queue has no history', () => {
  look(3)
  expect(sampler.historyOf(queue.traffic)).toBeNull()
})

test('a queue with traffic has rates', () => {
  queue.traffic.published += 10
  look()
  expect(sampler.historyOf(queue.traffic)?.rate('published')).toBe(2)
  queue.traffic.published += 50
  look()
  expect(sampler.historyOf(queue.traffic)?.rate('published')).toBe(10)
  look()
  expect(sampler.historyOf(queue.traffic)?.rate('published')).toBe(0)
})

test('a queue that has been idle for a minute is forgotten, and remembered when it goes on', () => {
  queue.traffic.published++
  look(15)
  expect(sampler.historyOf(queue.traffic)).toBeNull()
  look(3)
  expect(sampler.historyOf(queue.traffic)).toBeNull()
  queue.traffic.acked++
  look()
  expect(sampler.historyOf(queue.traffic)).not.toBeNull()
})

test('a queue that is gone is forgotten', () => {
  queue.traffic.published++
  look()
  http.vhost.queues.delete('q')
  look()
  expect(sampler.historyOf(queue.traffic)).toBeNull()
})

test('the whole broker keeps a day, coarser the longer ago', () => {
  for (let n = 0; n < 20_000; n++) {
    http.vhost.traffic.published += 5
    look()
  }
  expect(sampler.totals().rate('published')).toBe(1)
  expect(sampler.totals(3_600_000).samples('published', 3_600_000, 60_000)).toHaveLength(61)
  const day = sampler.totals(86_400_000).samples('published', 86_400_000, 600_000)
  expect(day[0]!.sample - day.at(-1)!.sample).toBeCloseTo(86_400, -4)
})

test('a vhost has rates of what was done in it and of what it holds', () => {
  http.vhost.traffic.published += 10
  look()
  expect(sampler.historyOf(http.vhost.traffic)?.rate('published')).toBe(2)
  expect(sampler.historyOf(http.vhost.traffic)?.rate('readyCount')).toBe(0)
})

test('what was done in a vhost that is gone still counts for the whole broker', () => {
  http.vhost.traffic.published += 10
  look()
  http.broker.removeVHost(http.vhost)
  expect(http.broker.countAll().published).toBe(10)
  look()
  expect([sampler.totals().last('published'), sampler.totals().rate('published')]).toEqual([10, 0])
})
