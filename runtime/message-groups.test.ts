// Message groups over real sockets: the example of docs/message-groups.md as it is printed there, and three
// workers on connections of their own, with one message that always fails.
import { connect } from 'amqplib'
import type { ChannelModel, ConfirmChannel, ConsumeMessage } from 'amqplib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startLocalServer } from '../test/local-server.ts'
import { runPageExample } from '../test/page-example.ts'
import type { RunningServer } from './server.ts'

const WAIT = { timeout: 30_000 }
const authorization = `Basic ${Buffer.from('guest:guest').toString('base64')}`

let server: RunningServer
let client: ChannelModel
let channel: ConfirmChannel

beforeAll(async () => {
  server = await startLocalServer()
  client = await connect(server.amqpUrl)
  channel = await client.createConfirmChannel()
})

afterAll(async () => {
  await client.close()
  await server.close()
})

async function queueOverHttp(name: string): Promise<object> {
  const answer = await fetch(`${server.httpUrl}/api/queues/%2F/${name}`, { headers: { authorization } })
  return await answer.json() as object
}

function publish(queue: string, ...keys: string[]): void {
  for (const key of keys) channel.sendToQueue(queue, Buffer.from(key), { headers: { group: key[0] } })
}

it('the example of the page prints what the page says', async () => {
  const { printed, promised } = await runPageExample('message-groups', server.amqpUrl)
  expect(printed).toBe(promised)
}, 30_000)

it.each(['classic', 'quorum'])('three workers take groups in order, and a poison message blocks its own: %s',
  async (type) => {
    const queue = `work-${type}`
    await channel.assertQueue(queue, {
      arguments: { 'x-queue-type': type, 'x-group-header': 'group', 'x-retry-delay': '50,50' },
    })
    const groups = ['a', 'b', 'c', 'd', 'p']
    const settled = new Map(groups.map((group) => [group, [] as string[]]))
    const out = new Map<string, number>()
    const failures: string[] = []
    let outMost = 0
    let attempts = 0
    const work = (message: ConsumeMessage, on: ConfirmChannel): void => {
      const key = message.content.toString()
      const group = key[0]!
      out.set(group, (out.get(group) ?? 0) + 1)
      if (out.get(group)! > 1) failures.push(`${key} came while its group was out`)
      outMost = Math.max(outMost, [...out.values()].reduce((sum, count) => sum + count, 0))
      setImmediate(() => {
        out.set(group, out.get(group)! - 1)
        if (key === 'p1') {
          attempts++
          return on.nack(message, false, false)
        }
        settled.get(group)!.push(key)
        on.ack(message)
      })
    }
    const workers = await Promise.all([1, 2, 3].map(async () => {
      const connection = await connect(server.amqpUrl)
      const worker = await connection.createConfirmChannel()
      await worker.prefetch(2)
      return { connection, worker }
    }))
    const numbers = Array.from({ length: 60 }, (_, n) => n + 1)
    publish(queue, ...numbers.flatMap((n) => groups.map((group) => `${group}${n}`)))
    await channel.waitForConfirms()
    for (const { worker } of workers) {
      await worker.consume(queue, (message) => { if (message !== null) work(message, worker) })
    }
    // It is given up after its third attempt, and dropped: the queue has no dead-letter exchange.
    await expect.poll(() => [...settled.values()].map(({ length }) => length), WAIT)
      .toEqual([60, 60, 60, 60, 59])
    for (const [group, keys] of settled) {
      expect(keys).toEqual(numbers.map((n) => `${group}${n}`).filter((key) => key !== 'p1'))
    }
    expect([failures, attempts, outMost > 1]).toEqual([[], 3, true])
    await Promise.all(workers.map(({ connection }) => connection.close()))
  }, 60_000)

it('the queue says over HTTP what is blocked, and why', async () => {
  await channel.assertQueue('seen', {
    arguments: { 'x-group-header': 'group', 'x-retry-delay': '1h' },
  })
  publish('seen', 'a1', 'b1', 'b2', 'b3', 'a2')
  await channel.waitForConfirms()
  const first = await channel.get('seen')
  if (first === false) throw new Error('nothing came')
  channel.nack(first, false, false)
  const second = await channel.get('seen')
  expect(second === false ? '' : second.content.toString()).toBe('b1')
  expect(await channel.get('seen')).toBe(false)
  expect(await queueOverHttp('seen')).toMatchObject({
    messages_ready: 4,
    groups: { unacknowledged: 1, waiting: 1, parked: 4, parked_bytes: 8, look_ahead_full: false },
  })
  const metrics = await fetch(`${server.httpUrl}/metrics/per-object`, { headers: { authorization } })
  expect(await metrics.text()).toContain('leveret_queue_messages_parked{vhost="/",queue="seen"} 4')
})

it('priorities beside groups are refused, and both are named', async () => {
  const other = await client.createChannel()
  other.on('error', () => {})
  const both = { 'x-group-header': 'g', 'x-max-priority': 5 }
  await expect(other.assertQueue('both', { arguments: both })).rejects.toThrow(
    "invalid arg 'x-group-header' for queue 'both' in vhost '/': 'x-max-priority' would change")
})
