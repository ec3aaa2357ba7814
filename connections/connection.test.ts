// A connection as a whole: what makes it stop reading and go on, what it owes a slow client, and every way in
// which it ends.
import { beforeEach, describe, expect, it } from 'vitest'
import { BrokerWorld } from '../broker/broker.contract.ts'
import { connectionForced } from '../protocol/errors.ts'
import { encodeMethod } from '../test/amqp/client-codec.ts'
import { TestClient } from './connection.contract.ts'
import { HOLD_OUTBOX } from './intake.ts'

let world: BrokerWorld
beforeEach(async () => {
  world = await BrokerWorld.start()
})

const deliveries = (client: TestClient): number =>
  client.names().filter((name) => name === 'basic.deliver').length

/** Lets time pass in steps of the wheel's tick; each step both sides have their say. */
async function pass(ms: number, client: TestClient): Promise<void> {
  for (let passed = 0; passed < ms; passed += 500) {
    for (let n = 0; n < 5; n++) {
      world.clock.travel(100)
      world.broker.timers.advance(world.clock.monotonicMs)
    }
    await client.settle()
  }
}

describe('a durable declare', () => {
  /** Keeps the store's reports until `release` is called. */
  function delayReports(): { release(): void } {
    const { store } = world
    const { onDurable } = store
    let waiting: number[] | null = []
    store.onDurable = (batch) => {
      if (waiting === null) onDurable(batch)
      else waiting.push(batch)
    }
    return {
      release() {
        const batches = waiting ?? []
        waiting = null
        for (const batch of batches) onDurable(batch)
      },
    }
  }

  it('is answered when its record is on disk; until then nothing more is read', async () => {
    const client = await TestClient.open(world.broker)
    const reports = delayReports()
    const order: string[] = []
    for (const [name, durable] of [['kept', true], ['brief', false]] as const) {
      client.raw.call(1, 'queue.declare', { queue: name, durable }, ({ args }) =>
        order.push(String(args['queue'])))
    }
    client.publish('kept')
    await client.settle()
    expect([client.isPaused, order]).toEqual([true, []])
    expect([...world.vhost.queues.keys()]).toEqual(['kept'])
    expect(world.vhost.findQueue('kept')!.readyCount).toBe(0)
    reports.release()
    await client.settle()
    expect([client.isPaused, order]).toEqual([false, ['kept', 'brief']])
    expect(world.vhost.findQueue('kept')!.readyCount).toBe(1)
  })

  it('holds nobody else', async () => {
    const [client, other] = [await TestClient.open(world.broker), await TestClient.open(world.broker)]
    delayReports()
    client.raw.send(1, 'queue.declare', { queue: 'kept', durable: true })
    await client.settle()
    await other.call(1, 'basic.qos', { prefetchCount: 1 })
    expect([other.isPaused, client.isPaused]).toEqual([false, true])
  })

  it('that nobody waits for any more is forgotten with its connection', async () => {
    const client = await TestClient.open(world.broker)
    const reports = delayReports()
    client.raw.send(1, 'queue.declare', { queue: 'kept', durable: true })
    await client.settle()
    client.destroy()
    reports.release()
    await client.settle()
    expect([client.names(), world.broker.connections.size]).toEqual([[], 0])
  })

  it('without an answer does not hold', async () => {
    const client = await TestClient.open(world.broker)
    delayReports()
    client.raw.send(1, 'queue.declare', { queue: 'kept', durable: true, nowait: true })
    const { args } = await client.call(1, 'basic.qos', { prefetchCount: 1 })
    expect([args, client.isPaused]).toEqual([{}, false])
  })
})

describe('a store that is behind', () => {
  it('stops the reading of who publishes until it has caught up', async () => {
    const [client, idle] = [await TestClient.open(world.broker), await TestClient.open(world.broker)]
    const queue = world.queue('q')
    Object.defineProperty(world.store, 'isCongested', { value: true, configurable: true })
    for (let n = 0; n < 5; n++) client.publish('q', `message ${n}`, { deliveryMode: 2 })
    await client.settle()
    expect([client.isPaused, idle.isPaused, queue.readyCount]).toEqual([true, false, 1])
    await idle.call(1, 'basic.get', { queue: 'q', noAck: true })
    Object.defineProperty(world.store, 'isCongested', { value: false, configurable: true })
    world.store.onRelieved()
    await client.settle()
    expect([client.isPaused, queue.readyCount]).toEqual([false, 4])
  })

  it('and a declare that waits as well: reading goes on when both are over', async () => {
    const client = await TestClient.open(world.broker)
    client.connection['intake'].hold(HOLD_OUTBOX)
    Object.defineProperty(world.store, 'isCongested', { value: true, configurable: true })
    client.connection.waitForStore(world.vhost)
    world.store.onRelieved()
    expect(client.isPaused).toBe(true)
    client.connection.onDrain()
    expect(client.isPaused).toBe(false)
  })
})

describe.each([
  ['small', 10_000, 1024 * 1024], ['large', 100_000, 4 * 1024 * 1024],
])('a client that does not read, with %s bodies,', (_which, size, room) => {
  const full = Math.ceil(room / size)

  it('gets no more than its outbox holds, and the rest when it reads', async () => {
    const [client, publisher] = [await TestClient.open(world.broker), await TestClient.open(world.broker)]
    const queue = world.queue('q')
    await client.call(1, 'basic.consume', { queue: 'q', noAck: true })
    client.isStalled = true
    for (let n = 0; n < 3 * full; n++) {
      publisher.publish('q', Buffer.alloc(size))
      await publisher.settle()
    }
    expect(client.bufferedBytes).toBeGreaterThan(room)
    expect(client.bufferedBytes).toBeLessThan(room + 2 * size)
    expect(queue.readyCount).toBeGreaterThan(1.8 * full)
    client.isStalled = false
    await client.settle()
    expect([queue.readyCount, deliveries(client)]).toEqual([0, 3 * full])
  })

  it('leaves its share to others who read', async () => {
    const [slow, quick] = [await TestClient.open(world.broker), await TestClient.open(world.broker)]
    world.queue('q')
    for (const client of [slow, quick]) await client.call(1, 'basic.consume', { queue: 'q', noAck: true })
    slow.isStalled = true
    for (let n = 0; n < 4 * full; n++) {
      quick.publish('q', Buffer.alloc(size))
      await quick.settle()
    }
    expect(world.queue('q').readyCount).toBe(0)
    expect(deliveries(quick)).toBeGreaterThan(2.8 * full)
  })

  it('but asks on is not read any longer, until it reads itself', async () => {
    const client = await TestClient.open(world.broker)
    const queue = world.queue('q')
    for (let n = 0; n < 6 * full; n++) client.publish('q', Buffer.alloc(size))
    await client.settle()
    client.isStalled = true
    for (let n = 0; n < 6 * full; n++) {
      if (client.isPaused) break
      client.raw.send(1, 'basic.get', { queue: 'q', noAck: true })
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(client.isPaused).toBe(true)
    expect(client.bufferedBytes).toBeLessThan(4 * room + 3 * size)
    const left = queue.readyCount
    client.raw.send(1, 'basic.get', { queue: 'q', noAck: true })
    expect(queue.readyCount).toBe(left)
    client.isStalled = false
    await client.settle()
    expect([client.isPaused, queue.readyCount]).toEqual([false, left - 1])
  })
})

describe('a heartbeat', () => {
  it('drops who is silent for three intervals, and returns what it held', async () => {
    const client = await TestClient.open(world.broker, 131_072, 2)
    const queue = world.queue('q')
    client.publish('q')
    await client.call(1, 'basic.get', { queue: 'q' })
    expect(queue.unackedCount).toBe(1)
    await pass(3_500, client)
    expect(client.isClosed).toBe(false)
    await pass(3_000, client)
    expect([client.isClosed, queue.readyCount, world.broker.connections.size]).toEqual([true, 1, 0])
  })

  it('keeps who says no more than that', async () => {
    const client = await TestClient.open(world.broker, 131_072, 2)
    for (let n = 0; n < 20; n++) {
      client.raw.heartbeat()
      await pass(1_000, client)
    }
    expect(client.isClosed).toBe(false)
  })
})

describe('closed by force', () => {
  const why = connectionForced("broker forced connection closure with reason 'shutdown'")

  it('a client is told why, and the socket ends with its answer', async () => {
    const client = await TestClient.open(world.broker)
    client.connection.forceClose(why)
    await client.settle()
    expect(client.closeText()).toBe('connection.close 320 CONNECTION_FORCED - broker forced connection '
      + "closure with reason 'shutdown'")
    expect([client.isClosed, world.broker.connections.size]).toEqual([true, 0])
  })

  it('what it held is back, and its exclusive queues are gone, before it answers', async () => {
    const client = await TestClient.open(world.broker)
    const queue = world.queue('q')
    await client.call(1, 'queue.declare', { queue: 'mine', exclusive: true })
    client.publish('q')
    await client.call(1, 'basic.get', { queue: 'q' })
    client.isStalled = true
    client.connection.forceClose(why)
    expect([queue.readyCount, queue.unackedCount, world.vhost.findQueue('mine')]).toEqual([1, 0, null])
  })

  it('what it still says is not heard', async () => {
    const client = await TestClient.open(world.broker)
    const queue = world.queue('q')
    client.isStalled = true
    client.connection.forceClose(why)
    client.publish('q')
    await client.settle()
    expect(queue.readyCount).toBe(0)
  })

  it('one that never answers is dropped in the end', async () => {
    const client = await TestClient.open(world.broker)
    client.isStalled = true
    client.connection.forceClose(why)
    await pass(29_500, client)
    expect(client.isClosed).toBe(false)
    await pass(1_000, client)
    expect(client.isClosed).toBe(true)
  })

  it('one that has not logged in is dropped at once', () => {
    const client = new TestClient(world.broker)
    client.connection.forceClose(why)
    expect([client.isClosed, world.broker.connections.size]).toEqual([true, 0])
  })
})

describe('the end', () => {
  it('by connection.close is answered after everything was tidied up', async () => {
    const client = await TestClient.open(world.broker)
    const queue = world.queue('q')
    client.publish('q')
    await client.call(1, 'basic.get', { queue: 'q' })
    await client.call(0, 'connection.close', { replyCode: 200 })
    expect([queue.readyCount, queue.unackedCount]).toEqual([1, 0])
  })

  it('by a lost socket returns what was unacked, in order, as redelivered', async () => {
    const client = await TestClient.open(world.broker)
    const queue = world.queue('q')
    await client.call(1, 'basic.consume', { queue: 'q' })
    for (const body of ['1', '2', '3']) client.publish('q', body)
    await client.settle()
    expect([deliveries(client), queue.unackedCount]).toEqual([3, 3])
    client.destroy()
    const back = [queue.get(true)!, queue.get(true)!, queue.get(true)!]
    const bodies = back.map(({ message: m }) => m.buf.toString('utf8', m.bodyStart, m.bodyEnd))
    expect([bodies, back.every(({ isRedelivered }) => isRedelivered)]).toEqual([['1', '2', '3'], true])
    expect([queue.consumers.count, world.broker.connections.size]).toEqual([0, 0])
  })

  it('by a lost socket takes auto-delete queues along', async () => {
    const client = await TestClient.open(world.broker)
    world.queue('brief', { autoDelete: true })
    await client.call(1, 'basic.consume', { queue: 'brief' })
    client.destroy()
    expect(world.vhost.findQueue('brief')).toBeNull()
  })

  it('by a fault of ours is 541, and says no more', async () => {
    const client = await TestClient.open(world.broker)
    const queue = world.queue('q')
    queue.publish = () => {
      throw new Error('a secret of ours')
    }
    client.publish('q')
    await client.settle()
    expect(client.closeText()).toMatch(/^connection\.close 541 INTERNAL_ERROR/)
    expect(client.closeText()).not.toContain('secret')
  })

  it('by another protocol is an answer in ours, and no more', () => {
    const client = new TestClient(world.broker)
    const pieces: Buffer[] = []
    client.write = (written) => pieces.push(...written)
    client.connection.onData(Buffer.from('GET / HT'))
    expect([Buffer.concat(pieces).toString('latin1'), client.isClosed]).toEqual(['AMQP\0\0\x09\x01', true])
  })

  it('by silence before the login comes after the handshake\'s limit', async () => {
    const client = new TestClient(world.broker)
    client.connection.onData(Buffer.from('AMQP'))
    await pass(9_500, client)
    expect(client.isClosed).toBe(false)
    await pass(1_000, client)
    expect(client.isClosed).toBe(true)
  })
})

describe('a soft error', () => {
  it('closes its channel and nothing else; what follows on it is ignored until close-ok', async () => {
    const client = await TestClient.open(world.broker)
    const queue = world.queue('q')
    client.connection.onData(Buffer.concat([
      encodeMethod(1, 'basic.ack', { deliveryTag: 99 }), encodeMethod(1, 'queue.purge', { queue: 'q' }),
    ]))
    client.publish('q')
    await client.settle()
    expect(client.closeText()).toBe('channel.close 406 PRECONDITION_FAILED - unknown delivery tag 99')
    expect(queue.readyCount).toBe(0)
    await client.call(1, 'channel.open')
    client.publish('q')
    await client.settle()
    expect(queue.readyCount).toBe(1)
  })
})

it('one connection more than connection-max is refused, until another has gone', async () => {
  Object.assign(world.broker.limits, { connectionMax: 1 })
  const first = await TestClient.open(world.broker)
  const second = new TestClient(world.broker)
  const login = { user: 'guest', password: 'secret', vhost: '/', heartbeatS: 0, frameSizeMax: 131_072 }
  second.raw.open(login, () => {})
  await second.settle()
  expect(second.closeText())
    .toBe('connection.close 530 NOT_ALLOWED - connection refused: node connection limit (1) is reached')
  for (const client of [first, second]) client.destroy()
  expect((await TestClient.open(world.broker)).names()).toEqual([])
})
