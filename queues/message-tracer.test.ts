// What a queue tells whoever traces messages: each time one goes out, to whom, and since when it was there.
import { expect, test } from 'vitest'
import type { MessageTracer } from './message-tracer.ts'
import { QueueWorld, messageOf } from './queue.contract.ts'

const START_MS = 1_700_000_000_000

/** Notes deliveries as queue, consumer, since when after START_MS, and whether it is another one. */
class Deliveries implements MessageTracer {
  readonly seen: unknown[] = []

  published(): void {}

  delivered(...[entry, queue, tag, cameMs]: Parameters<MessageTracer['delivered']>): void {
    this.seen.push([queue, tag, cameMs === null ? null : cameMs - START_MS, entry.isRedelivered])
  }
}

function trace(): [QueueWorld, Deliveries] {
  const tracer = new Deliveries()
  return [new QueueWorld({ tracer }), tracer]
}

test.each([true, false])('a consumer is named, with automatic acks %s', (isNoAck) => {
  const [world, { seen }] = trace()
  world.clock.travel(100)
  world.publish(1)
  world.clock.travel(50)
  world.consumer('c', 0, isNoAck)
  world.settleDown()
  expect(seen).toEqual([['q', 'c', 100, false]])
})

test.each([true, false])('who asks for one message is not, with automatic acks %s', (isNoAck) => {
  const [world, { seen }] = trace()
  world.publish(1)
  world.clock.travel(7)
  world.queue.get(isNoAck)
  world.queue.get(isNoAck)
  expect(seen).toEqual([['q', null, 0, false]])
})

test('what came back was there since it came first', () => {
  const [world, { seen }] = trace()
  world.clock.travel(20)
  world.publish(1)
  world.clock.travel(10)
  world.queue.requeue(world.queue.get(false)!)
  world.clock.travel(10)
  world.queue.get(false)
  expect(seen).toEqual([['q', null, 20, false], ['q', null, 20, true]])
})

test('of what was there before the start nobody knows since when', () => {
  const [world, { seen }] = trace()
  world.store.recovered(7, 5, messageOf('q'))
  world.ids.skipTo(5)
  world.restore()
  world.settleDown()
  world.clock.travel(10)
  world.publish(1)
  world.consumer('c')
  world.settleDown()
  expect(seen).toEqual([['q', 'c', null, false], ['q', 'c', 10, false]])
})
