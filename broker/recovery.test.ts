// A restart: what comes back from the records and the store, and what does not.
import { beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '../base/log.ts'
import type { FieldTable } from '../protocol/table.ts'
import { tableOf } from '../protocol/table-encode.ts'
import type { Route } from '../exchanges/route.ts'
import { encodeEnvelope } from '../protocol/envelope.ts'
import { Envelope, Message } from '../queues/message.ts'
import type { Queue } from '../queues/queue.ts'
import { BrokerWorld, someCaller } from './broker.contract.ts'
import { deleteExchange } from './exchange-declarations.ts'
import { deleteQueue } from './queue-declarations.ts'
import { pauseQueue, resumeQueue } from './queue-pauses.ts'
import { restoreTopology } from './recovery.ts'
import type { WebhookRecord } from './webhook-record.ts'
import { deleteWebhook, putWebhook } from './webhooks.ts'

let world: BrokerWorld
beforeEach(async () => { world = await BrokerWorld.start() })

const ARGS: FieldTable = new Map([
  ['text', { tag: 'S', value: 'ü' }], ['wide', { tag: 'l', value: 2n ** 60n }],
  ['narrow', { tag: 'b', value: 1 }],
  ['bytes', { tag: 'x', value: Buffer.from([0, 255]) }], ['inner', { tag: 'F', value: tableOf({ a: true }) }],
])

describe('topology', () => {
  it('comes back as it was declared', async () => {
    world.exchange('x', 'topic', { isAutoDelete: true, isInternal: true },
      new Map([...ARGS, ...tableOf({ 'alternate-exchange': 'amq.fanout' })]))
    const { id } = world.queue('q', { autoDelete: true, args: ARGS })
    world.bind('x', 'q', 'a.*', ARGS)
    await world.restart()
    const exchange = world.vhost.getExchange('x')
    expect(exchange.type.name).toBe('topic')
    expect(exchange.flags).toEqual({ isDurable: true, isAutoDelete: true, isInternal: true })
    expect(exchange.alternateName).toBe('amq.fanout')
    const queue = world.vhost.getQueue('q', someCaller.owner)
    expect(queue.flags).toEqual({ isDurable: true, isAutoDelete: true })
    expect([queue.id, queue.owner]).toEqual([id, null])
    expect(queue.args).toEqual(ARGS)
    expect([...exchange.bindings.values()].map(({ args }) => args)).toEqual([ARGS])
    expect(world.routed('x', 'a.b')).toEqual(['q'])
    expect(world.routed('', 'q')).toEqual(['q'])
  })

  it('comes back paused', async () => {
    for (const name of ['paused', 'resumed']) {
      world.queue(name)
      pauseQueue(world.vhost, name, someCaller)
    }
    resumeQueue(world.vhost, 'resumed', someCaller)
    await world.restart()
    const isPaused = (name: string): boolean => world.vhost.findQueue(name)!.consumers.isPaused
    expect([isPaused('paused'), isPaused('resumed')]).toEqual([true, false])
  })

  it('comes back with the webhooks of its durable queues', async () => {
    const record = (queue: string): WebhookRecord => ({
      queue, url: 'https://example.com', concurrency: 2, timeoutMs: 500, secret: null, headers: { a: 'b' },
      format: 'raw', isPaused: true, user: 'u',
    })
    world.queue('kept')
    world.queue('gone')
    world.queue('transient', { durable: false })
    for (const name of ['kept', 'gone', 'transient']) putWebhook(world.vhost, name, record(name))
    putWebhook(world.vhost, 'deleted', record('kept'))
    deleteWebhook(world.vhost, 'deleted')
    deleteQueue(world.vhost, 'gone', someCaller, false, false)
    await world.restart()
    expect([...world.vhost.webhooks]).toEqual([['kept', record('kept')]])
  })

  it('can be declared and bound again as before', async () => {
    world.exchange('x')
    world.queue('q', { args: ARGS })
    world.bind('x', 'q', 'k', ARGS)
    await world.restart()
    world.exchange('x')
    world.queue('q', { args: ARGS })
    world.bind('x', 'q', 'k', ARGS)
    expect(world.vhost.getExchange('x').bindings.size).toBe(1)
    expect((await world.records()).length).toBe(3)
  })

  it('keeps bindings between exchanges and from predeclared ones', async () => {
    world.exchange('x')
    world.queue('q')
    world.bind('amq.fanout', 'x')
    world.bind('x', 'q', 'k')
    await world.restart()
    expect(world.routed('amq.fanout', 'k')).toEqual(['q'])
    deleteExchange(world.vhost, 'x', false, someCaller)
    expect(world.vhost.getExchange('amq.fanout').bindings.size).toBe(0)
  })

  it('loses what was not durable, and what was deleted', async () => {
    world.exchange('x1', 'direct', { isDurable: false })
    world.exchange('x2')
    world.queue('q1', { durable: false })
    world.queue('q2')
    world.queue('q3', { exclusive: true })
    world.bind('amq.direct', 'q1')
    world.bind('x2', 'q2')
    deleteExchange(world.vhost, 'x2', false, someCaller)
    await world.restart()
    expect([...world.vhost.queues.keys()]).toEqual(['q2'])
    expect(['x1', 'x2'].map((name) => world.vhost.findExchange(name))).toEqual([null, null])
    expect(world.vhost.inbound.size).toBe(0)
  })

  it('gives new queues ids that no old one had', async () => {
    const ids = ['a', 'b', 'c'].map((name) => world.queue(name).id)
    deleteQueue(world.vhost, 'b', someCaller, false, false)
    await world.restart()
    expect(world.queue('d').id).toBeGreaterThan(Math.max(...ids))
  })

  it('says which queue ids still have messages', () => {
    const recovered = { definitions: [], queues: [{ queue: 41, count: 1, bytes: 1 }], lastId: 9,
      levels: [], suspectTo: 0 }
    expect(restoreTopology(world.vhost, recovered, silentLog)).toBe(41)
  })

  it('leaves out a binding that leads nowhere, and says so', () => {
    const said: object[] = []
    const doc = JSON.stringify({ source: 'amq.direct', kind: 'queue', destination: 'gone', routingKey: '',
      arguments: [] })
    const recovered = { definitions: [{ kind: 'binding', name: 'b', doc }], queues: [], lastId: 0,
      levels: [], suspectTo: 0 }
    restoreTopology(world.vhost, recovered, { ...silentLog, warn: (fields) => said.push(fields) })
    expect(said).toEqual([{ vhost: '/', exchange: 'amq.direct', queue: 'gone' }])
  })

  it.each([
    ['queue', 'no json', '{'], ['queue', 'no id', '{"autoDelete":false,"arguments":[]}'],
    ['queue', 'nothing', 'null'],
    ['exchange', 'an unknown type', '{"type":"x","autoDelete":false,"internal":false,"arguments":[]}'],
    ['binding', 'no source', '{"kind":"queue"}'],
  ])('refuses a %s record with %s, by its name', (kind, _what, doc) => {
    const recovered = {
      definitions: [{ kind, name: 'n1', doc }], queues: [], levels: [], lastId: 0, suspectTo: 0,
    }
    expect(() => restoreTopology(world.vhost, recovered, silentLog)).toThrow(expect.objectContaining({
      name: 'DefinitionUnreadable', message: expect.stringContaining('n1') as string,
    }))
  })
})

describe('messages', () => {
  it('are counted, and read when somebody takes them', async () => {
    const route = routeTo('q')
    for (let n = 0; n < 3; n++) world.vhost.publish(route, persistentMessage('q', n))
    await world.restart()
    const queue = world.vhost.findQueue('q')!
    expect([queue.readyCount, queue.readyBytes, queue.isPaging]).toEqual([3, 3, true])
    await new Promise<void>((paged) => queue.awaitPage({ paged }))
    expect([queue.readyCount, queue.get(false)!.message.bodyBytes]).toEqual([3, 1])
  })

  it('go on with ids that no message had', async () => {
    world.broker.messageIds.skipTo(500)
    world.vhost.publish(routeTo('q'), persistentMessage('q', 1))
    await world.restart()
    expect(world.broker.messageIds.next()).toBeGreaterThan(501)
  })
})

/** To a new queue. */
function routeTo(queue: string): Route<Queue> {
  world.queue(queue)
  return world.vhost.findRoute(world.vhost.defaultExchange, [queue],
    { decodeHeaders: () => null, property: () => null })
}

function persistentMessage(routingKey: string, byte: number): Message {
  const buf = Buffer.from([0x10, 0, 2, byte])
  const envelope = new Envelope('', routingKey, encodeEnvelope('', routingKey))
  return new Message(envelope, buf, 0, 3, 3, 4, {
    isPersistent: true, expiresAtMs: Infinity, priority: 0, isDeadLetter: false,
  })
}
