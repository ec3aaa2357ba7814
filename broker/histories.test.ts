// What a new binding gets of an exchange's history: a message as it was, as if it came now.
import { beforeEach, expect, it } from 'vitest'
import { ContentHeader } from '../protocol/content-header.ts'
import { encodeEnvelope } from '../protocol/envelope.ts'
import { Envelope, Message } from '../queues/message.ts'
import { BrokerWorld } from './broker.contract.ts'

let world: BrokerWorld
beforeEach(async () => {
  world = await BrokerWorld.start()
  world.exchange('x', 'x-recent-history')
})

function publish(text: string, ttlMs = Infinity): void {
  const { vhost, clock } = world
  const buf = Buffer.from(`\0\0${text}`)
  const header = new ContentHeader()
  header.readProperties(buf, 0, 2)
  const message = new Message(new Envelope('x', 'k', encodeEnvelope('x', 'k')), buf, 0, 2, 2, buf.length,
    { isPersistent: true, expiresAtMs: clock.nowMs + ttlMs, priority: 0, isDeadLetter: false })
  vhost.publish(vhost.findRoute(vhost.getExchange('x'), ['k'], header), message)
}

function drain(name: string): string[] {
  const texts: string[] = []
  const queue = world.queue(name)
  for (let entry = queue.get(true); entry !== null; entry = queue.get(true)) {
    const { buf, bodyStart, bodyEnd } = entry.message
    texts.push(buf.toString('latin1', bodyStart, bodyEnd))
  }
  return texts
}

it('comes when something is bound for the first time', () => {
  for (const text of ['a', 'b']) publish(text)
  world.queue('q')
  for (let n = 0; n < 2; n++) world.bind('x', 'q')
  expect(drain('q')).toEqual(['a', 'b'])
})

it('comes through an exchange, and an exchange that leads back gets it once', () => {
  world.queue('q')
  world.exchange('x2', 'topic')
  world.bind('x2', 'q', 'k')
  world.bind('x2', 'x', '#')
  publish('a')
  world.bind('x', 'x2')
  expect(drain('q')).toEqual(['a'])
})

it('lives as long as it would have when it was published', () => {
  publish('a', 1_000)
  world.clock.travel(5_000)
  world.queue('q')
  world.bind('x', 'q')
  expect(world.queue('q').readyCount).toBe(1)
  world.clock.travel(1_001)
  expect(drain('q')).toEqual([])
})

it('is stored anew: with a body of its own, though the first went to several queues', () => {
  for (const name of ['q', 'r']) {
    world.queue(name)
    world.bind('x', name)
  }
  publish('long'.repeat(500))
  const bodyIds = ['q', 'r'].map((name) => world.queue(name).get(false)!.message.bodyId)
  world.queue('late')
  world.bind('x', 'late')
  expect([new Set(bodyIds).size, bodyIds[0]! > 0, world.queue('late').get(false)!.message.bodyId])
    .toEqual([1, true, 0])
})

it('does not come again with the bindings that a restart restores', async () => {
  publish('a')
  world.queue('q')
  world.bind('x', 'q')
  expect(drain('q')).toEqual(['a'])
  await world.restart()
  expect(world.vhost.getExchange('x').bindings.size).toBe(1)
  expect(world.queue('q').readyCount).toBe(0)
})
