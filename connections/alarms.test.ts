// A connection in an alarm, over a socket that the test holds: who is blocked, from which frame on, and who
// is told. As RabbitMQ (behaviours §1.9).
import { beforeEach, describe, expect, it } from 'vitest'
import { BrokerWorld } from '../broker/broker.contract.ts'
import { TestClient } from './connection.contract.ts'

let world: BrokerWorld
let client: TestClient

beforeEach(async () => {
  world = await BrokerWorld.start()
  world.queue('q')
  client = await TestClient.open(world.broker)
})

function readsBlocked(reader: TestClient): void {
  const handshake = reader.connection['handshake']
  handshake.client = { ...handshake.client, blocked: true }
}

function alarm(memoryBytes: number, diskFreeBytes = Infinity): void {
  const limits = { memoryLimitBytes: 100, diskFreeLimitBytes: 100, isHeapShort: false }
  world.broker.alarms.read({ memoryBytes, diskFreeBytes, ...limits })
}

const readyCount = (): number => world.broker.vhosts.get('/')!.queues.get('q')!.readyCount

describe('in an alarm', () => {
  it('a message waits at its header until the alarm is over', async () => {
    alarm(100)
    client.publish('q', 'a body')
    await client.settle()
    expect([readyCount(), client.isPaused]).toEqual([0, true])
    alarm(0)
    await client.settle()
    expect([readyCount(), client.isPaused]).toEqual([1, false])
  })

  it('a message without a body is taken, and what follows it waits', async () => {
    alarm(100)
    client.publish('q', '')
    client.publish('q', '')
    await client.settle()
    expect(readyCount()).toBe(1)
    alarm(0)
    await client.settle()
    expect(readyCount()).toBe(2)
  })

  it('a connection that does not publish goes on: it declares, consumes and acks', async () => {
    client.publish('q')
    await client.settle()
    alarm(100)
    expect((await client.call(1, 'queue.declare', { queue: 'other' })).name).toBe('queue.declare-ok')
    await client.call(1, 'basic.consume', { queue: 'q', consumerTag: 'c' })
    client.raw.send(1, 'basic.ack', { deliveryTag: 1 })
    await client.settle()
    expect(client.names()).toEqual(['basic.deliver'])
    expect([world.vhost.traffic.acked, client.isPaused]).toEqual([1, false])
  })

  it('a blocked connection still gets deliveries, and its own acks wait', async () => {
    await client.call(1, 'basic.consume', { queue: 'q', consumerTag: 'c' })
    const other = await TestClient.open(world.broker)
    other.publish('q', '1')
    await other.settle()
    alarm(100)
    client.publish('nowhere', '2')
    await client.settle()
    client.raw.send(1, 'basic.ack', { deliveryTag: 1 })
    await client.settle()
    expect([client.names(), world.vhost.traffic.acked]).toEqual([['basic.deliver'], 0])
    alarm(0)
    await client.settle()
    expect(world.vhost.traffic.acked).toBe(1)
  })
})

describe('a client that can read connection.blocked', () => {
  beforeEach(() => readsBlocked(client))

  it('is told with the reason at its first publish, and that it is over before anything else', async () => {
    alarm(100)
    await client.settle()
    expect(client.names()).toEqual([])
    client.publish('missing', 'x', {}, { mandatory: true })
    await client.settle()
    expect(client.heard.map(({ name, args }) => [name, args['reason']])).toEqual(
      [['connection.blocked', 'low on memory']])
    alarm(0)
    await client.settle()
    expect(client.names()).toEqual(['connection.blocked', 'connection.unblocked', 'basic.return'])
  })

  it('is told once, however many alarms there are, and unblocked by the end of the last', async () => {
    alarm(100)
    client.publish('q')
    await client.settle()
    alarm(100, 0)
    alarm(0, 0)
    await client.settle()
    expect(client.names()).toEqual(['connection.blocked'])
    alarm(0)
    await client.settle()
    expect(client.names()).toEqual(['connection.blocked', 'connection.unblocked'])
  })

  it('hears both reasons when both are low', async () => {
    alarm(100, 0)
    client.publish('q')
    await client.settle()
    expect(client.heard[0]?.args).toEqual({ reason: 'low on disk & memory' })
  })
})

it('a client that cannot read connection.blocked is blocked in silence', async () => {
  alarm(100)
  client.publish('q')
  await client.settle()
  alarm(0)
  await client.settle()
  expect([client.heard, readyCount()]).toEqual([[], 1])
})

it('a connection that went in an alarm is not unblocked after it', async () => {
  readsBlocked(client)
  alarm(100)
  client.publish('q')
  await client.settle()
  client.destroy()
  alarm(0)
  await client.settle()
  expect([client.names(), readyCount()]).toEqual([['connection.blocked'], 0])
})
